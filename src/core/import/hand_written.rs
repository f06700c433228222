//! A hand-written Service and how it names its pool.

use serde_json::Value;

use crate::core::import::bindings::Unread;
use crate::core::import::{bindings, undecided};
use crate::core::json;
use crate::core::platform::Platform;
use crate::core::pointer;
use crate::core::pools::PoolSet;
use crate::core::render::POOL_LABEL;
use crate::core::report::diagnostic::{Diagnostic, Location};
use crate::core::yaml::Document;

/// A Service, split into its name, its binding, and the rest that copies share.
pub(crate) struct HandWritten {
    pub(crate) name: String,
    pub(crate) rest: Value,
    /// The values at the paths of the platform's binding.
    pub(crate) bound: Vec<Option<Value>>,
    /// The parts of bindings that do not name one pool, unless `bound` as a whole does.
    pub(crate) unread: Vec<Unread>,
    /// The pool in the `largescale.dev/pool` label.
    pub(crate) stated: Option<(String, Location)>,
    /// A field that shows that the Service is in a cluster.
    live: Option<(&'static str, Location)>,
    pub(super) internal: bool,
    internal_values: Vec<(String, Value)>,
    pub(crate) location: Location,
}

impl HandWritten {
    pub(crate) fn new(
        mut object: Value,
        platform: &Platform,
        platforms: &[Platform],
        document: &Document,
    ) -> Self {
        let name = object["metadata"]["name"].as_str().unwrap_or_default().to_owned();
        drop_fields(&mut object, SERVICE_FIELDS);
        let ports = object.pointer_mut("/spec/ports").and_then(Value::as_array_mut);
        for port in ports.into_iter().flatten().filter_map(Value::as_object_mut) {
            port.remove("nodePort");
        }
        let label = pointer::join("/metadata/labels", POOL_LABEL);
        let stated = remove(&mut object, &label)
            .map(|pool| (pool.as_str().unwrap_or_default().to_owned(), document.location(&label)));
        let bound = platform.binding.added_paths().map(|path| remove(&mut object, path)).collect();
        let internal_values: Vec<(String, Value)> = platform
            .internal
            .added_paths()
            .filter_map(|path| Some((path.to_owned(), remove(&mut object, path)?)))
            .collect();
        let wanted = platform.internal.added_paths().zip(platform.internal.added_values());
        let is_wanted = |(path, wanted): (&str, &Value)| {
            internal_values.iter().any(|(found, value)| found == path && value == wanted)
        };
        let internal = !internal_values.is_empty() && wanted.into_iter().all(is_wanted);
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
            rest: object,
            bound,
            unread: bindings::unread(document, platform, platforms),
            stated,
            live: bindings::live(document),
            internal,
            internal_values,
            location: document.location("/metadata/name"),
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

    /// Returns the error if its pool must not be guessed.
    pub(crate) fn undecided(&self, is_alone: bool, base: &str, pools: &PoolSet) -> Option<Diagnostic> {
        // The last value that the platform writes names the pool.
        let real = || self.unread.iter().filter(|unread| !bindings::is_placeholder(&unread.value));
        if let Some(unread) = real().rfind(|unread| unread.platforms.is_empty()).or_else(|| real().next()) {
            return Some(undecided::unread(self, unread, base, pools));
        }
        // A single Service without a binding gets no pool, so nothing is guessed.
        let (field, location) = self.live.as_ref().filter(|_| !is_alone || !self.unread.is_empty())?;
        Some(undecided::live(self, field, location, base, pools))
    }

    pub(crate) fn shown_binding(&self) -> Option<String> {
        self.bound
            .iter()
            .flatten()
            .next()
            .map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned))
    }
}

pub(crate) fn drop_fields(object: &mut Value, pointers: &[&str]) {
    for pointer in pointers {
        remove(object, pointer);
    }
}

fn remove(object: &mut Value, path: &str) -> Option<Value> {
    let (parent, _) = path.rsplit_once('/')?;
    let key = pointer::keys(path).last()?;
    object.pointer_mut(parent)?.as_object_mut()?.remove(&*key)
}

/// Service fields that the cluster assigns to each Service, and that a manifest must not have.
const SERVICE_FIELDS: &[&str] = &["/spec/clusterIP", "/spec/clusterIPs", "/spec/healthCheckNodePort"];
