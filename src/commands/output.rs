//! `-o json` and its kin: one place that turns a value into a format.

use clap::ValueEnum;
use serde_json::Value;

use crate::core::yaml;

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

/// A value as JSON, for people and programs.
pub(super) fn json(value: &Value) -> String {
    let mut text = serde_json::to_string_pretty(value).unwrap_or_default();
    text.push('\n');
    text
}

/// A value as YAML.
pub(super) fn yaml(value: &Value) -> String {
    yaml::write_object(value)
}
