//! Merges the objects that exist once for each Gateway of a pool: ListenerSets, and policies with a single target.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use crate::core::gateway::references::is_listener_set;
use crate::core::import::Others;
use crate::core::import::base_names::common;
use crate::core::import::gateways::ISSUERS;
use crate::core::import::gateways::families::{Families, Family};
use crate::core::import::gateways::restored::drop_labels_of_render;
use crate::core::json;
use crate::core::kubernetes::names;
use crate::core::manifest::Key;
use crate::core::pools::PoolSet;
use crate::core::report::diagnostic::{Checked, Diagnostic};
use crate::core::report::plural::first_of;

/// The field of a ListenerSet that names its Gateway.
pub(super) const PARENT: &str = "parentRef";
/// The field of a policy that names its only target.
pub(super) const TARGET: &str = "targetRef";

/// What the merge adds to the spec.
#[derive(Debug, Default)]
pub(super) struct Merged {
    /// Patches that keep the names.
    pub(super) patches: Vec<Value>,
    /// The changes, a sentence each.
    pub(super) changes: Vec<String>,
}

/// An object of a pool.
#[derive(Clone, Debug)]
struct Copy {
    index: usize,
    pool: usize,
    key: Key,
    issuers: Map<String, Value>,
}

/// Objects that are equal except for their names and the Gateway.
#[derive(Debug)]
struct Bucket {
    family: usize,
    rest: Value,
    copies: Vec<Copy>,
}

/// Merges the objects whose `field` names the Gateway, or the ListenerSet, of a pool.
pub(super) fn merge(
    field: &str,
    pools: &PoolSet,
    (others, removed): (&mut Others, &mut BTreeSet<usize>),
    families: &mut Families,
) -> Checked<Merged> {
    let mut merged = Merged::default();
    let mut problems = Vec::new();
    let mut reported = BTreeSet::new();
    let buckets = buckets(field, others, removed, families);
    for bucket in &buckets {
        let family = families.family(bucket.family).clone();
        match incomplete(bucket, &family, &buckets, others, field) {
            // The policies of the other pools have the same problem.
            Some(problem) => {
                let kind = bucket.copies.first().map(|copy| copy.key.kind.clone());
                if reported.insert((bucket.family, kind)) {
                    problems.push(problem);
                }
            }
            None => add(bucket, &family, (field, pools), (others, removed), families, &mut merged),
        }
    }
    if problems.is_empty() { Ok(merged) } else { Err(problems) }
}

fn buckets(field: &str, others: &Others, removed: &BTreeSet<usize>, families: &Families) -> Vec<Bucket> {
    let mut found: Vec<Bucket> = Vec::new();
    for (index, object) in others.objects.iter().enumerate().filter(|(index, _)| !removed.contains(index)) {
        let reference = &object["spec"][field];
        if !reference.is_object() || field == PARENT && !is_listener_set(object) {
            continue;
        }
        let Some((family, name)) = families.of_reference(reference, object) else { continue };
        let mut rest = object.clone();
        json::put(&mut rest, &["spec", field, "name"], Value::Null);
        let mut issuers = Map::new();
        if let Some(metadata) = json::existing_map(&mut rest, &["metadata"]) {
            metadata.remove("name");
            if let Some(annotations) = metadata.get_mut("annotations").and_then(Value::as_object_mut) {
                for issuer in ISSUERS {
                    issuers.extend(annotations.remove_entry(issuer));
                }
            }
            drop_labels_of_render(metadata);
        }
        let Some(pool) = families.family(family).pools.get(&name).copied() else { continue };
        let copy = Copy { index, pool, key: Key::of(object), issuers };
        match found.iter_mut().find(|bucket| bucket.family == family && bucket.rest == rest) {
            Some(bucket) => bucket.copies.push(copy),
            None => found.push(Bucket { family, rest, copies: vec![copy] }),
        }
    }
    for bucket in &mut found {
        bucket.copies.sort_by_key(|copy| copy.pool);
    }
    found
}

/// Reports a bucket that does not have one object for each pool of the family.
fn incomplete(
    bucket: &Bucket,
    family: &Family,
    all: &[Bucket],
    others: &Others,
    field: &str,
) -> Option<Diagnostic> {
    let own: Vec<usize> = bucket.copies.iter().map(|copy| copy.pool).collect();
    let wanted: BTreeSet<usize> = family.pools.values().copied().collect();
    if own.len() == wanted.len() && own.iter().copied().collect::<BTreeSet<_>>() == wanted {
        return None;
    }
    let first = bucket.copies.first()?;
    let missing: Vec<&str> =
        family.pools.iter().filter(|(_, pool)| !own.contains(pool)).map(|(name, _)| name.as_str()).collect();
    let is_near = |other: &&Bucket| {
        other.family == bucket.family
            && !std::ptr::eq(*other, bucket)
            && other.copies.iter().any(|copy| copy.key.kind == first.key.kind)
    };
    let message = match all.iter().find(is_near).and_then(|other| other.copies.first()) {
        _ if missing.is_empty() => {
            let keys: Vec<String> = bucket.copies.iter().map(|copy| copy.key.to_string()).collect();
            format!("{} are equal, and `render` writes one for each pool", keys.join(", "))
        }
        Some(other) => format!(
            "{} and {} differ in more than their {}: `render` writes equal copies for all pools",
            first.key, other.key, family.kind
        ),
        None => format!(
            "{} is for the {} of one pool only, and `render` writes a copy for {}, too",
            first.key,
            family.kind,
            first_of(&missing)
        ),
    };
    let document = &others.documents[first.index];
    Some(Diagnostic::refusal(message).at(document.location(&format!("/spec/{field}"))).hint(
        "write one for each pool, and make them equal; or leave them out of the files, so that they stay as they are",
    ))
}

/// Replaces the objects of a bucket with one.
fn add(
    bucket: &Bucket,
    family: &Family,
    (field, pools): (&str, &PoolSet),
    (others, removed): (&mut Others, &mut BTreeSet<usize>),
    families: &mut Families,
    merged: &mut Merged,
) {
    let Some(first) = bucket.copies.first() else { return };
    let base = base_name(bucket, others, pools);
    let mut value = bucket.rest.clone();
    json::put(&mut value, &["metadata", "name"], base.as_str());
    json::put(&mut value, &["spec", field, "name"], family.base.as_str());
    for (key, text) in &first.issuers {
        json::put(&mut value, &["metadata", "annotations", key], text.clone());
    }
    for copy in &bucket.copies {
        let generated = names::copy_name(&base, &pools.pools[copy.pool].name);
        if generated != copy.key.name {
            let mut target = json!({"kind": copy.key.kind, "name": generated});
            if !copy.key.namespace.is_empty() {
                json::put(&mut target, &["namespace"], copy.key.namespace.as_str());
            }
            let rename = json!([{"op": "replace", "path": "/metadata/name", "value": copy.key.name}]);
            merged.patches.push(json!({"target": target, "expects": {"atLeast": 0}, "patch": rename}));
        }
    }
    if bucket.copies.len() > 1 {
        let keys: Vec<String> = bucket.copies.iter().map(|copy| copy.key.to_string()).collect();
        merged.changes.push(format!("merged {} into {base}", keys.join(", ")));
    }
    // The one keeps the place of the first in the input.
    let place = bucket.copies.iter().map(|copy| copy.index).min().unwrap_or(first.index);
    others.replace(place, value);
    removed.extend(bucket.copies.iter().map(|copy| copy.index).filter(|index| *index != place));
    if field == PARENT {
        let of_pools: BTreeMap<String, usize> =
            bucket.copies.iter().map(|copy| (copy.key.name.clone(), copy.pool)).collect();
        families.add(Family { kind: "listenerset", base, pools: of_pools }, &first.key.namespace);
    }
}

/// Returns a name from which `render` makes the existing names, or one that no other object has.
fn base_name(bucket: &Bucket, others: &Others, pools: &PoolSet) -> String {
    let own: Vec<&str> = bucket.copies.iter().map(|copy| copy.key.name.as_str()).collect();
    let first = &bucket.copies[0];
    let suffix = format!("-{}", pools.pools[first.pool].name);
    let stem = first.key.name.strip_suffix(&suffix).map(str::to_owned);
    let makes_all = |stem: &String| {
        bucket.copies.iter().all(|copy| names::copy_name(stem, &pools.pools[copy.pool].name) == copy.key.name)
    };
    let is_free = |name: &String| {
        let is_other = |object: &Value| {
            let key = Key::of(object);
            key.kind == first.key.kind && key.namespace == first.key.namespace && key.name == *name
        };
        own.contains(&name.as_str()) || !others.objects.iter().any(is_other)
    };
    let candidates = stem.filter(makes_all).into_iter().chain(common(&own));
    candidates.into_iter().find(is_free).unwrap_or_else(|| first.key.name.clone())
}
