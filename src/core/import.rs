//! Import of manifests and live objects: drops what others than the user wrote, merges the Services of the pools into one, and
//! upgrades removed API versions.

mod adopted;
mod api_versions;
mod autoscaled;
mod base_names;
mod belongs;
mod bindings;
mod cloud_names;
mod decide;
mod defaults;
mod dropped;
mod duplicates;
mod empty_pools;
mod gateways;
mod group;
mod hand_written;
mod input;
mod kept;
mod namespace;
mod node_sets;
mod origin;
mod own;
mod ports;
mod prepare;
mod referenced;
mod table;
#[cfg(test)]
mod tests;
mod undecided;
mod unmerged;
mod written;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::Value;

use crate::core::import::api_versions::upgrade_api_version;
pub use crate::core::import::belongs::{belongs_to, is_beside, selected};
use crate::core::import::dropped::Dropped;
use crate::core::import::duplicates::Candidate;
pub use crate::core::import::duplicates::Place;
pub use crate::core::import::empty_pools::{EmptyPool, empty_pools};
pub use crate::core::import::gateways::{
    ImportedGateways, changes as changes_of_gateways, services as services_of_gateways, unknown_classes,
};
use crate::core::import::group::Member;
use crate::core::import::hand_written::HandWritten;
pub use crate::core::import::input::{ImportInput, ImportOptions, PoolChoice, PoolsWithoutService};
use crate::core::import::node_sets::NodeSets;
use crate::core::import::own::OwnFields;
use crate::core::report::diagnostic::{Checked, Diagnostic};
use crate::core::yaml::Document;

/// The result of an import.
#[derive(Clone, Debug, Default)]
pub struct Imported {
    /// The objects of the new manifests, in the order of the input.
    pub objects: Vec<Value>,
    /// The place of each object in the input. A merged Service has the place of the first.
    pub places: Vec<Place>,
    /// `spec.names`: Service or `NAMESPACE/SERVICE`, then pool, then the name to keep.
    pub names: BTreeMap<String, BTreeMap<String, String>>,
    /// `spec.clusterIPServices`: the Services that other objects refer to.
    pub cluster_ip_services: Vec<String>,
    /// `spec.pools.exclude`: pools that no existing Service is of.
    pub exclude: Vec<String>,
    /// `spec.pools.excludeFor`: Service, then the pools for which it does not exist.
    pub exclude_for: BTreeMap<String, Vec<String>>,
    /// `spec.pools.existingObjectsFor`: Service, then the pools where objects of the user select its nodes.
    pub existing_objects_for: BTreeMap<String, Vec<String>>,
    /// `spec.pools.loadBalancers`: pool, then the name of its existing configuration.
    pub load_balancers: BTreeMap<String, String>,
    /// `spec.settings` that the bindings of the Services show.
    pub settings: BTreeMap<String, Value>,
    /// The overlays that keep the existing Services as they are.
    pub overlays: Overlays,
    /// The namespace that all objects share.
    pub namespace: Option<String>,
    /// What becomes of the Gateways, if each is that of a pool.
    pub gateways: Option<ImportedGateways>,
    /// Whether all Services were internal, which becomes `spec.internal`.
    pub internal: bool,
    /// The changes, a sentence each.
    pub changes: Vec<String>,
    /// Warnings for the user to check.
    pub warnings: Vec<Diagnostic>,
}

/// The overlays that keep existing Services as they are.
#[derive(Clone, Debug, Default)]
pub struct Overlays {
    /// Keeps what only one Service may have: addresses, IDs of load balancers and node ports.
    pub own_fields: Option<Value>,
    /// Keeps the bindings in the form that they have.
    pub bindings: Option<Value>,
}

/// The objects that are not split for the pools.
#[derive(Debug, Default)]
struct Others {
    objects: Vec<Value>,
    places: Vec<Place>,
    documents: Vec<Document>,
}

impl Others {
    fn push(&mut self, candidate: Candidate) {
        self.objects.push(candidate.object);
        self.places.push(candidate.place);
        self.documents.push(candidate.document);
    }

    fn replace(&mut self, index: usize, object: Value) {
        if let Some(old) = self.objects.get_mut(index) {
            *old = object;
        }
    }

    fn remove(&mut self, indexes: &BTreeSet<usize>) {
        let keep = |index: &usize| !indexes.contains(index);
        let kept: Vec<usize> = (0..self.objects.len()).filter(keep).collect();
        self.objects = kept.iter().map(|index| std::mem::take(&mut self.objects[*index])).collect();
        self.places = kept.iter().map(|index| self.places[*index].clone()).collect();
        self.documents = kept.iter().map(|index| self.documents[*index].clone()).collect();
    }
}

/// Imports the documents of manifests. Refuses a Service if its pool cannot be decided.
pub fn import_documents(documents: Vec<Document>, input: ImportInput<'_>) -> Checked<Imported> {
    let mut imported = Imported::default();
    let mut services = Vec::new();
    let mut own = Vec::new();
    let mut others = Others::default();
    let mut dropped = Dropped::default();
    let mut candidates =
        prepare::candidates(prepare::checked(documents)?, input.platforms, input.options, &mut dropped)?;
    imported.gateways = gateways::take(&mut candidates, input)?;
    for mut candidate in candidates {
        if candidate.object["kind"] == "Service" && candidate.object["spec"]["type"] == "LoadBalancer" {
            let original = candidate.object.clone();
            own.push(OwnFields::take_from(&mut candidate.object, input.platform));
            services.push(HandWritten::new(candidate, original, input.platform, input.platforms));
        } else {
            upgrade_api_version(&mut candidate.object, &mut imported.changes);
            others.push(candidate);
        }
    }
    imported.changes.extend(dropped.sentences());
    imported.internal = !services.is_empty() && services.iter().all(|service| service.internal);
    if imported.internal {
        imported.changes.push("all Services are internal: `spec.internal: true`".to_owned());
    } else {
        // If only some are internal, they keep the annotations, so that they are not merged with the public ones. An annotation
        // may also say that a load balancer is public.
        services.iter_mut().for_each(HandWritten::keep_internal);
    }
    let mut problems: Vec<Diagnostic> = cloud_names::check(input).into_iter().collect();
    problems.extend(decide::choices(&services, input));
    let originals: Vec<&Value> = services.iter().map(|service| &service.original).collect();
    let mut selecting = Cow::Borrowed(others.objects.as_slice());
    if !input.selecting.is_empty() {
        selecting.to_mut().extend_from_slice(input.selecting);
    }
    let sets = NodeSets::new(input, &originals, &selecting);
    let decisions = decide::decide(&services, input, &sets, &selecting);
    drop(selecting);
    let mut similar: Vec<Vec<_>> = Vec::new();
    let mut by_rest: HashMap<String, usize> = HashMap::new();
    for (service, decision) in services.into_iter().zip(decisions) {
        let index = *by_rest.entry(service.common()).or_insert(similar.len());
        match similar.get_mut(index) {
            Some(similar) => similar.push((service, decision)),
            None => similar.push(vec![(service, decision)]),
        }
    }
    let mut members: Vec<Vec<Member>> = Vec::new();
    for similar in similar {
        let settled = group::settle(similar, input.pools, &mut imported, &mut problems);
        members.extend(group::one_for_each_pool(settled, &mut imported.changes, input.pools));
    }
    problems.extend(gateways::refuse(&members, input.pools));
    if !problems.is_empty() {
        return Err(problems);
    }
    imported.warnings.extend(unmerged::unmerged(&members, input.pools));
    let mut groups = group::name_all(members, &others.objects, input.pools);
    let shared = gateways::share(&mut groups, &others, input, &mut imported);
    for group in groups.iter().filter(|group| !group.is_shared) {
        group::add_object(group, &mut imported);
    }
    adopted::add(&groups, input, &sets, &mut imported);
    let kept = own::keep(&own, &imported.names, &mut imported.objects);
    let mut restored = gateways::restore(&groups, input.pools, &mut imported);
    gateways::collapse(&groups, input, &mut others, &mut restored, &mut imported)?;
    imported.overlays.own_fields = own::overlay(&[shared, kept.patches, restored.patches].concat());
    imported.changes.extend(kept.changes);
    let objects = imported.objects.drain(..).zip(imported.places.drain(..));
    let others = others.objects.into_iter().zip(others.places);
    let mut all: Vec<(Value, Place)> = objects.chain(restored.parameters).chain(others).collect();
    all.sort_by_key(|(_, place)| place.index);
    (imported.objects, imported.places) = all.into_iter().unzip();
    imported.namespace = namespace::shared(&imported.objects);
    Ok(imported)
}
