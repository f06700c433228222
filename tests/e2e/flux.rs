//! Flux's kustomize-controller as a controller: it syncs rendered directories, and every Service keeps its address.

pub(crate) mod controller;

use serde_json::Value;

use crate::app::App;
use crate::control_plane::{ControlPlane, Parts};
use crate::flux::controller::Flux;
use crate::nodes::{node, node_name};
use crate::sets::{Services, assert_same, services, write_spec};
use crate::wait::until;

/// A repository whose directories `web` and `two` are synced.
struct Repository<'a> {
    plane: &'a ControlPlane,
    app: App<'a>,
    flux: Flux<'a>,
}

impl Repository<'_> {
    fn git(&self, line: &str) {
        let identity = "git -c user.name=test -c user.email=test@example.com";
        let output = self.app.shell_line(&line.replace("git ", &format!("{identity} ")));
        assert_eq!(output.code, Some(0), "{line}: {output:?}");
    }

    /// Writes the file of Flux for a directory, and creates its objects.
    fn follow(&self, directory: &str) {
        let repo = "https://git.example.com/team/deploy.git";
        self.app.run(&["init", directory, "--gitops", "flux", "--repo", repo]).ok();
        self.configure(directory);
    }

    fn configure(&self, directory: &str) {
        self.flux.configure(&self.app.directory().join(directory).join("gitops/flux.yaml"));
    }

    fn commit(&self) {
        self.git("git add -A . && git commit -q --allow-empty -m change");
    }

    /// Commits, publishes and waits until these directories are synced.
    #[track_caller]
    fn sync(&self, directories: &[&str]) -> Services {
        self.commit();
        for directory in directories {
            let revision = self.flux.publish(self.app.directory(), directory);
            self.flux.wait(directory, &revision).unwrap();
        }
        services(self.plane, &self.app)
    }

    #[track_caller]
    fn render(&self, flags: &[&str]) {
        self.app.run(&[&["render", "-f", "web"], flags].concat()).ok();
    }

    fn port(&self, service: &str) -> Value {
        let service = self.plane.get(&self.app.path("v1", &format!("services/{service}")));
        service.unwrap()["spec"]["ports"][0]["port"].clone()
    }
}

fn names(services: &Services) -> Vec<&str> {
    services.keys().map(String::as_str).collect()
}

/// Returns the Services of both that have the same name.
fn common(services: &Services, of: &Services) -> Services {
    services.iter().filter(|(name, _)| of.contains_key(*name)).map(|(k, v)| (k.clone(), v.clone())).collect()
}

#[test]
fn a_synced_directory_keeps_its_addresses() {
    let Some(plane) = ControlPlane::own(Parts::All, 6, 3) else { return };
    let Some(flux) = Flux::start(&plane) else { return };
    let plane = &plane;
    let repository = Repository { plane, app: App::empty(plane, "flux-month"), flux };
    let app = &repository.app;
    repository.git("git init -q -b main .");
    write_spec(app, "web", "web", &["a", "b"]);
    repository.render(&[]);
    repository.follow("web");
    let first = repository.sync(&["web"]);
    assert_eq!(names(&first), ["a-pool00", "a-pool01", "a-pool02", "b-pool00", "b-pool01", "b-pool02"]);
    assert!(first.values().all(|service| service.addresses.contains("198.1")), "{first:?}");

    app.edit(
        "web/m.yaml",
        "name: a}\nspec: {type: LoadBalancer, selector: {app: a}, ports: [{port: 80}",
        "name: a}\nspec: {type: LoadBalancer, selector: {app: a}, ports: [{port: 8080}",
    );
    repository.render(&[]);
    assert_eq!(repository.sync(&["web"]), first);
    assert_eq!((repository.port("a-pool01"), repository.port("b-pool01")), (8080.into(), 80.into()));

    // A new pool, and its end: without nodes it stays, and only a forgotten pool is deleted.
    let fresh = node(3, 4);
    plane.create("/api/v1/nodes", &fresh);
    until("the new node is known", || app.run(&["pools", "-f", "web"]).out.contains("pool03").then_some(()));
    repository.render(&[]);
    let with_new = repository.sync(&["web"]);
    assert_eq!(with_new.len(), 8);
    assert_eq!(common(&with_new, &first), first);
    plane.delete(&format!("/api/v1/nodes/{}", node_name(3, 4)));
    repository.render(&[]);
    assert_eq!(repository.sync(&["web"]), with_new, "a pool without nodes stays");
    repository.render(&["--forget", "pool03"]);
    let deleted = repository.sync(&["web"]);
    until("the Services of the forgotten pool are gone", || (services(plane, app) == first).then_some(()));
    assert_eq!(common(&deleted, &first), first);

    // The output directory and the app are renamed; the path changes before the old directory is removed.
    app.edit("web/largescale.yaml", "manifests: [m.yaml]", "manifests: [m.yaml], output: tree");
    repository.render(&[]);
    app.edit("web/gitops/flux.yaml", "./web/rendered", "./web/tree");
    assert_eq!(repository.sync(&["web"]), first);
    repository.configure("web");
    assert_eq!(repository.sync(&["web"]), first);
    repository.git("git rm -r -q web/rendered");
    assert_eq!(repository.sync(&["web"]), first);
    app.edit("web/largescale.yaml", "name: web", "name: store");
    repository.render(&[]);
    assert_eq!(repository.sync(&["web"]), first);
}

/// The order of docs/howto/rename-and-move.md.
#[test]
fn a_service_moves_to_another_kustomization() {
    let Some(plane) = ControlPlane::own(Parts::All, 6, 3) else { return };
    let Some(flux) = Flux::start(&plane) else { return };
    let plane = &plane;
    let repository = Repository { plane, app: App::empty(plane, "flux-move"), flux };
    let app = &repository.app;
    repository.git("git init -q -b main .");
    write_spec(app, "web", "web", &["a", "b"]);
    write_spec(app, "two", "two", &["c"]);
    app.run(&["render", "-f", "web", "-f", "two"]).ok();
    repository.follow("web");
    repository.follow("two");
    let before = repository.sync(&["web", "two"]);
    assert_eq!(before.len(), 9);

    write_spec(app, "web", "web", &["a"]);
    write_spec(app, "two", "two", &["b", "c"]);
    app.run(&["render", "-f", "web", "-f", "two"]).ok();
    repository.flux.suspend("web", true);
    // The source of the suspended Kustomization has the new revision too.
    repository.commit();
    let revision = repository.flux.publish(app.directory(), "web");
    assert_same(&before, &repository.sync(&["two"]));
    repository.flux.suspend("web", false);
    repository.flux.wait("web", &revision).unwrap();
    assert_same(&before, &repository.sync(&["web"]));
    for service in plane.list(&app.path("v1", "services")) {
        let name = service["metadata"]["name"].as_str().unwrap();
        let owner = if name.starts_with("a-") { "web" } else { "two" };
        assert_eq!(service["metadata"]["labels"]["kustomize.toolkit.fluxcd.io/name"], owner, "{name}");
    }
}
