//! The schema of a file about an implementation of the Gateway API.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::core::platform::Proof;
use crate::core::schema::read;
use crate::core::schema::read::{ApiVersion, Described, Name};

/// A file about an implementation that was read and checked.
#[derive(Clone, Debug)]
pub struct Implementation {
    /// The name in specs.
    pub name: String,
    /// The content of the file.
    pub spec: ImplementationSpec,
}

/// The whole document.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(title = "GatewayImplementation")]
pub(super) struct ImplementationFile {
    /// The version of this schema.
    api_version: ApiVersion,
    /// Always `GatewayImplementation`.
    kind: ImplementationKind,
    /// The name of the implementation.
    pub(super) metadata: Name,
    /// The content.
    pub(super) spec: ImplementationSpec,
}

impl read::Described for ImplementationFile {
    const SCHEMA: &str = include_str!("../../../docs/schema/gateway.json");
}

/// The kind of the document.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, JsonSchema)]
enum ImplementationKind {
    /// An implementation of the Gateway API.
    GatewayImplementation,
}

/// Which Service an implementation creates for a Gateway, and what it copies to it.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ImplementationSpec {
    /// One line that says what the implementation is.
    pub title: String,
    /// Sources of the facts in this file.
    pub sources: Vec<String>,
    /// How the facts were proven. `render` warns about an implementation whose code was only read.
    pub proof: Proof,
    /// The `controllerName` of its GatewayClasses.
    pub controller_names: Vec<String>,
    /// The modes of `spec.gateways.mode` that it supports.
    pub modes: Vec<FleetMode>,
    /// The Service of a Gateway.
    pub service: ServiceOfGateway,
    /// What it copies from `spec.infrastructure` of a Gateway to its Service.
    #[serde(default)]
    pub infrastructure: Infrastructure,
    /// How it changes the ports of listeners.
    #[serde(default)]
    pub ports: Ports,
    /// Where its proxies run.
    pub proxies: ProxyNodes,
    /// Annotations for the metadata of a Gateway, with which its own Service has the type ClusterIP, for `shared`.
    #[serde(default, rename = "clusterIPAnnotations", skip_serializing_if = "BTreeMap::is_empty")]
    pub cluster_ip_annotations: BTreeMap<String, String>,
    /// The resource that a Gateway names in `spec.infrastructure.parametersRef`; absent if a Gateway cannot name one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parameters: Option<Parameters>,
    /// The most entries in `spec.targetRefs` of policies by API group. Default: 16, as in the policies of the Gateway API.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub policy_targets: BTreeMap<String, usize>,
    /// What users of the implementation should know: sentences in docs/howto/gateway-api.md.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// How the traffic of the pools reaches the proxies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum FleetMode {
    /// One Gateway, with proxies and a Service from the implementation, for each pool.
    PerPool,
    /// One Gateway with one fleet of proxies, and a rendered Service for each pool that selects the fleet.
    Shared,
}

/// The Service that the implementation creates for a Gateway.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ServiceOfGateway {
    /// The namespace of the Service and of the proxies. Default: that of the Gateway.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// The labels that the Service of a Gateway has, with the placeholders `${gateway.name}`, `${gateway.namespace}` and
    /// `${gateway.class}`.
    pub labels: BTreeMap<String, String>,
    /// The labels of the pods of the proxies, for the selector of rendered Services (`shared`), with the same placeholders.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub selector: BTreeMap<String, String>,
    /// The `externalTrafficPolicy` that the implementation sets by default.
    #[serde(default)]
    pub external_traffic_policy: TrafficPolicy,
}

/// A value of `externalTrafficPolicy`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub enum TrafficPolicy {
    /// Every node forwards traffic to any proxy.
    #[default]
    Cluster,
    /// Only nodes with a proxy answer.
    Local,
}

impl TrafficPolicy {
    /// Returns the value of the field.
    pub fn word(self) -> &'static str {
        match self {
            Self::Cluster => "Cluster",
            Self::Local => "Local",
        }
    }
}

/// What the implementation copies from `spec.infrastructure` of a Gateway to its Service.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Infrastructure {
    /// Whether annotations are copied.
    #[serde(default)]
    pub annotations: bool,
    /// Whether labels are copied.
    #[serde(default)]
    pub labels: bool,
}

/// How the implementation changes the ports of listeners.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Ports {
    /// Proxies listen on another port for ports below this one; 0: for none.
    #[serde(default)]
    pub shift_below: u16,
    /// The difference.
    #[serde(default)]
    pub shift_by: u16,
}

impl Ports {
    /// Returns the port on which the proxies listen.
    pub fn of_proxy(self, port: u16) -> u16 {
        if port < self.shift_below { port.saturating_add(self.shift_by) } else { port }
    }
}

/// Where the proxies of a Gateway run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum ProxyNodes {
    /// On every node, so the nodes of each pool have one.
    Every,
    /// On the nodes that the parameters select.
    Selected,
    /// On any nodes, so `externalTrafficPolicy: Local` would leave out the nodes of other pools.
    Scheduled,
}

/// The resource that a Gateway names in `spec.infrastructure.parametersRef`.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Parameters {
    /// The API version of the resource.
    pub api_version: String,
    /// The kind of the resource.
    pub kind: String,
    /// The resource that `render` writes if the manifests have none, without metadata.
    #[serde(default)]
    pub base: Value,
    /// The fields of the resource that set fields of the Service.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<CarriedField>,
    /// Where the resource selects the nodes of the proxies; the first one whose `when` exists is used.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub placements: Vec<Placement>,
    /// JSON pointer of the type of the Service, for `shared`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_type: Option<String>,
    /// JSON pointer of a field in the parameters of a class that joins all its Gateways if it is true, so that they have one Service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub merges: Option<String>,
    /// JSON pointer of a field with which the proxies listen on the ports of the listeners if it is true.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keeps_ports: Option<String>,
}

/// A field of the parameters that sets a field of the Service.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CarriedField {
    /// JSON pointer in the Service.
    pub service: String,
    /// JSON pointer in the parameters.
    pub parameters: String,
}

/// Where the parameters select the nodes of the proxies.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Placement {
    /// JSON pointer of a node selector.
    pub node_selector: String,
    /// JSON pointer in the parameters that must exist; absent: always.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<String>,
}

impl Implementation {
    /// The JSON Schema of a file.
    pub const SCHEMA: &str = ImplementationFile::SCHEMA;

    /// Generates the JSON Schema from the types.
    pub fn generate_schema() -> Value {
        read::generate::<ImplementationFile>()
    }

    /// Whether it supports a mode.
    pub fn supports(&self, mode: FleetMode) -> bool {
        self.spec.modes.contains(&mode)
    }
}
