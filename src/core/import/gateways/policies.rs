//! Joins policies that were split because their kind allows only a few targets.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::core::import::gateways::families::Families;
use crate::core::import::{Imported, Others};
use crate::core::json;
use crate::core::kubernetes::names;
use crate::core::manifest::Key;

/// Joins policies that are equal except for their names and targets, if the names are those that `render` gives: `web`, `web-2` and
/// so on. None of them names all Gateways of the pools alone.
pub(super) fn join(
    others: &mut Others,
    removed: &mut BTreeSet<usize>,
    families: &Families,
    imported: &mut Imported,
) {
    let mut by_rest: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (index, object) in others.objects.iter().enumerate().filter(|(index, _)| !removed.contains(index)) {
        let Some(list) = object["spec"]["targetRefs"].as_array() else { continue };
        if families.collapse(list, object).is_err() {
            let mut rest = object.clone();
            json::put(&mut rest, &["metadata", "name"], Value::Null);
            json::put(&mut rest, &["spec", "targetRefs"], Value::Null);
            by_rest.entry(rest.to_string()).or_default().push(index);
        }
    }
    for mut indexes in by_rest.into_values().filter(|indexes| indexes.len() > 1) {
        let name = |index: &usize| Key::of(&others.objects[*index]).name;
        indexes.sort_by_key(|index| (name(index).len(), name(index)));
        let Some(first) = indexes.first().copied() else { continue };
        let base = name(&first);
        let is_next = |(number, index): (usize, &usize)| {
            number == 0 || name(index) == names::copy_name(&base, &(number + 1).to_string())
        };
        if !indexes.iter().enumerate().all(is_next) {
            continue;
        }
        let targets = |index: &usize| others.objects[*index]["spec"]["targetRefs"].as_array().cloned();
        let all: Vec<Value> = indexes.iter().filter_map(targets).flatten().collect();
        if let Ok(Some(_)) = families.collapse(&all, &others.objects[first]) {
            let joined: Vec<String> = indexes.iter().map(name).collect();
            imported.changes.push(format!("joined the policies {} into one", joined.join(", ")));
            let mut one = others.objects[first].clone();
            json::put(&mut one, &["spec", "targetRefs"], all);
            others.replace(first, one);
            removed.extend(indexes.into_iter().skip(1));
        }
    }
}
