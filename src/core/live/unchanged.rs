//! Whether a server-side apply would change nothing at all, told without asking the server.
//!
//! Thousands of objects are usually as they should be, and a dry run for each costs minutes. `true` is a promise:
//! no field, no order of a list and no managed field would change. It holds as long as the server's schemas,
//! defaults and webhooks are those of the last apply. Everything that cannot be told from the two objects is
//! `false`, and a dry run decides.

use std::collections::HashMap;

use serde_json::{Map, Value};

use super::managed::{self, Entry, FieldSet, Segment};
use super::well_known;

/// Fields of the metadata that only the server sets: one in the directory is a precondition or a mistake.
const OF_THE_SERVER: &[&str] = &[
    "clusterName",
    "creationTimestamp",
    "deletionGracePeriodSeconds",
    "deletionTimestamp",
    "generation",
    "managedFields",
    "resourceVersion",
    "selfLink",
    "uid",
];

/// Fields that name the object and are in no set.
const IDENTITY: &[&str] = &["name", "namespace"];

/// Whether an apply of the object by [`managed::MANAGER`], without force, is certain to change nothing.
pub fn is_unchanged(desired: &Value, live: &Value) -> bool {
    certain(desired, live).unwrap_or(false)
}

/// What holds at every place of one object.
#[derive(Clone, Copy)]
struct Schema {
    atomic_maps: &'static [&'static str],
    atomic_items: &'static [&'static str],
}

/// One place of the object: what we want there, what is there, and whose it is.
struct Place<'a> {
    desired: &'a Value,
    live: &'a Value,
    own: FieldSet<'a>,
    others: Vec<FieldSet<'a>>,
    /// The nearest field above, under which the schema knows it.
    name: &'a str,
    schema: Schema,
}

impl<'a> Place<'a> {
    /// The place one step below, for a value there.
    fn step(&self, step: &str, own: FieldSet<'a>, desired: &'a Value, live: &'a Value) -> Self {
        let others = self.others.iter().filter_map(|other| other.below(step)).collect();
        Self { desired, live, own, others, name: self.name, schema: self.schema }
    }
}

fn certain(desired: &Value, live: &Value) -> Option<bool> {
    let version = desired["apiVersion"].as_str()?;
    if live["apiVersion"] != version || desired["kind"] != live["kind"] {
        return Some(false);
    }
    let wanted = desired["metadata"].as_object()?;
    let found = live["metadata"].as_object()?;
    if found.contains_key("deletionTimestamp") || OF_THE_SERVER.iter().any(|name| wanted.contains_key(*name))
    {
        return Some(false);
    }
    if IDENTITY.iter().any(|name| wanted.contains_key(*name) && wanted.get(*name) != found.get(*name)) {
        return Some(false);
    }

    let entries = managed::entries(live)?;
    let own = only_one_of_ours(&entries)?;
    // Entries of other versions are converted at each write, and those of versions that are gone leave.
    if entries.iter().any(|entry| entry.api_version != version || entry.fields.is_leaf()) {
        return Some(false);
    }
    let others = entries.iter().filter(|entry| *entry != own).map(|entry| entry.fields).collect();
    let schema = Schema {
        atomic_maps: well_known::atomic_maps(version),
        atomic_items: well_known::atomic_items(version),
    };
    let root = Place { desired, live, own: own.fields, others, name: "", schema };
    let metadata = match own.fields.below("f:metadata") {
        None => wanted.keys().all(|name| IDENTITY.contains(&name.as_str())),
        Some(set) => {
            let place = root.step("f:metadata", set, &desired["metadata"], &live["metadata"]);
            map_is_unchanged(&place, IDENTITY)?
        }
    };
    Some(metadata && map_is_unchanged(&root, &["apiVersion", "kind", "metadata"])?)
}

fn only_one_of_ours<'a, 'b>(entries: &'b [Entry<'a>]) -> Option<&'b Entry<'a>> {
    let mut applied =
        entries.iter().filter(|entry| entry.manager == managed::MANAGER && entry.operation == "Apply");
    let own = applied.next()?;
    (applied.next().is_none() && own.is_ours()).then_some(own)
}

fn is_unchanged_at(place: &Place<'_>) -> Option<bool> {
    if place.own.is_leaf() {
        return Some(leaf_is_unchanged(place, place.schema.atomic_maps));
    }
    match (place.desired, place.live) {
        (Value::Object(_), Value::Object(_)) => map_is_unchanged(place, &[]),
        (Value::Array(desired), Value::Array(live)) => list_is_unchanged(place, desired, live),
        _ => Some(false),
    }
}

/// A value that is owned as a whole, or one in which nothing was named when it was last applied.
fn leaf_is_unchanged(place: &Place<'_>, atomic: &[&str]) -> bool {
    let is_shared_below = || place.others.iter().any(|other| !other.is_leaf());
    let is_whole = match place.desired {
        // What was `{}` before has the same leaf, and what the server put into it since would become ours.
        Value::Object(map) => map.is_empty() || atomic.contains(&place.name) && !is_shared_below(),
        // A list without items that is merged by key is in no set.
        Value::Array(list) => !list.is_empty() && !is_shared_below(),
        _ => true,
    };
    is_whole && is_same(place.desired, place.live)
}

/// A map field by field, apart from some that are in no set.
fn map_is_unchanged(place: &Place<'_>, apart: &[&str]) -> Option<bool> {
    let (desired, live) = (place.desired.as_object()?, place.live.as_object()?);
    let mut left = desired.keys().filter(|name| !apart.contains(&name.as_str())).count();
    for (step, segment, below) in place.own.steps() {
        let Segment::Field(name) = segment? else { return None };
        if apart.contains(&name) {
            continue;
        }
        let place = Place { name, ..place.step(step, below?, desired.get(name)?, live.get(name)?) };
        if !is_unchanged_at(&place)? {
            return Some(false);
        }
        left = left.checked_sub(1)?;
    }
    Some(left == 0)
}

fn list_is_unchanged(place: &Place<'_>, desired: &[Value], live: &[Value]) -> Option<bool> {
    let mut keyed = Vec::new();
    let mut values = 0;
    for (step, segment, below) in place.own.steps() {
        match segment? {
            Segment::Key(key) => keyed.push(Item { step, key, own: below? }),
            Segment::Value(_) if below?.is_leaf() => values += 1,
            _ => return None,
        }
    }
    match (keyed.is_empty(), values == 0) {
        (false, true) => items_are_unchanged(place, &keyed, desired, live),
        (true, false) => Some(values == desired.len() && values_are_unchanged(place.own, desired, live)?),
        _ => None,
    }
}

/// An item of ours in a list that is merged by key.
struct Item<'a> {
    step: &'a str,
    key: Map<String, Value>,
    own: FieldSet<'a>,
}

fn items_are_unchanged(
    place: &Place<'_>,
    items: &[Item<'_>],
    desired: &[Value],
    live: &[Value],
) -> Option<bool> {
    let mut names: Vec<&str> = items.iter().flat_map(|item| item.key.keys().map(String::as_str)).collect();
    names.sort_unstable();
    names.dedup();

    // A key field that we left out is the server's default: it is in the key, and not among our fields.
    let mut by_given = HashMap::new();
    for item in items {
        if item.own.is_leaf() && !place.schema.atomic_items.contains(&place.name) || !item.own.owns_itself() {
            return None;
        }
        let is_given = |name: &str| item.own.is_leaf() || item.own.field(name).is_some();
        let given = signature(&item.key, names.iter().copied().filter(|name| is_given(name)));
        if by_given.insert(given, item).is_some() {
            return None;
        }
    }
    let mut places = HashMap::new();
    for (index, item) in live.iter().enumerate() {
        let twice = places.insert(signature(item.as_object()?, names.iter().copied()), index).is_some();
        // Only for an item of ours it is a matter which one is meant; telling them apart is the server's.
        if twice {
            return None;
        }
    }

    let mut last = None;
    for wanted in desired {
        let item = by_given.remove(&signature(wanted.as_object()?, names.iter().copied()))?;
        let index = *places.get(&signature(&item.key, names.iter().copied()))?;
        if last.is_some_and(|last| last >= index) {
            return Some(false);
        }
        last = Some(index);
        let place = place.step(item.step, item.own, wanted, &live[index]);
        let same = if item.own.is_leaf() {
            leaf_is_unchanged(&place, place.schema.atomic_items)
        } else {
            map_is_unchanged(&place, &[])?
        };
        if !same {
            return Some(false);
        }
    }
    Some(by_given.is_empty())
}

/// The fields of these names that are there, with their values, as one text.
fn signature<'a>(fields: &Map<String, Value>, names: impl Iterator<Item = &'a str>) -> String {
    let mut text = String::new();
    for name in names {
        if let Some(value) = fields.get(name) {
            text.push_str(&format!("{name}={value},"));
        }
    }
    text
}

/// A list of scalars that is a set: ours are there once each, in our order.
fn values_are_unchanged(own: FieldSet<'_>, desired: &[Value], live: &[Value]) -> Option<bool> {
    let mut places = HashMap::new();
    for (index, value) in live.iter().enumerate() {
        if places.insert(value.to_string(), index).is_some() {
            return None;
        }
    }
    let mut last = None;
    for value in desired {
        let text = value.to_string();
        own.below(&format!("v:{text}"))?;
        let index = *places.get(&text)?;
        if last.is_some_and(|last| last >= index) || !is_same(value, &live[index]) {
            return Some(false);
        }
        last = Some(index);
    }
    Some(true)
}

/// Equal, and written alike. Nothing with a null in it is: the server reads it in several ways.
fn is_same(desired: &Value, live: &Value) -> bool {
    match (desired, live) {
        (Value::Object(desired), Value::Object(live)) => {
            desired.len() == live.len()
                && desired
                    .iter()
                    .all(|(name, value)| live.get(name).is_some_and(|other| is_same(value, other)))
        }
        (Value::Array(desired), Value::Array(live)) => {
            desired.len() == live.len()
                && desired.iter().zip(live).all(|(value, other)| is_same(value, other))
        }
        (Value::Number(desired), Value::Number(live)) => {
            // An apply goes through YAML and floats, which hold integers up to here.
            const EXACT: u64 = 1 << 53;
            let is_exact = desired.as_i64().is_none_or(|number| number.unsigned_abs() <= EXACT);
            is_exact && desired.to_string() == live.to_string()
        }
        (Value::Null, _) => false,
        (desired, live) => desired == live,
    }
}
