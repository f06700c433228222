//! The kinds of desired objects, as the server serves them.

use std::collections::{BTreeSet, HashMap};

use serde_json::Value;

use crate::cluster::ApiCall;
use crate::core::live::Resource;
use crate::core::tree::objects::Desired;

/// The kinds that the server serves, by apiVersion and kind.
#[derive(Default)]
pub(crate) struct ServedKinds(HashMap<(String, String), Resource>);

impl ServedKinds {
    /// Returns the calls that read the kinds of these objects.
    pub(crate) fn calls(objects: &[Desired]) -> impl Iterator<Item = ApiCall> {
        let versions: BTreeSet<(String, String)> =
            objects.iter().map(|object| group_version(&object.value)).collect();
        versions.into_iter().map(|(group, version)| ApiCall::Resources { group, version })
    }

    /// Adds the kinds of a group and version.
    pub(crate) fn add(&mut self, kinds: Vec<Resource>) {
        self.0.extend(kinds.into_iter().map(|kind| ((kind.api_version(), kind.kind.clone()), kind)));
    }

    /// Returns the kind of an object.
    pub(crate) fn of(&self, object: &Value) -> Option<&Resource> {
        let text = |field: &Value| field.as_str().unwrap_or_default().to_owned();
        self.0.get(&(text(&object["apiVersion"]), text(&object["kind"])))
    }
}

/// Returns group and version of an object.
pub(crate) fn group_version(object: &Value) -> (String, String) {
    let text = object["apiVersion"].as_str().unwrap_or_default();
    let (group, version) = text.split_once('/').unwrap_or(("", text));
    (group.to_owned(), version.to_owned())
}
