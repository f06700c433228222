//! Which item of a list a manager owns or means.

use serde_json::{Map, Value};

use crate::core::live::likeness::{Likeness, likeness};
use crate::core::live::managed_fields::FieldSet;
use crate::core::live::types::Shape;

/// Returns the sets below a step.
pub(super) fn below<'a>(sets: &[FieldSet<'a>], step: &str) -> Vec<FieldSet<'a>> {
    sets.iter().filter_map(|set| set.below(step)).collect()
}

/// Returns whether the key fields in our item equal those of the live item. A missing key field has its default, or may have
/// any value if its type is unknown.
pub(super) fn is_meant(wanted: &Value, item: &Value, names: &[String], list: Shape) -> bool {
    let is_equal = |name: &String| match (wanted.get(name), item.get(name)) {
        (Some(wanted), Some(live)) => is_equal(wanted, live),
        (None, live) => likeness(None, live, list.item().field(name)) != Likeness::Other,
        (Some(_), None) => false,
    };
    names.iter().all(is_equal) && names.iter().any(|name| wanted.get(name).is_some())
}

pub(super) fn is_at(key: &Map<String, Value>, item: &Value) -> bool {
    key.iter().all(|(name, value)| item.get(name) == Some(value))
}

/// Whether two scalars are equal; 80.0 is 80.
pub(super) fn is_equal(wanted: &Value, live: &Value) -> bool {
    wanted == live || wanted.is_number() && wanted.as_f64() == live.as_f64()
}
