//! The types of fields in answers of the API server, which are checked before they are used.

use serde_json::Value;

/// A field of an answer with a wrong type or value. Contains no text of the answer, which may be secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{} is {found}, expected {expected}", if .field.is_empty() { "the object" } else { .field.as_str() })]
pub struct InvalidObject {
    /// The path of the field, such as `items[3].metadata.labels`; empty for the object itself.
    field: String,
    /// The type of its value, such as `a list`.
    found: &'static str,
    /// The expected type or value.
    expected: String,
}

/// The type of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Type {
    Name,
    Text,
    Integer,
    Object,
    /// A map of strings.
    Texts,
    Strings,
    Objects,
}

impl InvalidObject {
    pub(super) fn new(field: &str, found: &'static str, expected: &str) -> Self {
        Self { field: field.to_owned(), found, expected: expected.to_owned() }
    }

    /// Adds the position of the object in its list.
    #[must_use]
    pub fn in_list(self, list: &str, index: usize) -> Self {
        self.below(&format!("{list}[{index}]"))
    }

    /// Adds the object that contains the field.
    pub(super) fn below(self, parent: &str) -> Self {
        let dot = if self.field.is_empty() || self.field.starts_with('[') { "" } else { "." };
        Self { field: format!("{parent}{dot}{}", self.field), ..self }
    }
}

impl Type {
    /// Checks the value of a field.
    pub(super) fn require(self, field: &str, value: &Value) -> Result<(), InvalidObject> {
        let each = |list: &[Value], wanted: Self| {
            let mut items = list.iter().enumerate();
            items.try_for_each(|(index, item)| {
                wanted.require("", item).map_err(|problem| problem.in_list(field, index))
            })
        };
        match (self, value) {
            (Self::Name, Value::String(text)) if !text.is_empty() => Ok(()),
            (Self::Integer, Value::Number(number)) if number.is_i64() => Ok(()),
            (Self::Text, Value::String(_)) | (Self::Object, Value::Object(_)) => Ok(()),
            (Self::Texts, Value::Object(map)) => map
                .values()
                .try_for_each(|text| Self::Text.require("[]", text))
                .map_err(|problem| problem.below(field)),
            (Self::Strings, Value::Array(list)) => each(list, Self::Text),
            (Self::Objects, Value::Array(list)) => each(list, Self::Object),
            _ => Err(InvalidObject::new(field, type_of(value), self.words())),
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::Name => "a string that is not empty",
            Self::Text => "a string",
            Self::Integer => "an integer",
            Self::Object => "an object",
            Self::Texts => "an object whose values are strings",
            Self::Strings => "a list of strings",
            Self::Objects => "a list of objects",
        }
    }
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(text) if text.is_empty() => "an empty string",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}
