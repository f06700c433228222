//! A hand-written Service and how it names its pool.

use std::borrow::Cow;

use serde_json::Value;

use crate::core::import::bindings;
use crate::core::import::bindings::Unread;
use crate::core::import::defaults::comparable;
use crate::core::import::duplicates::{Candidate, Place};
use crate::core::import::gateways::of_gateway::OfGateway;
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
    /// The Gateway, if it is the Service in front of one.
    pub(crate) gateway: Option<Box<OfGateway>>,
}

impl HandWritten {
    /// `original` is the object with the fields that only this Service may have.
    pub(crate) fn new(
        candidate: Candidate,
        mut original: Value,
        platform: &Platform,
        platforms: &[Platform],
    ) -> Self {
        let Candidate { mut object, document, place, of_gateway, .. } = candidate;
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
            gateway: of_gateway,
        }
    }

    /// Returns the kind of the object in the input, for messages.
    pub(crate) fn kind(&self) -> &'static str {
        if self.gateway.is_some() { "Gateway" } else { "Service" }
    }

    /// Returns the pointer of a field in the object that the user knows.
    pub(crate) fn field_pointer(&self, pointer: &str) -> String {
        let known = ["annotations", "labels"].into_iter().find_map(|field| {
            let rest = pointer.strip_prefix(&format!("/metadata/{field}"))?;
            Some(format!("/spec/infrastructure/{field}{rest}"))
        });
        let known = known.or_else(|| {
            let rest = pointer.strip_prefix("/status/loadBalancer/ingress")?;
            Some(format!("/status/addresses{rest}"))
        });
        known.filter(|_| self.gateway.is_some()).unwrap_or_else(|| pointer.to_owned())
    }

    /// Returns what all copies must have in common.
    pub(crate) fn common(&self) -> String {
        let service = comparable(&self.rest).to_string();
        self.gateway
            .as_ref()
            .map_or_else(|| service.clone(), |gateway| format!("{service}{}", gateway.common()))
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
