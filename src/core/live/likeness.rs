//! Compares a value that is applied with the live value, as the server would store it.
//!
//! The server writes a value in its own spelling: `1000m` as `1`, without zero values, with defaults. What the types of
//! Kubernetes do not decide is unsure.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

use crate::core::live::quantity::Quantity;
use crate::core::live::types::{Kind, ServerDefault, Shape};

/// Whether an applied value leads to the live value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Likeness {
    /// It does.
    Same,
    /// Only the server knows.
    Unsure,
    /// It leads to another value.
    Other,
}

use Likeness::{Other, Same, Unsure};

/// What was found so far.
#[derive(Clone, Copy, Debug)]
pub(super) struct Findings {
    /// A value certainly changes.
    pub(super) is_changed: bool,
    /// A value may change.
    pub(super) is_doubtful: bool,
}

impl Findings {
    /// Records the result for one value.
    pub(super) fn add(&mut self, likeness: Likeness) {
        match likeness {
            Likeness::Same => {}
            Likeness::Unsure => self.is_doubtful = true,
            Likeness::Other => self.is_changed = true,
        }
    }
}

/// Compares a whole value. `None` is a missing value, as is a live null.
pub(super) fn likeness(wanted: Option<&Value>, live: Option<&Value>, shape: Shape) -> Likeness {
    match (wanted.filter(|wanted| !is_left_out(wanted, shape)), live.filter(|live| !live.is_null())) {
        (None, None) => Same,
        (None, Some(live)) => without(live, shape),
        (Some(wanted), None) => added(wanted, shape),
        (Some(wanted), Some(live)) if shape.default == ServerDefault::Alias => {
            if wanted == live {
                Same
            } else {
                Unsure
            }
        }
        (Some(wanted), Some(live)) => both(wanted, live, shape),
    }
}

/// Whether a value is null or the zero value of its type.
pub(super) fn is_zero(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(flag) => !flag,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty(),
        Value::Array(list) => list.is_empty(),
        Value::Object(map) => map.is_empty(),
    }
}

/// Whether the server treats the value as if it was missing.
fn is_left_out(value: &Value, shape: Shape) -> bool {
    match shape.kind() {
        Kind::Unknown => false,
        _ if value.is_null() => shape.is_field(),
        _ if shape.keeps_zero() => false,
        // The zero value of a quantity or of a port is a value.
        Kind::Quantity | Kind::IntOrText => value == "",
        Kind::Struct => {
            let fields = value.as_object();
            fields.is_some_and(|fields| {
                fields.iter().all(|(name, value)| is_left_out(value, shape.field(name)))
            })
        }
        _ => is_zero(value),
    }
}

/// Compares the value of a field that is not applied with what the server would add.
fn without(live: &Value, shape: Shape) -> Likeness {
    match shape.default {
        ServerDefault::Computed | ServerDefault::Alias => Unsure,
        ServerDefault::Is(default) if default == live => Same,
        ServerDefault::Is(default) => both(default, live, shape),
        ServerDefault::Nothing => match (shape.kind(), live) {
            (Kind::Unknown, _) => Unsure,
            // The server always writes a struct, unless the field is a pointer, and adds defaults to it.
            (Kind::Struct, Value::Object(fields)) if !shape.keeps_zero() => {
                worst(fields.iter().map(|(name, value)| likeness(None, Some(value), shape.field(name))))
            }
            _ if is_zero(live) && !shape.keeps_zero() => Same,
            _ => Other,
        },
    }
}

/// Returns whether the server would store a value that is new.
fn added(wanted: &Value, shape: Shape) -> Likeness {
    match (shape.kind(), wanted) {
        _ if shape.default == ServerDefault::Alias || wanted.is_null() => Unsure,
        (Kind::Unknown, value) if is_zero(value) => Unsure,
        (Kind::Struct, Value::Object(fields)) if !shape.keeps_zero() => {
            worst(fields.iter().map(|(name, value)| likeness(Some(value), None, shape.field(name))))
        }
        _ => Other,
    }
}

fn both(wanted: &Value, live: &Value, shape: Shape) -> Likeness {
    let same_if = |is_same: bool| if is_same { Same } else { Other };
    match (shape.kind(), wanted, live) {
        // A null in a map of strings is an empty string.
        (Kind::Text, Value::Null, Value::String(live)) if live.is_empty() => Same,
        (_, Value::Null, _) | (_, _, Value::Null) => {
            if is_zero(wanted) && is_zero(live) {
                Same
            } else {
                Unsure
            }
        }
        (Kind::Unknown, wanted, live) => unknown(wanted, live, shape),
        (Kind::Bytes, Value::String(wanted), Value::String(live)) => {
            match (STANDARD.decode(wanted), STANDARD.decode(live)) {
                (Ok(wanted), Ok(live)) => same_if(wanted == live),
                _ => Unsure,
            }
        }
        (Kind::Quantity, wanted, live) => quantities(wanted, live),
        (Kind::Text | Kind::IntOrText, Value::String(wanted), Value::String(live)) => same_if(wanted == live),
        (Kind::Flag, Value::Bool(wanted), Value::Bool(live)) => same_if(wanted == live),
        (Kind::Number | Kind::IntOrText, Value::Number(wanted), Value::Number(live)) => {
            same_if(wanted == live || wanted.as_f64() == live.as_f64())
        }
        (Kind::IntOrText, Value::String(_), Value::Number(_))
        | (Kind::IntOrText, Value::Number(_), Value::String(_)) => Other,
        (Kind::Struct | Kind::Map, Value::Object(wanted), Value::Object(live)) => maps(wanted, live, shape),
        (Kind::List, Value::Array(wanted), Value::Array(live)) => {
            // The server may have added items, such as tolerations of a Pod.
            let longer = if shape.default == ServerDefault::Computed { Unsure } else { Other };
            lists(wanted, live, shape.item(), longer).min(longer)
        }
        // The server refuses a value of the wrong type.
        _ => Unsure,
    }
}

fn maps(wanted: &Map<String, Value>, live: &Map<String, Value>, shape: Shape) -> Likeness {
    let one = |name: &String| likeness(wanted.get(name), live.get(name), shape.field(name));
    let more = live.keys().filter(|name| !wanted.contains_key(*name));
    worst(wanted.keys().chain(more).map(one))
}

fn lists(wanted: &[Value], live: &[Value], item: Shape, other_length: Likeness) -> Likeness {
    if wanted.len() != live.len() {
        return other_length;
    }
    worst(wanted.iter().zip(live).map(|(wanted, live)| likeness(Some(wanted), Some(live), item)))
}

/// Compares values of a custom resource, or of a version that the table lacks.
fn unknown(wanted: &Value, live: &Value, shape: Shape) -> Likeness {
    let same_if = |is_same: bool| if is_same { Same } else { Other };
    match (wanted, live) {
        (Value::Object(wanted), Value::Object(live)) => maps(wanted, live, shape),
        (Value::Array(wanted), Value::Array(live)) => lists(wanted, live, shape.item(), Other),
        (Value::Bool(wanted), Value::Bool(live)) => same_if(wanted == live),
        (Value::Number(wanted), Value::Number(live)) => same_if(wanted.as_f64() == live.as_f64()),
        (Value::String(wanted), Value::String(live)) if wanted == live => Same,
        // It may be a quantity or a time.
        (Value::String(text), Value::String(_)) => {
            let is_number = text.is_empty() || text.starts_with(|first: char| first.is_ascii_digit());
            if is_number && !shape.is_custom() { Unsure } else { Other }
        }
        _ => Unsure,
    }
}

fn quantities(wanted: &Value, live: &Value) -> Likeness {
    let (Some(new), Some(old)) = (Quantity::read(wanted), Quantity::read(live)) else { return Unsure };
    if new.canonical().as_deref() == live.as_str() && new.is_exact() {
        Same
    } else if new.has_value_of(old) || !new.is_exact() {
        Unsure
    } else {
        Other
    }
}

fn worst(all: impl Iterator<Item = Likeness>) -> Likeness {
    all.max().unwrap_or(Same)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn pod(path: &str) -> Shape {
        let template = Shape::of_object("v1", "PodTemplate").field("template").field("spec");
        path.split('.')
            .fold(template, |shape, step| if step == "0" { shape.item() } else { shape.field(step) })
    }

    #[track_caller]
    fn check(path: &str, wanted: &Value, live: &Value, expected: Likeness) {
        let some = |value| Some(value).filter(|value: &&Value| *value != "absent");
        let found = likeness(some(wanted), some(live), pod(path));
        assert_eq!(found, expected, "{path}: {wanted} and {live}");
    }

    #[test]
    fn spellings_that_the_server_treats_as_equal() {
        for (path, wanted, live) in [
            ("hostNetwork", json!(false), json!("absent")),
            ("hostNetwork", json!(null), json!("absent")),
            ("tolerations", json!([]), json!("absent")),
            ("nodeSelector", json!({}), json!("absent")),
            ("containers.0.workingDir", json!(""), json!("absent")),
            ("containers.0.resources.limits.cpu", json!("1000m"), json!("1")),
            ("containers.0.resources.limits.cpu", json!(0.5), json!("500m")),
            ("containers.0.resources.limits.memory", json!("1024Mi"), json!("1Gi")),
            ("terminationGracePeriodSeconds", json!(30.0), json!(30)),
            ("securityContext", json!("absent"), json!({})),
            (
                "containers.0.env.0.valueFrom.fieldRef",
                json!({"fieldPath": "a"}),
                json!({"fieldPath": "a", "apiVersion": "v1"}),
            ),
            ("containers.0.env.0.value", json!(""), json!("absent")),
            ("containers.0.livenessProbe.timeoutSeconds", json!(0), json!(1)),
            ("containers.0.resources", json!({"limits": {}}), json!({})),
        ] {
            check(path, &wanted, &live, Same);
        }
    }

    #[test]
    fn values_that_differ() {
        for (path, wanted, live) in [
            ("hostNetwork", json!(false), json!(true)),
            ("hostNetwork", json!(true), json!("absent")),
            ("nodeSelector", json!({"a": "b"}), json!({"a": "c"})),
            ("nodeSelector", json!({"a": "b"}), json!({"a": "b", "c": "d"})),
            ("containers.0.resources.limits.cpu", json!("1000m"), json!("2")),
            ("containers.0.livenessProbe.httpGet.port", json!("80"), json!(80)),
            ("containers.0.image", json!("500m"), json!("0.5")),
            ("containers.0.securityContext.allowPrivilegeEscalation", json!(false), json!("absent")),
            ("terminationGracePeriodSeconds", json!("absent"), json!(5)),
            (
                "containers.0.env.0.valueFrom.fieldRef",
                json!({"fieldPath": "a"}),
                json!({"fieldPath": "b", "apiVersion": "v1"}),
            ),
            ("securityContext", json!("absent"), json!({"runAsUser": 0})),
        ] {
            check(path, &wanted, &live, Other);
        }
    }

    #[test]
    fn what_only_the_server_knows() {
        for (path, wanted, live) in [
            ("containers.0.resources.limits.cpu", json!("1024"), json!("1Ki")),
            ("containers.0.resources.limits.cpu", json!("100u"), json!("1m")),
            ("containers.0.imagePullPolicy", json!(""), json!("Always")),
            ("serviceAccount", json!("a"), json!("b")),
            ("tolerations", json!([]), json!([{"key": "a"}])),
            ("hostNetwork", json!("yes"), json!(true)),
            ("not.a.field", json!(""), json!("absent")),
            ("not.a.field", json!("1000m"), json!("1")),
            ("not.a.field", json!({"a": 1}), json!({"a": 1, "b": 2})),
        ] {
            check(path, &wanted, &live, Unsure);
        }
    }

    #[test]
    fn bytes_and_maps() {
        let secret = Shape::of_object("v1", "Secret").field("data");
        let of = |wanted: Value, live: Value| likeness(Some(&wanted), Some(&live), secret);
        assert_eq!(of(json!({"a": "eA=="}), json!({"a": "eA=="})), Same);
        assert_eq!(of(json!({"a": "eQ=="}), json!({"a": "eA=="})), Other);
        assert_eq!(of(json!({"a": "!"}), json!({"a": "eA=="})), Unsure);
        let labels = Shape::metadata().field("labels");
        assert_eq!(likeness(Some(&json!({"a": null})), Some(&json!({"a": ""})), labels), Same);
        assert_eq!(
            likeness(Some(&json!({"a": ""})), Some(&json!({})), labels),
            Other,
            "a map keeps empty texts"
        );
    }
}
