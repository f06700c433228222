//! Renames of specs, apps and directories, and a move to another namespace.

use crate::month::desk::Outcome;
use crate::month::files::{App, rendered};
use crate::month::life::{Done, Life};

impl Life<'_> {
    /// Renames the file of a spec; the lock is renamed with it, or by the hint.
    pub(crate) fn rename_spec(&mut self) -> Done {
        let app = self.some_app()?;
        let stem = format!("{}/spec{}", app.directory, self.next());
        self.desk.must(&format!("git mv {} {stem}.yaml", app.spec))?;
        if self.desk.one_in(2) {
            self.desk.must(&format!("git mv {} {stem}.lock", app.lock))?;
        }
        self.settled("rename a spec")
    }

    /// Renames the output directory. Flux gets the new path before the old directory is removed.
    pub(crate) fn rename_output(&mut self) -> Done {
        let app = self.some_app()?;
        let old = format!("  output: {}\n", app.output.split_once('/').unwrap().1);
        let new = format!("  output: tree{}\n", self.next());
        self.edit(&app.spec, &old, &new);
        self.settle()?;
        if self.flux.is_some() {
            self.sync()?;
            self.configure_flux();
            self.sync()?;
        }
        if !rendered(&self.desk.root(), &app.output).is_empty() {
            self.desk.must(&format!("rm -r {}", app.output))?;
        }
        self.settled("rename an output directory")
    }

    /// Moves the directory of a spec. Flux has to know both paths for a moment, so a copy stays until it has the new one.
    pub(crate) fn move_directory(&mut self) -> Done {
        let app = self.some_app()?;
        let to = format!("dir{}", self.next());
        self.desk.must(&format!("git mv {} {to}", app.directory))?;
        if self.flux.is_none() {
            return self.settled("move a directory");
        }
        self.desk.must(&format!(
            "mkdir {0} && cp -R {to}/{1} {2}",
            app.directory,
            app.output.split_once('/').unwrap().1,
            app.output
        ))?;
        self.settle()?;
        self.sync()?;
        self.configure_flux();
        self.sync()?;
        self.desk.must(&format!("rm -r {}", app.directory))?;
        self.settled("move a directory")
    }

    /// Gives an app another name, in its spec only.
    pub(crate) fn set_name(&mut self) -> Outcome<App> {
        let app = self.some_app()?;
        let (name, _) = self.name(&app);
        let new = format!("app{}", self.next());
        self.edit(&app.spec, &format!("{{name: {name},"), &format!("{{name: {new},"));
        self.settle()?;
        Ok(app)
    }

    /// Renames an app. The user runs `move`, or an `apply` that is refused with a hint.
    pub(crate) fn rename_app(&mut self) -> Done {
        self.tidy()?;
        let app = self.set_name()?;
        if self.flux.is_none() && self.desk.one_in(2) {
            self.move_objects(&app.spec, "")?;
        }
        self.settled("rename an app")
    }

    /// Runs `move`, which must succeed.
    pub(crate) fn move_objects(&mut self, spec: &str, flags: &str) -> Outcome {
        let app = self.apps().into_iter().find(|app| app.spec == spec).ok_or("no spec")?;
        let (directory, file) = self.place(&[app]);
        if self.desk.one_in(3) && !self.run(&directory, &format!("move{file}{flags} --dry-run"))?.is_ok() {
            return Err("a move --dry-run fails".to_owned());
        }
        let said = self.run(&directory, &format!("move{file}{flags} --yes"))?;
        if said.is_ok() { Ok(()) } else { Err("a move fails".to_owned()) }
    }

    /// Moves the only app to another namespace: the old objects serve until a prune.
    pub(crate) fn move_namespace(&mut self) -> Done {
        let apps = self.apps();
        let [app] = &apps[..] else { return Ok(None) };
        self.tidy()?;
        let (name, old) = self.name(app);
        let number = self.next();
        let new = format!("{}-{number}", self.namespaces[0]);
        self.edit(&app.spec, &format!("namespace: {old}"), &format!("namespace: {new}"));
        self.settle()?;
        self.plane.create_namespace(&new);
        self.namespaces.push(new);
        self.move_objects(&app.spec, "")?;
        // Until the prune, both generations are in the model.
        if !self.run("", &format!("apply -f {} --wait address --timeout 90s", app.spec))?.is_ok() {
            return Err(format!("{name} is not applied to the new namespace"));
        }
        self.leave(|(namespace, _)| *namespace == old);
        if self.desk.one_in(2)
            && !self.run("", &format!("prune -f {} --yes --max-prune 100%", app.spec))?.is_ok()
        {
            return Err("a prune fails".to_owned());
        }
        self.settled("move to another namespace")
    }
}
