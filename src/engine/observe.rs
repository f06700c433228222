//! The observed state: the live objects of the tree, and the other members of our ApplySet.

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

/// Up to this number of objects of a kind are read one by one; above it, the whole list is read.
const ONE_BY_ONE: usize = 8;

/// The observed state.
pub(crate) struct Observation {
    /// The live object for each object of the tree, in the tree's order; `null` if it does not exist.
    pub(crate) live: Vec<Value>,
    /// Objects with the label of our ApplySet that are not in the tree.
    pub(crate) others: Vec<Value>,
    /// The kinds that were read.
    pub(crate) resources: BTreeSet<Resource>,
}

/// A kind and its namespace; `None` for cluster-scoped kinds.
type ListScope = (Resource, Option<String>);

/// Lists each kind and namespace once for the members of our ApplySet, then reads the objects that are not among
/// them.
pub(crate) fn observe(target: &Target, concurrency: usize) -> Result<Observation, Failure> {
    let mut wanted: BTreeMap<ListScope, BTreeMap<&str, usize>> = BTreeMap::new();
    for (index, item) in target.items.iter().enumerate() {
        if let Some(at) = &item.at {
            wanted.entry(list_scope(at)).or_default().insert(&at.name, index);
        }
    }
    let mut list_scopes: BTreeSet<ListScope> = wanted.keys().cloned().collect();
    list_scopes.extend(scopes_of_the_set(target)?);

    let mut found = Observation {
        live: vec![Value::Null; target.items.len()],
        others: Vec::new(),
        resources: list_scopes.iter().map(|(resource, _)| resource.clone()).collect(),
    };
    // Without a parent the ApplySet is new or lost, so listing its members finds nothing or too little.
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

/// Returns the scopes that the parent names besides those of the tree. Skips kinds that the cluster no longer
/// serves; fails for kinds that cannot be listed now.
fn scopes_of_the_set(target: &Target) -> Result<Vec<ListScope>, Failure> {
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

/// Returns the kinds as the cluster serves them now, in its preferred version.
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
                    "the ApplySet lists kind {kind}, which the cluster no longer serves"
                ))
                .hint("its objects were deleted with the CustomResourceDefinition"),
            ),
        }
    }
    Ok(resources)
}

/// Whether the tree contains a namespace.
pub(crate) fn brings_namespace(items: &[Item], name: &str) -> bool {
    items
        .iter()
        .any(|item| item.key.kind == "Namespace" && item.key.group.is_empty() && item.key.name == name)
}
