//! Import of manifests and live objects: drops what others than the user wrote, merges the Services of the pools into one, and
//! upgrades removed API versions.

mod api_versions;
mod autoscaled;
mod belongs;
mod bindings;
mod defaults;
mod dropped;
mod duplicates;
mod group;
mod hand_written;
mod origin;
mod own;
mod ports;
mod referenced;
mod table;
mod undecided;
mod unmerged;
mod written;

use std::collections::{BTreeMap, HashMap};

use serde_json::Value;

pub use crate::core::import::belongs::{belongs_to, is_beside, selected};
pub use crate::core::import::duplicates::Place;

use crate::core::import::api_versions::upgrade_api_version;
use crate::core::import::autoscaled::Autoscaled;
use crate::core::import::defaults::{comparable, default_family, drop_defaults};
use crate::core::import::dropped::Dropped;
use crate::core::import::duplicates::{Candidate, only_once};
use crate::core::import::group::fold_group;
use crate::core::import::hand_written::HandWritten;
use crate::core::import::origin::Origin;
use crate::core::import::own::OwnFields;
use crate::core::import::written::{drop_written, is_of_cluster};
use crate::core::kubernetes::object_shape;
use crate::core::kubernetes::object_shape::Misshapen;
use crate::core::manifest::{Key, check_header, validate};
use crate::core::platform::Platform;
use crate::core::pools::PoolSet;
use crate::core::report::describe::kind_of;
use crate::core::report::diagnostic::{Checked, Diagnostic};
use crate::core::yaml::Document;

/// The result of an import.
#[derive(Clone, Debug, Default)]
pub struct Imported {
    /// The objects of the new manifests, in the order of the input.
    pub objects: Vec<Value>,
    /// The place of each object in the input. A merged Service has the place of the first.
    pub places: Vec<Place>,
    /// The overlay that keeps what only the existing Services may have.
    pub overlay: Option<String>,
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

/// How to import.
#[derive(Clone, Copy, Debug, Default)]
pub struct ImportOptions<'a> {
    /// Keep the fields that the API server would add again with the same values.
    pub keep_defaults: bool,
    /// The namespace of objects that state none.
    pub namespace: Option<&'a str>,
}

/// Imports the documents of manifests for these pools. `platforms` are all platforms whose bindings are recognized. Refuses
/// a Service if its pool or names cannot be decided.
pub fn import_documents(
    documents: Vec<Document>,
    platform: &Platform,
    platforms: &[Platform],
    pools: &PoolSet,
    options: ImportOptions<'_>,
) -> Checked<Imported> {
    let mut imported = Imported::default();
    let mut services = Vec::new();
    let mut own = Vec::new();
    let mut others = Vec::new();
    let mut dropped = Dropped::default();
    for mut candidate in candidates(checked(documents)?, platforms, options, &mut dropped)? {
        let object = &mut candidate.object;
        if object["kind"] == "Service" && object["spec"]["type"] == "LoadBalancer" {
            own.push(OwnFields::take_from(object, platform));
            let service = HandWritten::new(candidate.object, platform, platforms, &candidate.document);
            services.push((service, candidate.place));
        } else {
            upgrade_api_version(object, &mut imported.changes);
            others.push((candidate.object, candidate.place));
        }
    }
    imported.changes.extend(dropped.sentences());
    imported.internal = !services.is_empty() && services.iter().all(|(service, _)| service.internal);
    if imported.internal {
        imported.changes.push("all Services are internal: `spec.internal: true`".to_owned());
    } else {
        // If only some are internal, they keep the annotation, so that they are not merged with the public ones. An annotation may
        // also say that a load balancer is public.
        for (service, _) in &mut services {
            service.keep_internal();
        }
    }
    let mut groups: Vec<Vec<HandWritten>> = Vec::new();
    let mut places: Vec<Place> = Vec::new();
    let mut by_rest: HashMap<String, usize> = HashMap::new();
    for (service, place) in services {
        let index = *by_rest.entry(comparable(&service.rest).to_string()).or_insert(groups.len());
        if let Some(group) = groups.get_mut(index) {
            group.push(service);
        } else {
            groups.push(vec![service]);
            places.push(place);
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
    if !problems.is_empty() {
        return Err(problems);
    }
    let kept = own::keep(&own, &imported.names, &mut imported.objects, platform);
    imported.overlay = kept.overlay;
    imported.changes.extend(kept.changes);
    let merged = std::mem::take(&mut imported.objects).into_iter().zip(places);
    let mut all: Vec<(Value, Place)> = merged.chain(others).collect();
    all.sort_by_key(|(_, place)| place.index);
    (imported.objects, imported.places) = all.into_iter().unzip();
    Ok(imported)
}

/// Unpacks lists, and reports every object that is not valid, at its place in the input.
fn checked(documents: Vec<Document>) -> Checked<Vec<Document>> {
    let documents: Vec<Document> = items(documents).collect();
    let wrong = documents.iter().flat_map(|document| {
        let checks: [fn(&Document) -> Vec<Diagnostic>; 3] = [wrong_fields, check_header, refused_fields];
        checks.into_iter().map(|check| check(document)).find(|wrong| !wrong.is_empty()).unwrap_or_default()
    });
    let wrong: Vec<Diagnostic> = wrong.collect();
    if wrong.is_empty() { Ok(documents) } else { Err(wrong) }
}

/// Returns the objects as their users wrote them, each once.
fn candidates(
    mut documents: Vec<Document>,
    platforms: &[Platform],
    options: ImportOptions<'_>,
    dropped: &mut Dropped,
) -> Checked<Vec<Candidate>> {
    documents.retain(|document| !is_left_out(&document.value, dropped));
    let origins: Vec<Origin> = documents.iter().map(|document| Origin::of(&document.value)).collect();
    let of_clusters = documents.iter().zip(&origins);
    let family =
        of_clusters.into_iter().find_map(|(document, origin)| default_family(&document.value, origin));
    let family = family.map(str::to_owned);
    let scaled = Autoscaled::of(documents.iter().map(|document| &document.value));
    let all = documents.into_iter().zip(origins).enumerate().map(|(index, (document, origin))| {
        let mut object = document.value.clone();
        drop_written(&mut object, &origin, platforms, dropped);
        if origin.is_live {
            scaled.drop_replicas(&mut object, dropped);
        }
        if !options.keep_defaults {
            drop_defaults(&mut object, &origin, family.as_deref(), dropped);
        }
        let place = Place { index, file: document.file().to_owned() };
        Candidate { document, object, origin, place }
    });
    let all = all.collect();
    only_once(all, options.namespace, dropped)
}

/// Whether the cluster or a controller brings an object, so that no manifest has it.
fn is_left_out(object: &Value, dropped: &mut Dropped) -> bool {
    let key = || Key::of(object).to_string();
    if is_of_cluster(object) {
        dropped.object("that the cluster or a tool creates itself".to_owned(), key());
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
