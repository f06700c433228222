//! Hand-written Services, one a pool, folded back into the one that they are copies of; old API versions made current.

mod api_versions;
mod bindings;
mod group;
mod undecided;
mod unmerged;

use std::collections::BTreeMap;

use serde_json::Value;

use crate::core::import::api_versions::modernise;
use crate::core::import::bindings::Unread;
use crate::core::import::group::fold_group;
use crate::core::platform::Platform;
use crate::core::pointer;
use crate::core::pools::PoolSet;
use crate::core::render::POOL_LABEL;
use crate::core::report::diagnostic::{Checked, Diagnostic, Place};
use crate::core::yaml::Document;

/// What became of hand-written manifests.
#[derive(Clone, Debug, Default)]
pub struct Folded {
    /// The objects of the new manifest.
    pub objects: Vec<Value>,
    /// For `spec.names`: Service, then pool, then the name that it keeps.
    pub names: BTreeMap<String, BTreeMap<String, String>>,
    /// All Services were internal: `spec.internal`.
    pub internal: bool,
    /// What was done, a sentence each.
    pub said: Vec<String>,
    /// What the user should check.
    pub warnings: Vec<Diagnostic>,
}

/// Fields that the API server fills in: in a manifest they are leftovers of `kubectl get -o yaml`.
const SERVER_FIELDS: &[&str] = &[
    "/status",
    "/metadata/uid",
    "/metadata/resourceVersion",
    "/metadata/creationTimestamp",
    "/metadata/generation",
    "/metadata/managedFields",
    "/metadata/selfLink",
    "/metadata/annotations/kubectl.kubernetes.io~1last-applied-configuration",
];

/// The same for Services, chosen by the cluster for each.
const SERVICE_FIELDS: &[&str] = &["/spec/clusterIP", "/spec/clusterIPs", "/spec/healthCheckNodePort"];

/// Folds the documents of a manifest for these pools. `platforms` are all that a Service may be bound by. A Service
/// whose pool or names cannot be told is refused.
pub fn fold(
    documents: &[Document],
    platform: &Platform,
    platforms: &[Platform],
    pools: &PoolSet,
) -> Checked<Folded> {
    let mut folded = Folded::default();
    let mut services = Vec::new();
    let mut others = Vec::new();
    for document in items(documents) {
        let mut object = document.value.clone();
        if !object.is_object() {
            return Err(Diagnostic::error("the document is no Kubernetes object")
                .at(document.place(""))
                .into());
        }
        drop_fields(&mut object, SERVER_FIELDS);
        if object["kind"] == "Service" && object["spec"]["type"] == "LoadBalancer" {
            services.push(HandWritten::new(object, platform, platforms, &document));
        } else {
            modernise(&mut object, &mut folded.said);
            others.push(object);
        }
    }
    folded.internal = !services.is_empty() && services.iter().all(|service| service.internal);
    if folded.internal {
        folded.said.push("all Services are internal: `spec.internal: true`".to_owned());
    } else if services.iter().any(|service| service.internal) {
        // Some only: they keep the annotation, and so stay apart from the public ones.
        services.iter_mut().for_each(HandWritten::keep_internal);
    }
    let mut groups: Vec<Vec<HandWritten>> = Vec::new();
    for service in services {
        match groups.iter_mut().find(|group| group[0].rest == service.rest) {
            Some(group) => group.push(service),
            None => groups.push(vec![service]),
        }
    }
    folded.warnings.extend(unmerged::apart(&groups, &platform.binding, pools));
    let mut problems = Vec::new();
    let mut named = Vec::with_capacity(groups.len());
    for group in groups {
        named.push(fold_group(&group, platform, pools, &mut folded, &mut problems));
    }
    // What a Service that is refused would be named is not known.
    if problems.is_empty() {
        problems.extend(undecided::namespaces(&named));
    }
    folded.objects.extend(others);
    if problems.is_empty() { Ok(folded) } else { Err(problems) }
}

fn items(documents: &[Document]) -> Vec<Document> {
    let mut out = Vec::new();
    for document in documents {
        let list = document.value["items"].as_array().filter(|_| document.value["kind"] == "List");
        match list {
            Some(list) => {
                out.extend((0..list.len()).filter_map(|index| document.part(&format!("/items/{index}"))));
            }
            None => out.push(document.clone()),
        }
    }
    out
}

/// A Service taken apart: its name, what it is bound to, and the rest that copies share.
pub(crate) struct HandWritten {
    pub(crate) name: String,
    pub(crate) rest: Value,
    /// The values at the paths of the platform's binding.
    pub(crate) bound: Vec<Option<Value>>,
    /// What of bindings does not say which pool it is, unless `bound` as a whole does.
    pub(crate) unread: Vec<Unread>,
    /// The pool that a label of ours states.
    pub(crate) stated: Option<(String, Place)>,
    /// A field that shows that it is in a cluster.
    live: Option<(&'static str, Place)>,
    internal: bool,
    internal_values: Vec<(String, Value)>,
    pub(crate) place: Place,
}

impl HandWritten {
    fn new(mut object: Value, platform: &Platform, platforms: &[Platform], document: &Document) -> Self {
        let name = object["metadata"]["name"].as_str().unwrap_or_default().to_owned();
        drop_fields(&mut object, SERVICE_FIELDS);
        for port in
            object["spec"]["ports"].as_array_mut().into_iter().flatten().filter_map(Value::as_object_mut)
        {
            port.remove("nodePort");
        }
        let label = pointer::join("/metadata/labels", POOL_LABEL);
        let stated = remove(&mut object, &label)
            .map(|pool| (pool.as_str().unwrap_or_default().to_owned(), document.place(&label)));
        let bound = platform.binding.added_paths().map(|path| remove(&mut object, path)).collect();
        let internal_values: Vec<(String, Value)> = platform
            .internal
            .added_paths()
            .filter_map(|path| Some((path.to_owned(), remove(&mut object, path)?)))
            .collect();
        let internal =
            !internal_values.is_empty() && internal_values.iter().all(|(_, value)| value == "true");
        if let Some(metadata) = object["metadata"].as_object_mut() {
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
            place: document.place("/metadata/name"),
        }
    }

    fn keep_internal(&mut self) {
        for (path, value) in std::mem::take(&mut self.internal_values) {
            let Some(key) = pointer::keys(&path).last() else { continue };
            self.rest["metadata"]["annotations"][key] = value;
        }
    }

    /// Why its pool must not be guessed.
    pub(crate) fn undecided(&self, is_alone: bool, base: &str, pools: &PoolSet) -> Option<Diagnostic> {
        // The last that the platform writes is the one that names the pool.
        let real = || self.unread.iter().filter(|unread| !bindings::is_placeholder(&unread.value));
        if let Some(unread) = real().rfind(|unread| unread.platforms.is_empty()).or_else(|| real().next()) {
            return Some(undecided::unread(self, unread, base, pools));
        }
        // Alone and without a binding it gets no pool, so nothing is guessed.
        let (field, place) = self.live.as_ref().filter(|_| !is_alone || !self.unread.is_empty())?;
        Some(undecided::live(self, field, place, base, pools))
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
    object.pointer_mut(parent)?.as_object_mut()?.remove(&key)
}
