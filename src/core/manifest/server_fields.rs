//! Drops the fields that only the API server writes, such as those of a dump of live objects. An object with them cannot be
//! created (`resourceVersion`), or conflicts with another object of the same name (`uid`).

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::core::json;
use crate::core::manifest::{Key, Object};
use crate::core::report::plural::plural;

/// Fields of the metadata that the API server writes.
const METADATA: &[&str] =
    &["creationTimestamp", "generation", "managedFields", "resourceVersion", "selfLink", "uid"];

/// Drops the fields of all objects.
pub(super) fn drop_fields(objects: &mut [Object]) {
    let with_status = kinds_whose_status_is_written(objects);
    for object in objects {
        let Key { group, kind, .. } = object.key();
        let keeps_status = with_status.contains(&(group, kind));
        let value = object.value_mut();
        let mut dropped = Vec::new();
        let mut note = |field: String, value: Option<Value>| {
            // Code generators write `status: {}` and `creationTimestamp: null`.
            if value.is_some_and(|value| json::has_content(&value)) {
                dropped.push(field);
            }
        };
        if let Some(metadata) = json::existing_map(value, &["metadata"]) {
            for field in METADATA {
                note(format!("metadata.{field}"), metadata.remove(*field));
            }
        }
        if let Some(map) = value.as_object_mut().filter(|_| !keeps_status) {
            note("status".to_owned(), map.remove("status"));
        }
        object.dropped = dropped;
    }
}

/// Returns the custom kinds without a status subresource: their status is an ordinary field.
fn kinds_whose_status_is_written(objects: &[Object]) -> BTreeSet<(String, String)> {
    let definitions =
        objects.iter().map(Object::value).filter(|value| value["kind"] == "CustomResourceDefinition");
    let mut kinds = BTreeSet::new();
    for definition in definitions {
        let text = |pointer: &str| {
            definition.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
        };
        let versions = definition["spec"]["versions"].as_array();
        if versions.into_iter().flatten().any(|version| version["subresources"]["status"].is_null()) {
            kinds.insert((text("/spec/group"), text("/spec/names/kind")));
        }
    }
    kinds
}

impl Object {
    /// Returns the note about the fields that were dropped from objects.
    pub fn dropped(objects: &[Self]) -> Option<String> {
        let with: Vec<&Self> = objects.iter().filter(|object| !object.dropped.is_empty()).collect();
        let first = with.first()?;
        let mut fields: BTreeMap<&str, usize> = BTreeMap::new();
        for field in with.iter().flat_map(|object| &object.dropped) {
            *fields.entry(field).or_default() += 1;
        }
        let fields: Vec<String> = fields.into_keys().map(|field| format!("`{field}`")).collect();
        Some(format!(
            "dropped {} from {}, because only the API server writes these fields; the first is {} at {}",
            fields.join(", "),
            plural(with.len(), "object"),
            first.key(),
            first.location("/metadata/name")
        ))
    }
}
