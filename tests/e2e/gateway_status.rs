//! Gateways of pools in the commands that read the cluster. The test plays the implementation: it creates the Services and writes
//! the conditions. tests/e2e/gateway runs a real one.

use serde_json::{Value, json};

use crate::app::App;
use crate::control_plane::ControlPlane;
use crate::nodes::vm_set;
use crate::objects::Patch;
use crate::wait::until;

const API: &str = "gateway.networking.k8s.io/v1";
const SPEC: &str = "apiVersion: largescale.dev/v1alpha1
kind: LargeScale
metadata: {name: edge, namespace: gateway-status}
spec:
  manifests: [edge.yaml]
  platform: azure-basic
  pools: {include: [pool00, pool01]}
";
const MANIFESTS: &str = "apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: edge}
spec:
  gatewayClassName: nginx-status
  listeners: [{name: http, port: 80, protocol: HTTP}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: edge}
spec:
  parentRefs: [{name: edge}]
  rules: [{backendRefs: [{name: web, port: 80}]}]
";

/// The probe connects to the listeners of the Gateways, at the addresses of the Services that were made for them. Nothing answers there.
fn probed(app: &App<'_>, status: &Value) {
    let probe = app.run(&["probe", "--no-dns", "-o", "json"]);
    let probe: Value = serde_json::from_str(&probe.out).unwrap_or_else(|error| panic!("{error}: {probe:?}"));
    for (row, pool) in probe["ports"].as_array().unwrap().iter().zip(status["pools"].as_array().unwrap()) {
        assert_eq!(row["object"]["kind"], "Gateway", "{probe}");
        assert_eq!(row["object"]["name"], pool["gateway"]["name"]);
        assert_eq!(
            (&row["address"], &row["port"], &row["check"]),
            (&pool["addresses"][0], &json!(80), &json!("tcp"))
        );
    }
    assert_eq!(probe["ports"].as_array().unwrap().len(), 2, "{probe}");
}

/// Defines the kinds, as far as this test needs them.
fn define_kinds(plane: &ControlPlane) {
    for (group, version, kind, plural, scope) in [
        ("gateway.networking.k8s.io", "v1", "GatewayClass", "gatewayclasses", "Cluster"),
        ("gateway.networking.k8s.io", "v1", "Gateway", "gateways", "Namespaced"),
        ("gateway.networking.k8s.io", "v1", "HTTPRoute", "httproutes", "Namespaced"),
        ("gateway.nginx.org", "v1alpha2", "NginxProxy", "nginxproxies", "Namespaced"),
    ] {
        let schema = json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true});
        let annotations = json!({"api-approved.kubernetes.io": "unapproved, for a test"});
        plane.create(
            "/apis/apiextensions.k8s.io/v1/customresourcedefinitions",
            &json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
                "metadata": {"name": format!("{plural}.{group}"), "annotations": annotations},
                "spec": {"group": group, "scope": scope,
                    "names": {"plural": plural, "singular": kind.to_lowercase(), "kind": kind},
                    "versions": [{"name": version, "served": true, "storage": true, "schema": {"openAPIV3Schema": schema}}]}}),
        );
        until(&format!("{plural} are served"), || {
            let path = format!("/apis/{group}/{version}/{plural}");
            (plane.request("GET", &path, "application/json", None).0 == 200).then_some(())
        });
    }
}

/// Writes what the implementation would write to a Gateway or route.
fn write_status(plane: &ControlPlane, app: &App<'_>, plural: &str, name: &str, status: &Value) {
    plane.patch(&format!("{}/{name}", app.path(API, plural)), Patch::Merge, &json!({"status": status}));
}

/// Creates the Service of a Gateway as NGINX Gateway Fabric does: with the annotations of `spec.infrastructure`.
fn create_service(plane: &ControlPlane, app: &App<'_>, gateway: &str) {
    let live = plane.get(&format!("{}/{gateway}", app.path(API, "gateways"))).unwrap();
    let service = json!({"apiVersion": "v1", "kind": "Service",
        "metadata": {"name": format!("{gateway}-nginx"), "labels": {"gateway.networking.k8s.io/gateway-name": gateway},
            "annotations": live["spec"]["infrastructure"]["annotations"]},
        "spec": {"type": "LoadBalancer", "ports": [{"port": 80}]}});
    plane.create(&app.path("v1", "services"), &service);
}

fn programmed(status: &str, reason: &str) -> Value {
    json!({"conditions": [{"type": "Accepted", "status": "True", "reason": "Accepted"},
        {"type": "Programmed", "status": status, "reason": reason, "message": ""}]})
}

/// Checks `status` with the roles in docs/rbac, and without the one for Gateways.
fn with_few_rights(app: &App<'_>) {
    let user = "--user=gateway-viewer";
    for role in ["identity", "pools", "reader", "gateways"] {
        let file = format!("{}/docs/rbac/{role}.yaml", env!("CARGO_MANIFEST_DIR"));
        app.kubectl(&["apply", "--server-side", "-f", &file]).ok();
        let (name, role) = (format!("gateway-viewer-{role}"), format!("--clusterrole=largescale-{role}"));
        app.kubectl(&["create", "clusterrolebinding", &name, &role, user]).ok();
    }
    let status = || app.run(&["status", "--as", "gateway-viewer"]);
    let seen = until("the roles are known", || {
        let run = status();
        (run.code == Some(0)).then_some(run)
    });
    assert!(seen.out.contains("edge-pool00-nginx"), "{seen:?}");
    app.kubectl(&["delete", "clusterrolebinding", "gateway-viewer-gateways"]).ok();
    let refused = until("the role is gone", || {
        let run = status();
        (run.code != Some(0)).then_some(run)
    });
    assert!(refused.code == Some(4) && refused.err.contains("cannot get gateways"), "{refused:?}");
}

#[test]
fn gateways_of_pools_have_the_state_of_their_services() {
    let Some(plane) = ControlPlane::own(crate::control_plane::Parts::All, 8, 4) else { return };
    let plane = &plane;
    let app = App::empty(plane, "gateway-status");
    app.write("largescale.yaml", SPEC);
    app.write("edge.yaml", MANIFESTS);
    define_kinds(plane);
    let unknown = app.run(&["render"]);
    assert!(
        unknown.code == Some(3)
            && unknown.err.contains("the GatewayClass nginx-status of gateway/edge is not in the manifests"),
        "{unknown:?}"
    );
    plane.create(
        "/apis/gateway.networking.k8s.io/v1/gatewayclasses",
        &json!({"apiVersion": API, "kind": "GatewayClass", "metadata": {"name": "nginx-status"},
            "spec": {"controllerName": "gateway.nginx.org/nginx-gateway-controller"}}),
    );
    app.run(&["render"]).ok();
    let lock = std::fs::read_to_string(app.directory().join("largescale.lock")).unwrap();
    assert!(
        lock.contains("gatewayClasses:\n  nginx-status: gateway.nginx.org/nginx-gateway-controller\n"),
        "{lock}"
    );
    app.run(&["render", "--check", "--locked"]).ok();
    app.run(&["apply", "--yes"]).ok();

    let before = app.run(&["status"]);
    assert_eq!(before.code, Some(1), "{before:?}");
    assert!(before.out.contains("no controller has set its condition Accepted"), "{before:?}");
    assert!(
        before.out.contains("httproute/gateway-status/edge: 2 of its 2 Gateways have not reported it"),
        "{before:?}"
    );

    for pool in ["pool00", "pool01"] {
        create_service(plane, &app, &format!("edge-{pool}"));
        write_status(plane, &app, "gateways", &format!("edge-{pool}"), &programmed("True", "Programmed"));
    }
    let parents: Vec<Value> = ["edge-pool00", "edge-pool01"]
        .iter()
        .map(|name| json!({"parentRef": {"name": name}, "conditions": [{"type": "Accepted", "status": "True"}]}))
        .collect();
    write_status(plane, &app, "httproutes", "edge", &json!({"parents": parents}));
    app.run(&["apply", "--yes", "--wait", "address", "--timeout", "60s"]).ok();
    let ready = app.run(&["status", "-o", "json"]);
    assert_eq!(ready.code, Some(0), "{ready:?}");
    let report = ready.json();
    for (index, pool) in ["pool00", "pool01"].iter().enumerate() {
        let row = &report["pools"][index];
        assert_eq!(row["pool"], **pool);
        assert_eq!(row["gateway"]["name"], format!("edge-{pool}"));
        assert_eq!(row["service"]["name"], format!("edge-{pool}-nginx"));
        let service = plane.get(&format!("{}/edge-{pool}-nginx", app.path("v1", "services"))).unwrap();
        assert_eq!(row["addresses"][0], service["status"]["loadBalancer"]["ingress"][0]["ip"]);
    }
    let zone = app.run(&["status", "-o", "zone"]).ok();
    assert_eq!(
        zone.lines().filter(|line| line.contains(" A ") || line.contains("\tA\t")).count(),
        2,
        "{zone}"
    );

    probed(&app, &report);

    // The Services that the implementation made are those of the Gateways, and not further ones.
    let capacity = app.run(&["capacity", "-o", "json"]).json();
    let limits = capacity["items"].as_array().unwrap_or_else(|| panic!("{capacity}"));
    let live = plane.get("/api/v1/services").unwrap()["items"].as_array().unwrap().len();
    let services = limits.iter().find(|limit| limit["name"] == "services").unwrap();
    assert_eq!(services["used"], live, "{capacity}");

    with_few_rights(&app);

    // Another binding on the Service, and a refusal of the Gateway and of the route.
    let path = format!("{}/edge-pool01-nginx", app.path("v1", "services"));
    let key = "service.beta.kubernetes.io/azure-load-balancer-mode";
    plane.patch(&path, Patch::Merge, &json!({"metadata": {"annotations": {key: "other"}}}));
    write_status(plane, &app, "gateways", "edge-pool00", &programmed("False", "Invalid"));
    let refused = json!({"parents": [{"parentRef": {"name": "edge-pool00"}, "conditions": [
        {"type": "Accepted", "status": "True"},
        {"type": "ResolvedRefs", "status": "False", "reason": "BackendNotFound", "message": "no web"}]}]});
    write_status(plane, &app, "httproutes", "edge", &refused);
    let broken = app.run(&["status"]);
    assert_eq!(broken.code, Some(1), "{broken:?}");
    for expected in [
        "Programmed=False Invalid",
        "service/gateway-status/edge-pool01-nginx lacks annotations of the Gateway",
        "ResolvedRefs=False BackendNotFound: no web (1 of its 2 Gateways)",
    ] {
        assert!(broken.out.contains(expected), "{expected}: {broken:?}");
    }

    // A pool less: the review and the prune name the address.
    write_status(plane, &app, "gateways", "edge-pool01", &json!({"addresses": [{"value": "192.0.2.77"}]}));
    app.edit("largescale.yaml", "include: [pool00, pool01]", "include: [pool00]");
    app.run(&["render"]).ok();
    let plan = app.run(&["prune"]);
    let loss = "gateway/gateway-status/edge-pool01 will be deleted, and its address 192.0.2.77 will be lost";
    assert!(plan.code != Some(0) && plan.err.contains(loss), "{plan:?}");
    app.run(&["apply", "--prune", "--yes"]).ok();
    assert!(plane.get(&format!("{}/edge-pool01", app.path(API, "gateways"))).is_none());

    adopt_gateways(plane);
}

/// Gateways that a user made for each pool are imported from the cluster, and not the Services that their controller made.
fn adopt_gateways(plane: &ControlPlane) {
    let app = App::empty(plane, "gateway-adopted");
    let gateway = |pool: usize| {
        json!({"apiVersion": API, "kind": "Gateway",
            "metadata": {"name": format!("web-pool0{pool}"), "namespace": app.namespace},
            "spec": {"gatewayClassName": "nginx-status", "listeners": [{"name": "http", "port": 80, "protocol": "HTTP"}],
                "infrastructure": {
                    "annotations": {"service.beta.kubernetes.io/azure-load-balancer-mode": vm_set(pool)},
                    "parametersRef": {"group": "gateway.nginx.org", "kind": "NginxProxy", "name": format!("web-pool0{pool}")}}}})
    };
    let proxy = |pool: usize| {
        json!({"apiVersion": "gateway.nginx.org/v1alpha2", "kind": "NginxProxy",
            "metadata": {"name": format!("web-pool0{pool}"), "namespace": app.namespace},
            "spec": {"kubernetes": {"deployment": {"pod": {"nodeSelector": {"agentpool": format!("pool0{pool}")}}}}}})
    };
    let route = json!({"apiVersion": API, "kind": "HTTPRoute",
        "metadata": {"name": "web", "namespace": app.namespace},
        "spec": {"parentRefs": [{"name": "web-pool00"}, {"name": "web-pool01"}],
            "rules": [{"backendRefs": [{"name": "web", "port": 80}]}]}});
    let all = [gateway(0), gateway(1), proxy(0), proxy(1), route];
    app.write("hand.json", &json!({"apiVersion": "v1", "kind": "List", "items": all}).to_string());
    app.kubectl(&["apply", "-f", "hand.json"]).ok();
    for pool in ["pool00", "pool01"] {
        create_service(plane, &app, &format!("web-{pool}"));
    }
    let made = app.run(&[
        "init",
        "made",
        "--from-cluster",
        "--namespace",
        &app.namespace,
        "--service",
        "web-pool00-nginx",
    ]);
    assert!(
        made.code == Some(5) && made.err.contains("was made by a controller for Gateway web-pool00"),
        "{made:?}"
    );
    let run = app.run(&["init", "new", "--from-cluster", "--namespace", &app.namespace]);
    assert_eq!(run.code, Some(0), "{run:?}");
    for expected in [
        "left out 2 Services that controllers made for Gateways: web-pool00-nginx, web-pool01-nginx",
        "merged the Gateways web-pool00, web-pool01 into web",
        "adopting changes nothing: 5 objects",
    ] {
        assert!(run.err.contains(expected), "{expected}: {run:?}");
    }
    let rendered = app.run(&["render", "-f", "new"]).ok();
    assert!(rendered.contains("5 created"), "{rendered}");
}
