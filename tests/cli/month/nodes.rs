//! The nodes of the cluster, in a file that git does not track.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

/// How a node belongs to a pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// By a label of the user.
    Label,
    /// By a label that the cloud sets, and the VM set in the name of the node.
    VmSet,
}

impl Kind {
    pub fn platform(self) -> &'static str {
        match self {
            Self::Label => "upcloud",
            Self::VmSet => "azure-basic",
        }
    }

    pub fn label(self) -> &'static str {
        match self {
            Self::Label => "pool",
            Self::VmSet => "agentpool",
        }
    }
}

/// The nodes: the pool in the label of each name.
pub struct Nodes {
    pub kind: Kind,
    labels: BTreeMap<String, String>,
}

impl Nodes {
    pub fn new(kind: Kind) -> Self {
        Self { kind, labels: BTreeMap::new() }
    }

    /// Adds two nodes.
    pub fn add(&mut self, pool: &str) {
        for n in 0..2 {
            let name = match self.kind {
                Kind::Label => format!("{pool}-{n}"),
                Kind::VmSet => format!("k8s-{pool}-42344502-{n}"),
            };
            self.labels.insert(name, pool.to_owned());
        }
    }

    /// Removes the nodes of a pool.
    pub fn remove(&mut self, pool: &str) {
        self.labels.retain(|_, label| label != pool);
    }

    pub fn label(&mut self, node: &str, pool: &str) -> bool {
        self.labels.get_mut(node).map(|label| pool.clone_into(label)).is_some()
    }

    /// Returns the nodes of a pool.
    pub fn of(&self, pool: &str) -> Vec<String> {
        self.labels.iter().filter(|(_, label)| *label == pool).map(|(name, _)| name.clone()).collect()
    }

    /// Returns the pools that have nodes.
    pub fn pools(&self) -> BTreeSet<String> {
        self.labels.values().cloned().collect()
    }

    /// Returns the file that `spec.nodes` names.
    pub fn json(&self) -> String {
        let label = self.kind.label();
        self.labels.iter().fold(String::new(), |mut text, (name, pool)| {
            let id = match self.kind {
                Kind::Label => format!("upcloud:////{name}"),
                Kind::VmSet => format!(
                    "azure:///subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/virtualMachines/{name}"
                ),
            };
            let _ = writeln!(
                text,
                r#"{{"apiVersion":"v1","kind":"Node","metadata":{{"name":"{name}","labels":{{"{label}":"{pool}"}}}},"spec":{{"providerID":"{id}"}},"status":{{"conditions":[{{"type":"Ready","status":"True"}}]}}}}"#
            );
            text
        })
    }
}
