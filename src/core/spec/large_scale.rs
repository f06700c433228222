//! The form of the spec, and its checks.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::core::dns::Dns;
use crate::core::kubernetes::names;
use crate::core::platform::OwnLimits;
use crate::core::report::diagnostic::{Checked, Diagnostic};
use crate::core::schema::read;
use crate::core::spec::SpecCluster;
use crate::core::yaml;
use crate::core::yaml::Document;

/// The whole document.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(title = "LargeScale")]
pub struct LargeScale {
    /// The version of this form.
    pub api_version: read::ApiVersion,
    /// Always `LargeScale`.
    pub kind: SpecKind,
    /// Which workload this is.
    pub metadata: Metadata,
    /// What to render.
    pub spec: Spec,
}

/// The kind of the document.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, JsonSchema)]
pub enum SpecKind {
    /// A spec.
    LargeScale,
}

/// Name and namespace.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Metadata {
    /// The name of the workload, a DNS label.
    pub name: String,
    /// Given to namespaced objects of the manifests that name none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
}

/// What to render, from what, to where.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Spec {
    /// Plain Kubernetes YAML: files, directories or globs, relative to this file.
    pub manifests: Vec<String>,
    /// How a Service is bound to a pool: a built-in platform by name, or a file of the same form (`./my-platform.yaml`).
    pub platform: String,
    /// Where the nodes are read: `cluster`, or a file with the output of `kubectl get nodes -o json`.
    #[serde(default = "cluster")]
    pub nodes: String,
    /// Which pools there are.
    #[serde(default)]
    pub pools: Pools,
    /// Names of Services that must stay as they are, so that no address is lost: Service in the manifests, then pool, then name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub names: BTreeMap<String, BTreeMap<String, String>>,
    /// Labels for the metadata of every object; selectors and pod templates are left alone.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// What the platform and the overlays ask for: their settings by name, for each pool or for all (docs/platforms.md,
    /// overlays/README.md).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub settings: BTreeMap<String, serde_json::Value>,
    /// What happens to Deployments and StatefulSets.
    #[serde(default)]
    pub workload: Workload,
    /// Internal load balancers instead of public ones, in the way of the platform.
    #[serde(default)]
    pub internal: bool,
    /// One name with the addresses of all pools behind it, by external-dns (docs/dns.md).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dns: Option<Dns>,
    /// JSON Patches for the rendered objects: built-in overlays by name, or files relative to this one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub overlays: Vec<String>,
    /// What `apply` does about fields that other managers hold with other values: the first rule that fits counts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conflicts: Vec<ConflictRule>,
    /// Limits that differ from the platform's, by name.
    #[serde(default, skip_serializing_if = "OwnLimits::is_empty")]
    pub limits: OwnLimits,
    /// The directory of the tree, relative to this file.
    #[serde(default = "rendered")]
    pub output: String,
    /// Several clusters that run the same: each has its own nodes, lock and tree, and what else differs there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub clusters: Vec<SpecCluster>,
}

/// Which pools there are.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Pools {
    /// The node label whose value is the pool; default: the first of the platform's list that nodes carry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// Only pools that match one of these globs; default: all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub include: Vec<String>,
    /// No pools that match one of these globs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exclude: Vec<String>,
    /// Pools that may have no node yet.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub declare: Vec<DeclaredPool>,
    /// VM sets of pools where the platform cannot derive them: pool, then VM set.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub vm_sets: BTreeMap<String, String>,
    /// Names of load-balancer configurations that differ from the pool's: pool, then name. One pool may take the
    /// configuration that is named after the cluster.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub load_balancers: BTreeMap<String, String>,
    /// What becomes of the Service of a pool that has no node any more.
    #[serde(default)]
    pub when_empty: WhenEmpty,
}

/// A pool that is known before its nodes.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DeclaredPool {
    /// The value that the pool label will have.
    pub name: String,
}

/// What becomes of the Service of a pool that has no node any more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum WhenEmpty {
    /// It stays, with its address, until `render --forget POOL`.
    #[default]
    Keep,
    /// It stays, and the pool is taken out of the round robin of `spec.dns` until it has nodes again.
    Withdraw,
    /// It leaves the tree with the last node.
    Remove,
}

/// What happens to Deployments and StatefulSets.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Workload {
    /// Spread the replicas over the pools: a topology spread constraint on the pool label.
    #[serde(default)]
    pub spread: bool,
    /// One workload for each pool, on the pool's nodes, and traffic that stays in the pool: where the cloud cannot
    /// select nodes, and for those who want it.
    #[serde(default)]
    pub per_pool: bool,
}

/// What `apply` does about a field that another manager holds with another value.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ConflictRule {
    /// The field, as the API server writes it: `.spec.replicas`, `.metadata.annotations.*`,
    /// `.spec.template.spec.containers[name=web].image`. What is below it is meant, too.
    pub field: String,
    /// Only if a manager of this name holds it, a glob; default: any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub manager: Option<String>,
    /// What to do.
    pub action: ConflictAction,
}

/// What to do about a conflict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum ConflictAction {
    /// The field becomes ours, with our value.
    Take,
    /// The field is left to its manager, and not applied.
    Yield,
    /// The object is not changed, and the conflict is shown.
    Fail,
}

impl Spec {
    /// A spec with nothing but a platform.
    pub fn new(platform: &str) -> Self {
        Self {
            manifests: Vec::new(),
            platform: platform.to_owned(),
            nodes: cluster(),
            pools: Pools::default(),
            names: BTreeMap::new(),
            labels: BTreeMap::new(),
            settings: BTreeMap::new(),
            workload: Workload::default(),
            internal: false,
            dns: None,
            overlays: Vec::new(),
            conflicts: Vec::new(),
            limits: OwnLimits::default(),
            output: rendered(),
            clusters: Vec::new(),
        }
    }
}

fn cluster() -> String {
    "cluster".to_owned()
}

fn rendered() -> String {
    "rendered".to_owned()
}

impl LargeScale {
    /// Reads and checks a spec, with its lines; every problem at once.
    pub fn read(file: &str, text: &str) -> Checked<(Self, Document)> {
        let document = yaml::read_one(file, text)?;
        Ok((Self::of_document(&document)?, document))
    }

    /// Checks a spec that is read.
    pub(super) fn of_document(document: &Document) -> Checked<Self> {
        let spec: Self = read::typed(document)?;
        let problems = spec.problems(document);
        if problems.is_empty() { Ok(spec) } else { Err(problems) }
    }

    fn problems(&self, document: &Document) -> Vec<Diagnostic> {
        let mut problems = Vec::new();
        let mut require = |at: &str, checked: Result<(), String>| {
            if let Err(message) = checked {
                problems.push(Diagnostic::error(message).at(document.location(at)));
            }
        };
        require("/metadata/name", names::check_label("metadata.name", &self.metadata.name));
        if let Some(namespace) = &self.metadata.namespace {
            require("/metadata/namespace", names::check_label("metadata.namespace", namespace));
        }
        if self.spec.manifests.is_empty() {
            require("/spec/manifests", Err("`spec.manifests` is empty".to_owned()));
        }
        for name in self.spec.limits.0.iter().filter(|(_, value)| **value == 0).map(|(name, _)| name.key()) {
            require(&format!("/spec/limits/{name}"), Err(format!("`spec.limits.{name}` is 0")));
        }
        let pools = &self.spec.pools;
        for (index, declared) in pools.declare.iter().enumerate() {
            require(
                &format!("/spec/pools/declare/{index}"),
                names::check_label_value("a pool name", &declared.name),
            );
        }
        for (field, globs) in [("include", &pools.include), ("exclude", &pools.exclude)] {
            for (index, text) in globs.iter().enumerate() {
                require(
                    &format!("/spec/pools/{field}/{index}"),
                    glob::Pattern::new(text)
                        .map(drop)
                        .map_err(|error| format!("`{text}` is no glob: {}", error.msg)),
                );
            }
        }
        for (service, by_pool) in &self.spec.names {
            for (pool, name) in by_pool {
                let at = format!("/spec/names/{service}/{pool}");
                require(&at, names::check_service_name(&format!("`spec.names.{service}.{pool}`"), name));
            }
        }
        for (index, rule) in self.spec.conflicts.iter().enumerate() {
            if !rule.field.starts_with('.') {
                let message =
                    format!("`{}` is no field: it begins with a dot, such as `.spec.replicas`", rule.field);
                require(&format!("/spec/conflicts/{index}/field"), Err(message));
            }
            if let Some(Err(error)) = rule.manager.as_deref().map(glob::Pattern::new) {
                let message =
                    format!("`{}` is no glob: {}", rule.manager.as_deref().unwrap_or_default(), error.msg);
                require(&format!("/spec/conflicts/{index}/manager"), Err(message));
            }
        }
        for (key, value) in &self.spec.labels {
            require("/spec/labels", names::check_label_value(&format!("the label `{key}`"), value));
        }
        if pools.when_empty == WhenEmpty::Withdraw && self.spec.dns.is_none() {
            let message =
                "`whenEmpty: withdraw` takes pools out of the round robin of `spec.dns`, which there is not";
            require("/spec/pools/whenEmpty", Err(message.to_owned()));
        }
        problems.extend(self.problems_of_clusters(document));
        problems.extend(self.spec.dns.iter().flat_map(|dns| dns.problems(document)));
        problems
    }
}
