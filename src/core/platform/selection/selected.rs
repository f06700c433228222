//! Which nodes a controller takes.

use std::fmt;

use crate::core::kubernetes::node::Node;
use crate::core::kubernetes::selector::Selector;

/// The nodes that a controller takes for a Service, before it leaves out those that are no backends at all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selected {
    /// Every node.
    EveryNode,
    /// Nodes that match one of these.
    Matching(Vec<Selector>),
    /// The nodes of the sets that the cloud knows by these names.
    Named(Vec<String>),
    /// What the cloud chooses by itself.
    Cloud,
    /// None, for this reason: a lower-case clause.
    Nothing(String),
}

impl Selected {
    /// Whether the controller takes a node. `called` is what the cloud calls the set of the node, where that is known.
    /// What the cloud chooses by itself is not known, and so no node is taken for certain.
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
