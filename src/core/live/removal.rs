//! The fields that an apply removes: we applied them last time, no longer want them, and no other manager owns them.

use serde_json::Value;

use crate::core::live::likeness::{Findings, Likeness, is_zero, likeness};
use crate::core::live::list_items::{below, is_at, is_equal, is_meant};
use crate::core::live::managed_fields::{FieldSet, Segment};
use crate::core::live::types::{Kind, ServerDefault, Shape};

/// How the fields of our last apply are read.
#[derive(Clone, Copy)]
pub(super) struct Removal {
    /// Whether they are named in the version of the object.
    pub(super) names_match: bool,
}

/// The label that the server adds to each namespace.
const LABEL_OF_NAMESPACE: &str = "kubernetes.io/metadata.name";

/// Removes the fields from the live object.
pub(super) fn prune(
    removal: Removal,
    own: FieldSet<'_>,
    others: &[FieldSet<'_>],
    desired: Option<&Value>,
    live: &mut Value,
    shape: Shape,
    findings: &mut Findings,
) {
    for (step, segment, inner) in own.steps() {
        let (Some(segment), Some(inner)) = (segment, inner) else {
            findings.is_doubtful = true;
            continue;
        };
        let others = below(others, step);
        match (segment, &mut *live) {
            (Segment::Field(name), Value::Object(live)) => {
                // An applied null is compared as a value, but no item below it is wanted.
                let wanted = desired.and_then(|desired| desired.get(name));
                let Some(value) = live.get_mut(name) else { continue };
                let below = shape.field(name);
                if inner.is_leaf() {
                    if wanted.is_none() && others.is_empty() {
                        let verdict = loss(removal, name, value, below);
                        findings.add(verdict);
                        match (verdict, below.default) {
                            (Likeness::Other, ServerDefault::Is(default)) => *value = default.clone(),
                            (Likeness::Unsure, _) if below.kind() != Kind::Unknown => {}
                            (Likeness::Same, _) => {}
                            _ => _ = live.remove(name),
                        }
                    }
                    continue;
                }
                let was_empty = is_zero(value);
                prune(removal, inner, &others, wanted, value, below, findings);
                let stays = below.kind() == Kind::Struct && !below.keeps_zero();
                if !was_empty && is_zero(value) && wanted.is_none() && !stays {
                    live.remove(name);
                }
            }
            (Segment::Key(key), Value::Array(live)) => {
                let names: Vec<_> = key.keys().cloned().collect();
                let Some(index) = live.iter().position(|item| is_at(&key, item)) else { continue };
                let Some(item) = live.get_mut(index) else { continue };
                let items = desired.and_then(Value::as_array).into_iter().flatten();
                let wanted = items.into_iter().find(|wanted| is_meant(wanted, item, &names, shape));
                if wanted.is_none() && others.is_empty() {
                    findings.add(lost_item(removal, shape));
                    live.remove(index);
                } else if !inner.is_leaf() {
                    prune(removal, inner, &others, wanted, item, shape.item(), findings);
                }
            }
            (Segment::Value(value), Value::Array(live)) => {
                let list = desired.and_then(Value::as_array);
                let is_wanted = list.is_some_and(|list| list.iter().any(|item| is_equal(item, &value)));
                if !is_wanted && others.is_empty() && live.contains(&value) {
                    findings.add(lost_item(removal, shape));
                    live.retain(|other| *other != value);
                }
            }
            _ => {}
        }
    }
}

/// Compares a field with its value after its removal.
fn loss(removal: Removal, name: &str, value: &Value, shape: Shape) -> Likeness {
    let is_collection = matches!(shape.kind(), Kind::Struct | Kind::Map | Kind::List);
    if is_collection && !shape.is_atomic() && !is_zero(value) {
        // It was empty when we applied it, so other field managers or the server added its items.
        return Likeness::Unsure;
    }
    if name == LABEL_OF_NAMESPACE || !removal.names_match {
        return Likeness::Unsure;
    }
    likeness(None, Some(value), shape)
}

/// Returns whether an item disappears that only we managed.
fn lost_item(removal: Removal, list: Shape) -> Likeness {
    let is_computed = list.default == ServerDefault::Computed && list.kind() != Kind::Unknown;
    if removal.names_match && !is_computed { Likeness::Other } else { Likeness::Unsure }
}
