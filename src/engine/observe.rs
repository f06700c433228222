//! The observed state: the live objects of the tree, and the other members of our ApplySet.

use std::collections::{BTreeMap, BTreeSet};

use crate::cluster::{ApiCall, Cluster, ObjectRef};
use crate::core::apply::{ApplySet, GroupKind, Parent};
use crate::core::live::{LiveObject, Resource};
use crate::core::manifest::Key;
use crate::core::report::diagnostic::Diagnostic;
use crate::engine::live_objects::{ListScope, ManagedObject, ReadPolicy, assign, by_scope, read_each};
use crate::engine::target::{Item, Target};
use crate::failure::Failure;
use crate::output::terminal;

/// Up to this number of objects of a kind are read one by one; above it, the whole list is read.
const ONE_BY_ONE: usize = 8;

/// The observed state.
pub(crate) struct Observation<'a> {
    /// The objects of the tree, in the tree's order.
    pub(crate) objects: Vec<ManagedObject<'a>>,
    /// Objects with the label of our ApplySet that are not in the tree.
    pub(crate) others: Vec<LiveObject>,
    /// The kinds that were read.
    resources: BTreeSet<Resource>,
}

/// An ApplySet in a cluster, and the objects of a directory.
#[derive(Clone, Copy)]
pub(crate) struct SetView<'a> {
    /// The cluster.
    pub(crate) cluster: &'a Cluster,
    /// The ApplySet.
    pub(crate) set: &'a ApplySet,
    /// Its parent, if it exists.
    pub(crate) parent: Option<&'a Parent>,
    /// The objects of the directory.
    pub(crate) items: &'a [Item],
}

/// Lists each kind and namespace once for the members of our ApplySet, then reads the objects that are not among
/// them.
pub(crate) fn observe(target: &Target, concurrency: usize) -> Result<Observation<'_>, Failure> {
    let Target { cluster, set, parent, items, .. } = target;
    observe_set(SetView { cluster, set, parent: parent.as_ref(), items }, concurrency)
}

/// The same for any ApplySet.
pub(crate) fn observe_set(target: SetView<'_>, concurrency: usize) -> Result<Observation<'_>, Failure> {
    let mut objects: Vec<_> = target.items.iter().map(ManagedObject::new).collect();
    let mut groups = by_scope(&mut objects);
    for scope in scopes_of_the_set(target)? {
        groups.entry(scope).or_default();
    }
    let resources = groups.keys().map(|scope| scope.resource.clone()).collect();
    // Without a parent the ApplySet is new or lost, so listing its members finds nothing or too little.
    let is_new = target.parent.is_none();
    let (whole, labeled): (Vec<_>, Vec<_>) =
        groups.into_iter().partition(|(_, group)| is_new && group.len() > ONE_BY_ONE);
    let whole = whole.into_iter().map(|(scope, group)| ((group, Listed::All), scope.list(None)));
    let members = |scope: ListScope| scope.list(Some(target.set.selector()));
    let labeled = labeled.into_iter().map(|(scope, group)| ((group, Listed::Members), members(scope)));
    let mut others = Vec::new();
    let mut unlisted = Vec::new();
    for ((group, listed), answer) in target.cluster.call_all(whole.chain(labeled).collect(), concurrency) {
        let (missing, rest) = assign(group, answer?.objects());
        others.extend(rest.into_iter().filter(|live| target.set.is_member(live)));
        if listed == Listed::Members {
            unlisted.extend(missing);
        }
    }
    let policy = ReadPolicy { max_single_reads: ONE_BY_ONE, concurrency };
    read_each(target.cluster, unlisted, policy, |_, error| Err(error.into()))?;
    Ok(Observation { objects, others, resources })
}

/// Which objects a list contains.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Listed {
    All,
    Members,
}

impl Observation<'_> {
    /// Returns whether the tree contains a namespace that exists.
    pub(crate) fn has_namespace(&self, name: &str) -> bool {
        let is_it = |object: &&ManagedObject<'_>| {
            let key = &object.item.key;
            key.kind == "Namespace" && key.group.is_empty() && key.name == name
        };
        self.objects
            .iter()
            .find(is_it)
            .is_some_and(|object| object.live().is_some_and(|live| !live.is_being_deleted()))
    }

    /// Returns the reference of a member, from the list that contained it.
    pub(crate) fn reference(&self, key: &Key) -> Option<ObjectRef> {
        let is_of = |resource: &&Resource| resource.group == key.group && resource.kind == key.kind;
        let resource = self.resources.iter().find(is_of)?.clone();
        Some(ObjectRef { resource, namespace: key.namespace.clone(), name: key.name.clone() })
    }
}

/// Returns the scopes that the parent names besides those of the tree. Skips kinds that the cluster no longer
/// serves; fails for kinds that cannot be listed now.
fn scopes_of_the_set(target: SetView<'_>) -> Result<Vec<ListScope>, Failure> {
    let Some(parent) = target.parent else { return Ok(Vec::new()) };
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
    resources.extend(resources_of(target.cluster, &other_services)?);
    let namespaces: BTreeSet<&String> =
        parent.scope.namespaces.iter().chain(std::iter::once(&target.set.namespace)).collect();
    let mut scopes = Vec::new();
    for resource in resources {
        if !resource.namespaced {
            scopes.push(ListScope { resource, namespace: None });
            continue;
        }
        let scope =
            |name: &&String| ListScope { resource: resource.clone(), namespace: Some((*name).clone()) };
        scopes.extend(namespaces.iter().map(scope));
    }
    Ok(scopes)
}

fn group_kind(key: &Key) -> (&str, &str) {
    (&key.group, &key.kind)
}

/// Returns the kinds as the cluster serves them now, in its preferred version.
fn resources_of(cluster: &Cluster, kinds: &[&GroupKind]) -> Result<Vec<Resource>, Failure> {
    if kinds.is_empty() {
        return Ok(Vec::new());
    }
    let mut preferred = cluster.call(&ApiCall::Groups)?.groups();
    preferred.insert(String::new(), "v1".to_owned());
    let groups: BTreeSet<&String> = kinds.iter().map(|kind| &kind.group).collect();
    let calls = groups.into_iter().filter_map(|group| {
        let version = preferred.get(group)?.clone();
        Some(((), ApiCall::Resources { group: group.clone(), version }))
    });
    let mut served = Vec::new();
    for ((), answer) in cluster.call_small(calls.collect()) {
        served.extend(answer?.kinds());
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
