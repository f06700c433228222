//! Makes the cluster equal to the directory: with `apply`, or as Flux does.

use crate::month::desk::Outcome;
use crate::month::files::App;
use crate::month::life::Life;
use crate::month::settle::HINTS;

impl Life<'_> {
    /// Applies all directories in one run, or each in its own, with or without a prune, and checks the invariants.
    pub(crate) fn sync(&mut self) -> Outcome {
        let is_pruned = self.flux.is_some() || !self.desk.one_in(4);
        let mut apps = self.apps();
        if self.desk.one_in(2) {
            apps.reverse();
        }
        if let Some(flux) = self.flux {
            self.commit("sync")?;
            let revision = flux.publish(&self.desk.root(), &self.first_app);
            self.desk.note(format!("    Flux syncs {revision}"));
            flux.wait(&self.first_app, &revision)?;
        } else if self.desk.one_in(3) {
            for app in &apps {
                self.apply(std::slice::from_ref(app), is_pruned)?;
            }
        } else {
            self.apply(&apps, is_pruned)?;
        }
        self.check_all(&apps, is_pruned)
    }

    /// Applies directories in one run, and follows hints until that succeeds.
    pub(crate) fn apply(&mut self, apps: &[App], is_pruned: bool) -> Outcome {
        let (directory, files) = self.place(apps);
        let mut more = if is_pruned { " --prune --yes".to_owned() } else { String::new() };
        if self.desk.one_in(3) {
            more += " --wait address --timeout 90s";
        }
        for _ in 0..=HINTS {
            let said = self.run(&directory, &format!("apply{files}{more}"))?;
            if said.is_ok() {
                return Ok(());
            }
            // The model agrees that this many Services end.
            if said.err.contains("--max-prune") && !self.left.is_empty() && !more.contains("--max-prune") {
                more += " --max-prune 100%";
            } else if !self.follow_hint(&directory, &said)? {
                return Err("the hint has no command".to_owned());
            }
        }
        Err(format!("no apply succeeds after {HINTS} hints"))
    }

    /// Checks the cluster, and that there is nothing left to do.
    pub(crate) fn check_all(&mut self, apps: &[App], is_pruned: bool) -> Outcome {
        self.check_cluster(is_pruned)?;
        let (directory, files) = self.place(apps);
        let locked = if self.desk.one_in(2) { " --locked" } else { " --allow-shrink" };
        if !self.run(&directory, &format!("render{files} --check{locked}"))?.is_ok() {
            return Err("a check after the render fails".to_owned());
        }
        let prune = if is_pruned { " --prune" } else { "" };
        let said = self.run(&directory, &format!("diff{files} --live{prune}"))?;
        // Flux makes no sets, and membership is all that may differ.
        let is_same = if self.flux.is_some() { said.out.is_empty() } else { said.is_ok() };
        if is_same { Ok(()) } else { Err("diff --live reports a difference".to_owned()) }
    }

    /// Applies with a prune if Services are left, so that an operation on sets begins without them.
    pub(crate) fn tidy(&mut self) -> Outcome {
        if self.left.is_empty() || self.flux.is_some() {
            return Ok(());
        }
        let apps = self.apps();
        self.apply(&apps, true)?;
        self.check_all(&apps, true)
    }

    /// Creates the objects of Flux, or changes their path.
    pub(crate) fn configure_flux(&mut self) {
        let Some(flux) = self.flux else { return };
        let app = &self.apps()[0];
        let file = format!("{}/gitops/flux.yaml", app.directory);
        let text = self.desk.read(&file).unwrap();
        let line = |line: &str| {
            if line.starts_with("  path: ") { format!("  path: ./{}", app.output) } else { line.to_owned() }
        };
        let text: Vec<String> = text.lines().map(line).collect();
        self.desk.write(&file, &(text.join("\n") + "\n"));
        flux.configure(&self.desk.root().join(file));
    }
}
