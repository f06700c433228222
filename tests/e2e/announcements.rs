//! Adopts Services whose nodes other objects select, on a platform where the controller's own kinds do that.

use std::fs;

use largescale::core::platform::read_builtin;
use serde_json::json;

use crate::app::App;
use crate::control_plane::ControlPlane;
use crate::estates::selecting;
use crate::provider_nodes::node;
use crate::wait::until;

const POOLS: [&str; 3] = ["blue", "green", "red"];

/// The user of the commands.
const USER: &str = "announcer";

/// Gives the user the right to import Services of the namespace, and to read the cluster's identity.
fn permit(app: &App<'_>) {
    let file = |name: &str| format!("{}/docs/rbac/{name}.yaml", env!("CARGO_MANIFEST_DIR"));
    for role in ["importer", "pools", "announcements"] {
        app.kubectl(&["apply", "--server-side", "-f", &file(role)]).ok();
    }
    let user = format!("--user={USER}");
    app.kubectl(&["create", "rolebinding", "importer", "--clusterrole=largescale-importer", &user]).ok();
    let name = format!("{USER}-pools");
    app.kubectl(&["create", "clusterrolebinding", &name, "--clusterrole=largescale-pools", &user]).ok();
}

/// Creates two Services, and the objects that select their nodes, as their owner did.
fn create(plane: &ControlPlane, app: &App<'_>) {
    let platform = read_builtin("metallb-l2").unwrap().unwrap();
    selecting::define_kinds(plane);
    let pools = POOLS.map(str::to_owned);
    for object in selecting::objects(&platform, &pools, "announced") {
        plane.create(&selecting::list(&object), &object);
    }
    for pool in &POOLS[..2] {
        let service = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": format!("web-{pool}"),
            "annotations": {"metallb.io/address-pool": format!("announced-{pool}")}},
            "spec": {"type": "LoadBalancer", "selector": {"app": "web"}, "ports": [{"port": 80}]}});
        plane.create(&app.path("v1", "services"), &service);
    }
    let nodes: Vec<_> =
        POOLS.iter().map(|pool| node(&platform, &format!("{pool}-0"), Some(pool), &[])).collect();
    app.write("nodes.json", &json!({"kind": "NodeList", "apiVersion": "v1", "items": nodes}).to_string());
}

#[test]
fn services_keep_the_objects_that_select_their_nodes() {
    let Some(plane) = ControlPlane::shared() else { return };
    let app = App::empty(plane, "announcements");
    create(plane, &app);
    permit(&app);
    let init = |directory: &str, flags: &[&str]| {
        let base =
            ["init", directory, "--from-cluster", "--namespace", &app.namespace, "--nodes", "nodes.json"];
        app.run(&[&base[..], &["--platform", "metallb-l2", "--label", "pool", "--as", USER], flags].concat())
    };
    let refused = until("the rights are known", || {
        let run = init("none", &[]);
        (!run.err.contains("cannot list services")).then_some(run)
    });
    assert!(
        refused.code == Some(5)
            && refused
                .err
                .contains("cannot read which nodes the l2advertisements of the cluster select: forbidden")
            && refused.err.contains("--pool web-blue="),
        "{refused:?}"
    );
    // The hint is true: the pools can be stated.
    let stated = init("stated", &["--pool", "web-blue=blue", "--pool", "web-green=green"]);
    assert_eq!(stated.code, Some(0), "{stated:?}");
    let (name, user) = (format!("{USER}-announcements"), format!("--user={USER}"));
    app.kubectl(&["create", "clusterrolebinding", &name, "--clusterrole=largescale-announcements", &user])
        .ok();
    let run = until("the role is known", || {
        let run = init("app", &[]);
        (run.code == Some(0)).then_some(run)
    });
    assert!(run.err.contains("adopting changes nothing: "), "{run:?}");
    let spec = fs::read_to_string(app.directory().join("app/largescale.yaml")).unwrap();
    assert!(spec.contains("    existingObjectsFor:\n      web:\n      - blue\n      - green\n"), "{spec}");
    assert!(spec.contains("exclude: [red]"), "{spec}");
    let rendered = app.run(&["render", "-f", "app"]).ok();
    assert!(rendered.contains("2 created") && !rendered.contains("ipaddresspool"), "{rendered}");
    // A new pool needs the objects of the platform, and addresses for them. The existing pools need neither.
    app.edit("app/largescale.yaml", "exclude: [red]", "exclude: []");
    let missing = app.run(&["render", "-f", "app"]);
    let hint = "set `spec.settings: {addresses: {red: ...}}`";
    assert!(missing.code == Some(3) && missing.err.contains(hint), "{missing:?}");
    let spec = fs::read_to_string(app.directory().join("app/largescale.yaml")).unwrap();
    app.write("app/largescale.yaml", &format!("{spec}  settings: {{addresses: {{red: [192.0.2.0/28]}}}}\n"));
    let grown = app.run(&["render", "-f", "app"]).ok();
    for file in ["ipaddresspool-web-red.yaml", "l2advertisement-web-red.yaml", "service-web-red.yaml"] {
        assert!(grown.contains(file), "{grown}");
    }
    assert!(grown.contains("3 created, 0 changed, 0 removed, 2 unchanged"), "{grown}");
}
