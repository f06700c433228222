//! The form of a platform file.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::core::patch::Patch;
use crate::core::platform::distribution::distributions;
use crate::core::platform::limits::{Limit, LimitName, Limits, OwnLimits, kubernetes_limits};
use crate::core::platform::node_rules::{
    ControlPlane, ControlPlaneBackends, ExcludeLabel, NotBackend, Recognise,
};
use crate::core::platform::selection::Selection;
use crate::core::platform::service_rules;
use crate::core::platform::service_rules::{Broken, Refusal, Requirement, Within};
use crate::core::platform::settings::Setting;
use crate::core::schema::read;
use crate::core::schema::read::{ApiVersion, Name};

/// A platform file, read and checked.
#[derive(Clone, Debug)]
pub struct Platform {
    /// What the spec calls it.
    pub name: String,
    /// What it says.
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
    /// The version of this form.
    api_version: ApiVersion,
    /// Always `Platform`.
    kind: PlatformKind,
    /// Its name.
    pub(super) metadata: Name,
    /// What it says.
    pub(super) spec: PlatformSpec,
}

/// The kind of the document.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, JsonSchema)]
enum PlatformKind {
    /// A platform.
    Platform,
}

/// How pools are recognised and how a Service is bound to one.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PlatformSpec {
    /// A line about what it is.
    pub title: String,
    /// Where its facts are from.
    pub sources: Vec<String>,
    /// When to choose it, for `init` where the nodes fit more than one platform.
    pub choose: String,
    /// Set where the platform cannot bind a Service to a pool: only `workload.perPool` splits there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<Refused>,
    /// What `workload.perPool` does here about the limit of backends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub per_pool: Option<PerPool>,
    /// What nobody has verified: sentences that `render` says as warnings.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unverified: Vec<String>,
    /// How its nodes look.
    pub recognise: Recognise,
    /// The node labels that can tell a pool, the best first.
    pub pool_labels: Vec<String>,
    /// Set where a selector may name certain labels only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub only_labels: Option<OnlyLabels>,
    /// Whether its controller looks at a node again when only a label of it has changed.
    #[serde(default)]
    pub label_changes: LabelChanges,
    /// What it has to be told in `spec.settings`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub settings: Vec<Setting>,
    /// Labels of nodes that its load balancers leave out.
    #[serde(default)]
    pub not_backends: Vec<NotBackend>,
    /// How it reads `node.kubernetes.io/exclude-from-external-load-balancers`.
    #[serde(default)]
    pub exclude_label: ExcludeLabel,
    /// Whether control-plane nodes are behind its load balancers; never if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub control_plane: Option<ControlPlane>,
    /// How the name of a pool's VM set follows from its nodes.
    #[serde(default)]
    pub vm_sets: VmSets,
    /// An annotation of nodes that tells the cloud's own pool; the pool label has to make the same pools, or a warning
    /// says where it does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pool_annotation: Option<String>,
    /// JSON Patch for the Service of a pool, with placeholders in the values.
    #[serde(default)]
    pub binding: Vec<Value>,
    /// How its controller reads the nodes of a load balancer from a Service: the binding, seen from the other side.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub selection: Option<Selection>,
    /// JSON Patch for `internal: true`.
    #[serde(default)]
    pub internal: Vec<Value>,
    /// Where there is no such patch: what to do for internal load balancers instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub internal_instead: Option<String>,
    /// Objects for each pool beside its Services, with placeholders in the values.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub objects: Vec<Value>,
    /// What its load balancers answer with: external-dns makes no round robin of names.
    #[serde(default)]
    pub answers_with: AnswersWith,
    /// What a Service must not have here.
    #[serde(default)]
    pub refuses: Vec<Refusal>,
    /// What a Service must have here.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub requires: Vec<Requirement>,
    /// Whether Services of one pool share a load balancer.
    #[serde(default, skip_serializing_if = "LoadBalancers::is_default")]
    pub load_balancers: LoadBalancers,
    /// Its limits.
    #[serde(default)]
    pub limits: Limits,
    /// Configuration outside Kubernetes that the binding needs; the first whose condition holds is printed.
    #[serde(default)]
    #[serde(rename = "otherHalf")]
    pub cloud_config: Vec<CloudConfig>,
}

/// How many load balancers a pool has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum LoadBalancers {
    /// One for each of its Services.
    #[default]
    PerService,
    /// One, with a front end for each of its Services.
    PerPool,
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

/// What `workload.perPool` does about the limit of backends.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PerPool {
    /// Whether nodes without a pod of the pool leave its load balancer.
    pub relieves: Relief,
    /// A lower-case sentence.
    pub because: String,
}

/// Whether a load balancer has fewer backends when its pods run in one pool only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Relief {
    /// Only nodes with a pod are backends.
    Full,
    /// All nodes stay registered, and those without a pod fail their health checks: the limit is as near as before.
    None,
}

/// What the status of a Service holds when its load balancer is there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum AnswersWith {
    /// An IP address.
    #[default]
    Address,
    /// A name that the cloud gives out instead.
    Name,
}

/// Labels that a selector of this platform may name.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OnlyLabels {
    /// Their keys.
    pub labels: Vec<String>,
    /// What happens with any other: a lower-case clause.
    pub because: String,
}

/// Whether a controller sees that a label of a node has changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum LabelChanges {
    /// Only with the next node that comes or goes (`shouldSyncUpdatedNode` in kubernetes/cloud-provider
    /// controllers/service/controller.go).
    #[default]
    Ignored,
    /// At once.
    Followed,
}

/// How the name of a pool's VM set follows from its nodes.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct VmSets {
    /// Patterns of node names with the group `suffix`: the cluster's own part of all names, one for the whole cluster.
    #[serde(default)]
    pub suffix: Vec<String>,
    /// Tried in order for each node; the first that matches names its VM set.
    #[serde(default)]
    pub rules: Vec<VmSetRule>,
}

/// One way to the name of a VM set.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct VmSetRule {
    /// What it reads, for messages.
    pub title: String,
    /// All of these patterns must match; their named groups are placeholders of `name`. The group `pool` must
    /// agree with the pool label, the group `suffixStart` with the beginning of the cluster's suffix.
    #[serde(rename = "match")]
    pub matches: VmSetMatch,
    /// The name, with `${group}`, `${pool.value}` and `${cluster.suffix}`.
    pub name: String,
    /// Nobody has seen it on a real cluster: said in a warning.
    #[serde(default)]
    pub unverified: bool,
    /// How many nodes such a set takes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub takes: Option<Limit>,
}

/// Patterns over a node.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct VmSetMatch {
    /// Over `spec.providerID`.
    #[serde(default, rename = "providerID", skip_serializing_if = "Option::is_none")]
    pub provider_id: Option<String>,
    /// Over `metadata.name`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node_name: Option<String>,
    /// Over annotations.
    #[serde(default)]
    pub annotations: BTreeMap<String, String>,
}

/// Configuration outside Kubernetes that goes with the Services.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CloudConfig {
    /// Where it goes.
    pub title: String,
    /// Only if the VM sets of all pools match this pattern.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when_vm_sets_match: Option<String>,
    /// A JSON document; `entry` is added to its list `entriesAt` for each pool.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub document: Option<Value>,
    /// JSON pointer of the list in `document`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entries_at: Option<String>,
    /// What each pool adds to the document, with placeholders.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entry: Option<Value>,
    /// A command for each pool, with placeholders.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
    /// The name that one pool's configuration must have, or the cloud refuses the whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub needs: Option<String>,
}

impl PlatformSpec {
    /// The rules that the Service of a pool breaks.
    pub fn broken_rules<'a>(&'a self, service: &'a Value) -> impl Iterator<Item = Broken<'a>> {
        service_rules::broken_rules(&self.refuses, &self.requires, service)
    }

    /// Pointers to the fields of a Service that decide about its load balancer: those of the binding, and what only one
    /// Service can have.
    pub fn load_balancer_fields(&self) -> Vec<String> {
        let patched = self.binding.iter().chain(&self.internal).filter_map(|step| step["path"].as_str());
        let of_one = self.refuses.iter().filter(|rule| rule.within == Within::Manifests);
        let mut fields: Vec<String> =
            patched.chain(of_one.map(|rule| rule.path.as_str())).map(str::to_owned).collect();
        fields.sort();
        fields.dedup();
        fields
    }

    /// Whether a control-plane node may be a backend.
    pub fn takes_control_plane(&self) -> bool {
        let backends = self.control_plane.as_ref().map(|said| said.backends);
        backends == Some(ControlPlaneBackends::UnlessExcluded)
    }

    /// What a Service of the manifests has and copies cannot share.
    pub fn unshareable<'a>(&'a self, service: &'a Value) -> impl Iterator<Item = Broken<'a>> {
        service_rules::refused(&self.refuses, service, Within::Manifests)
    }
}

impl LoadBalancers {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "the form that serde asks for")]
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

impl Platform {
    /// The JSON Schema of the form.
    pub fn schema() -> Value {
        read::schema::<PlatformFile>()
    }

    /// The node labels that can tell a pool, the best first: its own, then those of the distributions.
    pub fn pool_labels(&self) -> Vec<&str> {
        let own = self.spec.pool_labels.iter().map(String::as_str);
        if self.spec.only_labels.is_some() {
            return own.collect();
        }
        let mut labels: Vec<&str> = own.collect();
        labels.extend(distributions().iter().flat_map(|d| d.pool_labels.iter().map(String::as_str)));
        labels
    }

    /// A limit: the spec's own, or the platform's, or that of Kubernetes itself.
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
