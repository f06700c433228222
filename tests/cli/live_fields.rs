//! Fields of live objects with any type: an object is refused when it is read, or everything that reads it copes.

use std::collections::BTreeSet;

use largescale::core::apply::{
    ApplySet, Owner, candidates, conflicts_of, foreign_annotations, other_owners, other_set, read_parent,
    yielded,
};
use largescale::core::live::{
    LiveObject, LiveState, MANAGER, changes, cleaned, digest, effect, intended, is_unchanged, migration,
    predict,
};
use largescale::core::review::address_risk;
use largescale::core::status::{DriftSubject, report};
use serde_json::{Value, json};

fn set() -> ApplySet {
    ApplySet { name: "web".to_owned(), namespace: "web".to_owned() }
}

fn desired() -> Value {
    json!({"apiVersion": "v1", "kind": "Service",
        "metadata": {"name": "web", "namespace": "web", "labels": {"largescale.dev/pool": "a"}, "annotations": {"x": "y"}},
        "spec": {"type": "LoadBalancer", "ports": [{"name": "http", "port": 80}], "selector": {"app": "web"}}})
}

fn live() -> Value {
    let mut live = desired();
    let fields = json!({"f:metadata": {"f:annotations": {"f:x": {}}, "f:labels": {"f:largescale.dev/pool": {}}},
        "f:spec": {"f:type": {}, "f:selector": {}, "f:ports": {"k:{\"port\":80,\"protocol\":\"TCP\"}": {".": {}, "f:port": {}}}}});
    let further = json!({
        "metadata": {"uid": "1", "resourceVersion": "2", "generation": 1, "creationTimestamp": "2026-01-01T00:00:00Z",
            "finalizers": ["f"], "ownerReferences": [{"kind": "App", "name": "o", "controller": false}],
            "labels": {"applyset.kubernetes.io/part-of": set().id(), "applyset.kubernetes.io/id": set().id()},
            "annotations": {"applyset.kubernetes.io/tooling": "kubectl-largescale/v1", "applyset.kubernetes.io/contains-group-kinds": "Service"},
            "managedFields": [{"manager": MANAGER, "operation": "Apply", "apiVersion": "v1", "time": "2026-01-01T00:00:00Z",
                "fieldsType": "FieldsV1", "fieldsV1": fields}]},
        "spec": {"ports": [{"name": "http", "port": 80, "protocol": "TCP", "nodePort": 30000}], "clusterIP": "10.0.0.1"},
        "status": {"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}]}, "conditions": [{"type": "A"}]}});
    merge(&mut live, further);
    live
}

fn event() -> Value {
    json!({"apiVersion": "v1", "kind": "Event", "metadata": {"name": "e", "namespace": "web"}, "type": "Warning",
        "reason": "Failed", "message": "quota", "count": 2, "lastTimestamp": "2026-01-01T00:00:00Z",
        "series": {"count": 1, "lastObservedTime": "2026-01-01T00:00:00Z"},
        "involvedObject": {"kind": "Service", "name": "web", "namespace": "web"}})
}

fn deployment() -> Value {
    json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d", "namespace": "web", "generation": 1},
        "spec": {"replicas": 3}, "status": {"observedGeneration": 1, "replicas": 3, "updatedReplicas": 3,
            "availableReplicas": 2, "conditions": [{"type": "Progressing", "status": "True", "reason": "R", "message": "m"}]}})
}

fn merge(object: &mut Value, further: Value) {
    match (object, further) {
        (Value::Object(object), Value::Object(further)) => {
            for (name, value) in further {
                merge(object.entry(name).or_insert(Value::Null), value);
            }
        }
        (object, further) => *object = further,
    }
}

/// Returns the pointers to all values.
fn pointers(value: &Value, at: &str, found: &mut Vec<String>) {
    found.push(at.to_owned());
    match value {
        Value::Object(map) => {
            for (name, below) in map {
                let name = name.replace('~', "~0").replace('/', "~1");
                pointers(below, &format!("{at}/{name}"), found);
            }
        }
        Value::Array(list) => {
            for (index, below) in list.iter().enumerate() {
                pointers(below, &format!("{at}/{index}"), found);
            }
        }
        _ => {}
    }
}

/// Calls `check` with each valid object that results from one value of another type. Returns how many are refused.
fn with_any_type(object: &Value, check: impl Fn(&LiveObject)) -> usize {
    let mut all = Vec::new();
    pointers(object, "", &mut all);
    let values = [
        json!(null),
        json!(true),
        json!(-7),
        json!(1.5),
        json!(""),
        json!("x"),
        json!([]),
        json!([7]),
        json!({}),
        json!({"a": [{}]}),
    ];
    let mut refused = 0;
    for (pointer, value) in all.iter().flat_map(|pointer| values.iter().map(move |value| (pointer, value))) {
        let mut changed = object.clone();
        *changed.pointer_mut(pointer).unwrap() = value.clone();
        match LiveObject::read(changed) {
            Ok(live) => check(&live),
            Err(_) => refused += 1,
        }
    }
    refused
}

fn use_everywhere(live: &LiveObject) {
    let (set, valid, desired) = (set(), LiveObject::read(self::live()).unwrap(), desired());
    let (rest, _) = yielded(&[], &desired, Some(live));
    let after = predict(&rest, live).after;
    let _ = (is_unchanged(&rest, live), effect(live, &valid), effect(&valid, live));
    drop(digest("salt", &intended(changes(&cleaned(live.value()), &cleaned(&after)), &rest)));
    drop((candidates(&set, [live], &BTreeSet::new()), other_owners(live), other_set(&set, live)));
    drop((read_parent(&set, live, Owner::Anyone), foreign_annotations(live), migration(live, |_| true, "m")));
    drop(conflicts_of(&[(".spec.ports[port=80].port".to_owned(), String::new())], &desired, Some(live)));
    drop(address_risk(live.value(), &desired, &["/spec/ports/0/port".to_owned()]));
    let event = LiveObject::read(event()).unwrap();
    let subject =
        |live: &LiveObject| DriftSubject::new(desired.clone(), LiveState::Present(live.clone()), &set);
    drop(report(&[subject(live)], &[], &[event], None));
}

#[test]
fn services_with_fields_of_any_type() {
    assert!(with_any_type(&live(), use_everywhere) > 100);
}

#[test]
fn workloads_with_fields_of_any_type() {
    let check = |live: &LiveObject| {
        let subject = DriftSubject { desired: deployment(), live: LiveState::Present(live.clone()) };
        drop(report(&[subject], &[], &[], None));
    };
    assert!(with_any_type(&deployment(), check) > 30);
}

#[test]
fn events_with_fields_of_any_type() {
    let waiting = || {
        let mut live = live();
        live["status"] = json!({});
        DriftSubject { desired: desired(), live: LiveState::Present(LiveObject::read(live).unwrap()) }
    };
    let check = |event: &LiveObject| {
        let report = report(&[waiting()], &[], std::slice::from_ref(event), None);
        drop(report.pools[0].state.reason(0));
    };
    assert!(with_any_type(&event(), check) > 30);
}
