//! Differences between two normalized objects, field by field: the smallest unit that a user reviews.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::core::kubernetes::names;
use crate::core::pointer;

/// A change of one field, or of a whole part that is new or removed.
#[derive(Clone, Debug, PartialEq)]
pub struct FieldChange {
    /// A JSON pointer in which list items are named by their keys instead of their index: `/spec/ports/80,TCP/nodePort`.
    pub pointer: String,
    /// The old value.
    pub old: Option<Value>,
    /// The new value.
    pub new: Option<Value>,
}

/// Returns all differences, sorted by pointer.
pub fn changes(old: &Value, new: &Value) -> Vec<FieldChange> {
    let mut found = Vec::new();
    compare("", Some(old), Some(new), &mut found);
    found.sort_by(|a, b| a.pointer.cmp(&b.pointer));
    found
}

/// Returns the SHA-256 of changes after a salt. Equal changes have equal digests with the same salt; without the salt, a short
/// secret value can be guessed from its digest.
pub fn digest(salt: &str, changes: &[FieldChange]) -> String {
    // A list of no or one value keeps a missing value apart from null. Maps are sorted by key.
    let one = |value: &Option<Value>| Value::Array(value.iter().cloned().collect());
    let all: Vec<Value> =
        changes.iter().map(|change| json!([change.pointer, one(&change.old), one(&change.new)])).collect();
    names::digest(format!("{salt}{}", Value::Array(all)).as_bytes())
}

/// Returns the value at the pointer of a change in another object of the same structure.
pub fn at<'a>(pointer: &str, object: &'a Value) -> Option<&'a Value> {
    let mut value = object;
    for step in pointer.split('/').skip(1) {
        let step = step.replace("~1", "/").replace("~0", "~");
        value = match value {
            Value::Object(map) => map.get(&step)?,
            Value::Array(list) => {
                let keyed = KEYS.iter().find_map(|key| labeled(key, list)?.get(&step).map(|(_, item)| *item));
                keyed.or_else(|| list.get(step.parse::<usize>().ok()?))?
            }
            _ => return None,
        };
    }
    Some(value)
}

fn compare(at: &str, old: Option<&Value>, new: Option<&Value>, found: &mut Vec<FieldChange>) {
    match (old, new) {
        _ if old == new => {}
        (Some(Value::Object(old)), Some(Value::Object(new))) => {
            let names: BTreeSet<_> = old.keys().chain(new.keys()).collect();
            for name in names {
                compare(&pointer::join(at, name), old.get(name), new.get(name), found);
            }
        }
        (Some(Value::Array(old)), Some(Value::Array(new))) => {
            let keyed = KEYS.iter().find_map(|key| Some((labeled(key, old)?, labeled(key, new)?)));
            match keyed.filter(|(old, new)| are_in_the_same_order(old, new)) {
                Some((old, new)) => compare_items(at, &old, &new, found),
                None => {
                    for index in 0..old.len().max(new.len()) {
                        compare(
                            &pointer::join(at, &index.to_string()),
                            old.get(index),
                            new.get(index),
                            found,
                        );
                    }
                }
            }
        }
        _ => found.push(FieldChange { pointer: at.to_owned(), old: old.cloned(), new: new.cloned() }),
    }
}

fn compare_items<'a>(at: &str, old: &Items<'a>, new: &Items<'a>, found: &mut Vec<FieldChange>) {
    let labels: BTreeSet<_> = old.keys().chain(new.keys()).collect();
    for label in labels {
        let item = |items: &Items<'a>| items.get(label).map(|(_, item)| *item);
        compare(&pointer::join(at, label), item(old), item(new), found);
    }
}

/// The items of a list by their keys, with their indexes.
type Items<'a> = BTreeMap<String, (usize, &'a Value)>;

/// The key fields of Kubernetes' lists. The first entry applies that every item has and that no two items share. Only the
/// first field of an entry is required; the second is often left to its default.
const KEYS: &[&[&str]] = &[
    &["port", "protocol"],
    &["containerPort", "protocol"],
    &["mountPath"],
    &["devicePath"],
    &["topologyKey", "whenUnsatisfiable"],
    &["name"],
    &["uid"],
    &["ip"],
    &["key"],
    &["type"],
    &["id"],
];

fn labeled<'a>(key: &[&str], list: &'a [Value]) -> Option<Items<'a>> {
    let mut items = BTreeMap::new();
    for (index, item) in list.iter().enumerate() {
        let mut label = text(item.get(key[0])?)?;
        for name in &key[1..] {
            let default = if *name == "protocol" { "TCP".to_owned() } else { String::new() };
            let value = item.get(*name).map_or(Some(default), text)?;
            label = format!("{label},{value}");
        }
        if items.insert(label, (index, item)).is_some() {
            return None;
        }
    }
    Some(items)
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        _ => None,
    }
}

/// Compares the order of the items that both lists have. A new order is a change, which a comparison by key would miss.
fn are_in_the_same_order(old: &Items<'_>, new: &Items<'_>) -> bool {
    let mut places: Vec<_> =
        old.iter().filter_map(|(label, (location, _))| Some((*location, new.get(label)?.0))).collect();
    places.sort_unstable();
    places.is_sorted_by_key(|(_, location)| *location)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(old: &Value, new: &Value) -> Vec<String> {
        let one = |value: &Option<Value>| value.as_ref().map_or("-".to_owned(), Value::to_string);
        changes(old, new)
            .iter()
            .map(|change| format!("{} {} {}", change.pointer, one(&change.old), one(&change.new)))
            .collect()
    }

    #[test]
    fn changes_are_as_deep_as_possible() {
        let old = json!({"a": {"b": 1, "c": {"d": "x"}}, "gone": {"x": 1}, "null": null});
        let new = json!({"a": {"b": 2, "c": {"d": "x", "e/f": true}}, "map": {"y": [1]}});
        assert_eq!(
            shown(&old, &new),
            ["/a/b 1 2", "/a/c/e~1f - true", "/gone {\"x\":1} -", "/map - {\"y\":[1]}", "/null null -"]
        );
        assert!(changes(&old, &old).is_empty());
        assert_eq!(shown(&json!({"a": [1]}), &json!({"a": {}})), ["/a [1] {}"]);
        assert_eq!(shown(&Value::Null, &json!({})), [" null {}"]);
    }

    #[test]
    fn list_items_are_compared_by_key() {
        let old = json!({"spec": {"ports": [
            {"name": "http", "port": 80, "protocol": "TCP", "nodePort": 30000},
            {"name": "dns", "port": 53, "protocol": "UDP"},
            {"name": "dns-tcp", "port": 53, "protocol": "TCP"},
        ]}});
        let new = json!({"spec": {"ports": [
            {"name": "https", "port": 443},
            {"name": "http", "port": 80, "nodePort": 30001, "protocol": "TCP"},
            {"name": "dns-tcp", "port": 53},
        ]}});
        assert_eq!(
            shown(&old, &new),
            [
                "/spec/ports/443,TCP - {\"name\":\"https\",\"port\":443}",
                "/spec/ports/53,TCP/protocol \"TCP\" -",
                "/spec/ports/53,UDP {\"name\":\"dns\",\"port\":53,\"protocol\":\"UDP\"} -",
                "/spec/ports/80,TCP/nodePort 30000 30001",
            ]
        );
        let mounts = |read_only: bool| json!([{"name": "a", "mountPath": "/x"}, {"name": "a", "mountPath": "/y/z", "readOnly": read_only}]);
        assert_eq!(shown(&mounts(true), &mounts(false)), ["/~1y~1z/readOnly true false"]);
    }

    #[test]
    fn list_items_without_keys_are_compared_by_index() {
        let tolerations =
            |effect: &str| json!([{"key": "a", "effect": "NoSchedule"}, {"key": "a", "effect": effect}]);
        assert_eq!(shown(&tolerations("NoExecute"), &tolerations("x")), ["/1/effect \"NoExecute\" \"x\""]);
        assert_eq!(shown(&json!(["a", "b"]), &json!(["a"])), ["/1 \"b\" -"]);
        let named = |names: [&str; 2]| json!([{"name": names[0]}, {"name": names[1]}]);
        assert_eq!(
            shown(&named(["a", "b"]), &named(["b", "a"])),
            ["/0/name \"a\" \"b\"", "/1/name \"b\" \"a\""],
            "a new order is a change"
        );
    }

    #[test]
    fn different_changes_have_different_digests() {
        let digest_of = |old: Value, new: Value| digest("", &changes(&old, &new));
        let one = digest_of(json!({"a": 1}), json!({"a": {"x": 1, "y": 2}}));
        assert_eq!(one, digest_of(json!({"a": 1, "b": 1}), json!({"a": {"y": 2, "x": 1}, "b": 1})));
        assert_eq!(one.len(), 64);
        let absent = digest_of(json!({}), json!({"a": 1}));
        assert_ne!(absent, digest_of(json!({"a": null}), json!({"a": 1})));
        assert_ne!(one, absent);
        let found = changes(&json!({}), &json!({"a": 1}));
        assert_ne!(digest("", &found), digest("00", &found));
        assert_ne!(digest("01", &found), digest("00", &found));
        assert_eq!(digest("01", &found), digest("01", &found));
    }
}
