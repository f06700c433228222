//! `capacity` also counts objects of other apps, if the user may read them.

use serde_json::{Value, json};

use crate::app::App;
use crate::control_plane::ControlPlane;
use crate::wait::until;

#[test]
fn the_services_of_others_count() {
    let Some(plane) = ControlPlane::shared() else { return };
    let app = App::rendered(plane, "capacity-others");
    app.run(&["apply", "--yes"]).ok();
    let service = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "another"},
        "spec": {"type": "NodePort", "selector": {"app": "another"}, "ports": [{"port": 80}]}});
    plane.create("/api/v1/namespaces/capacity-others/services", &service);

    let user = "capacity-viewer";
    plane.allow(user, None, &["get"], "", "namespaces");
    plane.allow(user, None, &["list"], "", "nodes");
    let looks = ["capacity", "-o", "json", "--as", user];
    let run = app.run(&looks);
    assert_eq!(run.code, Some(0), "{run:?}");
    let told = "other Services are not counted: forbidden: user `capacity-viewer` cannot list services";
    assert!(run.err.contains(told), "{}", run.err);
    let alone = usages(&run.out);
    let pools = alone("poolServices");
    assert!(pools > 1);
    assert_eq!(alone("servicesPerNamespace"), pools, "only ours");

    plane.allow(user, None, &["list"], "", "services");
    let run = app.run(&looks);
    assert!(!run.err.contains("counted without"), "{}", run.err);
    let all = usages(&run.out);
    assert_eq!(all("servicesPerNamespace"), pools + 1, "{}", run.out);
    assert!(all("nodePorts") > alone("nodePorts"), "{}", run.out);
    assert!(all("services") > pools + 1, "at least the Service of Kubernetes");
}

#[test]
fn apps_that_share_a_load_balancer_count() {
    let Some(plane) = ControlPlane::shared() else { return };
    let app = App::rendered(plane, "capacity-shared");
    app.run(&["apply", "--yes"]).ok();
    let front_ends = || usages(&app.run(&["capacity", "-o", "json"]).out)("frontendsPerLoadBalancer");
    let before = front_ends();
    // Another Service on the VM set of the first pool; the shared control plane has those of other tests, too.
    let service = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "another", "annotations": {
            "service.beta.kubernetes.io/azure-load-balancer-mode": "pool00-availabilitySet-12345678"}},
        "spec": {"type": "LoadBalancer", "selector": {"app": "another"}, "ports": [{"port": 80}]}});
    plane.create("/api/v1/namespaces/capacity-shared/services", &service);
    assert!(front_ends() > 1 && before >= 1, "{before}");
    let run = app.run(&["capacity", "-o", "json"]);
    assert!(run.out.contains(" of other apps"), "{}", run.out);
}

#[test]
fn the_controller_makes_the_slices_that_are_calculated() {
    let Some(plane) = ControlPlane::shared() else { return };
    let app = App::new(plane, "capacity-slices");
    // One more than fits into a slice.
    app.edit("web.yaml", "replicas: 3", "replicas: 101");
    app.run(&["render"]).ok();
    app.run(&["apply", "--yes"]).ok();
    let path = app.path("discovery.k8s.io/v1", "endpointslices");
    let slices = until("every Service has all endpoints", || {
        let slices = plane.list(&path);
        let endpoints = |slice: &Value| slice["endpoints"].as_array().map_or(0, Vec::len);
        (slices.iter().map(endpoints).sum::<usize>() == 101 * plane.pools).then_some(slices)
    });
    let run = app.run(&["capacity", "-o", "json"]);
    let calculated = usages(&run.out);
    let endpoints = 101 * plane.pools as u64;
    assert_eq!((calculated("endpoints"), calculated("endpointSlices")), (endpoints, slices.len() as u64));
}

/// Returns the usage of a limit by name; for `poolServices` the number of pools.
fn usages(text: &str) -> impl Fn(&str) -> u64 {
    let report: Value = serde_json::from_str(text).unwrap();
    let items = report["items"].as_array().unwrap().clone();
    move |name| {
        let of = |name: &str| items.iter().filter(|item| item["name"] == name).collect::<Vec<_>>();
        if name == "poolServices" {
            return of("nodesPerLoadBalancer").len() as u64;
        }
        of(name)[0]["used"].as_u64().unwrap()
    }
}
