//! The invariants after each step.

use std::collections::{BTreeMap, BTreeSet};

use crate::month::desk::Outcome;
use crate::month::files::{App, Lock, rendered};
use crate::month::known::Known;
use crate::month::life::Life;

impl Life {
    /// Checks the invariants of a clean directory.
    pub fn check(&mut self) -> Outcome {
        let root = self.desk.root();
        let alive = self.alive();
        let mut locks: BTreeMap<String, (App, Lock)> = BTreeMap::new();
        for app in self.apps() {
            let lock = Lock::of(&root, &app).ok_or_else(|| format!("{} cannot be read", app.lock))?;
            if locks.contains_key(&lock.id) {
                return Err(format!("two locks have the id of {}", app.lock));
            }
            self.check_files(&app, &lock)?;
            locks.insert(lock.id.clone(), (app, lock));
        }
        let mut required: Known = self.known.clone();
        for (id, (_, lock)) in &locks {
            if !self.known.iter().any(|(known, _)| known == id) {
                let new = self.new_lock.take().ok_or_else(|| format!("the lock {id} is new"))?;
                required.extend(new.iter().map(|pool| (id.clone(), pool.clone())));
            }
            required.extend(alive.iter().map(|pool| (id.clone(), pool.clone())));
            if lock.is_pending {
                return Err("the lock is pending after a render".to_owned());
            }
        }
        let actual: Known = locks
            .iter()
            .flat_map(|(id, (_, lock))| lock.pools.iter().map(|pool| (id.clone(), pool.clone())))
            .collect();
        if let Some((id, pool)) = required.difference(&actual).next() {
            return Err(format!("the pool {pool} of the lock {id} is lost"));
        }
        let allowed: Known = required.union(&self.allowed).cloned().collect();
        if let Some((_, pool)) = actual.difference(&allowed).next() {
            return Err(format!("the pool {pool} came back"));
        }
        self.known = actual;
        self.allowed.clear();
        self.may_overwrite = false;
        self.is_clean()
    }

    /// Every pool of the lock has the file of each Service, and every rendered file is in the lock.
    fn check_files(&self, app: &App, lock: &Lock) -> Outcome {
        let on_disk = rendered(&self.desk.root(), &app.output);
        if on_disk != lock.files {
            let differ: Vec<&String> = on_disk.symmetric_difference(&lock.files).collect();
            return Err(format!("{}: the lock and the directory differ in {differ:?}", app.output));
        }
        let mut expected = BTreeSet::new();
        for (service, port) in &app.services {
            for pool in &lock.pools {
                let path = app.file(service, pool);
                expected.insert(path.rsplit('/').next().unwrap().to_owned());
                let text = self.desk.read(&path).ok_or_else(|| format!("{path} is missing"))?;
                for line in [format!("  name: {service}-{pool}\n"), format!("  - port: {port}\n")] {
                    if !text.contains(&line) {
                        return Err(format!("{path} lacks `{}`", line.trim()));
                    }
                }
            }
        }
        if on_disk == expected { Ok(()) } else { Err(format!("{} has other files", app.output)) }
    }

    /// A check after a render changes nothing.
    fn is_clean(&mut self) -> Outcome {
        for app in self.apps() {
            let (directory, file) = self.place(&app.spec);
            // Nodes of most pools may be gone for now; the lock does not need them.
            let shrink = " --allow-shrink";
            let flags = if self.desk.one_in(2) { " --locked" } else { shrink };
            let quick = self.quick();
            let said = self.desk.program(&directory, &format!("render{file} --check{flags}{quick}"));
            if !said.is_ok() {
                return Err("a check after the render fails".to_owned());
            }
        }
        Ok(())
    }
}
