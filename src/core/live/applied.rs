//! The configuration that this program applied last, read back from a live object. With it, an apply can change one
//! field and leave all values and owners of the others as they are.

use serde_json::{Map, Value, json};

use crate::core::json;
use crate::core::live::live_object::LiveObject;
use crate::core::live::managed_fields::{FieldSet, Segment, entries, ours};

/// Returns the fields of a live object that this program applied, with their live values. `None` if it never applied the
/// object, or if its fields are named in another API version than the object.
pub fn applied_configuration(live: &LiveObject) -> Option<Value> {
    let entries = entries(live)?;
    let entry = ours(&entries)?;
    if entry.api_version != live.api_version() {
        return None;
    }
    let mut applied = owned(live.value(), entry.fields);
    for (field, value) in [("apiVersion", live.api_version()), ("kind", live.kind())] {
        json::put(&mut applied, &[field], value);
    }
    for (field, value) in [("name", live.name()), ("namespace", live.namespace())] {
        if !value.is_empty() {
            json::put(&mut applied, &["metadata", field], value);
        }
    }
    Some(applied)
}

/// Returns the part of a value that a field set names.
fn owned(value: &Value, fields: FieldSet<'_>) -> Value {
    if fields.is_leaf() {
        return value.clone();
    }
    match value {
        Value::Object(map) => {
            let field = |(_, segment, below): (&str, Option<Segment<'_>>, Option<FieldSet<'_>>)| {
                let Some(Segment::Field(name)) = segment else { return None };
                Some((name.to_owned(), owned(map.get(name)?, below?)))
            };
            Value::Object(fields.steps().filter_map(field).collect::<Map<_, _>>())
        }
        Value::Array(items) => {
            // The order of the list is that of the object: it may have a meaning.
            let item = |item: &Value| {
                let (_, _, below) = fields.steps().find(|(_, segment, _)| is_item(item, segment.as_ref()))?;
                Some(owned(item, below?))
            };
            Value::Array(items.iter().filter_map(item).collect())
        }
        _ => value.clone(),
    }
}

fn is_item(item: &Value, segment: Option<&Segment<'_>>) -> bool {
    match segment {
        Some(Segment::Key(key)) => key.iter().all(|(name, value)| item.get(name) == Some(value)),
        Some(Segment::Value(value)) => item == value,
        _ => false,
    }
}

/// Returns a merge patch of one label that fails if the object has changed since it was read.
pub fn label_patch(live: &LiveObject, key: &str, value: Option<&str>) -> Value {
    let (uid, version) = (live.uid(), live.resource_version());
    json!({ "metadata": { "uid": uid, "resourceVersion": version, "labels": { key: value } } })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::live::MANAGER;

    fn live(manager: &str, fields: &Value) -> LiveObject {
        LiveObject::sample(&json!({
            "apiVersion": "v1", "kind": "Service",
            "metadata": {"name": "web", "namespace": "prod", "uid": "u", "labels": {"a": "1", "b": "2"},
                "finalizers": ["x/a", "x/b"],
                "managedFields": [{"manager": manager, "operation": "Apply", "apiVersion": "v1",
                    "fieldsType": "FieldsV1", "fieldsV1": fields}]},
            "spec": {"type": "LoadBalancer", "clusterIP": "10.0.0.1", "selector": {"app": "web"},
                "ports": [{"port": 443, "protocol": "TCP", "nodePort": 30001}, {"port": 80, "protocol": "TCP", "nodePort": 30000}]},
        }))
    }

    #[test]
    fn only_applied_fields_are_returned_with_their_live_values() {
        let fields = json!({
            "f:metadata": {"f:labels": {"f:a": {}}, "f:finalizers": {"v:\"x/b\"": {}}},
            "f:spec": {"f:type": {}, "f:selector": {}, "f:gone": {}, "f:ports": {
                "k:{\"port\":80,\"protocol\":\"TCP\"}": {".": {}, "f:port": {}},
                "k:{\"port\":443,\"protocol\":\"TCP\"}": {".": {}, "f:port": {}, "f:protocol": {}},
            }},
        });
        assert_eq!(
            applied_configuration(&live(MANAGER, &fields)),
            Some(json!({
                "apiVersion": "v1", "kind": "Service",
                "metadata": {"name": "web", "namespace": "prod", "labels": {"a": "1"}, "finalizers": ["x/b"]},
                "spec": {"type": "LoadBalancer", "selector": {"app": "web"},
                    "ports": [{"port": 443, "protocol": "TCP"}, {"port": 80}]},
            }))
        );
    }

    #[test]
    fn objects_that_this_program_never_applied_have_none() {
        assert_eq!(applied_configuration(&live("kubectl", &json!({"f:spec": {}}))), None);
    }

    #[test]
    fn a_label_patch_has_preconditions() {
        let patch = label_patch(&live(MANAGER, &json!({})), "a", None);
        assert_eq!(patch, json!({"metadata": {"uid": "u", "resourceVersion": null, "labels": {"a": null}}}));
    }
}
