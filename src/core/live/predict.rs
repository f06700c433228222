//! What an apply would leave, estimated here: for users who may read and not patch.
//!
//! The server knows schemas, defaults and webhooks, we know what the managed fields tell of them. Good enough to read;
//! nothing is decided by it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

use super::managed::{self, FieldSet, Segment};
use super::well_known;

/// The live object after an apply, as far as can be told; what is not there yet becomes what we want.
#[must_use]
pub fn predict(desired: &Value, live: &Value) -> Value {
    if live.is_null() {
        return desired.clone();
    }
    let entries = managed::entries(live).unwrap_or_default();
    let all: Vec<_> = entries.iter().map(|entry| entry.fields).collect();
    let others: Vec<_> = entries.iter().filter(|entry| !entry.is_ours()).map(|entry| entry.fields).collect();
    let desired = as_stored(desired);
    let atomic = well_known::atomic_maps(desired["apiVersion"].as_str().unwrap_or_default());
    let mut result = live.clone();
    merge(&desired, &mut result, &Known { sets: all, name: "", atomic });
    if let Some(own) = managed::ours(&entries) {
        remove_former(own.fields, &others, Some(&desired), &mut result);
    }
    result
}

/// `stringData` of a Secret is only another way to write `data`.
fn as_stored(desired: &Value) -> Value {
    let mut desired = desired.clone();
    if desired["kind"] == "Secret"
        && let Some(fields) = desired.as_object_mut()
        && let Some(Value::Object(texts)) = fields.remove("stringData")
    {
        let data = fields.entry("data").or_insert_with(|| Map::new().into());
        for (name, text) in texts {
            data[name] = STANDARD.encode(text.as_str().unwrap_or_default()).into();
        }
    }
    desired
}

/// What is known of one place.
struct Known<'a> {
    /// The fields of every manager below it.
    sets: Vec<FieldSet<'a>>,
    /// The nearest field above.
    name: &'a str,
    atomic: &'static [&'static str],
}

impl<'a> Known<'a> {
    fn field(&self, name: &'a str) -> Self {
        Self { sets: self.sets.iter().filter_map(|set| set.field(name)).collect(), name, ..*self }
    }

    fn step(&self, step: &str) -> Self {
        Self { sets: below(&self.sets, step), ..*self }
    }

    /// The first step below it that anybody owns.
    fn first_item(&self) -> Option<Segment<'a>> {
        self.sets.iter().find_map(|set| set.steps().next()?.1)
    }

    fn is_whole(&self) -> bool {
        self.sets.iter().all(|set| set.is_leaf()) && self.atomic.contains(&self.name)
    }
}

fn below<'a>(sets: &[FieldSet<'a>], step: &str) -> Vec<FieldSet<'a>> {
    sets.iter().filter_map(|set| set.below(step)).collect()
}

fn merge(desired: &Value, live: &mut Value, known: &Known<'_>) {
    match (desired, live) {
        (Value::Object(desired), Value::Object(live)) if !known.is_whole() => {
            for (name, value) in desired {
                match live.get_mut(name) {
                    Some(live) => merge(value, live, &known.field(name)),
                    None => _ = live.insert(name.clone(), value.clone()),
                }
            }
        }
        (Value::Array(desired), Value::Array(live)) => match known.first_item() {
            Some(Segment::Value(_)) => {
                let new: Vec<_> = desired.iter().filter(|value| !live.contains(value)).cloned().collect();
                live.extend(new);
            }
            Some(Segment::Key(key)) => {
                let names: Vec<_> = key.keys().map(String::as_str).collect();
                merge_items(desired, live, &names, known);
            }
            _ => match well_known::list_keys(known.name) {
                names if !names.is_empty() && known.sets.is_empty() => {
                    merge_items(desired, live, names, known);
                }
                _ => replace_items(desired, live),
            },
        },
        (desired, live) => *live = desired.clone(),
    }
}

fn merge_items(desired: &[Value], live: &mut Vec<Value>, names: &[&str], known: &Known<'_>) {
    for wanted in desired {
        match live.iter().position(|item| is_meant(wanted, item, names)) {
            Some(index) => {
                let step = step_of(&live[index], known);
                merge(wanted, &mut live[index], &known.step(&step.unwrap_or_default()));
            }
            None => live.push(wanted.clone()),
        }
    }
    // As the server does it: our order where ours are in another one.
    let place = |item: &Value| desired.iter().position(|wanted| is_meant(wanted, item, names));
    if !live.iter().filter_map(place).is_sorted() {
        live.sort_by_key(|item| place(item).unwrap_or(usize::MAX));
    }
}

/// The key fields that we give are those of the item; the others are its defaults.
fn is_meant(wanted: &Value, item: &Value, names: &[&str]) -> bool {
    names.iter().all(|name| wanted.get(name).is_none_or(|value| item.get(name) == Some(value)))
        && names.iter().any(|name| wanted.get(name).is_some())
}

/// The step to an item as the sets write it.
fn step_of(item: &Value, known: &Known<'_>) -> Option<String> {
    known.sets.iter().flat_map(|set| set.steps()).find_map(|(step, segment, _)| match segment? {
        Segment::Key(key) => is_at(&key, item).then(|| step.to_owned()),
        _ => None,
    })
}

fn is_at(key: &Map<String, Value>, item: &Value) -> bool {
    key.iter().all(|(name, value)| item.get(name) == Some(value))
}

/// A list that is one value. What the server added to an item that is still at its place, it will add again.
fn replace_items(desired: &[Value], live: &mut Vec<Value>) {
    let lines_up = desired.len() == live.len();
    let old = std::mem::replace(live, desired.to_vec());
    if lines_up {
        for (item, old) in live.iter_mut().zip(old) {
            keep_further(item, old);
        }
    }
}

fn keep_further(item: &mut Value, old: Value) {
    match (item, old) {
        (Value::Object(item), Value::Object(old)) => {
            for (name, value) in old {
                match item.get_mut(&name) {
                    Some(item) => keep_further(item, value),
                    None => _ = item.insert(name, value),
                }
            }
        }
        (Value::Array(list), Value::Array(old)) if list.len() == old.len() => {
            for (item, old) in list.iter_mut().zip(old) {
                keep_further(item, old);
            }
        }
        _ => {}
    }
}

/// Removes what we applied last time, want no longer, and nobody else owns.
fn remove_former(own: FieldSet<'_>, others: &[FieldSet<'_>], desired: Option<&Value>, live: &mut Value) {
    for (step, segment, inner) in own.steps() {
        let (Some(segment), Some(inner)) = (segment, inner) else { continue };
        let others = below(others, step);
        match (segment, &mut *live) {
            (Segment::Field(name), Value::Object(live)) => {
                let wanted = desired.and_then(|desired| desired.get(name));
                let Some(value) = live.get_mut(name) else { continue };
                if is_gone(inner, &others, wanted, value) {
                    live.remove(name);
                }
            }
            (Segment::Key(key), Value::Array(live)) => {
                let names: Vec<_> = key.keys().map(String::as_str).collect();
                let Some(index) = live.iter().position(|item| is_at(&key, item)) else { continue };
                let items = desired.and_then(Value::as_array).into_iter().flatten();
                let wanted = items.into_iter().find(|wanted| is_meant(wanted, &live[index], &names));
                if wanted.is_none() && others.is_empty() || is_gone(inner, &others, wanted, &mut live[index])
                {
                    live.remove(index);
                }
            }
            (Segment::Value(value), Value::Array(live)) => {
                let is_wanted = desired.and_then(Value::as_array).is_some_and(|list| list.contains(&value));
                if !is_wanted && others.is_empty() {
                    live.retain(|other| *other != value);
                }
            }
            _ => {}
        }
    }
}

fn is_gone(own: FieldSet<'_>, others: &[FieldSet<'_>], wanted: Option<&Value>, value: &mut Value) -> bool {
    if own.is_leaf() {
        return wanted.is_none() && others.is_empty();
    }
    remove_former(own, others, wanted, value);
    let is_empty = match value {
        Value::Object(map) => map.is_empty(),
        Value::Array(list) => list.is_empty(),
        _ => false,
    };
    is_empty && wanted.is_none()
}
