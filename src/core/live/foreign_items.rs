//! List items that stay after an apply although the rendered object lacks them, because other field managers own them.

use serde_json::Value;

use crate::core::live::list_items::{is_at, is_meant};
use crate::core::live::live_object::LiveObject;
use crate::core::live::managed_fields::{FieldSet, Segment, entries};
use crate::core::live::takeover::LeftField;
use crate::core::live::types::Shape;

/// An item of another field manager with the name of an item of the rendered object, which has another key: a port whose number
/// was edited in the cluster. An apply would keep both, and the API server refuses two items with one name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SameName {
    /// The list, such as `spec.ports`.
    pub list: String,
    /// The name of both items.
    pub name: String,
    /// What differs in the key of the live item, such as `port 8080`.
    pub live: String,
    /// The same in the rendered item.
    pub wanted: String,
    /// The field manager of the live item.
    pub manager: String,
    /// The path of the live item.
    pub field: String,
}

/// Returns the items with their field managers. An item of which others own only fields leaves with ours.
pub fn foreign_items(wanted: &Value, live: &LiveObject) -> Vec<LeftField> {
    let left =
        |(manager, item): (&str, ForeignItem)| LeftField { field: item.path, manager: manager.to_owned() };
    items(wanted, live).into_iter().map(left).collect()
}

/// Returns the items of other field managers whose names the rendered object gives to other items.
pub fn same_names(wanted: &Value, live: &LiveObject) -> Vec<SameName> {
    let same = |(manager, item): (&str, ForeignItem)| {
        let Rival { list, name, live, wanted } = item.rival?;
        Some(SameName { list, name, live, wanted, manager: manager.to_owned(), field: item.path })
    };
    items(wanted, live).into_iter().filter_map(same).collect()
}

/// An item of another field manager.
struct ForeignItem {
    path: String,
    rival: Option<Rival>,
}

/// The rendered item with the same name.
struct Rival {
    list: String,
    name: String,
    live: String,
    wanted: String,
}

fn items<'a>(wanted: &Value, live: &'a LiveObject) -> Vec<(&'a str, ForeignItem)> {
    let mut found = Vec::new();
    let version = wanted["apiVersion"].as_str().unwrap_or_default();
    let shape = Shape::of_object(version, wanted["kind"].as_str().unwrap_or_default());
    for entry in entries(live).unwrap_or_default() {
        if entry.is_ours() || !entry.subresource.is_empty() {
            continue;
        }
        let mut fields = Vec::new();
        collect(entry.fields, Some(wanted), live.value(), shape, "", &mut fields);
        found.extend(fields.into_iter().map(|item| (entry.manager, item)));
    }
    found
}

fn collect(
    set: FieldSet<'_>,
    wanted: Option<&Value>,
    live: &Value,
    shape: Shape,
    at: &str,
    found: &mut Vec<ForeignItem>,
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
                let list = wanted.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
                let wanted = list.iter().find(|wanted| is_meant(wanted, item, &names, shape));
                let fields: Vec<String> = key.iter().map(|(name, value)| format!("{name}={value}")).collect();
                let path = format!("{at}[{}]", fields.join(","));
                match wanted {
                    None if below.owns_itself() => {
                        found.push(ForeignItem { path, rival: rival(at, list, item, &names) });
                    }
                    None => {}
                    Some(_) => collect(below, wanted, item, shape.item(), &path, found),
                }
            }
            _ => {}
        }
    }
}

/// Returns the rendered item with the name of a live item.
fn rival(at: &str, list: &[Value], item: &Value, keys: &[String]) -> Option<Rival> {
    let name = item.get("name").and_then(Value::as_str).filter(|name| !name.is_empty())?;
    let wanted = list.iter().find(|wanted| wanted.get("name").and_then(Value::as_str) == Some(name))?;
    let differs = |key: &&String| {
        let value = wanted.get(key.as_str());
        value.is_some() && value != item.get(key.as_str())
    };
    let shown = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let text = |object: &Value| -> String {
        let parts = keys.iter().filter(differs).map(|key| format!("{key} {}", shown(&object[key.as_str()])));
        parts.collect::<Vec<_>>().join(", ")
    };
    let list = at.trim_start_matches('.').to_owned();
    let (live, wanted) = (text(item), text(wanted));
    (!wanted.is_empty()).then(|| Rival { list, name: name.to_owned(), live, wanted })
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

    #[test]
    fn a_port_with_another_number_is_found_by_its_name() {
        let key = |port: u32| format!("k:{{\"port\":{port},\"protocol\":\"TCP\"}}");
        let fields = json!({"f:spec": {"f:ports": {key(8080): {".": {}, "f:name": {}, "f:port": {}},
            key(9090): {".": {}, "f:name": {}, "f:port": {}}}}});
        let live = LiveObject::sample(&json!({"apiVersion": "v1", "kind": "Service",
            "metadata": {"name": "a", "managedFields": [{"manager": "kubectl-edit", "operation": "Update",
                "apiVersion": "v1", "fieldsType": "FieldsV1", "fieldsV1": fields}]},
            "spec": {"ports": [{"name": "http", "port": 8080, "protocol": "TCP"}, {"name": "own", "port": 9090, "protocol": "TCP"}]}}));
        let wanted = |port: u32| json!({"apiVersion": "v1", "kind": "Service", "spec": {"ports": [{"name": "http", "port": port}]}});
        let found = same_names(&wanted(80), &live);
        let expected = SameName {
            list: "spec.ports".to_owned(),
            name: "http".to_owned(),
            live: "port 8080".to_owned(),
            wanted: "port 80".to_owned(),
            manager: "kubectl-edit".to_owned(),
            field: ".spec.ports[port=8080,protocol=\"TCP\"]".to_owned(),
        };
        assert_eq!(found, [expected]);
        assert_eq!(same_names(&wanted(8080), &live), []);
    }
}
