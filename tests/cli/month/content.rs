//! Operations on manifests, rendered files and locks.

use crate::month::desk::Outcome;
use crate::month::files::{App, Lock, manifests, rendered};
use crate::month::life::{Life, manifest};

type Done = Outcome<Option<()>>;

impl Life {
    pub fn some_app(&mut self) -> Outcome<App> {
        let apps = self.apps();
        self.desk.pick(&apps).ok_or_else(|| "no spec is left".to_owned())
    }

    pub fn settled(&mut self, subject: &str) -> Done {
        self.settle()?;
        self.commit(subject).map(Some)
    }

    /// Gives a Service another port.
    pub fn set_port(&mut self, app: &App, service: &str) {
        let port = 1000 + self.next();
        self.desk.write(&format!("{}/{service}.yaml", app.directory), &manifest(service, port));
    }

    pub fn change_port(&mut self) -> Done {
        let app = self.some_app()?;
        let services: Vec<String> = app.services.keys().cloned().collect();
        let Some(service) = self.desk.pick(&services) else { return Ok(None) };
        self.set_port(&app, &service);
        self.settled(&format!("change the port of {service}"))
    }

    pub fn set_manifests(&mut self, app: &App, change: impl FnOnce(&mut Vec<String>)) {
        let text = self.desk.read(&app.spec).unwrap();
        let mut listed = manifests(&text);
        change(&mut listed);
        let line = format!("  manifests: [{}]", listed.join(", "));
        let replace =
            |old: &str| if old.starts_with("  manifests: ") { line.clone() } else { old.to_owned() };
        let text: Vec<String> = text.lines().map(replace).collect();
        self.desk.write(&app.spec, &(text.join("\n") + "\n"));
    }

    pub fn add_service(&mut self) -> Done {
        let app = self.some_app()?;
        if app.services.len() > 3 {
            return Ok(None);
        }
        let service = format!("svc{}", self.next());
        self.desk.write(&format!("{}/{service}.yaml", app.directory), &manifest(&service, 80));
        self.set_manifests(&app, |listed| listed.push(format!("{service}.yaml")));
        self.settled(&format!("add {service}"))
    }

    pub fn remove_service(&mut self) -> Done {
        let app = self.some_app()?;
        if app.services.len() < 2 {
            return Ok(None);
        }
        let services: Vec<String> = app.services.keys().cloned().collect();
        let Some(service) = self.desk.pick(&services) else { return Ok(None) };
        let name = format!("{service}.yaml");
        self.desk.must(&format!("git rm -q {}/{name}", app.directory))?;
        self.set_manifests(&app, |listed| listed.retain(|it| *it != name));
        self.settled(&format!("remove {service}"))
    }

    /// Returns the path of a rendered file.
    fn some_rendered(&mut self) -> Outcome<Option<String>> {
        let app = self.some_app()?;
        let files: Vec<String> = rendered(&self.desk.root(), &app.output).into_iter().collect();
        Ok(self.desk.pick(&files).map(|file| format!("{}/{file}", app.output)))
    }

    /// Edits a rendered file; it is restored, or overwritten.
    pub fn edit_rendered(&mut self) -> Done {
        let Some(file) = self.some_rendered()? else { return Ok(None) };
        let text = self.desk.read(&file).unwrap();
        self.desk.write(&file, &text.replace("port: ", "port: 4"));
        if self.desk.one_in(2) {
            let app = self.some_app()?;
            let services: Vec<String> = app.services.keys().cloned().collect();
            if let Some(service) = self.desk.pick(&services) {
                self.set_port(&app, &service);
            }
        }
        let specs: Vec<String> = self.apps().into_iter().map(|app| app.spec).collect();
        let mut is_reported = false;
        for spec in specs {
            is_reported |= !self.desk.program("", &format!("render -f {spec} --check --locked")).is_ok();
        }
        if !is_reported {
            return Err(format!("the edit of {file} is not reported"));
        }
        if self.desk.one_in(2) {
            self.desk.must(&format!("git checkout -q -- {file}"))?;
        } else {
            self.may_overwrite = true;
        }
        self.settled("an edit")
    }

    pub fn delete_rendered(&mut self) -> Done {
        let Some(file) = self.some_rendered()? else { return Ok(None) };
        self.desk.must(&format!("rm {file}"))?;
        self.settled("a deletion")
    }

    /// Copies a rendered file beside it: the copy is not in the lock.
    pub fn copy_rendered(&mut self) -> Done {
        let Some(file) = self.some_rendered()? else { return Ok(None) };
        let copy = file.replace(".yaml", "-copy.yaml");
        self.desk.must(&format!("cp {file} {copy}"))?;
        self.copy = Some(copy.clone());
        self.settle()?;
        if self.desk.exists(&copy) { Err("the copy was not reported".to_owned()) } else { Ok(Some(())) }
    }

    pub fn delete_lock(&mut self) -> Done {
        let app = self.some_app()?;
        let alive = self.alive();
        let lock = Lock::of(&self.desk.root(), &app).ok_or("the lock cannot be read")?;
        if lock.pools.is_subset(&alive) || app.services.is_empty() {
            return Ok(None);
        }
        self.desk.must(&format!("rm {}", app.lock))?;
        self.settled("a lost lock")
    }

    /// Restores the lock of an older commit.
    pub fn old_lock(&mut self) -> Done {
        let app = self.some_app()?;
        let commits = self.desk.must(&format!("git log -5 --format=%h -- {}", app.lock))?;
        let commits: Vec<String> = commits.lines().skip(1).map(str::to_owned).collect();
        let Some(commit) = self.desk.pick(&commits) else { return Ok(None) };
        // The last commit of a path may have moved the lock away.
        if !self.desk.shell("", &format!("git checkout -q {commit} -- {}", app.lock)).is_ok() {
            return Ok(None);
        }
        self.allowed = self.known_at(&commit)?;
        self.settled("an old lock")
    }
}
