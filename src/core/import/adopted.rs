//! What the spec says about the existing Services: their names, the pools that get no Service, and the settings and bindings that must
//! not change.

use std::collections::{BTreeMap, BTreeSet};

use crate::core::import::Imported;
use crate::core::import::group::Group;
use crate::core::import::input::{ImportInput, PoolsWithoutService};
use crate::core::import::kept;
use crate::core::import::kept::KeptBinding;
use crate::core::import::node_sets::NodeSets;
use crate::core::patch::placeholder;
use crate::core::report::plural::plural;

/// Adds the fields of the spec for these groups.
pub(crate) fn add(groups: &[Group], input: ImportInput<'_>, sets: &NodeSets<'_>, imported: &mut Imported) {
    let keys = keys(groups, input);
    exclude(groups, &keys, input, imported);
    for (group, key) in groups.iter().zip(&keys) {
        let existing = with_existing_objects(group, input);
        if !existing.is_empty() {
            imported.existing_objects_for.insert(key.clone(), existing);
        }
        let names = group.names(input.pools);
        if !names.is_empty() || key.contains('/') {
            imported.names.insert(key.clone(), names);
        }
    }
    let mut pools = input.pools.clone();
    let uses_name = input
        .platform
        .binding
        .added_values()
        .any(|template| placeholder::names(template).contains(&"pool.loadBalancer"));
    for (index, pool) in pools.pools.iter_mut().enumerate().filter(|_| uses_name) {
        let members = groups.iter().flat_map(|group| &group.members);
        let own = members.filter(|member| member.pool == Some(index) && member.keeps.is_some());
        let Some(name) = sets.cloud_name(index, own.map(|member| &member.service.original)) else { continue };
        if name != pool.load_balancer && !imported.exclude.contains(&pool.value) {
            imported.load_balancers.insert(pool.value.clone(), name.clone());
        }
        pool.load_balancer = name;
    }
    let bound = groups.iter().flat_map(|group| &group.members).filter(|member| member.keeps.is_some());
    let members: Vec<_> = bound
        .filter_map(|member| Some((&member.service, pools.pools[member.pool?].value.as_str())))
        .collect();
    imported.settings = kept::settings(input.platform, &members);
    let mut kept_bindings = Vec::new();
    let mut namespaces: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for group in groups {
        namespaces.entry(&group.base).or_default().insert(&group.namespace);
    }
    for group in groups {
        let is_shared = namespaces[group.base.as_str()].len() > 1;
        for member in &group.members {
            let (Some(pool), Some(reading)) = (member.pool, &member.keeps) else { continue };
            let operations =
                kept::differences(&member.service, pool, input.platform, &pools, &imported.settings);
            let value = &pools.pools[pool].value;
            if operations.is_empty() {
                continue;
            }
            let name = &member.service.name;
            let kind = member.service.kind();
            let is_unbound = member.service.unread.is_empty();
            imported.changes.push(if reading.pool == Some(pool) && is_unbound {
                format!(
                    "{kind} {name} stays without a binding: its load balancer uses every node, today those of pool {value}, until its patch is removed from overlays/{}.yaml",
                    kept::OVERLAY
                )
            } else if reading.pool == Some(pool) || sets.size(pool) == 0 {
                format!("{kind} {name} keeps its binding, which selects the nodes of pool {value}, in another form than render writes: overlays/{}.yaml", kept::OVERLAY)
            } else {
                let now = reading.nodes.map_or_else(|| "its nodes".to_owned(), |count| plural(count, "node"));
                let then = plural(sets.size(pool), "node");
                format!(
                    "{kind} {name} keeps {now} behind its load balancer for now; as the {kind} of pool {value} it will have {then}, once its patch is removed from overlays/{}.yaml (docs/howto/split-one-service.md)",
                    kept::OVERLAY
                )
            });
            kept_bindings.push(KeptBinding {
                service: group.base.clone(),
                namespace: is_shared.then(|| group.namespace.clone()),
                pool: value.clone(),
                operations,
            });
        }
    }
    imported.overlays.bindings = kept::overlay(input.platform, &kept_bindings);
}

/// Returns the pools where objects of the user, and not those of the platform, select the nodes of the existing Services.
fn with_existing_objects(group: &Group, input: ImportInput<'_>) -> Vec<String> {
    if input.platform.spec.objects.is_empty() {
        return Vec::new();
    }
    let kept = group.members.iter().filter(|member| member.keeps.is_some());
    let mut pools: Vec<usize> = kept.filter_map(|member| member.pool).collect();
    pools.sort_unstable();
    pools.into_iter().map(|pool| input.pools.pools[pool].value.clone()).collect()
}

/// Returns the key of each group in `spec.names`. Groups with one name in several namespaces have the namespace in the key, unless
/// they are equal.
fn keys(groups: &[Group], input: ImportInput<'_>) -> Vec<String> {
    let mut by_base: BTreeMap<&str, Vec<BTreeMap<String, String>>> = BTreeMap::new();
    for group in groups {
        by_base.entry(&group.base).or_default().push(group.names(input.pools));
    }
    let key = |group: &Group| {
        let names = &by_base[group.base.as_str()];
        let is_plain = group.namespace.is_empty() || names.iter().all(|other| *other == names[0]);
        if is_plain { group.base.clone() } else { format!("{}/{}", group.namespace, group.base) }
    };
    groups.iter().map(key).collect()
}

/// Excludes the pools without an existing Service, so that no new Service is created: from the spec if no Service is in them, or
/// from single Services.
fn exclude(groups: &[Group], keys: &[String], input: ImportInput<'_>, imported: &mut Imported) {
    let used: BTreeSet<usize> =
        groups.iter().flat_map(|group| &group.members).filter_map(|member| member.pool).collect();
    if used.is_empty() || input.without_service == PoolsWithoutService::Include {
        return;
    }
    let all = || input.pools.pools.iter().enumerate();
    let has_template = groups.iter().any(Group::is_template);
    let unused = all().filter(|(index, _)| !has_template && !used.contains(index));
    imported.exclude = unused.map(|(_, pool)| pool.value.clone()).collect();
    for (group, key) in groups.iter().zip(keys).filter(|(group, _)| !group.is_template()) {
        let own: BTreeSet<usize> = group.members.iter().filter_map(|member| member.pool).collect();
        let without: Vec<String> = all()
            .filter(|(index, pool)| !own.contains(index) && !imported.exclude.contains(&pool.value))
            .map(|(_, pool)| pool.value.clone())
            .collect();
        if !without.is_empty() {
            imported.exclude_for.insert(key.clone(), without);
        }
    }
}
