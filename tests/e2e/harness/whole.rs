//! The control plane handles rendered objects like a real cluster.

use serde_json::{Value, json};

use crate::app::App;
use crate::control_plane::ControlPlane;
use crate::nodes::vm_set;
use crate::objects::Patch;
use crate::proxy::Proxy;
use crate::wait::until;

#[test]
fn from_render_to_addresses_and_ready_pods() {
    let Some(plane) = ControlPlane::shared() else { return };
    let app = App::rendered(plane, "harness-whole");
    let pools = app.run(&["pools", "-o", "json"]).json();
    assert_eq!(pools["items"].as_array().map(Vec::len), Some(plane.pools), "{pools}");

    app.kubectl(&["apply", "--server-side", "-f", "rendered"]).ok();
    let addresses = until("every Service has an address", || {
        let services = plane.list(&app.path("v1", "services"));
        let address = |service: &Value| {
            service["status"]["loadBalancer"]["ingress"][0]["ip"].as_str().map(str::to_owned)
        };
        services.iter().map(address).collect::<Option<Vec<_>>>()
    });
    assert_eq!(addresses.len(), plane.pools);
    let service = plane.get(&app.path("v1", "services/web-pool02")).unwrap();
    let annotation =
        &service["metadata"]["annotations"]["service.beta.kubernetes.io/azure-load-balancer-mode"];
    assert_eq!(*annotation, json!(vm_set(2)), "{service}");

    app.kubectl(&["rollout", "status", "deployment/web", "--timeout=60s"]).ok();
    let deployment = app.kubectl(&["get", "deployment", "web", "-o", "json"]).json();
    assert_eq!(deployment["status"]["readyReplicas"], 3, "{deployment}");

    // A deleted Service disappears after the service controller has deleted its load balancer.
    plane.delete(&app.path("v1", "services/web-pool02"));
    until("the Service is gone", || {
        plane.get(&app.path("v1", "services/web-pool02")).is_none().then_some(())
    });
}

#[test]
fn objects_are_changed_without_the_program() {
    let Some(plane) = ControlPlane::shared() else { return };
    let app = App::new(plane, "harness-objects");
    app.edit("web.yaml", "greeting: hello", "greeting: goodbye");
    app.run(&["render"]).ok();
    let path = app.path("v1", "configmaps/web");
    assert_eq!(plane.get(&path), None);

    let object =
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "web"}, "data": {"a": "1"}});
    plane.create(&app.path("v1", "configmaps"), &object);
    plane.patch(&path, Patch::Merge, &json!({"data": {"b": "2"}}));
    plane.patch(&path, Patch::Json, &json!([{"op": "remove", "path": "/data/a"}]));
    let mut mine = object.clone();
    mine["data"] = json!({"c": "3"});
    let object = plane.patch(&path, Patch::Apply("other-manager"), &mine);
    assert_eq!(object["data"], json!({"b": "2", "c": "3"}));
    let managers: Vec<_> = object["metadata"]["managedFields"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|entry| (entry["manager"].clone(), entry["operation"].clone()))
        .collect();
    assert!(managers.contains(&(json!("other-manager"), json!("Apply"))), "{managers:?}");
    plane.delete(&path);
    assert_eq!(plane.get(&path), None);
}

#[test]
fn users_with_few_rights() {
    let Some(plane) = ControlPlane::shared() else { return };
    let app = App::new(plane, "harness-rights");
    let proxy = Proxy::passing(plane);
    let stranger = ["pools", "--as", "harness-stranger"];
    let run = app.run_through(&proxy, &stranger);
    assert_eq!(run.code, Some(4), "{run:?}");
    assert!(run.err.contains("user `harness-stranger` cannot list nodes"), "{}", run.err);

    plane.allow("harness-stranger", None, &["list"], "", "nodes");
    app.run_through(&proxy, &stranger).ok();
    assert!(proxy.sent().iter().all(|sent| sent.header("Impersonate-User") == Some("harness-stranger")));
    // A token authenticates as its own user, not as the administrator.
    let run = app.run_through(&proxy, &["pools", "--token", "nobody-token"]);
    assert!(run.err.contains("forbidden: user `nobody` cannot list nodes"), "{}", run.err);
    // Rights in one namespace are not valid in another.
    plane.allow("harness-stranger", Some(&app.namespace), &["get", "patch"], "", "configmaps");
    let may = |namespace: &str| {
        let question =
            ["auth", "can-i", "get", "configmaps", "--as", "harness-stranger", "--namespace", namespace];
        app.kubectl(&question).code
    };
    assert_eq!((may(&app.namespace), may("default")), (Some(0), Some(1)));
}
