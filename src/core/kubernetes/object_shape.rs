//! The shape that every Kubernetes object has, whatever its kind.

use serde_json::Value;

use crate::core::pointer;
use crate::core::report::describe::kind_of;
use crate::core::report::escape::in_comment;

/// A field with a value that no object may have there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misshapen {
    /// The JSON pointer of the field.
    pub pointer: String,
    /// What is wrong, with the field and the value.
    pub message: String,
}

/// Returns the fields of the header and of the metadata that have a value of another type. Absent and null fields are valid.
pub fn wrong_types(object: &Value) -> Vec<Misshapen> {
    let mut found = Vec::new();
    let mut wrong = |pointer: &str, value: &Value, expected: &str| {
        let field = pointer::field(pointer);
        let what = if field.is_empty() { "the object".to_owned() } else { format!("`{field}`") };
        let message = format!("{what} is {}, expected {expected}", kind_of(value));
        found.push(Misshapen { pointer: pointer.to_owned(), message });
    };
    let Value::Object(map) = object else {
        wrong("", object, "a map");
        return found;
    };
    for key in ["apiVersion", "kind"] {
        if let Some(value) = map.get(key).filter(|value| !value.is_null() && !value.is_string()) {
            wrong(&format!("/{key}"), value, "a string");
        }
    }
    match map.get("metadata") {
        None | Some(Value::Null) => {}
        Some(Value::Object(metadata)) => {
            for key in ["name", "namespace"] {
                if let Some(value) = metadata.get(key).filter(|value| !value.is_null() && !value.is_string())
                {
                    wrong(&format!("/metadata/{key}"), value, "a string");
                }
            }
            for key in ["labels", "annotations"] {
                let at = format!("/metadata/{key}");
                match metadata.get(key) {
                    None | Some(Value::Null) => {}
                    Some(Value::Object(pairs)) => {
                        for (name, value) in pairs {
                            if !value.is_string() && !value.is_null() {
                                wrong(&pointer::join(&at, name), value, "a string");
                            }
                        }
                    }
                    Some(other) => wrong(&at, other, "a map of strings"),
                }
            }
        }
        Some(other) => wrong("/metadata", other, "a map"),
    }
    found
}

/// Returns the [wrong types](wrong_types) of an object, and the fields that every object needs and this one lacks.
pub fn misshapen(object: &Value) -> Vec<Misshapen> {
    let mut found = wrong_types(object);
    for pointer in ["/apiVersion", "/kind", "/metadata/name"] {
        let value = pointer::find(object, pointer);
        let is_missing = match value {
            None | Some(Value::Null) => true,
            Some(value) => value.as_str() == Some(""),
        };
        let is_reported = found.iter().any(|found| pointer.starts_with(&found.pointer));
        if is_missing && !is_reported {
            let message = format!("the field `{}` is missing", pointer::field(pointer));
            found.push(Misshapen { pointer: pointer.to_owned(), message });
        }
    }
    if is_list(object) {
        let kind = object["kind"].as_str().unwrap_or_default();
        let message = format!(
            "`kind` is `{}`: every reader takes the object for a list, and loses it",
            in_comment(kind)
        );
        found.push(Misshapen { pointer: "/kind".to_owned(), message });
    }
    found
}

/// Whether readers of manifests take a value for a list of objects: a `List`, or a typed one such as `ServiceList`. A custom
/// resource may have a kind that ends with `List`, but not the `items` beside it.
pub fn is_list(value: &Value) -> bool {
    match value.get("kind").and_then(Value::as_str) {
        Some("List") => !value.get("items").is_some_and(|items| !items.is_array() && !items.is_null()),
        Some(kind) => kind.ends_with("List") && value.get("items").is_some_and(Value::is_array),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_every_object_has() {
        let good = json!({"apiVersion": "v1", "kind": "A", "metadata": {"name": "a", "labels": {"a": "b", "c": null}, "annotations": null}});
        assert_eq!(misshapen(&good), []);
        for (pointer, value, expected) in [
            ("/metadata", json!("x"), "`metadata` is \"x\", a string, expected a map"),
            ("/metadata", json!(["x"]), "`metadata` is a list, expected a map"),
            ("/metadata", Value::Null, "the field `metadata.name` is missing"),
            ("/metadata/name", json!(1), "`metadata.name` is 1, a number, expected a string"),
            ("/metadata/name", json!(""), "the field `metadata.name` is missing"),
            (
                "/kind",
                json!("List"),
                "`kind` is `List`: every reader takes the object for a list, and loses it",
            ),
            (
                "/metadata/labels",
                json!("x"),
                "`metadata.labels` is \"x\", a string, expected a map of strings",
            ),
            ("/metadata/labels/a", json!(true), "`metadata.labels.a` is true, a boolean, expected a string"),
            (
                "/metadata/annotations",
                json!([1]),
                "`metadata.annotations` is a list, expected a map of strings",
            ),
            ("/kind", json!({}), "`kind` is an object, expected a string"),
            ("/apiVersion", Value::Null, "the field `apiVersion` is missing"),
        ] {
            let mut bad = good.clone();
            *bad.pointer_mut(pointer).unwrap() = value;
            let found: Vec<String> = misshapen(&bad).into_iter().map(|found| found.message).collect();
            assert_eq!(found, [expected], "{pointer}");
        }
        assert_eq!(misshapen(&json!([]))[0].message, "the object is a list, expected a map");
    }
}
