//! `apply` on a Service that loses its load balancer because its type changes.

use serde_json::{Value, json};

use crate::app::App;
use crate::control_plane::ControlPlane;
use crate::objects::Patch;
use crate::wait::until;

/// Returns the Service `web` of an app.
#[track_caller]
fn web(plane: &ControlPlane, app: &App<'_>) -> Value {
    plane.get(&app.path("v1", "services/web")).unwrap()
}

/// Creates an app whose Service `web` is that of the first pool and has an address. Then the spec gives the name to a Service of
/// type ClusterIP. Returns the app and the address.
#[track_caller]
fn app_with_address<'a>(plane: &'a ControlPlane, name: &str) -> (App<'a>, String) {
    let app = App::new(plane, name);
    app.edit("largescale.yaml", "platform:", "names: {web: {pool00: web}}\n  platform:");
    app.run(&["render"]).ok();
    app.run(&["apply", "--wait", "address", "--timeout", "90s"]).ok();
    let address = web(plane, &app)["status"]["loadBalancer"]["ingress"][0]["ip"].as_str().unwrap().to_owned();
    app.edit("largescale.yaml", "names: {web: {pool00: web}}", "clusterIPServices: [web]");
    app.run(&["render"]).ok();
    (app, address)
}

#[test]
fn a_load_balancer_is_deleted_only_if_the_user_confirms() {
    let Some(plane) = ControlPlane::shared() else { return };
    let (app, address) = app_with_address(plane, "release-confirm");
    let before = web(plane, &app);
    let note = format!(
        "service/release-confirm/web will be of type ClusterIP: its load balancer will be deleted, and its address {address} will be lost\n"
    );

    let differs = app.run(&["diff", "--live", "--summary"]);
    assert_eq!(differs.code, Some(1), "{differs:?}");
    assert!(differs.err.contains(&note), "{differs:?}");
    let dry = app.run(&["apply", "--dry-run", "server"]);
    assert!(dry.err.contains(&note), "{dry:?}");
    let planned = app.run(&["diff", "--live", "--out", "plan.json"]);
    assert!(planned.err.contains(&note), "{planned:?}");

    for arguments in [&["apply"][..], &["apply", "plan.json"]] {
        let refused = app.run(arguments);
        assert_eq!(refused.code, Some(5), "{refused:?}");
        assert!(refused.err.contains(&note), "{refused:?}");
        assert!(
            refused.err.contains("1 load balancer would be deleted, but there is no terminal to confirm"),
            "{refused:?}"
        );
    }
    assert_eq!(web(plane, &app)["metadata"]["resourceVersion"], before["metadata"]["resourceVersion"]);
    assert_eq!(plane.get(&app.path("v1", "services/web-pool00")), None);

    app.run(&["apply", "--yes"]).ok();
    let after = web(plane, &app);
    assert_eq!(after["spec"]["type"], "ClusterIP");
    assert_eq!(
        after["spec"]["clusterIP"], before["spec"]["clusterIP"],
        "clients in the cluster keep the address"
    );
    assert_eq!(after["spec"]["ports"][0].get("nodePort"), None, "{after}");
    until("the load balancer is deleted", || {
        web(plane, &app)["status"]["loadBalancer"].get("ingress").is_none().then_some(())
    });
    assert!(plane.get(&app.path("v1", "services/web-pool00")).is_some());
    assert_eq!(app.run(&["diff", "--live"]).ok(), "");
    let again = app.run(&["apply"]);
    assert_eq!(again.code, Some(0), "{again:?}");
    assert!(!again.out.contains(" configured"), "{again:?}");
}

#[test]
fn a_load_balancer_stays_if_another_object_fails() {
    let Some(plane) = ControlPlane::shared() else { return };
    let (app, _) = app_with_address(plane, "release-failure");
    // The selector of a Deployment is immutable.
    app.edit("web.yaml", "app: web", "app: web2");
    app.run(&["render"]).ok();
    let run = app.run(&["apply", "--yes"]);
    assert_eq!(run.code, Some(6), "{run:?}");
    assert!(run.err.contains("skipping the deletion of load balancers"), "{run:?}");
    assert_eq!(web(plane, &app)["spec"]["type"], "LoadBalancer");
}

#[test]
fn a_service_that_another_manager_owns_stays() {
    let Some(plane) = ControlPlane::shared() else { return };
    let app = App::new(plane, "release-foreign");
    let body = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"},
        "spec": {"type": "LoadBalancer", "selector": {"app": "web"}, "ports": [{"port": 80, "targetPort": "http"}]}});
    plane.patch(&app.path("v1", "services/web"), Patch::Apply("other"), &body);
    app.edit("largescale.yaml", "platform:", "clusterIPServices: [web]\n  platform:");
    app.run(&["render"]).ok();
    let refused = app.run(&["apply"]);
    assert_eq!(refused.code, Some(5), "{refused:?}");
    // The confirmation does not replace the agreement to take fields of another field manager.
    let conflict = app.run(&["apply", "--yes"]);
    assert_eq!(conflict.code, Some(6), "{conflict:?}");
    assert_eq!(web(plane, &app)["spec"]["type"], "LoadBalancer");
    app.run(&["apply", "--yes", "--force-conflicts"]).ok();
    assert_eq!(web(plane, &app)["spec"]["type"], "ClusterIP");
}
