//! Reads a document into a type without a schema: files that only this program writes, and files and answers of other
//! programs.

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::core::pointer;
use crate::core::report::diagnostic::Diagnostic;
use crate::core::report::escape::in_comment;
use crate::core::yaml::budget::Limits;
use crate::core::yaml::document::Document;
use crate::core::yaml::node::Rules;
use crate::core::yaml::read::{only, read_within};

/// The most values of a document in which the one that does not fit is searched. A search takes time in proportion to the
/// square of their number.
const SEARCHED: usize = 1_000;

/// Reads a text with one document into a type. It may be as large as a manifest.
pub fn read_typed<T: DeserializeOwned>(file: &str, text: &str) -> Result<T, Diagnostic> {
    typed(&read_generated(file, text)?)
}

/// Reads a text with one document that a program wrote. It may be as large as a manifest; its keys are their text.
pub fn read_generated(file: &str, text: &str) -> Result<Document, Diagnostic> {
    only(file, read_within(file, text, Rules::Own, Limits::of(text))?)
}

/// A value that does not fit a type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misfit {
    /// The JSON pointer of the value, or of a parent.
    pub pointer: String,
    /// The reason, which may contain the value.
    pub reason: String,
}

/// Reads a document into a type. The error has the line and the field of the value that does not fit, and may contain the
/// value.
pub fn typed<T: DeserializeOwned>(document: &Document) -> Result<T, Diagnostic> {
    fit(document).map_err(|Misfit { pointer, reason }| {
        let field = pointer::field(&pointer);
        let is_named = pointer.is_empty() || reason.contains(&format!("`{field}`"));
        let message = if is_named { reason } else { format!("`{}`: {reason}", in_comment(&field)) };
        Diagnostic::error(message).at(document.location(&pointer))
    })
}

/// Reads a document into a type, for errors that must not show the value.
pub fn fit<T: DeserializeOwned>(document: &Document) -> Result<T, Misfit> {
    T::deserialize(&document.value)
        .map_err(|error| Misfit { pointer: misfit::<T>(&document.value), reason: error.to_string() })
}

/// Returns the pointer of the only value without which the document fits the type, or of the nearest parent if there are
/// several or if one is missing.
fn misfit<T: DeserializeOwned>(whole: &Value) -> String {
    let mut at = String::new();
    if count(whole) > SEARCHED {
        return at;
    }
    loop {
        let keys: Vec<String> = match whole.pointer(&at) {
            Some(Value::Object(map)) => map.keys().cloned().collect(),
            Some(Value::Array(items)) => (0..items.len()).map(|index| index.to_string()).collect(),
            _ => return at,
        };
        let fits_without = |key: &&String| T::deserialize(&without(whole, &at, key)).is_ok();
        match keys.iter().find(fits_without) {
            Some(key) => pointer::push(&mut at, key),
            None => return at,
        }
    }
}

fn count(value: &Value) -> usize {
    1 + match value {
        Value::Object(map) => map.values().map(count).sum(),
        Value::Array(items) => items.iter().map(count).sum(),
        _ => 0,
    }
}

/// Returns a value without the value at a key of a part of it.
fn without(whole: &Value, parent: &str, key: &str) -> Value {
    let mut rest = whole.clone();
    match rest.pointer_mut(parent) {
        Some(Value::Object(map)) => drop(map.remove(key)),
        Some(Value::Array(items)) => {
            if let Some(index) = key.parse().ok().filter(|index| *index < items.len()) {
                items.remove(index);
            }
        }
        _ => {}
    }
    rest
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Shape {
        name: String,
        #[serde(default)]
        list: Vec<BTreeMap<String, u8>>,
    }

    #[test]
    fn the_error_has_the_line_of_the_value() {
        let problem = |text: &str| read_typed::<Shape>("f", text).unwrap_err().to_string();
        let read = read_typed::<Shape>("f", "name: a\nlist:\n- {x: 1}\n").unwrap();
        assert_eq!((read.name.as_str(), read.list[0]["x"]), ("a", 1));
        for (text, location) in [
            (
                "name: a\nlist:\n- a: 1\n- b: 1\n  c: x\n",
                "f:5: `list[1].c`: invalid type: string \"x\", expected u8",
            ),
            ("name: a\nlist: 1\n", "f:2: `list`: invalid type: integer `1`, expected a sequence"),
            ("name: a\nlist: []\nother: 1\n", "f:3: unknown field `other`"),
            ("list:\n- a: 1\n", "f:1: missing field `name`"),
            ("a\n", "f:1: invalid type: string \"a\", expected struct Shape"),
            ("a: b: c\n", "f:1: invalid YAML: "),
            ("", "f: the file is empty"),
        ] {
            assert!(problem(text).starts_with(location), "{text}: {}", problem(text));
        }
        let large = format!("name: 1\nlist: [{}]\n", "{a: 1},".repeat(SEARCHED));
        assert!(problem(&large).starts_with("f:1: "), "{}", problem(&large));
    }
}
