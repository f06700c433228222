//! Finds items of a list with the same key. A server-side apply refuses them (`duplicate entries for key`), also in lists in which a
//! create accepts them. The keys of the lists are in the table of types.

use std::collections::HashMap;

use serde_json::Value;

use crate::core::live::types::{Kind, Merge, ServerDefault, Shape};
use crate::core::pointer;

/// An item of a list with the key of an earlier item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DuplicateItem {
    /// The JSON pointer of the earlier item.
    pub first: String,
    /// The JSON pointer of the item.
    pub second: String,
    /// The fields of the key and their values, such as `name=A`; the value alone in a set.
    pub key: String,
}

/// Returns the items with the key of an earlier item, in all lists of an object whose keys are known.
pub fn duplicate_items(object: &Value) -> Vec<DuplicateItem> {
    let text = |field: &str| object.get(field).and_then(Value::as_str).unwrap_or_default();
    let mut found = Vec::new();
    let shape = Shape::of_object(text("apiVersion"), text("kind"));
    if shape.kind() == Kind::Struct {
        walk(object, shape, &mut String::new(), &mut found);
    } else if let Some(metadata) = object.get("metadata") {
        walk(metadata, Shape::metadata(), &mut "/metadata".to_owned(), &mut found);
    }
    found
}

fn walk(value: &Value, shape: Shape, at: &mut String, found: &mut Vec<DuplicateItem>) {
    let length = at.len();
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                pointer::push(at, key);
                walk(value, shape.field(key), at, found);
                at.truncate(length);
            }
        }
        Value::Array(items) => {
            compare(items, shape, at, found);
            for (index, item) in items.iter().enumerate() {
                at.push('/');
                at.push_str(&index.to_string());
                walk(item, shape.item(), at, found);
                at.truncate(length);
            }
        }
        _ => {}
    }
}

fn compare(items: &[Value], list: Shape, at: &str, found: &mut Vec<DuplicateItem>) {
    let mut seen: HashMap<String, usize> = HashMap::new();
    for (index, item) in items.iter().enumerate() {
        let Some(key) = key(item, list) else { continue };
        let first = *seen.entry(key.clone()).or_insert(index);
        if first != index {
            found.push(DuplicateItem {
                first: format!("{at}/{first}"),
                second: format!("{at}/{index}"),
                key,
            });
        }
    }
}

/// Returns the key of an item; `None` if it has none.
fn key(item: &Value, list: Shape) -> Option<String> {
    let shown = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let keys = match list.merge() {
        Merge::Whole => return None,
        Merge::Set => return Some(shown(item)),
        Merge::Keys(keys) => keys,
    };
    let of_field = |field: &str| {
        let value = item.get(field).filter(|value| !value.is_null());
        let value = value.or(match list.item().field(field).default {
            ServerDefault::Is(default) => Some(default),
            _ => None,
        });
        value.map(|value| format!("{field}={}", shown(value)))
    };
    let fields: Vec<String> = keys.split(',').filter_map(of_field).collect();
    (!fields.is_empty()).then(|| fields.join(","))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn found(object: &Value) -> Vec<String> {
        let show = |found: DuplicateItem| format!("{} {} {}", found.first, found.second, found.key);
        duplicate_items(object).into_iter().map(show).collect()
    }

    #[test]
    fn items_with_the_same_key_are_found_in_every_kind() {
        let env = json!([{"name": "A", "value": "1"}, {"name": "B"}, {"name": "A", "value": "2"}]);
        let ports = json!([{"containerPort": 80}, {"containerPort": 80, "protocol": "UDP"}, {"containerPort": 80, "protocol": "TCP"}]);
        let pod = json!({"containers": [{"name": "a", "env": env, "ports": ports, "command": ["x", "x"]}]});
        let job = json!({"apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": "a"},
            "spec": {"jobTemplate": {"spec": {"template": {"spec": pod}}}}});
        let at = "/spec/jobTemplate/spec/template/spec/containers/0";
        assert_eq!(
            found(&job),
            [
                format!("{at}/env/0 {at}/env/2 name=A"),
                format!("{at}/ports/0 {at}/ports/2 containerPort=80,protocol=TCP"),
            ]
        );
        let custom = json!({"apiVersion": "example.com/v1", "kind": "Job", "spec": {"env": env},
            "metadata": {"name": "a", "finalizers": ["a/b", "a/c", "a/b"]}});
        assert_eq!(found(&custom), ["/metadata/finalizers/0 /metadata/finalizers/2 a/b"]);
        let account = json!({"apiVersion": "v1", "kind": "ServiceAccount", "imagePullSecrets": [{"name": "a"}, {"name": "a"}],
            "secrets": [{"name": "a"}, {"name": "a"}, {}, {}]});
        assert_eq!(found(&account), ["/secrets/0 /secrets/1 name=a"]);
    }

    #[test]
    fn many_items_take_linear_time() {
        // With a comparison of each pair, this would take minutes.
        let env: Vec<Value> = (0..50_000).map(|number| json!({"name": format!("A{number}")})).collect();
        let pod =
            json!({"apiVersion": "v1", "kind": "Pod", "spec": {"containers": [{"name": "a", "env": env}]}});
        assert_eq!(duplicate_items(&pod), []);
    }
}
