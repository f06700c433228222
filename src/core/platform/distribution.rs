//! Distributions of Kubernetes and their pool labels, which go with any cloud: `platforms/distributions.yaml`.

use std::sync::LazyLock;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::core::report::diagnostic::Checked;
use crate::core::schema::read;
use crate::core::schema::read::{ApiVersion, Name};
use crate::core::yaml;

const TEXT: &str = include_str!("../../../platforms/distributions.yaml");

/// How a distribution tells its pools.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Distribution {
    /// Its name.
    pub name: String,
    /// What it is.
    pub title: String,
    /// The labels of nodes that can tell a pool; empty where there is none by default.
    pub pool_labels: Vec<String>,
    /// Set where nodes join without the label and get it later: a sentence that says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub late: Option<String>,
    /// What its users should know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// Where its facts are from.
    pub sources: Vec<String>,
}

#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct File {
    /// The version of this form.
    api_version: ApiVersion,
    /// Always `Distributions`.
    kind: Kind,
    /// Its name.
    metadata: Name,
    /// All of them.
    spec: List,
}

#[derive(Clone, Copy, Debug, Deserialize, Serialize, JsonSchema)]
enum Kind {
    /// Distributions.
    Distributions,
}

#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct List {
    /// In the order in which their labels are looked for.
    distributions: Vec<Distribution>,
}

/// All that are built in.
pub fn distributions() -> &'static [Distribution] {
    // A test reads the file; what is built in cannot be wrong afterwards.
    static ALL: LazyLock<Vec<Distribution>> = LazyLock::new(|| read().unwrap_or_default());
    &ALL
}

fn read() -> Checked<Vec<Distribution>> {
    let document = yaml::read_one("platforms/distributions.yaml (built in)", TEXT)?;
    read::typed::<File>(&document).map(|file| file.spec.distributions)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_are_whole() {
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
