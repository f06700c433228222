//! Services that move from one app to another.

use crate::month::desk::Outcome;
use crate::month::files::{App, Lock};
use crate::month::life::{Done, Life};
use crate::month::settle::hinted_flag;

impl Life<'_> {
    /// Moves manifests from one spec to another one.
    fn move_manifests(&mut self, from: &App, to: &App, services: &[String]) -> Outcome {
        for service in services {
            let file = format!("{service}.yaml");
            self.desk.must(&format!("git mv {}/{file} {}/", from.directory, to.directory))?;
            self.set_manifests(from, |listed| listed.retain(|it| *it != file));
            self.set_manifests(to, |listed| listed.push(file.clone()));
        }
        Ok(())
    }

    /// Writes a second spec for one Service, and renders both.
    pub(crate) fn prepare_split(&mut self) -> Outcome<Option<(App, App)>> {
        let apps = self.apps();
        let [from] = &apps[..] else { return Ok(None) };
        if from.services.len() < 2 {
            return Ok(None);
        }
        self.tidy()?;
        let Some(service) = self.some_service(from) else { return Ok(None) };
        let to = format!("app{}", self.next());
        let (name, _) = self.name(from);
        let text = self
            .desk
            .read(&from.spec)
            .unwrap()
            .replace(&format!("{{name: {name},"), &format!("{{name: {to},"));
        self.desk.write(&format!("{to}/largescale.yaml"), &text);
        let spec = format!("{to}/largescale.yaml");
        let find = |life: &Self| life.apps().into_iter().find(|app| app.spec == spec).ok_or("no new spec");
        let fresh = find(self)?;
        self.set_manifests(&fresh, Vec::clear);
        self.move_manifests(from, &fresh, &[service])?;
        if self.desk.one_in(2) {
            self.follow_warning(from, &fresh)?;
        } else {
            self.render_at_root(&fresh, from)?;
        }
        self.settle()?;
        Ok(Some((from.clone(), find(self)?)))
    }

    /// Renders the old spec first, and the new one with the flag that a warning has, if a pool is empty.
    fn follow_warning(&mut self, from: &App, to: &App) -> Outcome {
        let shrink = if self.empty_pools().len() * 2 > self.pools.len() { " --allow-shrink" } else { "" };
        let said = self.run("", &format!("render -f {}{shrink}", from.spec))?;
        let flag =
            said.err.split('`').find(|text| text.starts_with("--pools-of ")).unwrap_or_default().to_owned();
        if !said.is_ok() || flag.is_empty() != self.empty_pools().is_empty() {
            return Err("no warning has the flag that keeps an empty pool".to_owned());
        }
        if flag.is_empty() {
            return self.render(&to.spec, "");
        }
        self.desk.count("followed: --pools-of of a warning".to_owned());
        let said = self.run("", &format!("render -f {} {flag}{shrink}", to.spec))?;
        if said.is_ok() { Ok(()) } else { Err("a render with --pools-of fails".to_owned()) }
    }

    /// `--pools-of` is relative to the directory of the user.
    fn render_at_root(&mut self, to: &App, from: &App) -> Outcome {
        let shrink = if self.empty_pools().len() * 2 > self.pools.len() { " --allow-shrink" } else { "" };
        let line = format!("render -f {} --pools-of {}{shrink}", to.spec, from.spec);
        if self.run("", &line)?.is_ok() { Ok(()) } else { Err("a render with --pools-of fails".to_owned()) }
    }

    pub(crate) fn split(&mut self) -> Done {
        let Some((from, to)) = self.prepare_split()? else { return Ok(None) };
        self.hand_over(&from, &to)?;
        self.settled("split a spec")
    }

    /// Splits a spec and reverts the commit: the new directory is gone, and the Services return.
    pub(crate) fn undo_split(&mut self) -> Done {
        if self.split()?.is_none() {
            return Ok(None);
        }
        self.tidy()?;
        self.desk.must("git revert --no-edit HEAD")?;
        self.settled("revert a split")
    }

    pub(crate) fn move_service(&mut self) -> Done {
        let Some((from, to)) = self.prepare_move()? else { return Ok(None) };
        self.hand_over(&from, &to)?;
        self.settled("move a Service")
    }

    /// Moves a Service between two specs, and renders both.
    pub(crate) fn prepare_move(&mut self) -> Outcome<Option<(App, App)>> {
        let mut apps = self.apps();
        if self.desk.one_in(2) {
            apps.reverse();
        }
        // The first one has a Service to give away.
        apps.sort_by_key(|app| app.services.len() < 2);
        let [from, to] = &apps[..] else { return Ok(None) };
        if from.services.len() < 2 {
            return Ok(None);
        }
        self.tidy()?;
        let Some(service) = self.some_service(from) else { return Ok(None) };
        self.move_manifests(from, to, &[service])?;
        self.settle()?;
        Ok(Some((from.clone(), to.clone())))
    }

    /// Hands the Services over in one of the ways that a user may try.
    fn hand_over(&mut self, from: &App, to: &App) -> Outcome {
        let way = self.desk.below(5);
        self.desk.note(format!("    way {way}"));
        match way {
            // Both in one run.
            0 | 1 => {}
            2 => {
                let (name, _) = self.name(from);
                self.move_objects(&to.spec, &format!(" --from {name}"))?;
            }
            // Only the new one: it is refused, and the hint moves them.
            3 => self.apply(std::slice::from_ref(to), true)?,
            // Only the old one, with a prune: it is refused, and the hint names both.
            _ => self.apply(std::slice::from_ref(from), true)?,
        }
        Ok(())
    }

    /// Moves all manifests into one directory, and removes the other.
    pub(crate) fn join(&mut self) -> Done {
        let mut apps = self.apps();
        if self.desk.one_in(2) {
            apps.reverse();
        }
        let [from, to] = &apps[..] else { return Ok(None) };
        self.tidy()?;
        let services: Vec<String> = from.services.keys().cloned().collect();
        self.move_manifests(from, to, &services)?;
        self.render_at_root(to, from)?;
        let (name, _) = self.name(from);
        let id = Lock::of(&self.desk.root(), from).ok_or("the lock cannot be read")?.id;
        self.desk.must(&format!("git rm -q -r --cached {0} && rm -r {0}", from.directory))?;
        let is_named = self.desk.one_in(2);
        if is_named {
            self.move_objects(&to.spec, &format!(" --from {name} --from-id {id}"))?;
        } else {
            // The user leaves out the id first; the hint has the flag.
            let said = self.run("", &format!("move -f {} --from {name} --yes", to.spec))?;
            if hinted_flag(&said) != Some(format!("--from-id {id}")) {
                return Err("the id of the lock is not asked for".to_owned());
            }
            self.desk.count("followed: add --from-id".to_owned());
            self.move_objects(&to.spec, &format!(" --from {name} --from-id {id}"))?;
        }
        self.settled("join two specs")
    }
}
