//! Import of hand-written manifests: merges the Services of the pools into one, and upgrades removed API versions.

mod api_versions;
mod bindings;
mod group;
mod hand_written;
mod undecided;
mod unmerged;

use std::collections::BTreeMap;

use serde_json::Value;

use crate::core::import::api_versions::upgrade_api_version;
use crate::core::import::group::fold_group;
use crate::core::import::hand_written::{HandWritten, drop_fields};
use crate::core::platform::Platform;
use crate::core::pools::PoolSet;
use crate::core::report::diagnostic::{Checked, Diagnostic};
use crate::core::yaml::Document;

/// The result of an import.
#[derive(Clone, Debug, Default)]
pub struct Imported {
    /// The objects of the new manifest.
    pub objects: Vec<Value>,
    /// `spec.names`: Service, then pool, then the name to keep.
    pub names: BTreeMap<String, BTreeMap<String, String>>,
    /// Whether all Services were internal, which becomes `spec.internal`.
    pub internal: bool,
    /// The changes, a sentence each.
    pub changes: Vec<String>,
    /// Warnings for the user to check.
    pub warnings: Vec<Diagnostic>,
}

/// Fields that the API server sets, as in the output of `kubectl get -o yaml`. A manifest must not have them.
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

/// Imports the documents of a manifest for these pools. `platforms` are all platforms whose bindings are recognized. Refuses
/// a Service if its pool or names cannot be decided.
pub fn import_documents(
    documents: &[Document],
    platform: &Platform,
    platforms: &[Platform],
    pools: &PoolSet,
) -> Checked<Imported> {
    let mut imported = Imported::default();
    let mut services = Vec::new();
    let mut others = Vec::new();
    for document in items(documents) {
        let mut object = document.value.clone();
        if !object.is_object() {
            return Err(Diagnostic::error("the document is not a Kubernetes object")
                .at(document.location(""))
                .into());
        }
        drop_fields(&mut object, SERVER_FIELDS);
        if object["kind"] == "Service" && object["spec"]["type"] == "LoadBalancer" {
            services.push(HandWritten::new(object, platform, platforms, &document));
        } else {
            upgrade_api_version(&mut object, &mut imported.changes);
            others.push(object);
        }
    }
    imported.internal = !services.is_empty() && services.iter().all(|service| service.internal);
    if imported.internal {
        imported.changes.push("all Services are internal: `spec.internal: true`".to_owned());
    } else if services.iter().any(|service| service.internal) {
        // If only some are internal, they keep the annotation, so that they are not merged with the public ones.
        services.iter_mut().for_each(HandWritten::keep_internal);
    }
    let mut groups: Vec<Vec<HandWritten>> = Vec::new();
    for service in services {
        match groups.iter_mut().find(|group| group[0].rest == service.rest) {
            Some(group) => group.push(service),
            None => groups.push(vec![service]),
        }
    }
    imported.warnings.extend(unmerged::unmerged(&groups, &platform.binding, pools));
    let mut problems = Vec::new();
    let mut named = Vec::with_capacity(groups.len());
    for group in groups {
        named.push(fold_group(&group, platform, pools, &mut imported, &mut problems));
    }
    // The names are unknown if a Service was refused.
    if problems.is_empty() {
        problems.extend(undecided::namespaces(&named));
    }
    imported.objects.extend(others);
    if problems.is_empty() { Ok(imported) } else { Err(problems) }
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
