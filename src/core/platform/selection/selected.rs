//! The nodes that a controller selects.

use std::fmt;

use crate::core::kubernetes::node::Node;
use crate::core::kubernetes::selector::Selector;

/// The nodes that a controller selects for a Service, before it leaves out nodes that are not backends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selected {
    /// Every node.
    EveryNode,
    /// Nodes that match one of these selectors.
    Matching(Vec<Selector>),
    /// The nodes of the sets with these names in the cloud.
    Named(Vec<String>),
    /// Nodes that the cloud chooses.
    Cloud,
    /// No node, for this reason: a lower-case clause.
    Nothing(String),
}

impl Selected {
    /// Whether the controller selects a node for certain. `called` is the cloud's name of the node's set, if it is known.
    /// If the cloud chooses, the nodes are not known, so the answer is no.
    pub fn takes(&self, node: &Node, called: Option<&str>) -> bool {
        match self {
            Self::EveryNode => true,
            Self::Matching(any) => any.iter().any(|one| one.matches_labels(|key| node.labels.get(key))),
            Self::Named(names) => {
                called.is_some_and(|called| names.iter().any(|name| name.eq_ignore_ascii_case(called)))
            }
            Self::Cloud | Self::Nothing(_) => false,
        }
    }

    pub(super) fn matching(selector: Selector) -> Self {
        if selector.is_everything() { Self::EveryNode } else { Self::Matching(vec![selector]) }
    }
}

impl fmt::Display for Selected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::EveryNode => f.write_str("every node of the cluster"),
            Self::Matching(any) => {
                let any: Vec<String> = any.iter().map(|one| format!("`{one}`")).collect();
                write!(f, "the nodes with {}", any.join(" or "))
            }
            Self::Named(names) => write!(f, "the nodes of {}", names.join(" or ")),
            Self::Cloud => f.write_str("the nodes that the cloud chooses"),
            Self::Nothing(why) => write!(f, "no node ({why})"),
        }
    }
}
