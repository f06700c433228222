//! Moves the ownership of fields from one field manager to another without changing their values.
//!
//! As in client-go's `csaupgrade`: otherwise a field that leaves the rendered object would never be deleted, because the
//! former manager still owns it.

use serde_json::{Map, Value, json};

use crate::core::json;
use crate::core::live::live_object::LiveObject;
use crate::core::live::managed_fields::{Entry, entries};

/// The annotation in which `kubectl apply` stores the last applied object, to detect removed fields.
pub(super) const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// Returns the JSON Patch that makes `to` the owner, by apply, of the fields of all managers that match `is_from`. `None` if
/// those managers own nothing, or if an entry has an unknown format. The patch fails if the object has changed since.
pub fn migration(object: &LiveObject, is_from: impl Fn(&Entry<'_>) -> bool, to: &str) -> Option<Value> {
    let entries = entries(object)?;
    let is_ours =
        |entry: &Entry<'_>| entry.manager == to && entry.operation == "Apply" && entry.subresource.is_empty();
    let from: Vec<usize> = (0..entries.len()).filter(|index| is_from(&entries[*index])).collect();
    let first = *from.first()?;
    // The fields are named in an API version, and fields of different versions cannot be merged.
    let version = entries.iter().find(|entry| is_ours(entry)).unwrap_or(&entries[first]).api_version;
    if from.iter().any(|index| entries[*index].api_version != version) {
        return None;
    }
    let list = object.managed_fields();
    let mut fields = json!({});
    let mut time = String::new();
    let mut rest = Vec::new();
    for (index, entry) in entries.iter().enumerate() {
        if from.contains(&index) || is_ours(entry) {
            join(&mut fields, &list[index]["fieldsV1"]);
            time = time.max(entry.time.to_owned());
        } else {
            rest.push(list[index].clone());
        }
    }
    let is_client_side = object.annotation(LAST_APPLIED).is_some();
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
    fn nothing_to_migrate() {
        let ours = entry("kubectl-largescale", "Apply", "", &json!({"f:data": {}}));
        assert_eq!(migration(&object(&json!([ours])), is_kubectl, "kubectl-largescale"), None);
        assert_eq!(migration(&object(&json!([{"fieldsType": "FieldsV9"}])), is_kubectl, "a"), None);
        let mut other = entry("kubectl", "Apply", "", &json!({"f:data": {}}));
        other["apiVersion"] = "v2".into();
        assert_eq!(migration(&object(&json!([ours, other])), is_kubectl, "kubectl-largescale"), None);
    }
}
