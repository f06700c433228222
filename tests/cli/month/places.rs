//! Renames, moves and splits of specs.

use std::collections::BTreeSet;

use crate::month::desk::Outcome;
use crate::month::files::{Lock, rendered};
use crate::month::life::Life;

type Done = Outcome<Option<()>>;

impl Life {
    /// Renames the file of a spec; the lock is renamed with it, or by the hint.
    pub fn rename_spec(&mut self) -> Done {
        let app = self.some_app()?;
        let stem = format!("{}/spec{}", app.directory, self.next());
        self.desk.must(&format!("git mv {} {stem}.yaml", app.spec))?;
        if self.desk.one_in(2) {
            self.desk.must(&format!("git mv {} {stem}.lock", app.lock))?;
        }
        self.settled("rename a spec")
    }

    pub fn rename_output(&mut self) -> Done {
        let app = self.some_app()?;
        let name = format!("tree{}", self.next());
        let text = self.desk.read(&app.spec).unwrap();
        let old = format!("  output: {}\n", app.output.split_once('/').unwrap().1);
        self.desk.write(&app.spec, &text.replace(&old, &format!("  output: {name}\n")));
        self.settle()?;
        self.remove_old_outputs()?;
        self.commit("rename an output directory").map(Some)
    }

    /// Removes rendered files outside of the output directories, as `render` says.
    fn remove_old_outputs(&mut self) -> Outcome {
        let root = self.desk.root();
        let apps = self.apps();
        let used: BTreeSet<&String> = apps.iter().map(|app| &app.output).collect();
        for app in &apps {
            for name in crate::month::files::names(&root.join(&app.directory)) {
                let path = format!("{}/{name}", app.directory);
                if !used.contains(&path) && !rendered(&root, &path).is_empty() {
                    self.desk.must(&format!("rm -r {path}"))?;
                }
            }
        }
        Ok(())
    }

    /// Renames an app, or moves it to another namespace. Offline, its Services stay, and the lock keeps the ApplySet.
    pub fn rename_app(&mut self) -> Done {
        let app = self.some_app()?;
        let text = self.desk.read(&app.spec).unwrap();
        let (name, namespace) = metadata(&text);
        let new = if self.desk.one_in(2) {
            (format!("app{}", self.next()), namespace.to_owned())
        } else {
            (name.to_owned(), format!("ns{}", self.next()))
        };
        let line = |(name, namespace): (&str, &str)| format!("{{name: {name}, namespace: {namespace}}}");
        self.desk.write(&app.spec, &text.replace(&line((name, namespace)), &line((&new.0, &new.1))));
        self.settled("rename an app")
    }

    pub fn move_directory(&mut self) -> Done {
        let app = self.some_app()?;
        let to = format!("dir{}", self.next());
        self.desk.must(&format!("git mv {} {to}", app.directory))?;
        self.settled("move a directory")
    }

    /// Moves a Service to a spec of its own.
    pub fn split(&mut self) -> Done {
        let apps = self.apps();
        let Some(app) = apps.first().filter(|app| apps.len() == 1 && app.services.len() > 1) else {
            return Ok(None);
        };
        let services: Vec<String> = app.services.keys().cloned().collect();
        let Some(service) = self.desk.pick(&services) else { return Ok(None) };
        let lock = Lock::of(&self.desk.root(), app).ok_or("the lock cannot be read")?;
        let to = format!("app{}", self.next());
        let text = self.desk.read(&app.spec).unwrap();
        self.desk.must(&format!("mkdir {to} && git mv {}/{service}.yaml {to}/", app.directory))?;
        self.set_manifests(app, |listed| listed.retain(|it| *it != format!("{service}.yaml")));
        let spec = format!("{to}/largescale.yaml");
        let old = metadata(&text).0.to_owned();
        let text = text.replace(&format!("{{name: {old},"), &format!("{{name: {to},"));
        self.desk.write(&spec, &text);
        let fresh = self.apps().into_iter().find(|app| app.spec == spec).ok_or("no new spec")?;
        self.set_manifests(&fresh, |listed| *listed = vec![format!("{service}.yaml")]);
        self.new_lock = Some(lock.pools);
        let said = self.desk.program("", &format!("render -f {to} --pools-of {}", app.spec));
        if !said.is_ok() && !said.err.contains("refusing to drop more than half") {
            return Err("the split fails".to_owned());
        }
        if !said.is_ok() {
            let flags = format!("render -f {to} --allow-shrink --pools-of {}", app.spec);
            if !self.desk.program("", &flags).is_ok() {
                return Err("the split fails".to_owned());
            }
        }
        self.settled("split a spec")
    }
}

/// Returns the name and the namespace of an app.
fn metadata(spec: &str) -> (&str, &str) {
    let of = |start: &str| {
        let rest = spec.split_once(start).map_or("", |(_, rest)| rest);
        rest.split([',', '}']).next().unwrap_or_default()
    };
    (of("metadata: {name: "), of(", namespace: "))
}
