//! `-o json` and its kin: one place that turns a value into a format.

use clap::ValueEnum;
use serde_json::Value;

use crate::core::yaml;
use crate::scope::Scope;

/// What `-o` takes where a table is the default.
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

/// What `-o` takes where lines are the default.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LineFormat {
    /// JSON
    Json,
    /// Names only
    Name,
}

impl Format {
    /// What stands between the outputs of several clusters.
    pub(crate) fn separator(self) -> Separator {
        match self {
            Self::Wide => Separator::Headings,
            Self::Json | Self::Name => Separator::Nothing,
            Self::Yaml => Separator::Dashes,
        }
    }
}

impl LineFormat {
    /// What stands between the outputs of several clusters.
    pub(crate) fn separator(self) -> Separator {
        match self {
            Self::Json | Self::Name => Separator::Nothing,
        }
    }
}

/// What a document is about, at its head: the app and, where the spec names several clusters, which.
fn about(scope: &Scope, value: Value) -> Value {
    let Value::Object(fields) = value else { return value };
    let app = scope.app.iter().map(|app| ("app".to_owned(), Value::from(app.as_str())));
    let cluster =
        scope.source.cluster.iter().map(|name| ("clusterName".to_owned(), Value::from(name.as_str())));
    let (head, rest): (Vec<_>, Vec<_>) =
        fields.into_iter().partition(|(key, _)| ["apiVersion", "kind"].contains(&key.as_str()));
    Value::Object(head.into_iter().chain(app).chain(cluster).chain(rest).collect())
}

/// A document as JSON.
pub(crate) fn json(scope: &Scope, value: Value) -> String {
    pretty(&about(scope, value))
}

/// A document as YAML.
pub(crate) fn yaml(scope: &Scope, value: Value) -> String {
    yaml::write_object(&about(scope, value))
}

/// A value as JSON, for people and programs.
pub(crate) fn pretty(value: &Value) -> String {
    let mut text = serde_json::to_string_pretty(value).unwrap_or_default();
    text.push('\n');
    text
}

/// What stands between the outputs of several.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Separator {
    /// The names, for people.
    Headings,
    /// Nothing: JSON documents and names follow each other.
    Nothing,
    /// An empty line.
    Lines,
    /// The line that ends a YAML document.
    Dashes,
}
