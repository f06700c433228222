//! What is in the cluster: the objects of the tree as they are there, and the members of our set beside them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::cluster::{At, Call};
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
pub(crate) struct Survey {
    /// Each object of the tree as it is in the cluster, in the tree's order; `null` where it is not there.
    pub(crate) live: Vec<Value>,
    /// Objects with the label of our set that the tree does not hold.
    pub(crate) others: Vec<Value>,
    /// The kinds that were asked for.
    pub(crate) resources: BTreeSet<Resource>,
}

/// A kind in a namespace, or in all if it lives in none.
type Room = (Resource, Option<String>);

/// Asks once for each kind and namespace: for the members of our set, and then for what is missing among them.
pub(crate) fn survey(target: &Target, at_once: usize) -> Result<Survey, Failure> {
    let mut wanted: BTreeMap<Room, BTreeMap<&str, usize>> = BTreeMap::new();
    for (index, item) in target.items.iter().enumerate() {
        if let Some(at) = &item.at {
            wanted.entry(room(at)).or_default().insert(&at.name, index);
        }
    }
    let mut rooms: BTreeSet<Room> = wanted.keys().cloned().collect();
    rooms.extend(rooms_of_the_set(target)?);

    let mut found = Survey {
        live: vec![Value::Null; target.items.len()],
        others: Vec::new(),
        resources: rooms.iter().map(|(resource, _)| resource.clone()).collect(),
    };
    // Without a parent the set is new or lost, and asking for its members finds nothing or too little.
    let is_new = target.parent.is_none();
    let (all, members): (Vec<Room>, Vec<Room>) = rooms
        .into_iter()
        .partition(|room| is_new && wanted.get(room).is_some_and(|names| names.len() > ONE_BY_ONE));
    let labels = target.set.selector();
    let list = |room: &Room, labels: Option<&str>| {
        Call::list(room.0.clone(), room.1.clone(), labels.map(str::to_owned))
    };
    let first: Vec<Call> = all
        .iter()
        .map(|room| list(room, None))
        .chain(members.iter().map(|room| list(room, Some(&labels))))
        .collect();
    for (room, answer) in all.iter().chain(&members).zip(target.cluster.call_all(&first, at_once)) {
        found.take(target, wanted.get(room), answer?);
    }

    let mut second = Vec::new();
    let mut rooms = Vec::new();
    for room in &members {
        let Some(names) = wanted.get(room) else { continue };
        let missing: Vec<usize> =
            names.values().copied().filter(|index| found.live[*index].is_null()).collect();
        if missing.len() > ONE_BY_ONE {
            second.push(list(room, None));
            rooms.push(room);
            continue;
        }
        for at in missing.into_iter().filter_map(|index| target.items[index].at.clone()) {
            second.push(Call::Get(at));
            rooms.push(room);
        }
    }
    for (room, answer) in rooms.into_iter().zip(target.cluster.call_all(&second, at_once)) {
        let answer = match answer? {
            Value::Null => continue,
            list @ Value::Array(_) => list,
            object => Value::Array(vec![object]),
        };
        found.take(target, wanted.get(room), answer);
    }
    Ok(found)
}

impl Survey {
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

fn room(at: &At) -> Room {
    (at.resource.clone(), at.resource.namespaced.then(|| at.namespace.clone()))
}

/// Where the parent says that members are, besides where the tree has objects. A kind that the cluster has no more has
/// no objects either; one that cannot be asked for now is an error.
fn rooms_of_the_set(target: &Target) -> Result<Vec<Room>, Failure> {
    let Some(parent) = &target.parent else { return Ok(Vec::new()) };
    let known: BTreeMap<(&str, &str), &Resource> = target
        .items
        .iter()
        .filter_map(|item| Some((group_kind(&item.key), &item.at.as_ref()?.resource)))
        .collect();
    let (here, elsewhere): (Vec<&GroupKind>, Vec<&GroupKind>) = parent
        .scope
        .kinds
        .iter()
        .partition(|kind| known.contains_key(&(kind.group.as_str(), kind.kind.as_str())));
    let mut resources: Vec<Resource> =
        here.iter().map(|kind| known[&(kind.group.as_str(), kind.kind.as_str())].clone()).collect();
    resources.extend(resources_of(target, &elsewhere)?);
    let namespaces: BTreeSet<&String> =
        parent.scope.namespaces.iter().chain(std::iter::once(&target.set.namespace)).collect();
    let mut rooms = Vec::new();
    for resource in resources {
        if !resource.namespaced {
            rooms.push((resource, None));
            continue;
        }
        rooms.extend(namespaces.iter().map(|name| (resource.clone(), Some((*name).clone()))));
    }
    Ok(rooms)
}

fn group_kind(key: &Key) -> (&str, &str) {
    (&key.group, &key.kind)
}

/// The kinds as the cluster serves them now, in the version that it prefers.
pub(crate) fn resources_of(target: &Target, kinds: &[&GroupKind]) -> Result<Vec<Resource>, Failure> {
    if kinds.is_empty() {
        return Ok(Vec::new());
    }
    let groups = target.cluster.call(&Call::Groups)?;
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
    let calls: Vec<Call> = versions
        .iter()
        .map(|(group, version)| Call::Resources { group: (*group).to_owned(), version: version.clone() })
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
