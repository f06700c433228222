//! Operations on manifests.

use crate::month::files::App;
use crate::month::life::{Done, Life, manifest};

impl Life<'_> {
    /// Gives a Service another port.
    pub(crate) fn set_port(&mut self, app: &App, service: &str) {
        let port = 1000 + self.next();
        self.desk.write(&format!("{}/{service}.yaml", app.directory), &manifest(service, port));
    }

    pub(crate) fn some_service(&mut self, app: &App) -> Option<String> {
        let services: Vec<String> = app.services.keys().cloned().collect();
        self.desk.pick(&services)
    }

    pub(crate) fn change_port(&mut self) -> Done {
        let app = self.some_app()?;
        let Some(service) = self.some_service(&app) else { return Ok(None) };
        self.set_port(&app, &service);
        self.settled(&format!("change the port of {service}"))
    }

    pub(crate) fn add_service(&mut self) -> Done {
        let app = self.some_app()?;
        if self.apps().iter().map(|app| app.services.len()).sum::<usize>() > 4 {
            return Ok(None);
        }
        let service = format!("svc{}", self.next());
        self.desk.write(&format!("{}/{service}.yaml", app.directory), &manifest(&service, 80));
        self.set_manifests(&app, |listed| listed.push(format!("{service}.yaml")));
        self.settled(&format!("add {service}"))
    }

    pub(crate) fn remove_service(&mut self) -> Done {
        let app = self.some_app()?;
        if app.services.len() < 2 {
            return Ok(None);
        }
        let Some(service) = self.some_service(&app) else { return Ok(None) };
        let file = format!("{service}.yaml");
        self.desk.must(&format!("git rm -q {}/{file}", app.directory))?;
        self.set_manifests(&app, |listed| listed.retain(|it| *it != file));
        let start = format!("{service}-");
        self.leave(|(_, name)| name.starts_with(&start));
        self.settled(&format!("remove {service}"))
    }
}
