//! Moves the ownership of fields from one field manager to another without changing their values.
//!
//! As in client-go's `csaupgrade`: otherwise a field that leaves the rendered object would never be deleted, because the
//! former manager still owns it.

use serde_json::{Map, Value, json};

use crate::core::json;
use crate::core::live::field_path::matches;
use crate::core::live::live_object::LiveObject;
use crate::core::live::managed_fields::{Entry, Segment, entries};

/// The annotation in which `kubectl apply` stores the last applied object, to detect removed fields.
pub(super) const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// Returns the JSON Patch that makes `to` the owner, by apply, of the fields of all managers that match `is_from`. `None` if
/// those managers own nothing, or if an entry has an unknown format. The patch fails if the object has changed since.
pub fn migration(object: &LiveObject, is_from: impl Fn(&Entry<'_>) -> bool, to: &str) -> Option<Value> {
    migration_of_fields(object, is_from, &[], to)
}

/// Like [`migration`], for the fields that one of the patterns matches; without patterns, for all fields.
pub fn migration_of_fields(
    object: &LiveObject,
    is_from: impl Fn(&Entry<'_>) -> bool,
    patterns: &[String],
    to: &str,
) -> Option<Value> {
    let entries = entries(object)?;
    let is_ours =
        |entry: &Entry<'_>| entry.manager == to && entry.operation == "Apply" && entry.subresource.is_empty();
    let list = object.managed_fields();
    let is_source = |index: &usize| {
        let is_part = patterns.is_empty() || !parted(&list[*index]["fieldsV1"], patterns, "").0.is_empty();
        is_from(&entries[*index]) && is_part
    };
    let from: Vec<usize> = (0..entries.len()).filter(is_source).collect();
    let first = *from.first()?;
    // The fields are named in an API version, and fields of different versions cannot be merged.
    let version = entries.iter().find(|entry| is_ours(entry)).unwrap_or(&entries[first]).api_version;
    if from.iter().any(|index| entries[*index].api_version != version) {
        return None;
    }
    let mut fields = json!({});
    let mut time = String::new();
    let mut rest = Vec::new();
    for (index, entry) in entries.iter().enumerate() {
        if from.contains(&index) && !patterns.is_empty() {
            let (moved, left) = parted(&list[index]["fieldsV1"], patterns, "");
            join(&mut fields, &Value::Object(moved));
            time = time.max(entry.time.to_owned());
            if !left.is_empty() {
                let mut remains = list[index].clone();
                json::put(&mut remains, &["fieldsV1"], left);
                rest.push(remains);
            }
        } else if from.contains(&index) || is_ours(entry) {
            join(&mut fields, &list[index]["fieldsV1"]);
            time = time.max(entry.time.to_owned());
        } else {
            rest.push(list[index].clone());
        }
    }
    // Without its owner, nothing updates the annotation.
    let owns_annotation = |index: &usize| {
        let annotations = &list[*index]["fieldsV1"]["f:metadata"]["f:annotations"];
        annotations.get(format!("f:{LAST_APPLIED}")).is_some()
    };
    let is_client_side =
        patterns.is_empty() && object.annotation(LAST_APPLIED).is_some() && from.iter().any(owns_annotation);
    if is_client_side {
        forget(&mut fields, &["f:metadata", "f:annotations", &format!("f:{LAST_APPLIED}")]);
    }
    let mut entry = json!({ "manager": to, "operation": "Apply", "apiVersion": version, "fieldsType": "FieldsV1",
        "fieldsV1": fields });
    if !time.is_empty() {
        json::put(&mut entry, &["time"], time);
    }
    rest.push(entry);
    let mut patch = vec![
        json!({ "op": "test", "path": "/metadata/resourceVersion", "value": object.resource_version() }),
        json!({ "op": "replace", "path": "/metadata/managedFields", "value": rest }),
    ];
    if is_client_side {
        let pointer = format!("/metadata/annotations/{}", LAST_APPLIED.replace('/', "~1"));
        patch.push(json!({ "op": "remove", "path": pointer }));
    }
    Some(Value::Array(patch))
}

/// Returns the field managers of the fields that one of the patterns matches, without repetition.
pub fn managers_of(object: &LiveObject, patterns: &[String]) -> Vec<String> {
    let entries = entries(object).unwrap_or_default();
    let has_field = |(_, raw): &(&Entry<'_>, &Value)| !parted(&raw["fieldsV1"], patterns, "").0.is_empty();
    let found = entries.iter().zip(object.managed_fields()).filter(has_field);
    let mut managers: Vec<String> = found.map(|(entry, _)| entry.manager.to_owned()).collect();
    managers.sort_unstable();
    managers.dedup();
    managers
}

/// Divides a field set into what one of the patterns matches and the rest.
fn parted(fields: &Value, patterns: &[String], at: &str) -> (Map<String, Value>, Map<String, Value>) {
    let (mut moved, mut left) = (Map::new(), Map::new());
    for (step, below) in fields.as_object().into_iter().flatten() {
        let path = match Segment::of(step) {
            Some(Segment::Field(name)) => format!("{at}.{name}"),
            Some(Segment::Key(key)) => {
                let fields: Vec<String> = key.iter().map(|(name, value)| format!("{name}={value}")).collect();
                format!("{at}[{}]", fields.join(","))
            }
            Some(Segment::Value(value)) => format!("{at}[={value}]"),
            None => {
                left.insert(step.clone(), below.clone());
                continue;
            }
        };
        if patterns.iter().any(|pattern| matches(pattern, &path)) {
            moved.insert(step.clone(), below.clone());
            continue;
        }
        let (inner, rest) = parted(below, patterns, &path);
        if inner.is_empty() {
            left.insert(step.clone(), below.clone());
            continue;
        }
        moved.insert(step.clone(), inner.into());
        if !rest.is_empty() {
            left.insert(step.clone(), rest.into());
        }
    }
    (moved, left)
}

/// Merges a field set into another.
pub(super) fn join(fields: &mut Value, more: &Value) {
    let (Some(fields), Some(more)) = (fields.as_object_mut(), more.as_object()) else { return };
    for (step, below) in more {
        match fields.get_mut(step) {
            Some(known) => join(known, below),
            None => drop(fields.insert(step.clone(), below.clone())),
        }
    }
}

/// Removes a field from a set, and the maps above it that become empty.
pub(super) fn forget(fields: &mut Value, path: &[&str]) {
    let (Some(map), Some((step, below))) = (fields.as_object_mut(), path.split_first()) else { return };
    let is_empty = match map.get_mut(*step) {
        Some(_) if below.is_empty() => true,
        Some(next) => {
            forget(next, below);
            next.as_object().is_some_and(Map::is_empty)
        }
        None => false,
    };
    if is_empty {
        map.remove(*step);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(manager: &str, operation: &str, time: &str, fields: &Value) -> Value {
        json!({"manager": manager, "operation": operation, "apiVersion": "v1", "time": time,
            "fieldsType": "FieldsV1", "fieldsV1": fields})
    }

    fn object(entries: &Value) -> Value {
        json!({"metadata": {"resourceVersion": "7", "managedFields": entries}})
    }

    fn migration(object: &Value, is_from: impl Fn(&Entry<'_>) -> bool, to: &str) -> Option<Value> {
        super::migration(&LiveObject::sample(object), is_from, to)
    }

    fn is_kubectl(entry: &Entry<'_>) -> bool {
        entry.manager.starts_with("kubectl") && entry.manager != "kubectl-largescale"
    }

    #[test]
    fn fields_are_merged() {
        let object = object(&json!([
            entry("kubectl", "Apply", "2026-01-01T00:00:00Z", &json!({"f:data": {"f:a": {}}})),
            entry("controller", "Update", "2026-01-02T00:00:00Z", &json!({"f:status": {}})),
            entry("kubectl-largescale", "Apply", "2026-01-03T00:00:00Z", &json!({"f:data": {"f:b": {}}})),
        ]));
        let patch = migration(&object, is_kubectl, "kubectl-largescale").unwrap();
        assert_eq!(patch[0], json!({"op": "test", "path": "/metadata/resourceVersion", "value": "7"}));
        let expected = json!([
            entry("controller", "Update", "2026-01-02T00:00:00Z", &json!({"f:status": {}})),
            entry(
                "kubectl-largescale",
                "Apply",
                "2026-01-03T00:00:00Z",
                &json!({"f:data": {"f:a": {}, "f:b": {}}})
            ),
        ]);
        assert_eq!((&patch[1]["value"], patch.as_array().unwrap().len()), (&expected, 2));
    }

    #[test]
    fn the_annotation_of_client_side_apply_is_removed() {
        let fields =
            json!({"f:metadata": {"f:annotations": {format!("f:{LAST_APPLIED}"): {}}}, "f:data": {}});
        let mut object = object(&json!([entry("kubectl-client-side-apply", "Update", "", &fields)]));
        object["metadata"]["annotations"] = json!({LAST_APPLIED: "{}"});
        let patch = migration(&object, is_kubectl, "a").unwrap();
        assert_eq!(patch[1]["value"][0]["fieldsV1"], json!({"f:data": {}}));
        let pointer = "/metadata/annotations/kubectl.kubernetes.io~1last-applied-configuration";
        assert_eq!(patch[2], json!({"op": "remove", "path": pointer}));
    }

    #[test]
    fn only_the_named_fields_move() {
        let fields = json!({"f:spec": {"f:type": {}, "f:ports": {".": {},
            "k:{\"port\":80,\"protocol\":\"TCP\"}": {".": {}, "f:port": {}},
            "k:{\"port\":99,\"protocol\":\"TCP\"}": {".": {}, "f:port": {}}}}});
        let object = LiveObject::sample(&object(&json!([entry("kubectl-patch", "Update", "", &fields)])));
        let patterns = [".spec.ports[port=99,protocol=\"TCP\"]".to_owned()];
        let patch = migration_of_fields(&object, is_kubectl, &patterns, "a").unwrap();
        let owned = |index: usize| patch[1]["value"][index]["fieldsV1"]["f:spec"].to_string();
        assert!(!owned(0).contains("99") && owned(0).contains("80"), "{patch}");
        assert!(owned(1).contains("99") && !owned(1).contains("80"), "{patch}");
        assert_eq!(migration_of_fields(&object, is_kubectl, &[".spec.x".to_owned()], "a"), None);
    }

    #[test]
    fn nothing_to_migrate() {
        let ours = entry("kubectl-largescale", "Apply", "", &json!({"f:data": {}}));
        assert_eq!(migration(&object(&json!([ours])), is_kubectl, "kubectl-largescale"), None);
        assert_eq!(migration(&object(&json!([{"fieldsType": "FieldsV9"}])), is_kubectl, "a"), None);
        let mut other = entry("kubectl", "Apply", "", &json!({"f:data": {}}));
        other["apiVersion"] = "v2".into();
        assert_eq!(migration(&object(&json!([ours, other])), is_kubectl, "kubectl-largescale"), None);
    }
}
