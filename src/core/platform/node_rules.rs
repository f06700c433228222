//! How the nodes of a platform look, and which of them are behind its load balancers.

use std::collections::BTreeMap;
use std::fmt;

use regex_lite::Regex;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::core::kubernetes::node::Node;

/// How the nodes of a platform look; any of them is enough.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Recognise {
    /// Beginnings of `spec.providerID`. A node with another provider ID is none of this platform's.
    #[serde(default, rename = "providerIDs")]
    pub provider_ids: Vec<String>,
    /// Patterns of `spec.providerID`, where a beginning does not tell.
    #[serde(default, rename = "providerIDPatterns", skip_serializing_if = "Vec::is_empty")]
    pub provider_id_patterns: Vec<String>,
    /// Labels of which a node must have one, where several platforms share their provider IDs.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// Patterns of node names, where the provider ID is not set.
    #[serde(default)]
    pub node_names: Vec<String>,
    /// Nodes that look like these and are of another platform. One such node is an error: the platform is the wrong one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rejects: Vec<Lookalike>,
}

/// How to tell a node of another platform that looks like one of this platform: by a label or by its provider ID.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Lookalike {
    /// The key of a label.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// A pattern of the label's value; any value if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub matches: Option<String>,
    /// The beginning of `spec.providerID`.
    #[serde(default, rename = "providerID", skip_serializing_if = "Option::is_none")]
    pub provider_id: Option<String>,
    /// What the node is, and why this platform does not fit: a lower-case clause that follows "it is".
    pub because: String,
    /// What to do instead.
    pub hint: String,
}

impl Lookalike {
    /// Why the first of these nodes that is meant is not of this platform: a lower-case sentence.
    pub fn found_in<'n>(&self, nodes: impl IntoIterator<Item = &'n Node>) -> Option<String> {
        // Patterns were checked when the platform was read.
        let pattern = self.matches.as_ref().and_then(|pattern| Regex::new(pattern).ok());
        nodes.into_iter().find_map(|node| {
            let seen = match (&self.label, &self.provider_id) {
                (Some(label), _) => {
                    let is_meant = |value: &&str| pattern.as_ref().is_none_or(|it| it.is_match(value));
                    format!("the label {label}={}", node.labels.get(label).filter(is_meant)?)
                }
                (None, Some(beginning)) if node.provider_id.starts_with(beginning) => {
                    format!("the provider ID {}", node.provider_id)
                }
                _ => return None,
            };
            Some(format!("node {} has {seen}: it is {}", node.name, self.because))
        })
    }
}

/// Whether control-plane nodes are backends of the platform's load balancers.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ControlPlane {
    /// Whether they are.
    pub backends: ControlPlaneBackends,
    /// Where this fact is from.
    pub source: String,
}

/// Whether control-plane nodes are backends of load balancers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum ControlPlaneBackends {
    /// Never, whatever their labels.
    #[default]
    Never,
    /// As any other node is: unless the exclude label or `notBackends` leaves them out.
    UnlessExcluded,
}

/// A label of nodes that the load balancers leave out.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NotBackend {
    /// The key.
    pub label: String,
    /// The value; any if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// The other way round: the value without which a node is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub other_than: Option<String>,
    /// What such a node is, one word or two.
    pub because: String,
}

impl NotBackend {
    /// Whether a node with this value of the label, or without it, is left out.
    pub fn leaves_out(&self, found: Option<&str>) -> bool {
        match (&self.other_than, &self.value) {
            (Some(wanted), _) => found != Some(wanted),
            (None, Some(value)) => found == Some(value),
            (None, None) => found.is_some(),
        }
    }
}

/// How a platform reads the value of `node.kubernetes.io/exclude-from-external-load-balancers`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum ExcludeLabel {
    /// `false` includes, everything else excludes (kubernetes/cloud-provider since v1.34).
    #[default]
    Value,
    /// Its presence excludes, whatever the value.
    Presence,
    /// Not at all: a node with the label is a backend as any other.
    Ignored,
}

/// Whether provider IDs are of a platform.
pub struct ProviderIds<'a> {
    beginnings: &'a [String],
    patterns: Vec<Regex>,
}

impl Recognise {
    /// The provider IDs, ready to be asked.
    pub fn provider_ids(&self) -> ProviderIds<'_> {
        // Patterns were checked when the platform was read.
        let patterns = self.provider_id_patterns.iter().filter_map(|p| Regex::new(p).ok()).collect();
        ProviderIds { beginnings: &self.provider_ids, patterns }
    }
}

impl fmt::Display for ProviderIds<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let patterns = self.patterns.iter().map(Regex::as_str);
        let all: Vec<&str> = self.beginnings.iter().map(String::as_str).chain(patterns).collect();
        f.write_str(&all.join(", "))
    }
}

impl ProviderIds<'_> {
    /// Whether this one is.
    pub fn has(&self, provider_id: &str) -> bool {
        self.beginnings.iter().any(|beginning| provider_id.starts_with(beginning.as_str()))
            || self.patterns.iter().any(|pattern| pattern.is_match(provider_id))
    }

    /// Whether the platform says nothing about them.
    pub fn is_unknown(&self) -> bool {
        self.beginnings.is_empty() && self.patterns.is_empty()
    }
}
