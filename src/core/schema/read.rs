//! What the schemas of our YAML files share: their header, and a reader that reports all problems.

use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::core::report::describe::kind_of;
use crate::core::report::diagnostic::{Checked, Diagnostic};
use crate::core::schema::shape;
use crate::core::yaml::Document;

/// The version of our schemas.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, JsonSchema)]
pub enum ApiVersion {
    /// The first version; fields may still change.
    #[serde(rename = "largescale.dev/v1alpha1")]
    V1Alpha1,
}

/// The name of a platform or overlay.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Name {
    /// The name that specs use for it.
    pub name: String,
}

/// A type with a JSON Schema in docs/schema.
pub trait Described: JsonSchema {
    /// The schema. It is part of the program as text, because the code that generates it is larger than the text.
    const SCHEMA: &str;
}

/// Generates the JSON Schema of a type. A test writes docs/schema with it; the program has the text.
pub fn generate<T: Described>() -> Value {
    let mut schema = schemars::schema_for!(T).to_value();
    if let Some(map) = schema.as_object_mut() {
        map.insert("$schema".to_owned(), "https://json-schema.org/draft/2020-12/schema".into());
    }
    schema
}

/// Reads a document into a type. Unknown, misspelled, missing and mistyped fields are all reported, each with its
/// line.
pub fn typed<T: Described + DeserializeOwned>(document: &Document) -> Checked<T> {
    let mut problems = Vec::new();
    if !document.value.is_object() {
        return Err(Diagnostic::error(format!(
            "the document is {}, expected an object",
            kind_of(&document.value)
        ))
        .at(document.location(""))
        .into());
    }
    let schema = serde_json::from_str(T::SCHEMA).unwrap_or_default();
    let (root, shapes) = shape::from_json_schema(&schema);
    shapes.check(document, &root, &mut problems);
    if !problems.is_empty() {
        return Err(problems);
    }
    // A null in YAML means absent, as in Kubernetes; serde's defaults need the field to be absent.
    serde_json::from_value(without_nulls(&document.value))
        .map_err(|error| Diagnostic::error(error.to_string()).at(document.location("")).into())
}

fn without_nulls(value: &Value) -> Value {
    match value {
        Value::Object(map) => Value::Object(
            map.iter().filter(|(_, v)| !v.is_null()).map(|(k, v)| (k.clone(), without_nulls(v))).collect(),
        ),
        Value::Array(list) => Value::Array(list.iter().map(without_nulls).collect()),
        plain => plain.clone(),
    }
}
