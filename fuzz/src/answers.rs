//! Answers of the API server: whatever it sends, the program has a result.

use std::collections::BTreeSet;

use arbitrary::{Arbitrary, Unstructured};
use largescale::core::apply::{
    ApplySet, Owner, candidates, conflicts_of, foreign_annotations, is_repairable, other_owners, other_set,
    read_parent, removal_patch, salvage_parent, verdict, yielded,
};
use largescale::core::capacity::demands;
use largescale::core::doctor::{FoundSet, rights};
use largescale::core::json::read_bounded;
use largescale::core::live::{LiveObject, LiveState, Resource, cleaned, preferred_versions};
use largescale::core::manifest::Key;
use largescale::core::report::mask::Mask;
use largescale::core::review::address_risk;
use largescale::core::spec::{ConflictAction, ConflictRule};
use largescale::core::status::{DriftSubject, address_state, drift, is_workload, last_event, ports, rollout};
use serde_json::{Value, json};

use largescale::cluster::{Answer, ApiCall, ObjectRef, inspect_refusal};

use super::checks::text;
use super::json::{Edit, Json, Text};

/// Any JSON text.
pub fn texts(data: &[u8]) {
    let Some(text) = text(data) else { return };
    let Ok(value) = serde_json::from_str::<Value>(text) else { return };
    match read_bounded(text, 10_000) {
        Ok(bounded) => assert_eq!(bounded, value),
        Err(problem) => assert!(text.len() > 10_000, "{problem}"),
    }
    let events = value["items"].as_array().cloned().unwrap_or_default();
    answered(&value, &value, &events, &[]);
}

/// A status, a call, and the body of the response to it.
pub fn responses(data: &[u8]) {
    let [status, call, body @ ..] = data else { return };
    if let Some(problem) = inspect_refusal(400 + u16::from(*status), body) {
        assert!(!format!("{problem:?}").is_empty());
    }
    let at =
        ObjectRef { resource: Resource::config_map(), namespace: "web".to_owned(), name: "web".to_owned() };
    let call = match call % 4 {
        0 => ApiCall::Get(at),
        1 => ApiCall::Groups,
        2 => ApiCall::OwnRights { namespace: "web".to_owned() },
        _ => ApiCall::Resources { group: "apps".to_owned(), version: "v1".to_owned() },
    };
    if let Ok(Answer::Object(object)) = Answer::read(&call, body) {
        assert_eq!((object.kind(), object.namespace(), object.name()), ("ConfigMap", "web", "web"));
    }
}

#[derive(Arbitrary, Debug)]
struct Input {
    kind: u8,
    edits: Vec<Edit>,
    events: Vec<Edit>,
    causes: Vec<(Text, Text)>,
    desired: Json,
}

/// Objects of the API server with changes.
pub fn objects(data: &[u8]) {
    let Ok(input) = Input::arbitrary_take_rest(Unstructured::new(data)) else { return };
    let all = samples();
    let sample = &all[usize::from(input.kind) % all.len()];
    let mut live = sample.clone();
    input.edits.iter().take(8).for_each(|edit| edit.apply(&mut live));
    let mut events = json!([{"apiVersion": "v1", "kind": "Event", "type": "Warning", "reason": "SyncLoadBalancerFailed",
        "message": "m", "count": 3, "lastTimestamp": "2026-01-01T00:00:00Z", "metadata": {"name": "e"},
        "involvedObject": {"kind": "Service", "name": "web", "namespace": "web", "uid": "1"}}]);
    input.events.iter().take(4).for_each(|edit| edit.apply(&mut events));
    let causes: Vec<_> =
        input.causes.into_iter().take(4).map(|(field, message)| (field.0, message.0)).collect();
    let events = events.as_array().cloned().unwrap_or_default();
    answered(sample, &live, &events, &causes);
    answered(&input.desired.0, &live, &events, &causes);
}

fn samples() -> Vec<Value> {
    let metadata = json!({"name": "web", "namespace": "web", "uid": "1", "resourceVersion": "7", "generation": 2,
        "creationTimestamp": "2026-01-01T00:00:00Z", "labels": {"applyset.kubernetes.io/part-of": "x"},
        "annotations": {"argocd.argoproj.io/tracking-id": "a:b", "meta.helm.sh/release-name": "h"},
        "ownerReferences": [{"kind": "App", "name": "o", "controller": true}],
        "managedFields": [{"manager": "kubectl-largescale", "operation": "Apply", "apiVersion": "v1",
            "fieldsType": "FieldsV1", "fieldsV1": {"f:spec": {"f:type": {}}}}]});
    let set = set();
    vec![
        json!({"apiVersion": "v1", "kind": "Service", "metadata": metadata,
            "spec": {"type": "LoadBalancer", "ports": [{"port": 80, "nodePort": 30000, "protocol": "TCP"}]},
            "status": {"loadBalancer": {"ingress": [{"ip": "10.0.0.1"}, {"hostname": "x.example"}]}}}),
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": {"replicas": 2},
            "status": {"observedGeneration": 2, "replicas": 2, "updatedReplicas": 2, "availableReplicas": 1,
                "conditions": [{"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}]}}),
        json!({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": {"a": "UzNDUkVU"}, "stringData": {"b": "S3CRET"}}),
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "web", "namespace": "web",
            "labels": {"applyset.kubernetes.io/id": set.id()},
            "annotations": {"applyset.kubernetes.io/tooling": "kubectl-largescale/v0.1.0",
                "applyset.kubernetes.io/contains-group-kinds": "Deployment.apps,Service",
                "applyset.kubernetes.io/additional-namespaces": "a,b"}}, "data": {"a": "b"}}),
        json!({"kind": "APIResourceList", "groupVersion": "apps/v1", "resources": [
            {"name": "deployments", "kind": "Deployment", "namespaced": true}]}),
        json!({"kind": "SelfSubjectRulesReview", "status": {"incomplete": false, "resourceRules": [
            {"verbs": ["get", "*"], "apiGroups": [""], "resources": ["services"], "resourceNames": []}]}}),
    ]
}

fn set() -> ApplySet {
    ApplySet { name: "web".to_owned(), namespace: "web".to_owned() }
}

fn answered(desired: &Value, live: &Value, events: &[Value], causes: &[(String, String)]) {
    let _ = (Key::of(live), is_workload(live), ports(live), cleaned(live), rights(live, "web"));
    let _ = Resource::all_of(live).map(|kinds| assert!(kinds.iter().all(|kind| !kind.plural.contains('/'))));
    let _ = preferred_versions(live);
    let item = LiveObject::read_item(live.clone(), &Resource::core("Service", "services"));
    assert!(item.is_err() || live["kind"].is_null() || live["kind"] == "Service");
    let _ = address_risk(desired, live, &["/spec/type".to_owned()]);
    for demand in demands([(Some("a"), live), (None, desired)].into_iter()) {
        let _ = demand.slices();
    }
    let masked = Mask::default().apply(live);
    assert_eq!(Mask::default().apply(&masked).to_string().len(), masked.to_string().len(), "masked twice");
    let events: Vec<LiveObject> =
        events.iter().filter_map(|event| LiveObject::read(event.clone()).ok()).collect();
    let events: Vec<&LiveObject> = events.iter().collect();
    let conflicts = conflicts_of(causes, desired, None);
    assert_eq!(conflicts.len(), causes.len());
    match LiveObject::read(live.clone()) {
        Ok(live) => object(desired, &live, &events, causes),
        Err(problem) => assert!(!problem.to_string().is_empty()),
    }
}

/// What commands do with an object that they read.
fn object(desired: &Value, live: &LiveObject, events: &[&LiveObject], causes: &[(String, String)]) {
    const NOW: i64 = 1_800_000_000;
    let set = set();
    assert_eq!(LiveObject::read(live.value().clone()).as_ref(), Ok(live));
    assert_eq!(live.key(), Key::of(live.value()));
    assert!(!live.name().is_empty() && !live.kind().is_empty());
    for state in [address_state(Some(live), events), address_state(None, events)] {
        let _ = (state.reason(NOW), state.word(), state.is_ready());
    }
    let _ = (rollout(Some(live)), rollout(None));
    let _ = last_event(live, events).map(|event| event.sentence(NOW));
    let _ = (other_owners(live), other_set(&set, live), foreign_annotations(live), is_repairable(live));
    for owner in [Owner::Ours, Owner::Anyone] {
        match read_parent(&set, live, owner) {
            // A parent that is accepted is read in the same way to repair it.
            Ok(parent) => assert_eq!(salvage_parent(&set, live).scope, parent.scope),
            Err(problem) => assert!(!problem.message.is_empty()),
        }
    }
    if let Some(id) = FoundSet::read(live).as_ref().and_then(FoundSet::lock_id) {
        // A search in files takes it as its pattern.
        assert!(!id.is_empty() && id.bytes().all(|byte| byte.is_ascii_hexdigit()), "{id}");
    }
    let _ = (removal_patch(live), live.controller(), live.is_being_deleted(), live.with_label("a", "b"));
    let members = [live.clone(), live.clone()];
    let found = candidates(&set, &members, &BTreeSet::new());
    assert!(found.delete.len() + found.kept.len() <= 1, "the same object twice");
    let rules = [ConflictRule {
        field: ".spec.*".to_owned(),
        manager: Some("c*".to_owned()),
        action: ConflictAction::Yield,
    }];
    let conflicts = conflicts_of(causes, desired, Some(live));
    let _ = verdict(&rules, &conflicts);
    let (rest, left) = yielded(&rules, desired, Some(live));
    assert_eq!(rest == *desired, left.is_empty(), "{left:?}");
    for state in [LiveState::Absent, LiveState::Hidden, LiveState::Present(live.clone())] {
        let found = drift(&[DriftSubject::new(desired.clone(), state, &set)], &rules);
        assert!(found.absent.len() + found.differing.len() + found.unseen.len() <= 1);
    }
}
