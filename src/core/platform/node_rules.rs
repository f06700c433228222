//! How to recognize the nodes of a platform, and which of them are backends of its load balancers.

use std::collections::BTreeMap;
use std::fmt;

use regex_lite::Regex;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::core::kubernetes::node::Node;
use crate::core::pattern;
use crate::core::platform::service_marks::ServiceMark;
use crate::core::platform::service_rules::Level;

/// How to recognize the nodes of a platform; one match is enough.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Recognize {
    /// Prefixes of `spec.providerID`. Nodes with another provider ID do not belong to the platform.
    #[serde(default, rename = "providerIDs")]
    pub provider_ids: Vec<String>,
    /// Patterns of `spec.providerID`, if a prefix is not enough.
    #[serde(default, rename = "providerIDPatterns", skip_serializing_if = "Vec::is_empty")]
    pub provider_id_patterns: Vec<String>,
    /// Labels of which a node must have at least one, if several platforms share their provider IDs.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// Labels with patterns of their values; such a label identifies a node as one in `labels` does.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub label_patterns: BTreeMap<String, String>,
    /// Patterns of node names, if the provider ID is not set.
    #[serde(default)]
    pub node_names: Vec<String>,
    /// Nodes that look like nodes of this platform but belong to another one. One such node is an error, because the platform
    /// is wrong.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rejects: Vec<Lookalike>,
    /// Fields of existing Services that show this platform to `init --from`, besides the fields that the binding writes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub services: Vec<ServiceMark>,
}

/// Identifies a node of another platform that looks like a node of this one, by a label or by its provider ID.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Lookalike {
    /// The key of a label.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// A pattern of the label's value; default: any value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub matches: Option<String>,
    /// A prefix of `spec.providerID`.
    #[serde(default, rename = "providerID", skip_serializing_if = "Option::is_none")]
    pub provider_id: Option<String>,
    /// What the node is, and why this platform does not fit: a lower-case clause after "it is".
    pub because: String,
    /// What to do instead.
    pub hint: String,
}

impl Lookalike {
    /// Returns a lower-case sentence about the first of these nodes that belongs to another platform.
    pub fn found_in<'n>(&self, nodes: impl IntoIterator<Item = &'n Node>) -> Option<String> {
        // Patterns were checked when the platform was read.
        let pattern = self.matches.as_ref().and_then(|pattern| pattern::compile(pattern).ok());
        nodes.into_iter().find_map(|node| {
            let seen = match (&self.label, &self.provider_id) {
                (Some(label), _) => {
                    let is_meant = |value: &&str| pattern.as_ref().is_none_or(|it| it.is_match(value));
                    format!("the label {label}={}", node.labels.get(label).filter(is_meant)?)
                }
                (None, Some(prefix)) if node.provider_id.starts_with(prefix) => {
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
    /// Whether they are backends.
    pub backends: ControlPlaneBackends,
    /// The source of this fact.
    pub source: String,
}

/// Whether control-plane nodes are backends of load balancers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum ControlPlaneBackends {
    /// Never, whatever their labels.
    #[default]
    Never,
    /// Like other nodes, unless the exclude label or `notBackends` leaves them out.
    UnlessExcluded,
}

/// Nodes that the load balancers leave out: those with a label, a provider ID or a taint.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NotBackend {
    /// The key of the label.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// The value of the label; default: any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// The reverse: a node without this value of the label is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub other_than: Option<String>,
    /// A prefix of `spec.providerID`.
    #[serde(default, rename = "providerID", skip_serializing_if = "Option::is_none")]
    pub provider_id: Option<String>,
    /// The key of a taint with the effect `NoSchedule` or `NoExecute`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub taint: Option<String>,
    /// One or two words for such a node.
    pub because: String,
}

impl NotBackend {
    /// Whether the rule leaves a node out.
    pub fn leaves_out(&self, node: &Node) -> bool {
        if let Some(prefix) = &self.provider_id {
            return node.provider_id.starts_with(prefix.as_str());
        }
        if let Some(key) = &self.taint {
            return node.taints.get(key).is_some();
        }
        let found = self.label.as_ref().and_then(|label| node.labels.get(label));
        match (&self.other_than, &self.value) {
            (Some(wanted), _) => found != Some(wanted),
            (None, Some(value)) => found == Some(value),
            (None, None) => found.is_some(),
        }
    }
}

/// Nodes that a pool of this platform must not have, because they break its load balancer or get no traffic.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NodeRefusal {
    /// The key of the label that such a node has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// The value of the label; default: any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// Instead of a label: the node has a taint with the effect `NoSchedule` or `NoExecute`, and its key is not in this list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tainted_except: Option<Vec<String>>,
    /// A lower-case clause that follows the label or the taint.
    pub because: String,
    /// What to do.
    pub hint: String,
    /// The severity.
    #[serde(default)]
    pub level: Level,
}

impl NodeRefusal {
    /// Returns the label or taint that makes a node unfit; `None` if it is fit.
    pub fn found_in(&self, node: &Node) -> Option<String> {
        if let Some(known) = &self.tainted_except {
            let (key, effect) = node.taints.iter().find(|(key, _)| !known.iter().any(|it| it == key))?;
            return Some(format!("the taint {key}:{effect}"));
        }
        let label = self.label.as_ref()?;
        let found = node.labels.get(label)?;
        let is_meant = self.value.as_ref().is_none_or(|value| value == found);
        is_meant.then(|| format!("the label {label}={found}"))
    }
}

/// How a platform reads the value of `node.kubernetes.io/exclude-from-external-load-balancers`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum ExcludeLabel {
    /// `false` includes, everything else excludes (kubernetes/cloud-provider since v1.34).
    #[default]
    Value,
    /// The label excludes a node, whatever its value.
    Presence,
    /// Not at all: a node with the label is still a backend.
    Ignored,
}

/// Tells whether provider IDs belong to a platform.
pub struct ProviderIds<'a> {
    prefixes: &'a [String],
    patterns: Vec<Regex>,
}

impl Recognize {
    /// Returns a matcher for the provider IDs.
    pub fn provider_ids(&self) -> ProviderIds<'_> {
        // Patterns were checked when the platform was read.
        let patterns = self.provider_id_patterns.iter().filter_map(|p| pattern::compile(p).ok()).collect();
        ProviderIds { prefixes: &self.provider_ids, patterns }
    }
}

impl fmt::Display for ProviderIds<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let patterns = self.patterns.iter().map(Regex::as_str);
        let all: Vec<&str> = self.prefixes.iter().map(String::as_str).chain(patterns).collect();
        f.write_str(&all.join(", "))
    }
}

impl ProviderIds<'_> {
    /// Whether a provider ID belongs to the platform.
    pub fn has(&self, provider_id: &str) -> bool {
        self.prefixes.iter().any(|prefix| provider_id.starts_with(prefix.as_str()))
            || self.patterns.iter().any(|pattern| pattern.is_match(provider_id))
    }

    /// Whether the platform defines no provider IDs.
    pub fn is_unknown(&self) -> bool {
        self.prefixes.is_empty() && self.patterns.is_empty()
    }
}
