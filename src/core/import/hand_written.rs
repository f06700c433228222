//! A hand-written Service and how it names its pool.

use std::borrow::Cow;

use serde_json::Value;

use crate::core::import::bindings;
use crate::core::import::bindings::Unread;
use crate::core::import::duplicates::{Candidate, Place};
use crate::core::json;
use crate::core::platform::Platform;
use crate::core::pointer;
use crate::core::render::POOL_LABEL;
use crate::core::report::diagnostic::Location;

/// A Service, split into its name, its binding, and the rest that copies share.
pub(crate) struct HandWritten {
    pub(crate) name: String,
    /// The namespace; empty if it is not stated.
    pub(crate) namespace: String,
    /// The Service as it was read.
    pub(crate) original: Value,
    pub(crate) rest: Value,
    /// The values at the paths of the platform's binding.
    pub(crate) bound: Vec<Option<Value>>,
    /// The annotation that the controller reads instead of a field of the binding: its JSON pointer and its value.
    pub(crate) spelled: Option<(String, Value)>,
    /// The fields of bindings, of its own platform first.
    pub(crate) unread: Vec<Unread>,
    /// The pool in the `largescale.dev/pool` label.
    pub(crate) stated: Option<(String, Location)>,
    /// A field that shows that the Service is in a cluster.
    pub(crate) live: Option<(&'static str, Location)>,
    pub(super) internal: bool,
    internal_values: Vec<(String, Value)>,
    pub(crate) location: Location,
    /// Its place in the input.
    pub(crate) place: Place,
}

impl HandWritten {
    /// `original` is the object with the fields that only this Service may have.
    pub(crate) fn new(
        candidate: Candidate,
        mut original: Value,
        platform: &Platform,
        platforms: &[Platform],
    ) -> Self {
        let Candidate { mut object, document, place, .. } = candidate;
        let document = &document;
        let text = |key: &str| object["metadata"][key].as_str().unwrap_or_default().to_owned();
        let (name, namespace) = (text("name"), text("namespace"));
        let mut unread = bindings::unread(document, platform, platforms);
        let other_key =
            platform.spec.other_key(&object).map(|key| pointer::join("/metadata/annotations", key));
        let spelled = other_key.and_then(|at| Some((at.clone(), remove(&mut object, &at)?)));
        let path = platform.spec.selection.as_ref().and_then(|selection| selection.path.as_deref());
        if let (Some((at, value)), Some(path)) = (&spelled, path) {
            let keys: Vec<String> = pointer::keys(path).map(Cow::into_owned).collect();
            let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
            json::put(&mut original, &keys, value.clone());
            unread.push(bindings::own(document, at, value));
        }
        let label = pointer::join("/metadata/labels", POOL_LABEL);
        let stated = remove(&mut object, &label)
            .map(|pool| (pool.as_str().unwrap_or_default().to_owned(), document.location(&label)));
        let bound = platform.binding.added_paths().map(|path| remove(&mut object, path)).collect();
        let wanted = platform.internal.added_paths().zip(platform.internal.added_values());
        let internal = !platform.internal.is_empty()
            && wanted.into_iter().all(|(path, value)| original.pointer(path) == Some(value));
        let internal_values: Vec<(String, Value)> = platform
            .internal
            .added_paths()
            .filter_map(|path| Some((path.to_owned(), remove(&mut object, path)?)))
            .collect();
        if let Some(metadata) = json::existing_map(&mut object, &["metadata"]) {
            metadata.remove("name");
            for parent in ["labels", "annotations"] {
                if metadata.get(parent).and_then(Value::as_object).is_some_and(serde_json::Map::is_empty) {
                    metadata.remove(parent);
                }
            }
        }
        Self {
            name,
            namespace,
            original,
            rest: object,
            bound,
            spelled,
            unread,
            stated,
            live: bindings::live(document),
            internal,
            internal_values,
            location: document.location("/metadata/name"),
            place,
        }
    }

    /// Puts the fields back that decide whether the load balancer is internal, unless `false` says nothing.
    pub(crate) fn keep_internal(&mut self) {
        for (path, value) in std::mem::take(&mut self.internal_values) {
            if value == "false" {
                continue;
            }
            let Some(key) = pointer::keys(&path).last() else { continue };
            json::put(&mut self.rest, &["metadata", "annotations", &key], value);
        }
    }
}

fn remove(object: &mut Value, path: &str) -> Option<Value> {
    let (parent, _) = path.rsplit_once('/')?;
    let key = pointer::keys(path).last()?;
    object.pointer_mut(parent)?.as_object_mut()?.remove(&*key)
}
