//! The providers' code binds the Services of Gateways, as Envoy Gateway and Cilium make them, to the nodes of their pools.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use largescale::core::gateway::{FleetMode, read_builtin};
use serde_json::{Value, json};

use crate::environment::Environment;
use crate::examples::azure_provider;
use crate::gateway_cases::{Case, POOLS, cases, read, rendered, write};
use crate::gateways::{check_copied, labels_of, listeners, of_kind, only, project};
use crate::providers::{bound_in, provider_binding};

/// Returns the Services that get the load balancers of a case.
fn balanced(case: Case) -> Vec<Value> {
    let rendered = read(&case.record().join("rendered.yaml"));
    if case.mode == FleetMode::Shared {
        return of_kind(&rendered, "Service").into_iter().cloned().collect();
    }
    with_pools("envoy-gateway", &of_kind(&rendered, "Gateway"), &read(&case.record().join("made.yaml")))
}

/// Returns the Service of each Gateway with the labels of its pool, which the checks of the providers compare.
fn with_pools(implementation: &str, gateways: &[&Value], made: &[Value]) -> Vec<Value> {
    let facts = read_builtin(implementation).unwrap().unwrap().spec;
    let with_pool = |gateway: &&Value| {
        let mut service = only(of_kind(made, "Service"), &labels_of(&facts.service.labels, gateway)).clone();
        let labels = gateway["metadata"]["labels"].as_object().unwrap().clone();
        service["metadata"]["labels"].as_object_mut().unwrap().extend(labels);
        service
    };
    gateways.iter().map(with_pool).collect()
}

/// Returns a directory with Services and the recorded endpoints as its tree, and the nodes of a case.
fn tree_of(case: Case, services: &[Value]) -> Environment {
    let environment = project(case);
    fs::create_dir(environment.path().join("rendered")).unwrap();
    let made = read(&case.record().join("made.yaml"));
    let endpoints = of_kind(&made, "EndpointSlice").into_iter().cloned();
    let objects: Vec<Value> = services.iter().cloned().chain(endpoints).collect();
    fs::write(environment.path().join("rendered/services.yaml"), write(&objects)).unwrap();
    environment
}

/// Asks the code of the platform's provider about Services; returns whether each has exactly the nodes of its pool, and the answer.
fn bound(case: Case, services: &[Value]) -> Option<(bool, String)> {
    let environment = tree_of(case, services);
    if case.platform == "azure-basic" {
        let variables = [("LARGESCALE_TREE", "rendered"), ("LARGESCALE_NODES", "nodes.json")];
        let (passed, said) = azure_provider()?.run("TestRenderedServices", &environment, &variables);
        return Some((passed && said.contains("--- PASS: TestRenderedServices"), said));
    }
    Some(bound_in(&provider_binding()?, case.platform, &environment, case.label, ""))
}

/// The provider must choose exactly the nodes of each Service's pool, and the check must find a Service without its binding.
fn check_binding(case: Case, services: Vec<Value>) {
    assert_eq!(services.len(), POOLS.len(), "{}", case.name());
    let Some((right, said)) = bound(case, &services) else { return };
    assert!(right, "{}: {said}", case.name());
    if case.has_daemons() && case.mode == FleetMode::PerPool {
        // Its nodes are those with endpoints, also without the annotation.
        return;
    }
    // Azure binds a Service without the annotation to the first pool, so it is the last one that loses it.
    let mut loose = services;
    loose.last_mut().unwrap()["metadata"].as_object_mut().unwrap().remove("annotations");
    let (right, said) = bound(case, &loose).unwrap();
    assert!(!right, "{}: {said}", case.name());
}

#[test]
fn the_providers_bind_the_recorded_services_to_their_pools() {
    for case in cases() {
        check_binding(case, balanced(case));
    }
}

/// What the listeners and routes of the cases name. Cilium checks only that a certificate has the form of PEM.
fn named_objects(namespace: &str) -> [Value; 2] {
    let block = |name: &str| format!("-----BEGIN {name}-----\nMA==\n-----END {name}-----\n");
    let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "web-tls", "namespace": namespace},
        "type": "kubernetes.io/tls", "data": {
            "tls.crt": STANDARD.encode(block("CERTIFICATE")), "tls.key": STANDARD.encode(block("PRIVATE KEY"))}});
    let service = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web", "namespace": namespace},
        "spec": {"ports": [{"port": 8080}]}});
    [secret, service]
}

/// Cilium's operator reconciles rendered Gateways, and the providers bind its Services to the pools. A Gateway of Cilium has no parameters,
/// so the overlay and the platform that requires a class are left out.
#[test]
fn the_providers_bind_the_services_of_cilium_to_their_pools() {
    let Some(program) = provider_binding() else { return };
    let implementation = read_builtin("cilium").unwrap().unwrap();
    let suitable = |case: &Case| case.mode == FleetMode::PerPool && !case.has_daemons();
    for case in cases().filter(suitable) {
        let environment = project(case);
        let manifests = fs::read_to_string(environment.path().join("web.yaml")).unwrap();
        let manifests = manifests
            .replace("gateway.envoyproxy.io/gatewayclass-controller", "io.cilium/gateway-controller");
        fs::write(environment.path().join("web.yaml"), manifests).unwrap();
        let spec = fs::read_to_string(environment.path().join("largescale.yaml")).unwrap();
        fs::write(environment.path().join("largescale.yaml"), spec.replace("fields.yaml", "")).unwrap();
        let output = environment.program(&["render"]);
        assert!(output.status.success(), "{}: {output:?}", case.name());
        let mut rendered = rendered(&environment.path().join("rendered"));
        rendered.retain(|object| object["apiVersion"] != "gateway.envoyproxy.io/v1alpha1");
        let tree = environment.path().join("tree");
        fs::create_dir(&tree).unwrap();
        let named = named_objects(&case.name());
        fs::write(tree.join("all.yaml"), write(&[&rendered[..], &named].concat())).unwrap();

        let output = Command::new(&program).arg("cilium-gateways").arg(&tree).output().unwrap();
        assert!(output.status.success(), "{}: {output:?}", case.name());
        let list: Value = serde_json::from_slice(&output.stdout).unwrap();
        let made = list["items"].as_array().unwrap();
        let gateways = of_kind(&rendered, "Gateway");
        for gateway in &gateways {
            let service = check_copied(&implementation, gateway, made);
            let ports =
                service["spec"]["ports"].as_array().unwrap().iter().map(|it| it["port"].as_u64().unwrap());
            let expected = listeners(gateway, &rendered).map(u64::from);
            assert_eq!(ports.collect::<BTreeSet<_>>(), expected.collect(), "{service}");
            let policy = implementation.spec.service.external_traffic_policy.word();
            assert_eq!(service["spec"]["externalTrafficPolicy"], policy, "{service}");
            assert_eq!(service["spec"]["type"], "LoadBalancer", "{service}");
        }
        for gateway in of_kind(made, "Gateway") {
            let conditions = gateway["status"]["conditions"].as_array().unwrap();
            assert!(
                conditions.iter().any(|it| it["type"] == "Accepted" && it["status"] == "True"),
                "{gateway}"
            );
        }
        check_binding(case, with_pools("cilium", &gateways, made));
    }
}
