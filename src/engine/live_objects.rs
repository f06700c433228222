//! Reads the live objects of desired objects. Every command that compares the two reads them here.

use std::collections::BTreeMap;

use crate::cluster::{ApiCall, Cluster, ClusterError, ObjectRef};
use crate::core::live::{LiveObject, LiveState, Resource};
use crate::engine::target::Item;
use crate::failure::Failure;

/// A desired object and its live state.
pub(crate) struct ManagedObject<'a> {
    /// The desired object and its location in the cluster.
    pub(crate) item: &'a Item,
    /// The live object; absent until it is read, and if the server does not serve its kind.
    pub(crate) live: LiveState,
}

/// How many requests read the objects.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ReadPolicy {
    /// Up to this number of objects of a kind and namespace, each is read separately; otherwise with one list.
    pub(crate) max_single_reads: usize,
    /// Maximum number of concurrent requests.
    pub(crate) concurrency: usize,
}

/// A kind and its namespace; `None` for cluster-scoped kinds.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ListScope {
    pub(crate) resource: Resource,
    pub(crate) namespace: Option<String>,
}

impl<'a> ManagedObject<'a> {
    /// Returns an object that was not read yet.
    pub(crate) fn new(item: &'a Item) -> Self {
        Self { item, live: LiveState::Absent }
    }

    /// Returns the live object, if it exists and the user may read it.
    pub(crate) fn live(&self) -> Option<&LiveObject> {
        self.live.object()
    }
}

impl ListScope {
    fn of(at: &ObjectRef) -> Self {
        let namespace = at.resource.namespaced.then(|| at.namespace.clone());
        Self { resource: at.resource.clone(), namespace }
    }

    /// Returns the call that lists the objects with these labels.
    pub(crate) fn list(self, labels: Option<String>) -> ApiCall {
        ApiCall::list(self.resource, self.namespace, labels)
    }
}

/// The objects of one kind and namespace.
type Group<'o, 'a> = Vec<&'o mut ManagedObject<'a>>;

/// Groups the objects whose kinds the server serves.
pub(crate) fn by_scope<'o, 'a>(
    objects: impl IntoIterator<Item = &'o mut ManagedObject<'a>>,
) -> BTreeMap<ListScope, Group<'o, 'a>> {
    let mut groups: BTreeMap<ListScope, Group<'o, 'a>> = BTreeMap::new();
    for object in objects {
        let item = object.item;
        if let Some(at) = &item.at {
            groups.entry(ListScope::of(at)).or_default().push(object);
        }
    }
    groups
}

/// Reads the live state of the objects. `failed` decides about a request that failed: if it returns no error, its
/// objects are hidden.
pub(crate) fn read_each<'o, 'a: 'o>(
    cluster: &Cluster,
    objects: impl IntoIterator<Item = &'o mut ManagedObject<'a>>,
    policy: ReadPolicy,
    mut failed: impl FnMut(&Group<'o, 'a>, ClusterError) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut calls = Vec::new();
    for (scope, group) in by_scope(objects) {
        if group.len() > policy.max_single_reads {
            calls.push((group, scope.list(None)));
            continue;
        }
        calls.extend(group.into_iter().filter_map(|object| {
            let at = object.item.at.clone()?;
            Some((vec![object], ApiCall::Get(at)))
        }));
    }
    for (group, answer) in cluster.call_all(calls, policy.concurrency) {
        match answer {
            Ok(answer) => drop(assign(group, answer.objects())),
            Err(error) => {
                failed(&group, error)?;
                for object in group {
                    object.live = LiveState::Hidden;
                }
            }
        }
    }
    Ok(())
}

/// Gives each object of a kind and namespace its live object. Returns the objects that were not found, and the live
/// objects that remain.
pub(crate) fn assign<'o, 'a>(
    group: Group<'o, 'a>,
    found: Vec<LiveObject>,
) -> (Group<'o, 'a>, Vec<LiveObject>) {
    let by_name = |object: &'o mut ManagedObject<'a>| {
        let item = object.item;
        (item.key.name.as_str(), object)
    };
    let mut wanted: BTreeMap<&str, &'o mut ManagedObject<'a>> = group.into_iter().map(by_name).collect();
    let mut rest = Vec::new();
    for live in found {
        match wanted.remove(live.name()) {
            Some(object) => object.live = LiveState::Present(live),
            None => rest.push(live),
        }
    }
    (wanted.into_values().collect(), rest)
}
