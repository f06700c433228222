//! What is in the cluster: the objects of the tree as they are there, and the members of our set beside them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::cluster::{ApiCall, ObjectRef};
use crate::core::apply::GroupKind;
use crate::core::live::Resource;
use crate::core::manifest::Key;
use crate::core::report::diagnostic::Diagnostic;
use crate::engine::target::{Item, Target};
use crate::failure::Failure;
use crate::output::terminal;

/// As many objects of a kind are asked for one by one; of more, the whole list is read.
const ONE_BY_ONE: usize = 8;

/// What was found.
pub(crate) struct Observation {
    /// Each object of the tree as it is in the cluster, in the tree's order; `null` where it is not there.
    pub(crate) live: Vec<Value>,
    /// Objects with the label of our set that the tree does not hold.
    pub(crate) others: Vec<Value>,
    /// The kinds that were asked for.
    pub(crate) resources: BTreeSet<Resource>,
}

/// A kind in a namespace, or in all if it lives in none.
type ListScope = (Resource, Option<String>);

/// Asks once for each kind and namespace: for the members of our set, and then for what is missing among them.
pub(crate) fn observe(target: &Target, concurrency: usize) -> Result<Observation, Failure> {
    let mut wanted: BTreeMap<ListScope, BTreeMap<&str, usize>> = BTreeMap::new();
    for (index, item) in target.items.iter().enumerate() {
        if let Some(at) = &item.at {
            wanted.entry(list_scope(at)).or_default().insert(&at.name, index);
        }
    }
    let mut list_scopes: BTreeSet<ListScope> = wanted.keys().cloned().collect();
    list_scopes.extend(rooms_of_the_set(target)?);

    let mut found = Observation {
        live: vec![Value::Null; target.items.len()],
        others: Vec::new(),
        resources: list_scopes.iter().map(|(resource, _)| resource.clone()).collect(),
    };
    // Without a parent the set is new or lost, and asking for its members finds nothing or too little.
    let is_new = target.parent.is_none();
    let (all, members): (Vec<ListScope>, Vec<ListScope>) = list_scopes.into_iter().partition(|list_scope| {
        is_new && wanted.get(list_scope).is_some_and(|names| names.len() > ONE_BY_ONE)
    });
    let labels = target.set.selector();
    let list = |list_scope: &ListScope, labels: Option<&str>| {
        ApiCall::list(list_scope.0.clone(), list_scope.1.clone(), labels.map(str::to_owned))
    };
    let first: Vec<ApiCall> = all
        .iter()
        .map(|list_scope| list(list_scope, None))
        .chain(members.iter().map(|list_scope| list(list_scope, Some(&labels))))
        .collect();
    for (list_scope, answer) in all.iter().chain(&members).zip(target.cluster.call_all(&first, concurrency)) {
        found.take(target, wanted.get(list_scope), answer?);
    }

    let mut second = Vec::new();
    let mut list_scopes = Vec::new();
    for list_scope in &members {
        let Some(names) = wanted.get(list_scope) else { continue };
        let missing: Vec<usize> =
            names.values().copied().filter(|index| found.live[*index].is_null()).collect();
        if missing.len() > ONE_BY_ONE {
            second.push(list(list_scope, None));
            list_scopes.push(list_scope);
            continue;
        }
        for at in missing.into_iter().filter_map(|index| target.items[index].at.clone()) {
            second.push(ApiCall::Get(at));
            list_scopes.push(list_scope);
        }
    }
    for (list_scope, answer) in list_scopes.into_iter().zip(target.cluster.call_all(&second, concurrency)) {
        let answer = match answer? {
            Value::Null => continue,
            list @ Value::Array(_) => list,
            object => Value::Array(vec![object]),
        };
        found.take(target, wanted.get(list_scope), answer);
    }
    Ok(found)
}

impl Observation {
    fn take(&mut self, target: &Target, wanted: Option<&BTreeMap<&str, usize>>, list: Value) {
        let Value::Array(objects) = list else { return };
        for object in objects {
            let name = object["metadata"]["name"].as_str().unwrap_or_default();
            match wanted.and_then(|names| names.get(name)) {
                Some(index) => self.live[*index] = object,
                None if target.set.is_member(&object) => self.others.push(object),
                None => {}
            }
        }
    }
}

fn list_scope(at: &ObjectRef) -> ListScope {
    (at.resource.clone(), at.resource.namespaced.then(|| at.namespace.clone()))
}

/// Where the parent says that members are, besides where the tree has objects. A kind that the cluster has no more has
/// no objects either; one that cannot be asked for now is an error.
fn rooms_of_the_set(target: &Target) -> Result<Vec<ListScope>, Failure> {
    let Some(parent) = &target.parent else { return Ok(Vec::new()) };
    let known: BTreeMap<(&str, &str), &Resource> = target
        .items
        .iter()
        .filter_map(|item| Some((group_kind(&item.key), &item.at.as_ref()?.resource)))
        .collect();
    let (here, other_services): (Vec<&GroupKind>, Vec<&GroupKind>) = parent
        .scope
        .kinds
        .iter()
        .partition(|kind| known.contains_key(&(kind.group.as_str(), kind.kind.as_str())));
    let mut resources: Vec<Resource> =
        here.iter().map(|kind| known[&(kind.group.as_str(), kind.kind.as_str())].clone()).collect();
    resources.extend(resources_of(target, &other_services)?);
    let namespaces: BTreeSet<&String> =
        parent.scope.namespaces.iter().chain(std::iter::once(&target.set.namespace)).collect();
    let mut list_scopes = Vec::new();
    for resource in resources {
        if !resource.namespaced {
            list_scopes.push((resource, None));
            continue;
        }
        list_scopes.extend(namespaces.iter().map(|name| (resource.clone(), Some((*name).clone()))));
    }
    Ok(list_scopes)
}

fn group_kind(key: &Key) -> (&str, &str) {
    (&key.group, &key.kind)
}

/// The kinds as the cluster serves them now, in the version that it prefers.
pub(crate) fn resources_of(target: &Target, kinds: &[&GroupKind]) -> Result<Vec<Resource>, Failure> {
    if kinds.is_empty() {
        return Ok(Vec::new());
    }
    let groups = target.cluster.call(&ApiCall::Groups)?;
    let preferred = |group: &str| {
        if group.is_empty() {
            return Some("v1".to_owned());
        }
        let groups = groups["groups"].as_array()?;
        let found = groups.iter().find(|found| found["name"] == group)?;
        Some(found["preferredVersion"]["version"].as_str()?.to_owned())
    };
    let versions: BTreeMap<&str, String> =
        kinds.iter().filter_map(|kind| Some((kind.group.as_str(), preferred(&kind.group)?))).collect();
    let calls: Vec<ApiCall> = versions
        .iter()
        .map(|(group, version)| ApiCall::Resources { group: (*group).to_owned(), version: version.clone() })
        .collect();
    let mut served = Vec::new();
    for answer in target.cluster.call_small(&calls) {
        served.extend(Resource::all_of(&answer?));
    }
    let mut resources = Vec::new();
    for kind in kinds {
        match served.iter().find(|found| found.group == kind.group && found.kind == kind.kind) {
            Some(found) => resources.push(found.clone()),
            None => terminal::diagnostic(
                &Diagnostic::warning(format!(
                    "the set has members of kind {kind}, which the cluster does not know any more"
                ))
                .hint("what was of this kind is gone with its CustomResourceDefinition"),
            ),
        }
    }
    Ok(resources)
}

/// Whether a namespace of the tree comes with the tree itself.
pub(crate) fn brings_namespace(items: &[Item], name: &str) -> bool {
    items
        .iter()
        .any(|item| item.key.kind == "Namespace" && item.key.group.is_empty() && item.key.name == name)
}
