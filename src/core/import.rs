//! Import of hand-written manifests: merges the Services of the pools into one, and upgrades removed API versions.

mod api_versions;
mod autoscaled;
mod bindings;
mod defaults;
mod dropped;
mod group;
mod hand_written;
mod origin;
mod ports;
mod referenced;
mod undecided;
mod unmerged;
mod written;

use std::collections::{BTreeMap, HashMap};

use serde_json::Value;

use crate::core::import::api_versions::upgrade_api_version;
use crate::core::import::autoscaled::Autoscaled;
use crate::core::import::defaults::{comparable, default_family, drop_defaults};
use crate::core::import::dropped::Dropped;
use crate::core::import::group::fold_group;
use crate::core::import::hand_written::HandWritten;
use crate::core::import::origin::Origin;
use crate::core::import::written::{drop_written, is_of_cluster};
use crate::core::kubernetes::object_shape;
use crate::core::kubernetes::object_shape::Misshapen;
use crate::core::manifest::{Key, validate};
use crate::core::platform::Platform;
use crate::core::pools::PoolSet;
use crate::core::report::describe::kind_of;
use crate::core::report::diagnostic::{Checked, Diagnostic};
use crate::core::yaml::Document;

/// The result of an import.
#[derive(Clone, Debug, Default)]
pub struct Imported {
    /// The objects of the new manifest.
    pub objects: Vec<Value>,
    /// `spec.names`: Service, then pool, then the name to keep.
    pub names: BTreeMap<String, BTreeMap<String, String>>,
    /// `spec.clusterIPServices`: the Services that other objects refer to.
    pub cluster_ip_services: Vec<String>,
    /// Whether all Services were internal, which becomes `spec.internal`.
    pub internal: bool,
    /// The changes, a sentence each.
    pub changes: Vec<String>,
    /// Warnings for the user to check.
    pub warnings: Vec<Diagnostic>,
}

/// What to keep of the objects.
#[derive(Clone, Copy, Debug, Default)]
pub struct ImportOptions {
    /// Keep the fields that the API server would add again with the same values.
    pub keep_defaults: bool,
}

/// Imports the documents of a manifest for these pools. `platforms` are all platforms whose bindings are recognized. Refuses
/// a Service if its pool or names cannot be decided.
pub fn import_documents(
    documents: Vec<Document>,
    platform: &Platform,
    platforms: &[Platform],
    pools: &PoolSet,
    options: ImportOptions,
) -> Checked<Imported> {
    let mut imported = Imported::default();
    let mut services = Vec::new();
    let mut others = Vec::new();
    let mut misshapen = Vec::new();
    let mut documents: Vec<Document> = items(documents).collect();
    for document in &documents {
        let mut wrong = wrong_fields(document);
        if wrong.is_empty() {
            wrong = refused_fields(document);
        }
        misshapen.extend(wrong);
    }
    if !misshapen.is_empty() {
        return Err(misshapen);
    }
    let mut dropped = Dropped::default();
    documents.retain(|document| !is_left_out(&document.value, &mut dropped));
    let users_objects = UsersObjects::of(&documents, platforms, options, &mut dropped);
    for (document, mut object) in documents.iter().zip(users_objects.0) {
        if object["kind"] == "Service" && object["spec"]["type"] == "LoadBalancer" {
            services.push(HandWritten::new(object, platform, platforms, document));
        } else {
            upgrade_api_version(&mut object, &mut imported.changes);
            others.push(object);
        }
    }
    imported.changes.extend(dropped.sentences());
    imported.internal = !services.is_empty() && services.iter().all(|service| service.internal);
    if imported.internal {
        imported.changes.push("all Services are internal: `spec.internal: true`".to_owned());
    } else if services.iter().any(|service| service.internal) {
        // If only some are internal, they keep the annotation, so that they are not merged with the public ones.
        services.iter_mut().for_each(HandWritten::keep_internal);
    }
    let mut groups: Vec<Vec<HandWritten>> = Vec::new();
    let mut by_rest: HashMap<String, usize> = HashMap::new();
    for service in services {
        let index = *by_rest.entry(comparable(&service.rest).to_string()).or_insert(groups.len());
        match groups.get_mut(index) {
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

/// The objects as their users wrote them.
struct UsersObjects(Vec<Value>);

impl UsersObjects {
    /// Drops what others wrote.
    fn of(
        documents: &[Document],
        platforms: &[Platform],
        options: ImportOptions,
        dropped: &mut Dropped,
    ) -> Self {
        let origins: Vec<Origin> = documents.iter().map(|document| Origin::of(&document.value)).collect();
        let family = documents
            .iter()
            .zip(&origins)
            .find_map(|(document, origin)| default_family(&document.value, origin));
        let scaled = Autoscaled::of(documents.iter().map(|document| &document.value));
        let users = documents.iter().zip(&origins).map(|(document, origin)| {
            let mut object = document.value.clone();
            drop_written(&mut object, origin, platforms, dropped);
            if origin.is_live {
                scaled.drop_replicas(&mut object, dropped);
            }
            if !options.keep_defaults {
                drop_defaults(&mut object, origin, family, dropped);
            }
            object
        });
        Self(users.collect())
    }
}

/// Whether the cluster or a controller brings an object, so that no manifest has it.
fn is_left_out(object: &Value, dropped: &mut Dropped) -> bool {
    let key = || Key::of(object).to_string();
    if is_of_cluster(object) {
        dropped.object("that the cluster itself creates".to_owned(), key());
        return true;
    }
    let owners = object["metadata"]["ownerReferences"].as_array().into_iter().flatten();
    let Some(owner) = owners.into_iter().find(|owner| owner["controller"] == true) else { return false };
    let text = |field: &str| owner[field].as_str().unwrap_or_default();
    dropped.object(format!("that {} {} controls", text("kind"), text("name")), key());
    true
}

/// Reports fields of the wrong type that the import relies on.
fn wrong_fields(document: &Document) -> Vec<Diagnostic> {
    let value = &document.value;
    let mut wrong = object_shape::wrong_types(value);
    if let Some(spec) = value.get("spec").filter(|spec| !spec.is_object() && !spec.is_null())
        && value["kind"] == "Service"
    {
        let message = format!("`spec` is {}, expected a map", kind_of(spec));
        wrong.push(Misshapen { pointer: "/spec".to_owned(), message });
    }
    wrong
        .into_iter()
        .map(|wrong| {
            Diagnostic::error(wrong.message)
                .at(document.location(&wrong.pointer))
                .hint("correct the field, or remove the object from the file")
        })
        .collect()
}

/// Reports what the API server refuses, at its place in the file. `render` would find it in the manifest only.
fn refused_fields(document: &Document) -> Vec<Diagnostic> {
    let mut upgraded = document.value.clone();
    upgrade_api_version(&mut upgraded, &mut Vec::new());
    validate(&upgraded, |pointer| document.location(pointer))
}

fn items(documents: Vec<Document>) -> impl Iterator<Item = Document> {
    documents.into_iter().flat_map(
        |document| {
            if document.is_list() { document.into_items() } else { vec![document] }
        },
    )
}
