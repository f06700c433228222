//! List items that stay after an apply although the rendered object lacks them, because other field managers own them.

use serde_json::Value;

use crate::core::live::list_items::{is_at, is_meant};
use crate::core::live::live_object::LiveObject;
use crate::core::live::managed_fields::{FieldSet, Segment, entries};
use crate::core::live::takeover::LeftField;
use crate::core::live::types::Shape;

/// Returns the items with their field managers. An item of which others own only fields leaves with ours.
pub fn foreign_items(wanted: &Value, live: &LiveObject) -> Vec<LeftField> {
    let mut found = Vec::new();
    let version = wanted["apiVersion"].as_str().unwrap_or_default();
    let shape = Shape::of_object(version, wanted["kind"].as_str().unwrap_or_default());
    for entry in entries(live).unwrap_or_default() {
        if entry.is_ours() || !entry.subresource.is_empty() {
            continue;
        }
        let mut fields = Vec::new();
        collect(entry.fields, Some(wanted), live.value(), shape, "", &mut fields);
        let left = |field| LeftField { field, manager: entry.manager.to_owned() };
        found.extend(fields.into_iter().map(left));
    }
    found
}

fn collect(
    set: FieldSet<'_>,
    wanted: Option<&Value>,
    live: &Value,
    shape: Shape,
    at: &str,
    found: &mut Vec<String>,
) {
    for (_, segment, below) in set.steps() {
        let Some(below) = below else { continue };
        match segment {
            Some(Segment::Field(name)) => {
                let Some(live) = live.get(name) else { continue };
                let wanted = wanted.and_then(|wanted| wanted.get(name));
                collect(below, wanted, live, shape.field(name), &format!("{at}.{name}"), found);
            }
            Some(Segment::Key(key)) => {
                let mut items = live.as_array().into_iter().flatten();
                let Some(item) = items.find(|item| is_at(&key, item)) else { continue };
                let names: Vec<String> = key.keys().cloned().collect();
                let mut wanted = wanted.and_then(Value::as_array).into_iter().flatten();
                let wanted = wanted.find(|wanted| is_meant(wanted, item, &names, shape));
                let fields: Vec<String> = key.iter().map(|(name, value)| format!("{name}={value}")).collect();
                let path = format!("{at}[{}]", fields.join(","));
                match wanted {
                    None if below.owns_itself() => found.push(path),
                    None => {}
                    Some(_) => collect(below, wanted, item, shape.item(), &path, found),
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn items_of_others_are_found() {
        let entry = |manager: &str, fields: Value| {
            json!({"manager": manager, "operation": "Update", "apiVersion": "v1", "fieldsType": "FieldsV1",
                "fieldsV1": fields})
        };
        let port =
            |port: u32, fields: Value| json!({format!("k:{{\"port\":{port},\"protocol\":\"TCP\"}}"): fields});
        let ports = |port: Value| json!({"f:spec": {"f:ports": port}});
        let live = LiveObject::sample(&json!({"apiVersion": "v1", "kind": "Service",
            "metadata": {"name": "a", "managedFields": [
                entry("kubectl-patch", ports(port(99, json!({".": {}, "f:port": {}})))),
                entry("kubectl-edit", ports(port(98, json!({"f:name": {}})))),
                entry("kubectl-create", ports(port(80, json!({".": {}, "f:port": {}})))),
            ]},
            "spec": {"ports": [{"port": 80, "protocol": "TCP"}, {"port": 98, "protocol": "TCP"}, {"port": 99, "protocol": "TCP"}]}}));
        let wanted = json!({"apiVersion": "v1", "kind": "Service", "spec": {"ports": [{"port": 80}]}});
        let found: Vec<String> = foreign_items(&wanted, &live)
            .iter()
            .map(|left| format!("{} {}", left.manager, left.field))
            .collect();
        assert_eq!(found, ["kubectl-patch .spec.ports[port=99,protocol=\"TCP\"]"]);
    }
}
