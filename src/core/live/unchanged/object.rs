//! Decides without a request whether a server-side apply would change nothing.
//!
//! Usually, thousands of objects are unchanged, and a dry run for each takes minutes. `true` is a guarantee: a dry run would
//! change no field, no order of a list and no managed field. (A Secret with an empty value gets a new resourceVersion at
//! each apply, but no other change.) It holds as long as the server's schemas, defaults and webhooks are those of the last
//! apply. If the two objects do not show it, the result is `false`, and a dry run decides.

use std::collections::HashSet;

use serde_json::Value;

use crate::core::live::live_object::LiveObject;
use crate::core::live::managed_fields::{FieldSet, MANAGER, Segment};
use crate::core::live::unchanged::lists::list_is_unchanged;
use crate::core::live::unchanged::same::is_same;
use crate::core::live::{builtin_schemas, managed_fields};

/// Metadata that only the server sets: in a rendered object it is a precondition or a mistake.
const SERVER_METADATA: &[&str] = &[
    "clusterName",
    "creationTimestamp",
    "deletionGracePeriodSeconds",
    "deletionTimestamp",
    "generation",
    "managedFields",
    "resourceVersion",
    "selfLink",
    "uid",
];

/// Metadata that identifies the object and is in no field set.
const IDENTITY: &[&str] = &["name", "namespace"];

/// Top-level fields that are in no field set, or, for the metadata, compared separately.
const ROOT: &[&str] = &["apiVersion", "kind", "metadata"];

/// Returns whether an apply of the object by [`MANAGER`] without force is certain to change nothing.
pub fn is_unchanged(desired: &Value, live: &LiveObject) -> bool {
    decide(desired, live).unwrap_or(false)
}

/// Schema facts that hold everywhere in one object.
#[derive(Clone, Copy)]
pub(super) struct Schema {
    pub(super) atomic_maps: &'static [&'static str],
    pub(super) atomic_items: &'static [&'static str],
}

/// One position in the object, with the desired value, the live value and their owners.
pub(super) struct ListSlot<'a> {
    pub(super) desired: &'a Value,
    pub(super) live: &'a Value,
    pub(super) own: FieldSet<'a>,
    pub(super) others: Vec<FieldSet<'a>>,
    /// The name of the nearest field above, by which the schema knows it.
    pub(super) name: &'a str,
    pub(super) schema: Schema,
}

impl<'a> ListSlot<'a> {
    /// Returns the position one step below, with its values.
    pub(super) fn step(&self, step: &str, own: FieldSet<'a>, desired: &'a Value, live: &'a Value) -> Self {
        let others = self.others.iter().filter_map(|other| other.below(step)).collect();
        Self { desired, live, own, others, name: self.name, schema: self.schema }
    }
}

fn decide(desired: &Value, live: &LiveObject) -> Option<bool> {
    let version = desired["apiVersion"].as_str()?;
    if live.api_version() != version || desired["kind"] != live.kind() {
        return Some(false);
    }
    let wanted = desired["metadata"].as_object()?;
    let found = live.field("metadata");
    if live.is_being_deleted() || SERVER_METADATA.iter().any(|name| wanted.contains_key(*name)) {
        return Some(false);
    }
    if IDENTITY.iter().any(|name| wanted.contains_key(*name) && wanted[*name] != found[*name]) {
        return Some(false);
    }

    let entries = managed_fields::entries(live)?;
    // The server converts entries of other versions at each write, and drops entries of removed versions.
    if entries.iter().any(|entry| entry.api_version != version || entry.fields.is_leaf()) {
        return Some(false);
    }
    // After a write to `scale`, one manager may have two entries; the next write merges them.
    let mut identities = HashSet::new();
    if !entries.iter().all(|entry| identities.insert((entry.manager, entry.operation, entry.subresource))) {
        return Some(false);
    }
    let mut applied =
        entries.iter().filter(|entry| entry.manager == MANAGER && entry.operation == "Apply").peekable();
    if applied.peek().is_none() {
        // A manager that applies only a name has no entry. An object without any entry gets one by its next apply.
        let is_bare = desired.as_object()?.keys().all(|name| ROOT.contains(&name.as_str()))
            && wanted.keys().all(|name| IDENTITY.contains(&name.as_str()));
        return Some(is_bare && !entries.is_empty());
    }
    let own = applied.next().filter(|own| own.is_ours())?;
    if applied.next().is_some() {
        return Some(false);
    }
    let others = entries.iter().filter(|entry| *entry != own).map(|entry| entry.fields).collect();
    let schema = Schema {
        atomic_maps: builtin_schemas::atomic_maps(version),
        atomic_items: builtin_schemas::atomic_items(version),
    };
    let root = ListSlot { desired, live: live.value(), own: own.fields, others, name: "", schema };
    let metadata = match own.fields.below("f:metadata") {
        None => wanted.keys().all(|name| IDENTITY.contains(&name.as_str())),
        Some(set) => {
            let slot = root.step("f:metadata", set, &desired["metadata"], found);
            map_is_unchanged(&slot, IDENTITY)?
        }
    };
    Some(metadata && map_is_unchanged(&root, ROOT)?)
}

fn is_unchanged_at(slot: &ListSlot<'_>) -> Option<bool> {
    if slot.own.is_leaf() {
        return Some(leaf_is_unchanged(slot, slot.schema.atomic_maps));
    }
    match (slot.desired, slot.live) {
        (Value::Object(_), Value::Object(_)) => map_is_unchanged(slot, &[]),
        (Value::Array(desired), Value::Array(live)) => list_is_unchanged(slot, desired, live),
        _ => Some(false),
    }
}

/// Returns whether an atomic value does not change, or one in which no field was named when it was last applied.
pub(super) fn leaf_is_unchanged(slot: &ListSlot<'_>, atomic: &[&str]) -> bool {
    let is_shared_below = || slot.others.iter().any(|other| !other.is_leaf());
    let is_whole = match slot.desired {
        // An empty map has the same leaf, and we would become the owner of values that the server has added to it since.
        Value::Object(map) => map.is_empty() || atomic.contains(&slot.name) && !is_shared_below(),
        // A list that is merged by key and has no items is in no set.
        Value::Array(list) => !list.is_empty() && !is_shared_below(),
        _ => true,
    };
    is_whole && is_same(slot.desired, slot.live)
}

/// Compares a map field by field, except for those that are in no field set.
pub(super) fn map_is_unchanged(slot: &ListSlot<'_>, unmerged: &[&str]) -> Option<bool> {
    let (desired, live) = (slot.desired.as_object()?, slot.live.as_object()?);
    let mut left = desired.keys().filter(|name| !unmerged.contains(&name.as_str())).count();
    for (step, segment, below) in slot.own.steps() {
        let Segment::Field(name) = segment? else { return None };
        if unmerged.contains(&name) {
            continue;
        }
        let slot = ListSlot { name, ..slot.step(step, below?, desired.get(name)?, live.get(name)?) };
        if !is_unchanged_at(&slot)? {
            return Some(false);
        }
        left = left.checked_sub(1)?;
    }
    Some(left == 0)
}

#[cfg(test)]
mod tests {
    use serde_json::{Map, json};

    use super::*;

    fn is_unchanged(desired: &Value, live: &Value) -> bool {
        super::is_unchanged(desired, &LiveObject::sample(live))
    }

    fn with_fields(desired: &Value, further: &Value, fields: &Value) -> Value {
        let mut live = desired.clone();
        json_patch::merge(&mut live, further);
        live["metadata"]["managedFields"] = json!([
            {"manager": MANAGER, "operation": "Apply", "apiVersion": desired["apiVersion"], "fieldsType": "FieldsV1",
             "fieldsV1": fields, "time": "2026-01-01T00:00:00Z"},
            {"manager": "controller", "operation": "Update", "apiVersion": desired["apiVersion"], "fieldsType": "FieldsV1",
             "fieldsV1": {"f:status": {"f:x": {}}}, "subresource": "status"},
        ]);
        live["metadata"]["uid"] = "1".into();
        live
    }

    fn service() -> Value {
        json!({"apiVersion": "v1", "kind": "Service",
            "metadata": {"name": "nginx", "namespace": "web", "labels": {"app": "nginx"}, "annotations": {"a.b/c": "pool1"}},
            "spec": {"type": "LoadBalancer", "selector": {"app": "nginx"}, "loadBalancerSourceRanges": ["10.0.0.0/8"],
                "ports": [{"name": "http", "port": 80}, {"name": "dns", "port": 53, "protocol": "UDP", "targetPort": "dns"}]}})
    }

    fn live_service() -> Value {
        let further = json!({"spec": {"clusterIP": "10.0.0.1", "sessionAffinity": "None", "ports": [
            {"name": "http", "port": 80, "protocol": "TCP", "targetPort": 80, "nodePort": 30000},
            {"name": "dns", "port": 53, "protocol": "UDP", "targetPort": "dns", "nodePort": 30001},
            {"name": "other", "port": 99, "protocol": "TCP"}]}});
        with_fields(
            &service(),
            &further,
            &json!({
                "f:metadata": {"f:annotations": {"f:a.b/c": {}}, "f:labels": {"f:app": {}}},
                "f:spec": {"f:type": {}, "f:selector": {}, "f:loadBalancerSourceRanges": {}, "f:ports": {
                    "k:{\"port\":80,\"protocol\":\"TCP\"}": {".": {}, "f:name": {}, "f:port": {}},
                    "k:{\"port\":53,\"protocol\":\"UDP\"}":
                        {".": {}, "f:name": {}, "f:port": {}, "f:protocol": {}, "f:targetPort": {}}}},
            }),
        )
    }

    /// Checks the Service with one edit in the rendered object, and with the same edit in the live object.
    #[track_caller]
    fn detects(what: &str, edit: impl Fn(&mut Value)) {
        let (mut desired, mut live) = (service(), live_service());
        edit(&mut desired);
        assert!(!is_unchanged(&desired, &live_service()), "{what}, in the rendered object");
        edit(&mut live);
        assert!(!is_unchanged(&service(), &live), "{what}, in the live object");
    }

    #[test]
    fn an_applied_service_is_unchanged() {
        assert!(is_unchanged(&service(), &live_service()));
        let mut other_services = service();
        other_services["metadata"].as_object_mut().unwrap().remove("namespace");
        assert!(is_unchanged(&other_services, &live_service()), "the flag sets the namespace");
    }

    #[test]
    fn a_change_of_one_field_is_found() {
        detects("another value", |it| it["spec"]["type"] = "ClusterIP".into());
        detects("another name", |it| it["metadata"]["name"] = "x".into());
        detects("another kind", |it| it["kind"] = "Endpoints".into());
        detects("another version", |it| it["apiVersion"] = "v2".into());
        detects("another label in the selector", |it| it["spec"]["selector"]["x"] = "y".into());
        detects("another range", |it| it["spec"]["loadBalancerSourceRanges"][0] = "::/0".into());
        detects("a float instead of an integer", |it| it["spec"]["ports"][0]["port"] = json!(80.0));
        detects("another order", |it| it["spec"]["ports"].as_array_mut().unwrap().swap(0, 1));
        detects("a null", |it| it["spec"]["type"] = Value::Null);
        detects("a removed field", |it| it["metadata"]["labels"] = json!({}));
        detects("a removed item", |it| _ = it["spec"]["ports"].as_array_mut().unwrap().remove(0));
        detects("a duplicate item", |it| {
            let ports = it["spec"]["ports"].as_array_mut().unwrap();
            ports.push(ports[0].clone());
        });
    }

    #[test]
    fn writing_a_live_value_changes_its_owner() {
        for (pointer, value) in [
            ("/spec/sessionAffinity", json!("None")),
            ("/spec/ports/0/protocol", json!("TCP")),
            ("/spec/ports/0/nodePort", json!(30000)),
            ("/metadata/uid", json!("1")),
            ("/status", json!({})),
            ("/spec/externalIPs", json!([])),
        ] {
            let mut desired = service();
            let (parent, name) = pointer.rsplit_once('/').unwrap();
            desired.pointer_mut(parent).unwrap()[name] = value;
            assert!(!is_unchanged(&desired, &live_service()), "{pointer}");
        }
    }

    #[test]
    fn uncertain_managed_fields_need_a_dry_run() {
        let uncertain = |what: &str, edit: &dyn Fn(&mut Value)| {
            let mut live = live_service();
            edit(&mut live["metadata"]);
            assert!(!is_unchanged(&service(), &live), "{what}");
        };
        uncertain("no entries", &|it| it["managedFields"] = json!([]));
        uncertain("it is being deleted", &|it| it["deletionTimestamp"] = "2026-01-01T00:00:00Z".into());
        uncertain("our entry is an Update", &|it| it["managedFields"][0]["operation"] = "Update".into());
        uncertain("our entry is of a subresource", &|it| {
            it["managedFields"][0]["subresource"] = "scale".into();
        });
        uncertain("our entry is of another version", &|it| {
            it["managedFields"][0]["apiVersion"] = "v2".into();
        });
        uncertain("another entry is of another version", &|it| {
            it["managedFields"][1]["apiVersion"] = "v2".into();
        });
        uncertain("an unknown format", &|it| it["managedFields"][1]["fieldsType"] = "FieldsV2".into());
        uncertain("two entries of this program", &|it| {
            let mut second = it["managedFields"][0].clone();
            second["subresource"] = "status".into();
            it["managedFields"].as_array_mut().unwrap().push(second);
        });
        uncertain("two entries of one manager", &|it| {
            let second = it["managedFields"][1].clone();
            it["managedFields"].as_array_mut().unwrap().push(second);
        });
        let fields = |edit: &dyn Fn(&mut Value), what: &str| {
            uncertain(what, &|it| edit(&mut it["managedFields"][0]["fieldsV1"]));
        };
        fields(&|it| it["f:spec"]["f:clusterIP"] = json!({}), "a field that we do not apply any more");
        fields(
            &|it| _ = it["f:spec"].as_object_mut().unwrap().remove("f:type"),
            "another manager took a field",
        );
        fields(&|it| it["f:spec"]["f:ports"]["i:0"] = json!({}), "an index");
        fields(&|it| it["f:spec"]["x:type"] = json!({}), "an unknown kind of step");
        fields(&|it| it["f:spec"]["f:ports"]["v:1"] = json!({}), "a list with two kinds of steps");
    }

    #[test]
    fn an_empty_map_and_server_defaults_are_uncertain() {
        let desired = |strategy: Value| json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "a"}, "spec": {"strategy": strategy}});
        let full = desired(json!({"type": "RollingUpdate"}));
        let live = with_fields(&full, &json!({}), &json!({"f:spec": {"f:strategy": {}}}));
        assert!(!is_unchanged(&full, &live), "we would become the owner of its type");
        assert!(
            !is_unchanged(&desired(json!({})), &live),
            "only the server knows whether it adds the defaults again"
        );
    }

    #[test]
    fn nested_lists() {
        let desired = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "a"}, "spec": {
            "selector": {"matchLabels": {"app": "a"}},
            "template": {"spec": {
                "nodeSelector": {"os": "linux"},
                "imagePullSecrets": [{"name": "one"}],
                "tolerations": [{"key": "a", "operator": "Exists"}],
                "containers": [{"name": "a", "image": "a", "env": [{"name": "A", "valueFrom": {"fieldRef":
                    {"apiVersion": "v1", "fieldPath": "x"}}}], "ports": [{"containerPort": 80}], "securityContext": {}}],
                "volumes": [{"name": "v", "emptyDir": {}}]}}}});
        let live = with_fields(
            &desired,
            &json!({"spec": {"replicas": 1}}),
            &json!({"f:spec": {"f:selector": {}, "f:template": {"f:spec": {
                "f:nodeSelector": {},
                "f:imagePullSecrets": {"k:{\"name\":\"one\"}": {}},
                "f:tolerations": {},
                "f:containers": {"k:{\"name\":\"a\"}": {".": {}, "f:name": {}, "f:image": {}, "f:securityContext": {},
                    "f:env": {"k:{\"name\":\"A\"}": {".": {}, "f:name": {}, "f:valueFrom": {"f:fieldRef": {}}}},
                    "f:ports": {"k:{\"containerPort\":80,\"protocol\":\"TCP\"}": {".": {}, "f:containerPort": {}}}}},
                "f:volumes": {"k:{\"name\":\"v\"}": {".": {}, "f:name": {}, "f:emptyDir": {}}}}}}}),
        );
        assert!(!is_unchanged(&desired, &live), "without a protocol the port may be another one");
        let mut complete = live.clone();
        complete["spec"]["template"]["spec"]["containers"][0]["ports"][0]["protocol"] = "TCP".into();
        assert!(is_unchanged(&desired, &complete));
        complete["spec"]["template"]["spec"]["volumes"][0]["emptyDir"]["sizeLimit"] = "1Gi".into();
        assert!(!is_unchanged(&desired, &complete));
    }

    #[test]
    fn an_object_with_only_a_name() {
        let bare = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "a"}});
        let live = |entries: Value| {
            let mut live = bare.clone();
            live["metadata"]["managedFields"] = entries;
            live
        };
        let other = json!({"manager": "other", "operation": "Update", "apiVersion": "v1", "fieldsType": "FieldsV1",
            "fieldsV1": {"f:metadata": {"f:labels": {}}}});
        assert!(is_unchanged(&bare, &live(json!([other]))));
        assert!(!is_unchanged(&bare, &live(json!([]))), "it gets its first entry");
        let mut labeled = bare.clone();
        labeled["metadata"]["labels"] = json!({});
        assert!(!is_unchanged(&labeled, &live(json!([other]))));
    }

    #[test]
    fn sets_of_scalars() {
        let desired = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "a", "finalizers": ["x", "y"]}});
        let live = |finalizers: Value| {
            let further = json!({"metadata": {"finalizers": finalizers}});
            let fields = json!({"f:metadata": {"f:finalizers": {".": {}, "v:\"x\"": {}, "v:\"y\"": {}}}});
            with_fields(&desired, &further, &fields)
        };
        assert!(is_unchanged(&desired, &live(json!(["other", "x", "y"]))));
        for finalizers in [json!(["y", "x"]), json!(["x"]), json!(["x", "y", "x"]), json!(null)] {
            assert!(!is_unchanged(&desired, &live(finalizers.clone())), "{finalizers}");
        }
    }

    #[test]
    fn two_items_that_differ_only_in_a_default() {
        let desired = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "dns"},
            "spec": {"ports": [{"port": 53}, {"port": 53, "protocol": "UDP"}]}});
        let further =
            json!({"spec": {"ports": [{"port": 53, "protocol": "TCP"}, {"port": 53, "protocol": "UDP"}]}});
        let live = with_fields(
            &desired,
            &further,
            &json!({"f:spec": {"f:ports": {
                "k:{\"port\":53,\"protocol\":\"TCP\"}": {".": {}, "f:port": {}},
                "k:{\"port\":53,\"protocol\":\"UDP\"}": {".": {}, "f:port": {}, "f:protocol": {}}}}}),
        );
        assert!(is_unchanged(&desired, &live));
        assert!(!is_unchanged(&further_of(&desired, &further), &live), "we would become the owner of TCP");
    }

    fn further_of(desired: &Value, further: &Value) -> Value {
        let mut object = desired.clone();
        json_patch::merge(&mut object, further);
        object
    }

    #[test]
    fn long_lists_need_linear_time() {
        const ITEMS: usize = 5_000;
        let name = |index: usize| format!("item-{index}");
        let env: Vec<_> = (0..ITEMS).map(|index| json!({"name": name(index), "value": "x"})).collect();
        let fields: Map<_, _> = (0..ITEMS)
            .map(|index| {
                (format!("k:{{\"name\":\"{}\"}}", name(index)), json!({".": {}, "f:name": {}, "f:value": {}}))
            })
            .collect();
        let desired =
            json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}, "spec": {"env": env}});
        let live = with_fields(&desired, &json!({}), &json!({"f:spec": {"f:env": fields}}));
        assert!(is_unchanged(&desired, &live));
    }
}
