//! The schema of a platform file.

use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::core::patch::Patch;
use crate::core::platform::distribution::distributions;
use crate::core::platform::limits::{Limit, LimitName, Limits, OwnLimits, SerialUpdates, kubernetes_limits};
use crate::core::platform::node_rules::{ControlPlane, ExcludeLabel, NodeRefusal, NotBackend, Recognize};
use crate::core::platform::proof::Proof;
use crate::core::platform::protocols::ProtocolRule;
use crate::core::platform::selection::Selection;
use crate::core::platform::service_rules::{Refusal, Requirement, Written};
use crate::core::platform::settings::Setting;
use crate::core::schema::read;
use crate::core::schema::read::{ApiVersion, Described, Name};
use crate::core::schema::shape::accept_old_name;

/// A platform file that was read and checked.
#[derive(Clone, Debug)]
pub struct Platform {
    /// The name in specs.
    pub name: String,
    /// The content of the file.
    pub spec: PlatformSpec,
    /// The patch that binds a Service to a pool.
    pub binding: Patch,
    /// The patch for internal load balancers.
    pub internal: Patch,
}

/// The whole document.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(title = "Platform")]
pub(super) struct PlatformFile {
    /// The version of this schema.
    api_version: ApiVersion,
    /// Always `Platform`.
    kind: PlatformKind,
    /// The name of the platform.
    pub(super) metadata: Name,
    /// The content of the platform.
    pub(super) spec: PlatformSpec,
}

impl read::Described for PlatformFile {
    const SCHEMA: &str = include_str!("../../../docs/schema/platform.json");
}

/// The kind of the document.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, JsonSchema)]
enum PlatformKind {
    /// A platform.
    Platform,
}

/// How to recognize the nodes of a platform, and how to bind a Service to a pool.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = accept_old_spelling)]
pub struct PlatformSpec {
    /// One line that says what the platform is.
    pub title: String,
    /// Sources of the facts in this file.
    pub sources: Vec<String>,
    /// How the binding was proven. `render` warns about a binding that is only documented.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proof: Option<Proof>,
    /// When to choose this platform; `init` shows it if the nodes fit more than one platform.
    pub choose: String,
    /// Set if the platform cannot bind a Service to a pool; then only `workload.perPool` splits the traffic.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<Refused>,
    /// The effect of `workload.perPool` on the limit of backends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub per_pool: Option<PerPool>,
    /// What `spec.shards` gives; default: a load balancer for each shard.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shards: Option<ShardSupport>,
    /// Facts that have not been verified: sentences that `render` prints as warnings, unless the provider's code was run (`proof`).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unverified: Vec<String>,
    /// What users of the platform should know: sentences that `kubectl largescale platforms NAME` prints.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// How to recognize the nodes of the platform.
    #[serde(alias = "recognise")] // typos:ignore
    pub recognize: Recognize,
    /// The node labels that may identify a pool, in order of priority.
    pub pool_labels: Vec<String>,
    /// Set if a selector may use certain labels only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub only_labels: Option<OnlyLabels>,
    /// Whether the controller notices that only a label of a node has changed.
    #[serde(default)]
    pub label_changes: LabelChanges,
    /// Settings that the platform reads from `spec.settings`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub settings: Vec<Setting>,
    /// Nodes that the load balancers leave out, besides those with the exclude label.
    #[serde(default)]
    pub not_backends: Vec<NotBackend>,
    /// Nodes that a pool must not have.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refuses_nodes: Vec<NodeRefusal>,
    /// How the platform reads `node.kubernetes.io/exclude-from-external-load-balancers`.
    #[serde(default)]
    pub exclude_label: ExcludeLabel,
    /// Whether control-plane nodes are backends of the load balancers; default: never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub control_plane: Option<ControlPlane>,
    /// What the load balancers send traffic to.
    #[serde(default, skip_serializing_if = "Backends::is_default")]
    pub backends: Backends,
    /// How to derive the name of a pool's VM set from its nodes.
    #[serde(default)]
    pub vm_sets: VmSets,
    /// An annotation of nodes that names the node pool of the cloud. A warning reports pools of the pool label that
    /// differ from these.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pool_annotation: Option<String>,
    /// JSON Patch for the Service of a pool, with placeholders in the values.
    #[serde(default)]
    pub binding: Vec<Value>,
    /// How the controller reads the nodes of a load balancer from a Service: the reverse of the binding.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub selection: Option<Selection>,
    /// JSON Patch for `internal: true`.
    #[serde(default)]
    pub internal: Vec<Value>,
    /// What to do for internal load balancers if `internal` is not supported.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub internal_instead: Option<String>,
    /// What internal load balancers need outside of the Service; `render` prints the sentence with `internal: true`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub internal_needs: Option<String>,
    /// Additional objects for each pool, with placeholders in the values.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub objects: Vec<Value>,
    /// Whether the load balancers have an address or a hostname: external-dns makes no round robin of hostnames.
    #[serde(default)]
    pub answers_with: AnswersWith,
    /// The protocols of the load balancers; without a rule that applies, ports are not checked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub protocols: Vec<ProtocolRule>,
    /// Annotations that name an address, or an object that holds one. Pools cannot share an address, so each pool's Service
    /// needs its own value. Upper and lower case are the same.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub address_annotations: Vec<String>,
    /// What the controllers of the platform write to a Service. `init --from` leaves it out of the manifests, unless the user applied
    /// it; it stays on the live Service.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub written: Vec<Written>,
    /// What a Service must not have on this platform.
    #[serde(default)]
    pub refuses: Vec<Refusal>,
    /// What a Service must have on this platform.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub requires: Vec<Requirement>,
    /// Whether Services of one pool share a load balancer.
    #[serde(default, skip_serializing_if = "LoadBalancers::is_default")]
    pub load_balancers: LoadBalancers,
    /// The limits of the platform.
    #[serde(default)]
    pub limits: Limits,
    /// That the controller handles one Service after the other, and how long each takes; only with a source.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub serial_updates: Option<SerialUpdates>,
    /// Where it is documented that the controller gives targets to one port after the other until the limit is reached, and none to the
    /// ports after that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ports_filled_in_order: Option<String>,
    /// Configuration outside Kubernetes that the binding needs; the first entry whose condition holds is printed.
    #[serde(default)]
    #[serde(rename = "otherHalf")]
    pub cloud_config: Vec<CloudConfig>,
}

/// How many load balancers a pool has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum LoadBalancers {
    /// One for each Service of the pool.
    #[default]
    PerService,
    /// One, with a front end for each Service of the pool.
    PerPool,
    /// One for all Services of the cluster, with a front end for each.
    PerCluster,
}

/// What load balancers send traffic to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Backends {
    /// Nodes.
    #[default]
    Nodes,
    /// Pods. Limits of nodes do not apply.
    Pods,
}

/// Why a platform cannot bind a Service to a pool.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Refused {
    /// A lower-case sentence.
    pub because: String,
    /// What to do instead.
    pub hint: String,
}

/// What several Services without a choice of nodes give.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ShardSupport {
    /// What each shard has for itself.
    pub give: ShardsGive,
    /// Why: a lower-case sentence.
    pub because: String,
    /// Where this was read.
    pub source: String,
}

/// What each shard has for itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum ShardsGive {
    /// A load balancer, with its address, bandwidth and connections.
    LoadBalancer,
    /// An address. The load balancer is shared.
    Address,
    /// Nothing: shards are refused.
    Nothing,
}

/// The effect of `workload.perPool` on the limit of backends.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PerPool {
    /// Whether nodes without a pod of the pool are removed from its load balancer.
    pub relieves: Relief,
    /// A lower-case sentence.
    pub because: String,
}

/// Whether a load balancer has fewer backends if its pods run in one pool only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Relief {
    /// Only nodes with a pod are backends.
    Full,
    /// All nodes stay registered, and those without a pod fail their health checks. The limit does not change.
    None,
}

/// What the status of a Service holds when its load balancer is ready.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum AnswersWith {
    /// An IP address.
    #[default]
    Address,
    /// A hostname.
    Name,
}

/// The labels that a selector may use on this platform.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OnlyLabels {
    /// The keys of the labels.
    pub labels: Vec<String>,
    /// What happens with other labels: a lower-case clause.
    pub because: String,
}

/// Whether a controller notices that a label of a node has changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum LabelChanges {
    /// Only when the next node is added or removed (`shouldSyncUpdatedNode` in kubernetes/cloud-provider
    /// controllers/service/controller.go).
    #[default]
    Ignored,
    /// Immediately.
    Followed,
}

/// How to derive the name of a pool's VM set from its nodes.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct VmSets {
    /// Patterns of node names with the group `suffix`: the part of the name that all nodes of the cluster share.
    #[serde(default)]
    pub suffix: Vec<String>,
    /// Rules that are tried in order for each node; the first that matches names the VM set.
    #[serde(default)]
    pub rules: Vec<VmSetRule>,
}

/// A rule that names a VM set.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct VmSetRule {
    /// What the rule reads; used in messages.
    pub title: String,
    /// Patterns that must all match; their named groups are placeholders in `name`. The group `pool` must
    /// equal the pool label, and the group `suffixStart` must be a prefix of the suffix of the cluster.
    #[serde(rename = "match")]
    pub matches: VmSetMatch,
    /// The name, with `${group}`, `${pool.value}` and `${cluster.suffix}`.
    pub name: String,
    /// Set if the rule has not been verified on a real cluster; a warning reports this.
    #[serde(default)]
    pub unverified: bool,
    /// The largest number of nodes in such a set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub takes: Option<Limit>,
}

/// Patterns for a node.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct VmSetMatch {
    /// Pattern for `spec.providerID`.
    #[serde(default, rename = "providerID", skip_serializing_if = "Option::is_none")]
    pub provider_id: Option<String>,
    /// Pattern for `metadata.name`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node_name: Option<String>,
    /// Patterns for annotations.
    #[serde(default)]
    pub annotations: BTreeMap<String, String>,
}

/// Configuration outside Kubernetes that the Services need.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CloudConfig {
    /// Where the configuration goes.
    pub title: String,
    /// Use this entry only if the VM sets of all pools match this pattern, or if `whenPoolLabel` holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when_vm_sets_match: Option<String>,
    /// Use this entry if this is the pool label, whatever the VM sets are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when_pool_label: Option<String>,
    /// A JSON document; for each pool, `entry` is added to the list at `entriesAt`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub document: Option<Value>,
    /// JSON pointer of the list in `document`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entries_at: Option<String>,
    /// The entry of a pool, with placeholders.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entry: Option<Value>,
    /// The entry of a pool whose nodes do not show their VM set, or are in none. It selects the nodes by the pool label.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entry_by_label: Option<EntryByLabel>,
    /// The command for a pool, with placeholders.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
    /// The name that the configuration of one pool must have; otherwise the cloud rejects all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub needs: Option<String>,
    /// The fields of an entry, with which `init --cloud-config` reads an existing configuration. Its entries are a list, or the list
    /// at `entriesAt`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reads: Option<CloudConfigFields>,
}

/// The fields of an entry of an existing configuration: JSON pointers.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CloudConfigFields {
    /// The name of the entry.
    pub name: String,
    /// The VM set whose nodes belong to the entry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vm_set: Option<String>,
    /// The value of the pool label of these nodes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pool: Option<String>,
    /// The `LabelSelector` of further nodes, which are in no VM set of an entry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nodes: Option<String>,
    /// The `LabelSelector` of the Services that may use the entry; absent: any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub services: Option<String>,
}

/// The configuration of a pool whose nodes are selected by the pool label.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EntryByLabel {
    /// The entry, with placeholders.
    pub entry: Value,
    /// The value of `${pool.vmSet}` in the entry if `spec.pools.vmSets` sets none: a name that no VM set has, with placeholders.
    pub no_vm_set: String,
}

/// Accepts the key of earlier versions, so that existing files stay valid.
fn accept_old_spelling(schema: &mut Schema) {
    accept_old_name(schema, "recognize", "recognise"); // typos:ignore
}

impl LoadBalancers {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde requires this signature")]
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

impl Backends {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde requires this signature")]
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

impl Platform {
    /// The JSON Schema of a platform file.
    pub const SCHEMA: &str = PlatformFile::SCHEMA;

    /// Generates the JSON Schema from the types.
    pub fn generate_schema() -> Value {
        read::generate::<PlatformFile>()
    }

    /// Returns the node labels that may identify a pool, in order of priority: the platform's, then those of distributions.
    pub fn pool_labels(&self) -> Vec<&str> {
        let own = self.spec.pool_labels.iter().map(String::as_str);
        if self.spec.only_labels.is_some() {
            return own.collect();
        }
        let mut labels: Vec<&str> = own.collect();
        labels.extend(distributions().iter().flat_map(|d| d.pool_labels.iter().map(String::as_str)));
        labels
    }

    /// Returns a limit: that of the spec, of the platform, or of Kubernetes itself, in this order.
    pub fn limit(&self, name: LimitName, own: &OwnLimits) -> Option<Limit> {
        if let Some(value) = own.0.get(&name) {
            return Some(Limit {
                value: *value,
                source: "`spec.limits` of largescale.yaml".to_owned(),
                note: None,
            });
        }
        self.spec.limits.0.get(&name).or_else(|| kubernetes_limits().0.get(&name)).cloned()
    }
}
