//! Objects that make nodes, as a source of pools beside the nodes: `spec.pools.from`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::core::pointer;
use crate::core::report::diagnostic::Diagnostic;
use crate::core::yaml::Document;

/// Objects that make nodes. Each one is a pool, also before it has its first node.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PoolsFrom {
    /// The kind of the objects.
    pub kind: OwnerKind,
    /// A file with the objects, relative to this file: the output of `kubectl get -o json` or `-o yaml`, or manifests; default:
    /// the cluster of the nodes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// The cluster of the nodes, as `spec.clusterName` of the MachineDeployments. Required if there are MachineDeployments of several
    /// clusters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cluster: Option<String>,
    /// The namespace of the MachineDeployments; default: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
}

/// A kind of objects that make nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub enum OwnerKind {
    /// A NodePool of Karpenter.
    NodePool,
    /// A MachineDeployment of Cluster API.
    MachineDeployment,
}

impl OwnerKind {
    /// Returns the kind.
    pub fn name(self) -> &'static str {
        match self {
            Self::NodePool => "NodePool",
            Self::MachineDeployment => "MachineDeployment",
        }
    }

    /// Returns the API group.
    pub fn group(self) -> &'static str {
        match self {
            Self::NodePool => "karpenter.sh",
            Self::MachineDeployment => "cluster.x-k8s.io",
        }
    }

    /// Returns the resource, as in `kubectl get`.
    pub fn resource(self) -> &'static str {
        match self {
            Self::NodePool => "nodepools.karpenter.sh",
            Self::MachineDeployment => "machinedeployments.cluster.x-k8s.io",
        }
    }

    /// Returns the versions whose fields are known, the newest first.
    pub fn versions(self) -> &'static [&'static str] {
        match self {
            Self::NodePool => &["v1", "v1beta1"],
            Self::MachineDeployment => &["v1beta2", "v1beta1"],
        }
    }
}

impl PoolsFrom {
    /// Returns the problems of this entry of `spec.pools.from`.
    pub(super) fn problems(&self, index: usize, document: &Document) -> impl Iterator<Item = Diagnostic> {
        let given = [("cluster", self.cluster.is_some()), ("namespace", self.namespace.is_some())];
        let is_wrong = self.kind == OwnerKind::NodePool;
        given.into_iter().filter(move |(_, is_given)| is_wrong && *is_given).map(move |(field, _)| {
            let at = pointer::join(&format!("/spec/pools/from/{index}"), field);
            Diagnostic::error(format!(
                "`spec.pools.from[{index}].{field}` does not apply to `kind: NodePool`"
            ))
            .at(document.location(&at))
            .hint("remove it: every NodePool of Karpenter is of the cluster that it is in")
        })
    }
}
