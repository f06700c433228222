//! The parameters that are one Gateway's alone, such as an EnvoyProxy, and what its pool decides in them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::core::gateway::{Implementation, Parameters, Placement};
use crate::core::import::dropped::take;
use crate::core::import::duplicates::Candidate;
use crate::core::import::gateways::known::Known;
use crate::core::import::gateways::of_gateway::OwnParameters;
use crate::core::import::gateways::restored::drop_labels_of_render;
use crate::core::json;
use crate::core::manifest::Key;
use crate::core::pointer;

/// Returns the parameters of each Gateway that no other Gateway and no class names. `label` is the pool label of the nodes.
pub(super) fn own(
    candidates: &[Candidate],
    gateways: &[usize],
    known: &Known<'_>,
    (implementation, label): (&Implementation, &str),
) -> BTreeMap<usize, Option<OwnParameters>> {
    let named: Vec<Option<usize>> =
        gateways.iter().map(|index| known.own_parameters(&candidates[*index].object)).collect();
    let of_classes: BTreeSet<usize> =
        gateways.iter().filter_map(|index| known.class_parameters(&candidates[*index].object)).collect();
    let form = implementation.spec.parameters.as_ref();
    let is_own = |index: &usize| {
        named.iter().flatten().filter(|other| *other == index).count() == 1 && !of_classes.contains(index)
    };
    gateways
        .iter()
        .zip(&named)
        .map(|(gateway, named)| {
            let index = named.filter(is_own);
            (*gateway, index.zip(form).map(|(index, form)| split(&candidates[index].object, form, label)))
        })
        .collect()
}

/// Splits parameters into what all pools share, and what the pool decides.
fn split(parameters: &Value, form: &Parameters, label: &str) -> OwnParameters {
    let mut rest = parameters.clone();
    if let Some(metadata) = json::existing_map(&mut rest, &["metadata"]) {
        metadata.remove("name");
        drop_labels_of_render(metadata);
    }
    for field in &form.fields {
        drop_with_empty_parents(&mut rest, &field.parameters, None);
    }
    let placement = placement(form, parameters);
    let selector = placement.map(|placement| placement.node_selector.clone());
    let mut own =
        OwnParameters { key: Key::of(parameters), rest, placed: None, selector: None, lacking: None };
    if let (Some(placement), Some(selector)) = (placement, selector) {
        let at = pointer::join(&selector, label);
        own.lacking = lacking(parameters, &at);
        own.placed = drop_with_empty_parents(&mut own.rest, &at, placement.when.as_deref());
        own.selector = Some(at);
    }
    own
}

/// Returns where the parameters select the nodes of the proxies.
fn placement<'f>(form: &'f Parameters, value: &Value) -> Option<&'f Placement> {
    let applies =
        |placement: &&Placement| placement.when.as_ref().is_none_or(|when| value.pointer(when).is_some());
    form.placements.iter().find(applies)
}

/// Removes a field, and the maps around it that are empty then, except `kept` and those around it.
fn drop_with_empty_parents(value: &mut Value, at: &str, kept: Option<&str>) -> Option<Value> {
    let removed = take(value, at)?;
    let mut at = at;
    while let Some((parent, _)) = at.rsplit_once('/') {
        let is_kept =
            kept.is_some_and(|kept| pointer::contains(parent, kept)) || parent.matches('/').count() < 2;
        let is_empty =
            value.pointer(parent).and_then(Value::as_object).is_some_and(serde_json::Map::is_empty);
        if is_kept || !is_empty {
            break;
        }
        take(value, parent);
        at = parent;
    }
    Some(removed)
}

/// Returns the first part of a pointer that a value does not have.
fn lacking(value: &Value, at: &str) -> Option<String> {
    let mut part = String::new();
    for key in pointer::keys(at) {
        pointer::push(&mut part, &key);
        if value.pointer(&part).is_none() {
            return Some(part);
        }
    }
    None
}
