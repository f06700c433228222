//! What Envoy Gateway made of rendered Gateways, as `make record-gateway` recorded it: the record belongs to what is rendered today, and it
//! is what `gateways/envoy-gateway.yaml` states.

mod bound;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use largescale::core::gateway::{FleetMode, Implementation, builtin_names, read_builtin};
use largescale::core::platform::Grade;
use largescale::core::yaml;
use serde_json::{Value, json};

use crate::environment::{Environment, checkout};
use crate::gateway_cases::{Case, POOLS, cases, fixtures, read, rendered, stamp, write};

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
    let parameters = rendered
        .iter()
        .find(|it| {
            it["kind"] == "EnvoyProxy" && it["metadata"]["name"] == infrastructure["parametersRef"]["name"]
        })
        .unwrap_or_else(|| panic!("{what} has no parameters"));
    let form = facts.parameters.as_ref().unwrap();
    let keeps_ports =
        form.keeps_ports.as_ref().and_then(|pointer| parameters.pointer(pointer)) == Some(&true.into());
    let of_proxy = |port: u16| if keeps_ports { port } else { facts.ports.of_proxy(port) };
    let expected = listeners(gateway, rendered).map(|port| (port.into(), of_proxy(port).into()));
    assert_eq!(ports(service), expected.collect(), "{what}");

    let workload = only(workloads(made), &labels_of(&facts.service.selector, gateway));
    let pods = &workload["spec"]["template"];
    assert!(keys_in(&pods["metadata"]["labels"], &service["spec"]["selector"]), "{what}");
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
            let changed = form.fields.iter().any(|field| {
                field.service == "/spec/externalTrafficPolicy"
                    && parameters.pointer(&field.parameters).is_some()
            });
            let policy = facts.service.external_traffic_policy.word();
            assert!(changed || service["spec"]["externalTrafficPolicy"] == policy, "{what}");
        }
        FleetMode::Shared => {
            assert_eq!(pods["spec"]["nodeSelector"], Value::Null, "{what}");
            assert_eq!(service["spec"]["type"], "ClusterIP", "{what}");
        }
    }
}

/// Returns the ports of a Gateway's listeners, and of its `ListenerSet`s.
fn listeners<'a>(gateway: &'a Value, rendered: &'a [Value]) -> impl Iterator<Item = u16> + 'a {
    let sets = of_kind(rendered, "ListenerSet").into_iter();
    let own = sets.filter(|set| set["spec"]["parentRef"]["name"] == gateway["metadata"]["name"]);
    let all = std::iter::once(gateway).chain(own).flat_map(|it| it["spec"]["listeners"].as_array().unwrap());
    all.map(|listener| u16::try_from(listener["port"].as_u64().unwrap()).unwrap())
}

/// Every field that the data name was set for some Gateway, and reached its Service.
#[test]
fn the_record_has_every_field_of_the_parameters() {
    let facts = read_builtin("envoy-gateway").unwrap().unwrap().spec;
    let all: Vec<Value> = cases().flat_map(|case| read(&case.record().join("rendered.yaml"))).collect();
    let parameters = of_kind(&all, "EnvoyProxy");
    let form = facts.parameters.unwrap();
    let mut pointers: Vec<&String> = form.fields.iter().map(|field| &field.parameters).collect();
    pointers.extend(form.placements.iter().map(|placement| &placement.node_selector));
    pointers.extend(form.service_type.iter().chain(&form.keeps_ports));
    for pointer in pointers {
        assert!(parameters.iter().any(|it| it.pointer(pointer).is_some()), "no case sets {pointer}");
    }
}

/// The proxies of each Gateway ran on nodes of its pool only.
#[test]
fn the_recorded_proxies_ran_in_their_pools() {
    for case in cases().filter(|case| case.mode == FleetMode::PerPool) {
        let text = fs::read_to_string(case.record().join("pools.yaml")).unwrap();
        let ran = yaml::read_one("pools.yaml", &text).unwrap().value;
        for gateway in of_kind(&read(&case.record().join("rendered.yaml")), "Gateway") {
            let name = gateway["metadata"]["name"].as_str().unwrap();
            assert_eq!(ran[name], json!([gateway["metadata"]["labels"][POOL]]), "{}: {name}", case.name());
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
