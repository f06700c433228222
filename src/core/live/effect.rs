//! The effect of an apply, from the object before and the object in the server's response.

use serde_json::{Map, Value};

use crate::core::live::field_changes;
use crate::core::live::field_changes::FieldChange;
use crate::core::live::live_object::LiveObject;
use crate::core::live::normalize::cleaned;

/// The effect of an apply on an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// No change, not even of managed fields.
    None,
    /// We gained or lost ownership of fields; their values are unchanged.
    Ownership,
    /// Values changed.
    Values,
}

/// Compares the object before and after the apply.
pub fn effect(before: &LiveObject, after: &LiveObject) -> Effect {
    if cleaned(before.value()) != cleaned(after.value()) {
        Effect::Values
    } else if managers(before) != managers(after) {
        Effect::Ownership
    } else {
        Effect::None
    }
}

/// Keeps only the changes that the rendered object causes. Drops the values that the server adds to a new part, such as a
/// node port or a default, because they may be different the next time.
pub fn intended(changes: Vec<FieldChange>, desired: &Value) -> Vec<FieldChange> {
    let keep = |change: FieldChange| match (&change.old, &change.new) {
        (None, Some(new)) => {
            let wanted = field_changes::at(&change.pointer, desired)?;
            let new = Some(as_far_as(new, wanted));
            Some(FieldChange { new, ..change })
        }
        _ => Some(change),
    };
    changes.into_iter().filter_map(keep).collect()
}

/// Returns the managed fields entries without their times, sorted, because the server sorts them by time.
fn managers(object: &LiveObject) -> Vec<String> {
    let entries = object.managed_fields().iter();
    let mut entries: Vec<String> = entries
        .map(|entry| {
            let fields = entry.as_object().into_iter().flatten().filter(|(name, _)| *name != "time");
            let kept: Map<String, Value> =
                fields.map(|(name, value)| (name.clone(), value.clone())).collect();
            Value::Object(kept).to_string()
        })
        .collect();
    entries.sort_unstable();
    entries
}

fn as_far_as(value: &Value, wanted: &Value) -> Value {
    match (value, wanted) {
        (Value::Object(value), Value::Object(wanted)) => value
            .iter()
            .filter_map(|(name, value)| Some((name.clone(), as_far_as(value, wanted.get(name)?))))
            .collect::<Map<_, _>>()
            .into(),
        (Value::Array(value), Value::Array(wanted)) if value.len() == wanted.len() => {
            value.iter().zip(wanted).map(|(value, wanted)| as_far_as(value, wanted)).collect()
        }
        (value, _) => value.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::core::live::field_changes::{changes, digest};

    fn object(data: &Value, entries: &Value) -> LiveObject {
        LiveObject::sample(&json!({"metadata": {"managedFields": entries}, "data": data}))
    }

    #[test]
    fn effects_are_told_apart() {
        let ours = json!({"manager": "a", "time": "1", "fieldsV1": {"f:data": {}}});
        let theirs = json!({"manager": "b", "time": "2", "fieldsV1": {"f:data": {}}});
        let later = json!({"manager": "a", "time": "3", "fieldsV1": {"f:data": {}}});
        let before = object(&json!({"x": "1"}), &json!([ours, theirs]));
        assert_eq!(effect(&before, &object(&json!({"x": "1"}), &json!([theirs, later]))), Effect::None);
        assert_eq!(effect(&before, &object(&json!({"x": "1"}), &json!([ours]))), Effect::Ownership);
        assert_eq!(effect(&before, &object(&json!({"x": "2"}), &json!([ours, theirs]))), Effect::Values);
    }

    #[test]
    fn values_that_the_server_adds_are_not_intended() {
        let wanted =
            json!({"spec": {"type": "LoadBalancer", "ports": [{"port": 80}, {"port": 443, "name": "tls"}]}});
        let before = json!({"spec": {"type": "ClusterIP", "ports": [{"port": 80, "protocol": "TCP"}]}});
        let after = |node_port: u32| {
            json!({"spec": {"type": "LoadBalancer", "allocateLoadBalancerNodePorts": true, "ports": [
                {"port": 80, "protocol": "TCP", "nodePort": node_port},
                {"port": 443, "protocol": "TCP", "name": "tls", "nodePort": node_port + 1}]}})
        };
        let change = |node_port| intended(changes(&before, &after(node_port)), &wanted);
        let shown: Vec<String> = change(30000)
            .iter()
            .map(|change| format!("{} {}", change.pointer, change.new.as_ref().unwrap_or(&Value::Null)))
            .collect();
        assert_eq!(
            shown,
            [r#"/spec/ports/443,TCP {"name":"tls","port":443}"#, r#"/spec/type "LoadBalancer""#]
        );
        assert_eq!(digest("", &change(30000)), digest("", &change(31000)));
    }

    #[test]
    fn removed_fields_are_intended() {
        let change =
            intended(changes(&json!({"data": {"a": "1"}}), &json!({"data": {}})), &json!({"data": {}}));
        assert_eq!(change.len(), 1);
    }
}
