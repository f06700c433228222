//! Divides the fields of a field manager into those that this program takes over and those that stay.

use serde_json::{Map, Value};

use crate::core::live::computed::Siblings;
use crate::core::live::likeness::{Likeness, is_zero, likeness};
use crate::core::live::list_items::{is_at, is_equal, is_meant};
use crate::core::live::managed_fields::{FieldSet, Segment};
use crate::core::live::types::{Kind, Shape};

/// The known facts about one position in the object.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    /// The value that is applied.
    pub(super) wanted: Option<&'a Value>,
    /// The live value.
    pub(super) live: Option<&'a Value>,
    /// The fields that this program has applied.
    pub(super) own: Option<FieldSet<'a>>,
    /// The type.
    pub(super) shape: Shape,
}

/// The fields of one field manager below one position.
#[derive(Debug)]
pub(super) struct Parts {
    /// The fields that move.
    pub(super) moved: Map<String, Value>,
    /// The fields that stay.
    pub(super) left: Map<String, Value>,
    /// Whether one of the fields that move is in the rendered object, or was applied before.
    pub(super) is_shared: bool,
    /// Whether no field moves that the apply will change or remove.
    pub(super) is_neutral: bool,
}

impl Parts {
    fn none() -> Self {
        Self { moved: Map::new(), left: Map::new(), is_shared: false, is_neutral: true }
    }
}

/// What happens to a field.
enum Decision {
    Move { is_shared: bool, is_neutral: bool },
    Leave,
    Divide(Parts),
}

const MOVE: Decision = Decision::Move { is_shared: true, is_neutral: true };
const REMOVE: Decision = Decision::Move { is_shared: true, is_neutral: false };
const RESTORED: Decision = Decision::Move { is_shared: false, is_neutral: true };

/// Divides a set of fields.
pub(super) fn split(set: FieldSet<'_>, place: Place<'_>) -> Parts {
    let mut parts = Parts::none();
    for (step, segment, below) in set.steps() {
        let (Some(segment), Some(below)) = (segment, below) else {
            parts.left.insert(step.to_owned(), set.raw(step).clone());
            continue;
        };
        let decision = match segment {
            Segment::Field(name) => field(name, below, place),
            Segment::Key(key) => item(step, &key, below, place),
            Segment::Value(value) => scalar(step, &value, place),
        };
        match decision {
            Decision::Move { is_shared, is_neutral } => {
                parts.moved.insert(step.to_owned(), set.raw(step).clone());
                parts.is_shared |= is_shared;
                parts.is_neutral &= is_neutral;
            }
            Decision::Leave => drop(parts.left.insert(step.to_owned(), set.raw(step).clone())),
            Decision::Divide(inner) => {
                parts.is_shared |= inner.is_shared;
                parts.is_neutral &= inner.is_neutral;
                for (map, part) in [(&mut parts.moved, inner.moved), (&mut parts.left, inner.left)] {
                    if !part.is_empty() {
                        map.insert(step.to_owned(), part.into());
                    }
                }
            }
        }
    }
    // A map or item itself belongs to the field manager that has its content.
    if set.owns_itself() && !set.is_leaf() {
        let is_ours = place.wanted.is_some() || place.own.is_some_and(FieldSet::owns_itself);
        if is_ours {
            parts.moved.insert(".".to_owned(), Map::new().into());
        } else if !parts.left.is_empty() {
            parts.left.insert(".".to_owned(), Map::new().into());
        }
    }
    parts
}

fn field(name: &str, below: FieldSet<'_>, place: Place<'_>) -> Decision {
    let inner = Place {
        wanted: place.wanted.and_then(|wanted| wanted.get(name)).filter(|wanted| !wanted.is_null()),
        live: place.live.and_then(|live| live.get(name)),
        own: place.own.and_then(|own| own.field(name)),
        shape: place.shape.field(name),
    };
    if below.is_leaf() {
        return leaf(name, inner, place);
    }
    if inner.wanted.is_none() && inner.own.is_none() {
        if below.steps().next().is_none() {
            // Only the map itself, without content.
            return Decision::Divide(Parts::none());
        }
        return if is_restored(name, inner, place) { RESTORED } else { Decision::Leave };
    }
    Decision::Divide(split(below, inner))
}

/// Decides about a field that is owned as a whole.
fn leaf(name: &str, inner: Place<'_>, place: Place<'_>) -> Decision {
    let is_own = inner.own.is_some_and(FieldSet::owns_itself);
    let is_same = inner.wanted.is_some() && is_like(inner.wanted, inner.live, inner.shape);
    match (is_own, is_same) {
        (_, true) => MOVE,
        // Both own it, so it has the value that this program applied.
        (true, false) => REMOVE,
        (false, false) if inner.wanted.is_none() && is_restored(name, inner, place) => RESTORED,
        (false, false) => Decision::Leave,
    }
}

fn item(step: &str, key: &Map<String, Value>, below: FieldSet<'_>, place: Place<'_>) -> Decision {
    let Some(live) = list(place.live).and_then(|list| list.iter().find(|item| is_at(key, item))) else {
        return Decision::Leave;
    };
    let names: Vec<String> = key.keys().cloned().collect();
    let is_meant = |wanted: &&Value| is_meant(wanted, live, &names, place.shape);
    let wanted = list(place.wanted).and_then(|list| list.iter().find(is_meant));
    let own = place.own.and_then(|own| own.below(step));
    let inner = Place { wanted, live: Some(live), own, shape: place.shape.item() };
    match (wanted, own) {
        (None, None) => Decision::Leave,
        (None, Some(_)) if below.is_leaf() => REMOVE,
        (Some(_), _) if below.is_leaf() => {
            if is_like(wanted, Some(live), inner.shape) {
                MOVE
            } else {
                Decision::Leave
            }
        }
        _ => {
            let mut parts = split(below, inner);
            let moves = !parts.moved.is_empty();
            parts.is_shared |= moves;
            parts.is_neutral &= !moves || wanted.is_some();
            Decision::Divide(parts)
        }
    }
}

fn list(value: Option<&Value>) -> Option<&Vec<Value>> {
    value.and_then(Value::as_array)
}

fn scalar(step: &str, value: &Value, place: Place<'_>) -> Decision {
    let mut wanted = place.wanted.and_then(Value::as_array).into_iter().flatten();
    if wanted.any(|wanted| is_equal(wanted, value)) {
        MOVE
    } else if place.own.is_some_and(|own| own.below(step).is_some()) {
        REMOVE
    } else {
        Decision::Leave
    }
}

/// Returns whether the server would give a removed field its live value again.
fn is_restored(name: &str, inner: Place<'_>, place: Place<'_>) -> bool {
    let Some(live) = inner.live.filter(|live| !live.is_null()) else { return true };
    let siblings = Siblings { wanted: place.wanted, live: place.live };
    if place.shape.computed(name).is_some_and(|rule| rule.restores(live, siblings)) {
        return true;
    }
    let is_collection = matches!(inner.shape.kind(), Kind::Map | Kind::List);
    let has_content = is_collection && !inner.shape.is_atomic() && !is_zero(live);
    if has_content || inner.shape.kind() == Kind::Unknown {
        return false;
    }
    if inner.shape.kind() == Kind::Struct && !inner.shape.keeps_zero() && !inner.shape.is_atomic() {
        // The server always writes such a struct, so only its fields decide.
        let each = |(field, value): (&String, &Value)| {
            let below = Place { wanted: None, live: Some(value), own: None, shape: inner.shape.field(field) };
            is_restored(field, below, Place { wanted: None, ..inner })
        };
        return live.as_object().is_some_and(|fields| fields.iter().all(each));
    }
    is_like(None, Some(live), inner.shape)
}

fn is_like(wanted: Option<&Value>, live: Option<&Value>, shape: Shape) -> bool {
    likeness(wanted, live, shape) == Likeness::Same
}

/// Returns the paths of a set of fields, as the API server writes them. A list item that is owned as a whole has one path.
pub(super) fn owned_paths(fields: &Value) -> Vec<String> {
    let mut paths = Vec::new();
    if let Some(set) = FieldSet::of(fields) {
        collect(set, "", &mut paths);
    }
    paths
}

fn collect(set: FieldSet<'_>, at: &str, paths: &mut Vec<String>) {
    for (step, segment, below) in set.steps() {
        let path = match &segment {
            Some(Segment::Field(name)) => format!("{at}.{name}"),
            Some(Segment::Key(key)) => {
                let fields: Vec<String> = key.iter().map(|(name, value)| format!("{name}={value}")).collect();
                format!("{at}[{}]", fields.join(","))
            }
            Some(Segment::Value(value)) => format!("{at}[={value}]"),
            None => format!("{at}.{step}"),
        };
        let is_item = matches!(segment, Some(Segment::Key(_)));
        match below {
            Some(below) if !(below.is_leaf() || is_item && below.owns_itself()) => {
                collect(below, &path, paths);
            }
            _ => paths.push(path),
        }
    }
}
