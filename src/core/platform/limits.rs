//! What a cloud takes no more of, and who says so.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The limits that are known by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum LimitName {
    /// Nodes behind one load balancer.
    NodesPerLoadBalancer,
    /// Nodes times ports of one load balancer.
    TargetsPerLoadBalancer,
    /// Nodes times ports of one front end.
    TargetsPerFrontend,
    /// Ports of one load balancer.
    PortsPerLoadBalancer,
    /// Load-balancing rules that one network card of a node takes part in, over all load balancers.
    RulesPerNetworkCard,
    /// Nodes of one pool.
    NodesPerPool,
    /// Nodes of the cluster.
    NodesPerCluster,
    /// Load balancers of an account in a region.
    LoadBalancers,
}

/// A limit and where it is written.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Limit {
    /// The number.
    pub value: u32,
    /// Who says so.
    pub source: String,
    /// What changes it: a quota that can be raised, a size that can be chosen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}
