//! Merges Services that differ only in their names and bindings, and decides the pool of each.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::core::import::base_names::Names;
use crate::core::import::decide::{Decision, by_numbers};
use crate::core::import::hand_written::HandWritten;
use crate::core::import::node_sets::Reading;
use crate::core::import::{Imported, undecided};
use crate::core::json;
use crate::core::kubernetes::names;
use crate::core::pools::PoolSet;
use crate::core::report::diagnostic::Diagnostic;

/// An existing Service and its pool.
pub(crate) struct Member {
    /// The Service.
    pub(crate) service: HandWritten,
    /// The index of its pool; `None` if the Services of all pools are copied from it.
    pub(crate) pool: Option<usize>,
    /// The binding that must not change.
    pub(crate) keeps: Option<Reading>,
}

/// Services that become one Service in the manifest.
pub(crate) struct Group {
    /// Its name.
    pub(crate) base: String,
    /// Its namespace; empty if it is not stated.
    pub(crate) namespace: String,
    /// The existing Services, at most one for each pool.
    pub(crate) members: Vec<Member>,
    /// Whether `render` writes its Services for a Gateway with the name `base`.
    pub(crate) is_shared: bool,
}

impl Group {
    /// Returns the names of the existing Services by their pools.
    pub(crate) fn names(&self, pools: &PoolSet) -> BTreeMap<String, String> {
        let named =
            |member: &Member| Some((pools.pools[member.pool?].value.clone(), member.service.name.clone()));
        self.members.iter().filter_map(named).collect()
    }

    /// Whether the Services of all pools are copied from it.
    pub(crate) fn is_template(&self) -> bool {
        self.members.iter().all(|member| member.pool.is_none())
    }
}

/// Settles the pools of similar Services. Reports each Service whose pool cannot be decided.
pub(crate) fn settle(
    similar: Vec<(HandWritten, Result<Decision, Diagnostic>)>,
    pools: &PoolSet,
    imported: &mut Imported,
    problems: &mut Vec<Diagnostic>,
) -> Vec<Member> {
    let known = |decision: &Result<Decision, Diagnostic>| match decision {
        Ok(Decision::Pool { pool, .. }) => Some(*pool),
        _ => None,
    };
    let names: Vec<(&str, Option<usize>)> =
        similar.iter().map(|(service, decision)| (service.name.as_str(), known(decision))).collect();
    let values: Vec<&str> = pools.pools.iter().map(|pool| pool.value.as_str()).collect();
    let numbered = by_numbers(&names, &values);
    let is_alone = similar.len() == 1;
    let mut members = Vec::with_capacity(similar.len());
    for (index, (service, decision)) in similar.into_iter().enumerate() {
        match decision {
            Err(problem) => problems.push(problem),
            Ok(Decision::Pool { pool, keeps }) => members.push(Member { service, pool: Some(pool), keeps }),
            Ok(Decision::Open) if is_alone && service.unread.is_empty() && service.gateway.is_none() => {
                imported.warnings.push(not_bound(&service));
                members.push(Member { service, pool: None, keeps: None });
            }
            Ok(Decision::Open) => match &numbered {
                Some(numbered) => {
                    let pool = numbered[index];
                    imported.warnings.push(by_number(&service, values[pool]));
                    members.push(Member { service, pool: Some(pool), keeps: None });
                }
                None => problems.push(undecided::open(&service, pools)),
            },
        }
    }
    members
}

fn not_bound(service: &HandWritten) -> Diagnostic {
    let name = &service.name;
    Diagnostic::warning(format!(
        "Service {name} is not bound to a pool; its copies get new names and new addresses"
    ))
    .at(service.location.clone())
    .hint(format!("if it exists in the cluster, keep its address: --pool {name}=POOL"))
}

fn by_number(service: &HandWritten, pool: &str) -> Diagnostic {
    let binding = service.unread.first().map_or_else(
        || "it has no binding".to_owned(),
        |unread| format!("its binding `{}` is a placeholder", unread.value),
    );
    Diagnostic::warning(format!(
        "{} {} gets pool {pool}, because the numbers at the end of the names agree: {binding}",
        service.kind(),
        service.name
    ))
    .at(service.location.clone())
    .hint(format!("if this is wrong, state its pool: --pool {}=POOL", service.name))
}

/// Splits similar Services, so that a group has one Service for each pool at most.
pub(crate) fn one_for_each_pool(
    members: Vec<Member>,
    changes: &mut Vec<String>,
    pools: &PoolSet,
) -> Vec<Vec<Member>> {
    let mut groups: Vec<Vec<Member>> = Vec::new();
    // The number of Services of each pool, which is the index of the group of the next one.
    let mut count: BTreeMap<Option<usize>, usize> = BTreeMap::new();
    for member in members {
        let index = count.entry(member.pool).or_default();
        let mut first = groups.first().into_iter().flatten().filter(|_| *index > 0);
        // `refuse` reports Gateways.
        let is_service = member.service.gateway.is_none();
        if let (Some(other), Some(pool), true) =
            (first.find(|other| other.pool == member.pool), member.pool, is_service)
        {
            changes.push(format!(
                "Services {} and {} are both of pool {}, so each has its own Service in the manifest",
                other.service.name, member.service.name, pools.pools[pool].value
            ));
        }
        match groups.get_mut(*index) {
            Some(group) => group.push(member),
            None => groups.push(vec![member]),
        }
        *index += 1;
    }
    groups
}

/// Names the groups. The names differ from each other, and from the names of `others`, the other Services.
pub(crate) fn name_all(all: Vec<Vec<Member>>, others: &[Value], pools: &PoolSet) -> Vec<Group> {
    let mut by_namespace: BTreeMap<String, Names> = BTreeMap::new();
    let text = |value: &Value, key: &str| value["metadata"][key].as_str().unwrap_or_default().to_owned();
    for service in others.iter().filter(|other| other["kind"] == "Service") {
        let names = by_namespace.entry(text(service, "namespace")).or_default();
        names.others.insert(text(service, "name"));
    }
    for member in all.iter().flatten() {
        let names = by_namespace.entry(member.service.namespace.clone()).or_default();
        names.existing.insert(member.service.name.clone());
    }
    // The names of Services that stay alone are kept if possible.
    let mut order: Vec<usize> = (0..all.len()).collect();
    let rank = |index: &usize| {
        let is_template = all[*index].iter().all(|member| member.pool.is_none());
        (!is_template, all[*index].len() > 1)
    };
    order.sort_by_key(rank);
    let mut bases: BTreeMap<usize, String> = BTreeMap::new();
    for index in order {
        let members = &all[index];
        let Some(first) = members.first() else { continue };
        let own: Vec<&str> = members.iter().map(|member| member.service.name.as_str()).collect();
        let taken: BTreeSet<usize> = members.iter().filter_map(|member| member.pool).collect();
        let further: Vec<&str> = (0..pools.pools.len())
            .filter(|pool| !taken.contains(pool))
            .map(|pool| pools.pools[pool].name.as_str())
            .collect();
        let names = by_namespace.entry(first.service.namespace.clone()).or_default();
        let base = if first.service.gateway.is_some() {
            names.choose_for_gateways(stem(members, pools), &own, &further)
        } else if taken.is_empty() {
            names.keep(own[0], &further);
            own[0].to_owned()
        } else {
            names.choose(&own, &further)
        };
        bases.insert(index, base);
    }
    let named = all.into_iter().enumerate().filter_map(|(index, members)| {
        let namespace = members.first()?.service.namespace.clone();
        Some(Group { base: bases.remove(&index)?, namespace, members, is_shared: false })
    });
    named.collect()
}

/// Returns the name from which `render` makes the names of all members itself.
fn stem(members: &[Member], pools: &PoolSet) -> Option<String> {
    fn of_pool<'m>(member: &'m Member, pools: &'m PoolSet) -> Option<(&'m str, &'m str)> {
        Some((&member.service.name, &pools.pools[member.pool?].name))
    }
    let (name, pool) = of_pool(members.first()?, pools)?;
    let stem = name.strip_suffix(pool)?.strip_suffix('-')?;
    let is_made =
        |member| of_pool(member, pools).is_some_and(|(name, pool)| names::copy_name(stem, pool) == name);
    members.iter().all(is_made).then(|| stem.to_owned())
}

/// Adds the object of a group.
pub(crate) fn add_object(group: &Group, imported: &mut Imported) {
    let Some(first) = group.members.first() else { return };
    let mut object = first.service.rest.clone();
    json::put(&mut object, &["metadata", "name"], group.base.as_str());
    imported.objects.push(object);
    imported.places.push(first.service.place.clone());
    if group.members.len() > 1 {
        let names: Vec<&str> = group.members.iter().map(|member| member.service.name.as_str()).collect();
        imported.changes.push(format!(
            "merged the {}s {} into {}; `spec.names` keeps their names",
            first.service.kind(),
            names.join(", "),
            group.base
        ));
    }
}
