//! Kubernetes distributions and their pool labels, which apply in any cloud: `platforms/distributions.yaml`.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use crate::core::report::diagnostic::Checked;
use crate::core::schema::read::{ApiVersion, Name};
use crate::core::yaml;

const TEXT: &str = include_str!("../../../platforms/distributions.yaml");

/// The pool labels of a distribution.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Distribution {
    /// Its name.
    pub name: String,
    /// One line that says what it is.
    pub title: String,
    /// The node labels that may identify a pool; empty if the distribution sets none by default.
    pub pool_labels: Vec<String>,
    /// Set if nodes join without the label and get it later: a lower-case clause that explains this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub late: Option<String>,
    /// What users of the distribution should know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// Sources of these facts.
    pub sources: Vec<String>,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct File {
    /// The version of this schema.
    api_version: ApiVersion,
    /// Always `Distributions`.
    kind: Kind,
    /// The name of the list.
    metadata: Name,
    /// The content.
    spec: List,
}

#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
enum Kind {
    /// Distributions.
    Distributions,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct List {
    /// In order of priority of their labels.
    distributions: Vec<Distribution>,
}

/// Returns the built-in distributions.
pub fn distributions() -> &'static [Distribution] {
    // A test reads the file, so it is valid here.
    static ALL: LazyLock<Vec<Distribution>> = LazyLock::new(|| read().unwrap_or_default());
    &ALL
}

fn read() -> Checked<Vec<Distribution>> {
    let document = yaml::read_one("platforms/distributions.yaml (built in)", TEXT)?;
    let read: File = yaml::typed(&document)?;
    Ok(read.spec.distributions)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_are_valid_and_have_sources() {
        let all = read().unwrap();
        assert!(all.len() >= 7);
        for distribution in &all {
            assert!(!distribution.sources.is_empty(), "{}", distribution.name);
            assert!(
                !distribution.pool_labels.is_empty() || distribution.note.is_some(),
                "{}",
                distribution.name
            );
        }
    }
}
