//! Lists that are merged: by the keys of their items, or as sets of scalars.

use std::collections::HashMap;

use serde_json::{Map, Value};

use crate::core::live::managed_fields::{FieldSet, Segment};
use crate::core::live::unchanged::object::{ListSlot, leaf_is_unchanged, map_is_unchanged};
use crate::core::live::unchanged::same::is_same;

/// Returns whether a list does not change in which other managers may also own items.
pub(super) fn list_is_unchanged(slot: &ListSlot<'_>, desired: &[Value], live: &[Value]) -> Option<bool> {
    let mut keyed = Vec::new();
    let mut values = 0;
    for (step, segment, below) in slot.own.steps() {
        match segment? {
            Segment::Key(key) => keyed.push(Item { step, key, own: below? }),
            Segment::Value(_) if below?.is_leaf() => values += 1,
            _ => return None,
        }
    }
    match (keyed.is_empty(), values == 0) {
        (false, true) => items_are_unchanged(slot, &keyed, desired, live),
        (true, false) => Some(values == desired.len() && values_are_unchanged(slot.own, desired, live)?),
        _ => None,
    }
}

/// An item that we own in a list that is merged by key.
struct Item<'a> {
    step: &'a str,
    key: Map<String, Value>,
    own: FieldSet<'a>,
}

fn items_are_unchanged(
    slot: &ListSlot<'_>,
    items: &[Item<'_>],
    desired: &[Value],
    live: &[Value],
) -> Option<bool> {
    let mut names: Vec<&str> = items.iter().flat_map(|item| item.key.keys().map(String::as_str)).collect();
    names.sort_unstable();
    names.dedup();

    // A key field that we omit has the server's default: it is in the key but not in our fields.
    let mut by_given = HashMap::new();
    for item in items {
        if item.own.is_leaf() && !slot.schema.atomic_items.contains(&slot.name) || !item.own.owns_itself() {
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
        if places.insert(signature(item.as_object()?, names.iter().copied()), index).is_some() {
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
        let slot = slot.step(item.step, item.own, wanted, &live[index]);
        let same = if item.own.is_leaf() {
            leaf_is_unchanged(&slot, slot.schema.atomic_items)
        } else {
            map_is_unchanged(&slot, &[])?
        };
        if !same {
            return Some(false);
        }
    }
    Some(by_given.is_empty())
}

/// Returns the fields with these names and their values as one text.
fn signature<'a>(fields: &Map<String, Value>, names: impl Iterator<Item = &'a str>) -> String {
    let mut text = String::new();
    for name in names {
        if let Some(value) = fields.get(name) {
            text.push_str(&format!("{name}={value},"));
        }
    }
    text
}

/// Returns whether a set of scalars does not change: it has each of our values once, in our order.
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
