//! The limits of clouds and of Kubernetes itself, with their sources.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::LazyLock;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use crate::core::report::diagnostic::Checked;
use crate::core::schema::read::{ApiVersion, Name};
use crate::core::yaml;

const KUBERNETES: &str = include_str!("../../../platforms/kubernetes-limits.yaml");

/// The names of the known limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum LimitName {
    /// Nodes behind one load balancer.
    NodesPerLoadBalancer,
    /// Nodes times ports of one front end.
    TargetsPerFrontend,
    /// Nodes times ports of one load balancer.
    TargetsPerLoadBalancer,
    /// Nodes in the backend pools of one load balancer, counted once for each pool. Services with `externalTrafficPolicy: Local`
    /// have a backend pool each, and all others of a load balancer share one.
    IpConfigurationsPerLoadBalancer,
    /// Ports of one load balancer (rules or listeners).
    PortsPerLoadBalancer,
    /// Front ends of one load balancer; a Service has one for each IP family.
    FrontendsPerLoadBalancer,
    /// Load-balancing rules of one network card of a node, over all load balancers.
    RulesPerNetworkCard,
    /// Nodes of one pool.
    NodesPerPool,
    /// Nodes of one VM set.
    NodesPerVmSet,
    /// Pools of the cluster.
    PoolsPerCluster,
    /// Nodes of the cluster.
    NodesPerCluster,
    /// Load balancers of an account in a region.
    LoadBalancers,
    /// Services of type LoadBalancer in the cluster.
    LoadBalancerServices,
    /// Services in the cluster.
    Services,
    /// Services in one namespace.
    ServicesPerNamespace,
    /// Ports that nodes open for Services.
    NodePorts,
    /// Slices of pod addresses, which every node watches.
    EndpointSlices,
    /// Endpoints in all EndpointSlices: the pods of each Service, in each IP family.
    Endpoints,
    /// Rules that kube-proxy writes on each node in iptables mode.
    IptablesRules,
    /// Rules and elements that kube-proxy writes on each node in nftables mode.
    NftablesEntries,
    /// Entries that Cilium writes into its map of Services on each node, if it replaces kube-proxy.
    CiliumMapEntries,
    /// Seconds until the last load balancer is up to date, on platforms that handle one Service after the other.
    SecondsToLastLoadBalancer,
}

impl LimitName {
    /// All names.
    pub const ALL: [Self; 22] = [
        Self::NodesPerLoadBalancer,
        Self::TargetsPerFrontend,
        Self::TargetsPerLoadBalancer,
        Self::IpConfigurationsPerLoadBalancer,
        Self::PortsPerLoadBalancer,
        Self::FrontendsPerLoadBalancer,
        Self::RulesPerNetworkCard,
        Self::NodesPerPool,
        Self::NodesPerVmSet,
        Self::PoolsPerCluster,
        Self::NodesPerCluster,
        Self::LoadBalancers,
        Self::LoadBalancerServices,
        Self::Services,
        Self::ServicesPerNamespace,
        Self::NodePorts,
        Self::EndpointSlices,
        Self::Endpoints,
        Self::IptablesRules,
        Self::NftablesEntries,
        Self::CiliumMapEntries,
        Self::SecondsToLastLoadBalancer,
    ];

    /// Returns the key in platform files and in the spec.
    pub fn key(self) -> String {
        serde_json::to_value(self).ok().and_then(|name| name.as_str().map(str::to_owned)).unwrap_or_default()
    }

    /// Returns what is counted, as in "120 nodes behind its load balancer".
    pub fn counted(self) -> &'static str {
        match self {
            Self::NodesPerLoadBalancer => "nodes behind its load balancer",
            Self::TargetsPerFrontend => "targets (nodes times ports) of one front end",
            Self::TargetsPerLoadBalancer => "targets (nodes times ports) of its load balancer",
            Self::IpConfigurationsPerLoadBalancer => "IP configurations of its load balancer",
            Self::PortsPerLoadBalancer => "ports of its load balancer",
            Self::FrontendsPerLoadBalancer => "front ends of its load balancer",
            Self::RulesPerNetworkCard => "load-balancing rules on each node's network card",
            Self::NodesPerPool => "nodes in the pool",
            Self::NodesPerVmSet => "nodes in its VM set",
            Self::PoolsPerCluster => "pools in the cluster",
            Self::NodesPerCluster => "nodes in the cluster",
            Self::LoadBalancers => "load balancers",
            Self::LoadBalancerServices => "Services of type LoadBalancer",
            Self::Services => "Services in the cluster",
            Self::ServicesPerNamespace => "Services in the namespace",
            Self::NodePorts => "node ports",
            Self::EndpointSlices => "EndpointSlices",
            Self::Endpoints => "endpoints in EndpointSlices",
            Self::IptablesRules => "rules of kube-proxy on each node, with iptables",
            Self::NftablesEntries => "rules and elements of kube-proxy on each node, with nftables",
            Self::CiliumMapEntries => "entries in Cilium's map on each node, without kube-proxy",
            Self::SecondsToLastLoadBalancer => "seconds until the last load balancer is up to date",
        }
    }

    /// Whether it is a price of copies: it grows with every copy, and is shown also without a limit.
    pub fn is_price(self) -> bool {
        self >= Self::EndpointSlices
    }
}

/// A limit and its source.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Limit {
    /// The maximum.
    pub value: u32,
    /// Where the limit is documented.
    pub source: String,
    /// How it can be changed: a quota that can be raised, or a size that can be chosen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// How long a controller takes that handles one Service after the other.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SerialUpdates {
    /// The seconds for each Service; the highest number of the source.
    #[schemars(range(min = 1))]
    pub seconds: u32,
    /// Where the time is reported.
    pub source: String,
    /// Whether the controller may handle several Services at a time.
    #[serde(default)]
    pub workers: Workers,
}

/// The number of Services that a controller handles at a time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Workers {
    /// One, unless `--concurrent-service-syncs` is higher.
    #[default]
    Configurable,
    /// Always one.
    One,
}

/// A value for each limit that has one.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(transparent)]
pub struct ByLimit<T>(pub BTreeMap<LimitName, T>);

/// The limits of a platform.
pub type Limits = ByLimit<Limit>;

/// The limits that a user sets in the spec.
pub type OwnLimits = ByLimit<u32>;

impl<T> Default for ByLimit<T> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<T> ByLimit<T> {
    /// Whether no limit has a value.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

// The names are fields of the schema, so that a misspelled one is reported with its line.
impl<T: JsonSchema> JsonSchema for ByLimit<T> {
    fn schema_name() -> Cow<'static, str> {
        format!("{}ByLimit", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let item = generator.subschema_for::<T>();
        let names = LimitName::ALL.iter().map(|name| (name.key(), item.clone().to_value()));
        let properties: serde_json::Map<String, serde_json::Value> = names.collect();
        json_schema!({ "type": "object", "properties": properties, "additionalProperties": false })
    }
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct File {
    /// The version of this schema.
    api_version: ApiVersion,
    /// Always `Limits`.
    kind: Kind,
    /// The name of the list.
    metadata: Name,
    /// The content.
    spec: List,
}

#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
enum Kind {
    /// Limits.
    Limits,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct List {
    /// The limits by name.
    limits: Limits,
}

/// Returns the limits of Kubernetes itself, which apply on every platform: `platforms/kubernetes-limits.yaml`.
pub fn kubernetes_limits() -> &'static Limits {
    static READ: LazyLock<Limits> = LazyLock::new(|| read(KUBERNETES).unwrap_or_default());
    &READ
}

fn read(text: &str) -> Checked<Limits> {
    let document = yaml::read_one("platforms/kubernetes-limits.yaml (built in)", text)?;
    let read: File = yaml::typed(&document)?;
    Ok(read.spec.limits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kubernetes_limits_are_valid() {
        assert_eq!(read(KUBERNETES).unwrap().0[&LimitName::NodesPerCluster].value, 5000);
    }
}
