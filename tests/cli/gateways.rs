//! What Envoy Gateway made of rendered Gateways, as `make record-gateway` recorded it: the record belongs to what is rendered today, it is
//! what `gateways/envoy-gateway.yaml` states, and the providers' code binds the recorded Services to the nodes of their pools.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use largescale::core::gateway::{FleetMode, Implementation, builtin_names, read_builtin};
use largescale::core::platform::Grade;
use serde_json::{Value, json};

use crate::environment::{Environment, checkout};
use crate::examples::azure_provider;
use crate::gateway_cases::{Case, POOLS, cases, fixtures, read, rendered, stamp, write};
use crate::providers::{bound_in, provider_binding};

const HINT: &str = "run `make record-gateway` and look at the changes";

const POOL: &str = "largescale.dev/pool";

/// Returns the project of a case.
fn project(case: Case) -> Environment {
    let environment = Environment::with(Path::new("/nonexistent"));
    for (file, text) in case.files() {
        fs::write(environment.path().join(file), text).unwrap();
    }
    environment
}

fn of_kind<'a>(objects: &'a [Value], kind: &str) -> Vec<&'a Value> {
    objects.iter().filter(|object| object["kind"] == kind).collect()
}

/// Returns labels with the placeholders of a Gateway replaced.
fn labels_of(labels: &BTreeMap<String, String>, gateway: &Value) -> BTreeMap<String, String> {
    let text =
        |pointer: &str| gateway.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
    let replaced = |value: &str| {
        value
            .replace("${gateway.name}", &text("/metadata/name"))
            .replace("${gateway.namespace}", &text("/metadata/namespace"))
            .replace("${gateway.class}", &text("/spec/gatewayClassName"))
    };
    labels.iter().map(|(key, value)| (key.clone(), replaced(value))).collect()
}

fn has_labels(labels: &Value, wanted: &BTreeMap<String, String>) -> bool {
    wanted.iter().all(|(key, value)| labels[key] == **value)
}

/// Returns the only one of recorded objects that has labels.
#[track_caller]
fn only<'a>(among: Vec<&'a Value>, labels: &BTreeMap<String, String>) -> &'a Value {
    let found: Vec<&Value> =
        among.into_iter().filter(|it| has_labels(&it["metadata"]["labels"], labels)).collect();
    assert_eq!(found.len(), 1, "{labels:?}");
    found[0]
}

/// Returns the Deployments and `DaemonSets` of proxies.
fn workloads(made: &[Value]) -> Vec<&Value> {
    made.iter().filter(|it| it["kind"] == "Deployment" || it["kind"] == "DaemonSet").collect()
}

/// Returns port and target port of a Service.
fn ports(service: &Value) -> BTreeSet<(u64, u64)> {
    let number = |value: &Value| value.as_u64().unwrap();
    let ports = service["spec"]["ports"].as_array().unwrap();
    ports.iter().map(|port| (number(&port["port"]), number(&port["targetPort"]))).collect()
}

fn keys_in(whole: &Value, part: &Value) -> bool {
    part.as_object().is_none_or(|part| part.iter().all(|(key, value)| whole[key] == *value))
}

#[test]
fn the_record_belongs_to_what_is_rendered_today() {
    let mut all = Vec::new();
    for case in cases() {
        let environment = project(case);
        let output = environment.program(&["render"]);
        assert!(output.status.success(), "{}: {output:?}", case.name());
        let text = write(&rendered(&environment.path().join("rendered")));
        let recorded = fs::read_to_string(case.record().join("rendered.yaml")).unwrap_or_default();
        assert_eq!(text, recorded, "{} is rendered differently: {HINT}", case.name());
        all.push(text);
    }
    let recorded = fs::read_to_string(fixtures().join("stamp")).unwrap_or_default();
    assert_eq!(recorded.trim(), stamp(&all), "the controller or its driver has changed: {HINT}");
}

/// Data with the grade `tested` name the version that the tests run.
#[test]
fn the_proof_is_of_the_version_that_runs() {
    let modules = ["envoy-gateway", "provider-binding"]
        .map(|folder| fs::read_to_string(checkout().join("tests/go").join(folder).join("go.mod")).unwrap())
        .concat();
    let required = |module: &str| {
        modules.lines().any(|line| {
            line.trim().trim_end_matches(" // indirect").trim_start_matches("github.com/") == module
        })
    };
    let mut tested = Vec::new();
    for name in builtin_names() {
        let proof = read_builtin(name).unwrap().unwrap().spec.proof;
        if proof.grade == Grade::Tested {
            assert!(checkout().join(proof.by.unwrap()).is_dir(), "{name}");
            assert!(required(&proof.source), "{name}: {} is in no go.mod", proof.source);
            tested.push(name);
        }
    }
    assert_eq!(tested, ["cilium", "envoy-gateway"]);
}

#[test]
fn the_record_is_what_the_data_state() {
    let implementation = read_builtin("envoy-gateway").unwrap().unwrap();
    for case in cases() {
        let rendered = read(&case.record().join("rendered.yaml"));
        let made = read(&case.record().join("made.yaml"));
        let gateways = of_kind(&rendered, "Gateway");
        assert_eq!(of_kind(&made, "Service").len(), gateways.len(), "{}", case.name());
        for gateway in gateways {
            check_gateway(&implementation, case, gateway, &rendered, &made);
        }
        if case.mode == FleetMode::Shared {
            check_fleet(case, &rendered, &made);
        }
    }
}

/// Checks where the Service of a Gateway is found and what is copied to it, and returns it.
fn check_copied<'a>(implementation: &Implementation, gateway: &Value, made: &'a [Value]) -> &'a Value {
    let (facts, infrastructure) = (&implementation.spec, &gateway["spec"]["infrastructure"]);
    let service = only(of_kind(made, "Service"), &labels_of(&facts.service.labels, gateway));
    let metadata = &service["metadata"];
    let namespace = facts.service.namespace.as_deref().or(gateway["metadata"]["namespace"].as_str());
    assert_eq!(metadata["namespace"].as_str(), namespace, "{metadata}");
    assert!(facts.infrastructure.annotations && facts.infrastructure.labels);
    assert_eq!(metadata["annotations"], infrastructure["annotations"], "{metadata}");
    assert!(keys_in(&metadata["labels"], &infrastructure["labels"]), "{metadata}");
    service
}

/// Checks what was made for a Gateway: the labels by which it is found, what is copied to it, its ports and its nodes.
fn check_gateway(
    implementation: &Implementation,
    case: Case,
    gateway: &Value,
    rendered: &[Value],
    made: &[Value],
) {
    let what = format!("{}: {}", case.name(), gateway["metadata"]["name"]);
    let (facts, infrastructure) = (&implementation.spec, &gateway["spec"]["infrastructure"]);
    let service = check_copied(implementation, gateway, made);
    let number = |listener: &Value| u16::try_from(listener["port"].as_u64().unwrap()).unwrap();
    let listeners = gateway["spec"]["listeners"].as_array().unwrap();
    let expected = listeners.iter().map(number).map(|port| (port.into(), facts.ports.of_proxy(port).into()));
    assert_eq!(ports(service), expected.collect(), "{what}");

    let workload = only(workloads(made), &labels_of(&facts.service.selector, gateway));
    let pods = &workload["spec"]["template"];
    assert!(keys_in(&pods["metadata"]["labels"], &service["spec"]["selector"]), "{what}");
    let parameters = rendered
        .iter()
        .find(|it| {
            it["kind"] == "EnvoyProxy" && it["metadata"]["name"] == infrastructure["parametersRef"]["name"]
        })
        .unwrap_or_else(|| panic!("{what} has no parameters"));
    let form = facts.parameters.as_ref().unwrap();
    for field in &form.fields {
        if let Some(value) = parameters.pointer(&field.parameters) {
            assert_eq!(service.pointer(&field.service), Some(value), "{what}: {}", field.service);
        }
    }
    match case.mode {
        FleetMode::PerPool => {
            let pool = gateway["metadata"]["labels"][POOL].as_str().unwrap();
            assert_eq!(pods["spec"]["nodeSelector"], json!({ case.label: pool }), "{what}");
            assert_eq!(service["spec"]["type"], "LoadBalancer", "{what}");
            let policy = facts.service.external_traffic_policy.word();
            assert_eq!(service["spec"]["externalTrafficPolicy"], policy, "{what}");
        }
        FleetMode::Shared => {
            assert_eq!(pods["spec"]["nodeSelector"], Value::Null, "{what}");
            assert_eq!(service["spec"]["type"], "ClusterIP", "{what}");
        }
    }
}

/// Each rendered Service must select the pods of the fleet and no others, with the ports of the controller's own Service.
fn check_fleet(case: Case, rendered: &[Value], made: &[Value]) {
    let services = of_kind(rendered, "Service");
    assert_eq!(services.len(), POOLS.len(), "{}", case.name());
    let fleet = workloads(made)[0];
    let everywhere: Vec<Value> = cases().flat_map(|it| read(&it.record().join("made.yaml"))).collect();
    for service in services {
        let selected: Vec<&Value> = workloads(&everywhere)
            .into_iter()
            .filter(|it| it["metadata"]["namespace"] == service["metadata"]["namespace"])
            .filter(|it| keys_in(&it["spec"]["template"]["metadata"]["labels"], &service["spec"]["selector"]))
            .collect();
        assert_eq!(selected, [fleet], "{}", case.name());
        assert_eq!(ports(service), ports(of_kind(made, "Service")[0]), "{}", case.name());
    }
}

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

/// Cilium's operator reconciles rendered Gateways, and the providers bind its Services to the pools. It has no parameters for a class, so
/// platforms that require one are left out.
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
        let output = environment.program(&["render"]);
        assert!(output.status.success(), "{}: {output:?}", case.name());
        let tree = environment.path().join("rendered");
        let rendered = rendered(&tree);
        fs::write(tree.join("named.yaml"), write(&named_objects(&case.name()))).unwrap();

        let output = Command::new(&program).arg("cilium-gateways").arg(&tree).output().unwrap();
        assert!(output.status.success(), "{}: {output:?}", case.name());
        let list: Value = serde_json::from_slice(&output.stdout).unwrap();
        let made = list["items"].as_array().unwrap();
        let gateways = of_kind(&rendered, "Gateway");
        for gateway in &gateways {
            let service = check_copied(&implementation, gateway, made);
            let port = |it: &Value| it["port"].as_u64().unwrap();
            let listeners = gateway["spec"]["listeners"].as_array().unwrap().iter().map(port);
            let ports = service["spec"]["ports"].as_array().unwrap().iter().map(port);
            assert_eq!(ports.collect::<BTreeSet<_>>(), listeners.collect(), "{service}");
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
