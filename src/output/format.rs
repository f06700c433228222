//! The output formats of `-o`: JSON, YAML, names.

use clap::ValueEnum;
use serde_json::Value;

use crate::core::report::escape::in_json;
use crate::core::yaml;
use crate::scope::Scope;

/// Values of `-o` where a table is the default.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// More columns
    Wide,
    /// JSON
    Json,
    /// YAML
    Yaml,
    /// Names only
    Name,
}

/// Values of `-o` where lines are the default.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LineFormat {
    /// JSON
    Json,
    /// Names only
    Name,
}

impl LineFormat {
    /// Returns the separator between the outputs of several clusters.
    pub(crate) fn separator(self) -> Separator {
        match self {
            Self::Json | Self::Name => Separator::Nothing,
        }
    }
}

/// Adds the app and, if the spec names several clusters, the cluster to a document.
fn about(scope: &Scope, value: Value) -> Value {
    let Value::Object(fields) = value else { return value };
    let app = scope.app.iter().map(|app| ("app".to_owned(), Value::from(app.as_str())));
    let cluster =
        scope.source.cluster.iter().map(|name| ("clusterName".to_owned(), Value::from(name.as_str())));
    let (head, rest): (Vec<_>, Vec<_>) =
        fields.into_iter().partition(|(key, _)| ["apiVersion", "kind"].contains(&key.as_str()));
    Value::Object(head.into_iter().chain(app).chain(cluster).chain(rest).collect())
}

/// Returns a document as JSON.
pub(crate) fn json(scope: &Scope, value: Value) -> String {
    pretty(&about(scope, value))
}

/// Returns a document as YAML.
pub(crate) fn yaml(scope: &Scope, value: Value) -> String {
    yaml::write_object(&about(scope, value))
}

/// Returns a value as indented JSON.
pub(crate) fn pretty(value: &Value) -> String {
    let mut text = serde_json::to_string_pretty(value).unwrap_or_default();
    text.push('\n');
    in_json(&text)
}

/// Separator between the outputs of several clusters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Separator {
    /// A heading with the name of each cluster, for people.
    Headings,
    /// Nothing: JSON documents and names follow each other.
    Nothing,
    /// The line that ends a YAML document.
    Dashes,
}
