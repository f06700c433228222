//! JSON values: read with a limit, and changed without a panic.
//!
//! `value["key"] = …` panics unless the value is a map, and a file under review decides what it is. So the program sets fields
//! with these functions only; `tests/cli/architecture.rs` checks this.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use crate::core::pointer;
use crate::core::report::describe::kind_of;

/// A value on a path of another type, although a field is to be set in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotAMap {
    /// The JSON pointer of the value.
    pub pointer: String,
    found: String,
}

impl fmt::Display for NotAMap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let field = pointer::field(&self.pointer);
        let what = if field.is_empty() { "the object".to_owned() } else { format!("`{field}`") };
        write!(f, "{what} is {}, expected a map", self.found)
    }
}

/// Returns the map at a path; creates the maps that are absent or null.
pub fn map_at<'a>(value: &'a mut Value, path: &[&str]) -> Result<&'a mut Map<String, Value>, NotAMap> {
    let mut value = value;
    let mut at = String::new();
    for key in path {
        let Value::Object(map) = value else { return Err(NotAMap { pointer: at, found: kind_of(value) }) };
        pointer::push(&mut at, key);
        value = map.entry(*key).or_insert(Value::Null);
        if value.is_null() {
            *value = Value::Object(Map::new());
        }
    }
    match value {
        Value::Object(map) => Ok(map),
        other => Err(NotAMap { pointer: at, found: kind_of(other) }),
    }
}

/// Sets the field at a path, which has at least one key; creates the maps on the path that are absent or null.
pub fn set(value: &mut Value, path: &[&str], new: impl Into<Value>) -> Result<(), NotAMap> {
    let Some((key, parents)) = path.split_last() else { return Ok(()) };
    map_at(value, parents)?.insert((*key).to_owned(), new.into());
    Ok(())
}

/// Sets the field at a path like [`set`], for values that the program made itself or that were checked before. Does nothing
/// if a value on the path has another type.
pub fn put(value: &mut Value, path: &[&str], new: impl Into<Value>) {
    drop(set(value, path, new));
}

/// Whether a value has anything but empty maps, lists and strings in it.
pub fn has_content(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(list) => list.iter().any(has_content),
        Value::Object(map) => map.values().any(has_content),
        Value::Bool(_) | Value::Number(_) => true,
    }
}

/// Returns the map at a path, if all of it exists.
pub fn existing_map<'a>(value: &'a mut Value, path: &[&str]) -> Option<&'a mut Map<String, Value>> {
    path.iter().try_fold(value, |value, key| value.get_mut(*key))?.as_object_mut()
}

/// Reads a JSON text with at most this number of values.
pub fn read_bounded(text: &str, values: usize) -> serde_json::Result<Value> {
    let mut json = serde_json::Deserializer::from_str(text);
    let mut left = values;
    let value = Bounded { left: &mut left, limit: values }.deserialize(&mut json)?;
    json.end()?;
    Ok(value)
}

/// Reads a value, and takes the number of its values from `left`.
#[derive(Debug)]
pub struct Bounded<'a> {
    /// The number of values that may still be read.
    pub left: &'a mut usize,
    /// The number of values at the beginning, for the error.
    pub limit: usize,
}

impl Bounded<'_> {
    fn again(&mut self) -> Bounded<'_> {
        Bounded { left: self.left, limit: self.limit }
    }

    fn count<E: Error>(&mut self) -> Result<(), E> {
        *self.left = self
            .left
            .checked_sub(1)
            .ok_or_else(|| E::custom(format!("more than {} values, which is the limit", self.limit)))?;
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for Bounded<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(mut self, deserializer: D) -> Result<Value, D::Error> {
        self.count()?;
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Bounded<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Value, E> {
        Ok(flag.into())
    }

    fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
        Ok(number.into())
    }

    fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
        Ok(number.into())
    }

    fn visit_f64<E>(self, number: f64) -> Result<Value, E> {
        Ok(Number::from_f64(number).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(text.into())
    }

    fn visit_string<E>(self, text: String) -> Result<Value, E> {
        Ok(text.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(self.again())? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut entries: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some(key) = entries.next_key::<String>()? {
            self.count()?;
            map.insert(key, entries.next_value_seed(self.again())?);
        }
        Ok(Value::Object(map))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn fields_are_set_and_their_maps_created() {
        for (before, path, after) in [
            (json!({}), &["a"][..], json!({"a": 1})),
            (json!({}), &["a", "b/c", "d"], json!({"a": {"b/c": {"d": 1}}})),
            (json!({"a": null}), &["a", "b"], json!({"a": {"b": 1}})),
            (json!({"a": {"b": [2], "c": 3}}), &["a", "b"], json!({"a": {"b": 1, "c": 3}})),
        ] {
            let mut value = before;
            set(&mut value, path, 1).unwrap();
            assert_eq!(value, after);
        }
    }

    #[test]
    fn a_value_that_is_no_map_is_an_error() {
        for (before, path, expected) in [
            (json!("x"), &["a"][..], "the object is \"x\", a string, expected a map"),
            (json!([]), &["a"], "the object is a list, expected a map"),
            (
                json!({"metadata": "x"}),
                &["metadata", "labels", "a"],
                "`metadata` is \"x\", a string, expected a map",
            ),
            (
                json!({"metadata": {"labels": ["x"]}}),
                &["metadata", "labels", "a"],
                "`metadata.labels` is a list, expected a map",
            ),
        ] {
            let mut value = before.clone();
            assert_eq!(set(&mut value, path, 1).unwrap_err().to_string(), expected);
            assert_eq!(value, before);
            assert_eq!(existing_map(&mut value, &path[..path.len() - 1]), None);
            put(&mut Value::Null, &["a"], 1);
        }
    }

    #[test]
    fn reading_has_a_limit() {
        let text = r#"{"a": [1, -1, 1.5, "x", null, true, {"b": {}}]}"#;
        assert_eq!(read_bounded(text, 12).unwrap(), serde_json::from_str::<Value>(text).unwrap());
        let error = read_bounded(text, 11).unwrap_err().to_string();
        assert!(error.starts_with("more than 11 values, which is the limit"), "{error}");
        assert!(read_bounded("{} x", 10).is_err());
        assert!(
            read_bounded(&"[".repeat(100_000), 1_000_000)
                .unwrap_err()
                .to_string()
                .contains("recursion limit")
        );
    }
}
