//! The table of what servers, controllers and other tools write: `written.yaml`.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use serde::Deserialize;
use serde_json::Value;

use crate::core::import::dropped::Topic;
use crate::core::yaml;

const TABLE: &str = include_str!("written.yaml");

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Table {
    pub(super) entries: Vec<Entry>,
    pub(super) left_out: Vec<LeftOut>,
    pub(super) defaults: Vec<ConditionalDefault>,
}

/// Fields that others than the user write.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Entry {
    pub(super) topic: Topic,
    pub(super) drop: Drop,
    #[serde(default)]
    pub(super) group: Option<String>,
    #[serde(default)]
    pub(super) kinds: Vec<String>,
    #[serde(default)]
    pub(super) unless: Vec<String>,
    #[serde(default)]
    pub(super) paths: Vec<String>,
    #[serde(default)]
    pub(super) annotations: Vec<String>,
    #[serde(default)]
    pub(super) labels: Vec<String>,
    #[serde(default)]
    pub(super) values: Vec<Value>,
    #[cfg_attr(not(test), expect(dead_code, reason = "for readers of the table; a test requires it"))]
    source: String,
}

/// When a field is dropped.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Drop {
    /// No manifest may have it.
    Always,
    /// From an object of a cluster, unless its user is known to have written it.
    Live,
}

/// An object that the cluster creates.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct LeftOut {
    pub(super) kind: String,
    #[serde(default)]
    pub(super) name: Option<String>,
    #[serde(default)]
    pub(super) namespace: Option<String>,
    #[serde(default)]
    pub(super) having: BTreeMap<String, Vec<Value>>,
    #[cfg_attr(not(test), expect(dead_code, reason = "for readers of the table; a test requires it"))]
    source: String,
}

/// A default of the API server that depends on other fields.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct ConditionalDefault {
    #[serde(default)]
    pub(super) group: String,
    pub(super) kind: String,
    pub(super) path: String,
    #[serde(default)]
    pub(super) value: Option<Value>,
    #[serde(default)]
    pub(super) same_as: Option<String>,
    #[serde(default)]
    pub(super) when: BTreeMap<String, Vec<Value>>,
    #[cfg_attr(not(test), expect(dead_code, reason = "for readers of the table; a test requires it"))]
    source: String,
}

impl ConditionalDefault {
    /// Whether it applies to this kind.
    pub(super) fn is_of(&self, group: &str, kind: &str) -> bool {
        self.group == group && self.kind == kind
    }
}

/// Returns the defaults that depend on other fields.
pub(super) fn conditional_defaults() -> &'static [ConditionalDefault] {
    &table().defaults
}

/// Returns the table, which is read once, when it is first needed.
pub(super) fn table() -> &'static Table {
    static READ: OnceLock<Table> = OnceLock::new();
    READ.get_or_init(|| yaml::read_typed("written.yaml", TABLE).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_valid_and_has_sources() {
        let table: Table = yaml::read_typed("written.yaml", TABLE).unwrap();
        assert!(table.entries.len() > 20 && table.defaults.len() > 5);
        for entry in &table.entries {
            assert!(!entry.source.is_empty());
            let keys = entry.paths.len() + entry.annotations.len() + entry.labels.len();
            assert!(keys > 0, "{}", entry.source);
            assert!(entry.paths.iter().all(|path| path.starts_with('/')), "{}", entry.source);
        }
        assert!(table.left_out.iter().all(|known| !known.source.is_empty()));
        assert!(
            table
                .defaults
                .iter()
                .all(|known| !known.source.is_empty() && known.value.is_some() != known.same_as.is_some())
        );
    }
}
