//! Describes values in words.

use serde_json::Value;

/// Describes a value and its type in words.
pub fn kind_of(value: &Value) -> String {
    match value {
        Value::Null => "empty".to_owned(),
        Value::Bool(flag) => format!("{flag}, a boolean"),
        Value::Number(number) => format!("{number}, a number"),
        Value::String(text) if text.chars().count() > 40 => "a string".to_owned(),
        Value::String(text) => format!("\"{text}\", a string"),
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "an object".to_owned(),
    }
}
