//! The schema of the spec, and its checks.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::core::bounds::{MAX_GLOBS, MAX_REFERENCES};
use crate::core::dns::Dns;
use crate::core::kubernetes::names;
use crate::core::manifest::HelmHooks;
use crate::core::platform::OwnLimits;
use crate::core::pointer;
use crate::core::probe::Probe;
use crate::core::references::ReferenceRule;
use crate::core::report::diagnostic::{Checked, Diagnostic};
use crate::core::schema::read;
use crate::core::spec::{Alerts, GatewaysSpec, OtherPools, PoolsFrom, SpecCluster};
use crate::core::yaml;
use crate::core::yaml::Document;

/// The whole document.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(title = "LargeScale")]
pub struct LargeScale {
    /// The version of this schema.
    pub api_version: read::ApiVersion,
    /// Always `LargeScale`.
    pub kind: SpecKind,
    /// The name and namespace of the workload.
    pub metadata: Metadata,
    /// What to render.
    pub spec: Spec,
}

impl read::Described for LargeScale {
    const SCHEMA: &str = include_str!("../../../docs/schema/spec.json");
}

/// The kind of the document.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, JsonSchema)]
pub enum SpecKind {
    /// A spec.
    LargeScale,
}

/// The name and namespace of the workload.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Metadata {
    /// The name of the workload, a DNS label.
    pub name: String,
    /// The namespace for namespaced objects in the manifests that set none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
}

/// What to render, and where to write it.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Spec {
    /// Plain Kubernetes YAML: files, directories or globs, relative to this file.
    pub manifests: Vec<String>,
    /// How to bind a Service to a pool: the name of a built-in platform, or a file with the same schema (`./my-platform.yaml`).
    pub platform: String,
    /// Where to read the nodes: `cluster`, or a file with the output of `kubectl get nodes -o json`.
    #[serde(default = "cluster")]
    pub nodes: String,
    /// Which pools to render.
    #[serde(default)]
    pub pools: Pools,
    /// Render this many Services that differ only in name and address, instead of one for each pool. A Service is then called a
    /// shard, and every node is behind each of them (docs/howto/shards.md).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1000))]
    pub shards: Option<u32>,
    /// Names of Services that must not change, so that they keep their addresses: Service in the manifests (`NAME`, or
    /// `NAMESPACE/NAME` if several namespaces have one of this name), then pool, then name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub names: BTreeMap<String, BTreeMap<String, String>>,
    /// Services that keep a Service of type ClusterIP with the same name beside the Services of the pools, for clients in the
    /// cluster and for objects that refer to the name: `NAME` or `NAMESPACE/NAME`, as globs; `"*"` is all.
    #[serde(default, rename = "clusterIPServices", skip_serializing_if = "Vec::is_empty")]
    pub cluster_ip_services: Vec<String>,
    /// How the Gateways of the manifests are split.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gateways: Option<GatewaysSpec>,
    /// Fields of custom resources that name other objects, in addition to the built-in ones (docs/references.md).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub references: Vec<ReferenceRule>,
    /// Labels for the metadata of every object; selectors and pod templates are not changed.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// Settings for the platform and the overlays by name, either for each pool or for all (docs/platforms.md,
    /// overlays/README.md).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub settings: BTreeMap<String, serde_json::Value>,
    /// How Deployments and StatefulSets are changed.
    #[serde(default)]
    pub workload: Workload,
    /// What to do with objects that Helm creates before or after an install or upgrade (`helm.sh/hook`).
    #[serde(default)]
    pub helm_hooks: HelmHooks,
    /// Internal load balancers instead of public ones.
    #[serde(default)]
    pub internal: bool,
    /// A host name with the addresses of all pools, published by external-dns (docs/dns.md).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dns: Option<Dns>,
    /// What `probe` expects of the ports of the load balancers (docs/howto/verify-round-robin.md).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probe: Option<Probe>,
    /// Prometheus rules that watch the pools, in one more file (docs/howto/alerts.md).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alerts: Option<Alerts>,
    /// JSON Patches for the rendered objects: names of built-in overlays, or files relative to this one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub overlays: Vec<String>,
    /// What `apply` does if other field managers manage a field with another value; the first rule that matches applies.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conflicts: Vec<ConflictRule>,
    /// Limits that differ from those of the platform, by name.
    #[serde(default, skip_serializing_if = "OwnLimits::is_empty")]
    pub limits: OwnLimits,
    /// The output directory, relative to this file.
    #[serde(default = "rendered")]
    pub output: String,
    /// Several clusters with the same workload. Each has its own nodes, lock file and output directory, and may override fields
    /// of this spec.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub clusters: Vec<SpecCluster>,
    /// The pools of the other clusters; empty if the spec was not read for one of its clusters.
    #[serde(skip)]
    pub other_pools: OtherPools,
}

/// Which pools to render.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Pools {
    /// The node label whose value identifies the pool; default: the first pool label of the platform that nodes have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// Render only pools that match one of these globs; default: all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub include: Vec<String>,
    /// Do not render pools that match one of these globs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exclude: Vec<String>,
    /// Pools that get no copy of one Service: Service in the manifests (`NAME` or `NAMESPACE/NAME`), then globs.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub exclude_for: BTreeMap<String, Vec<String>>,
    /// Pools where existing objects, such as an `L2Advertisement`, select the nodes of one Service, so that `render` writes no others:
    /// Service in the manifests (`NAME` or `NAMESPACE/NAME`), then globs.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub existing_objects_for: BTreeMap<String, Vec<String>>,
    /// Pools that may have no nodes yet.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub declare: Vec<DeclaredPool>,
    /// Objects that make nodes, so that their pools are known before the first node (docs/howto/pools-from-owners.md).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub from: Vec<PoolsFrom>,
    /// VM sets that the platform cannot derive: pool, then VM set. Leave out machines that are in none.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub vm_sets: BTreeMap<String, String>,
    /// Names of load-balancer configurations that differ from the pool's name: pool, then name. One pool may use the
    /// configuration that is named after the cluster.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub load_balancers: BTreeMap<String, String>,
    /// What to do with the Service of a pool that no longer has nodes.
    #[serde(default)]
    pub when_empty: WhenEmpty,
}

/// A pool that is declared before it has nodes.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DeclaredPool {
    /// The future value of the pool label.
    pub name: String,
}

/// What to do with the Service of a pool that no longer has nodes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum WhenEmpty {
    /// Keep it, with its address, until `render --forget POOL`.
    #[default]
    Keep,
    /// Keep it, but remove the pool from the round robin of `spec.dns` until it has nodes again.
    Withdraw,
    /// Remove it from the rendered directory.
    Remove,
}

/// How Deployments and StatefulSets are changed.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Workload {
    /// Spread the replicas over the pools, with a topology spread constraint on the pool label.
    #[serde(default)]
    pub spread: bool,
    /// Run a copy of the workload on the nodes of each pool, and keep the pool's traffic in the pool. This splits the traffic
    /// even if the cloud cannot select nodes.
    #[serde(default)]
    pub per_pool: bool,
}

/// What `apply` does if another field manager manages a field with another value.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ConflictRule {
    /// The field, in the notation of the API server: `.spec.replicas`, `.metadata.annotations.*`,
    /// `.spec.template.spec.containers[name=web].image`. The rule also applies to the fields below it.
    pub field: String,
    /// Apply the rule only to field managers that match this glob; default: any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub manager: Option<String>,
    /// What to do.
    pub action: ConflictAction,
}

/// What to do about a conflict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum ConflictAction {
    /// Take ownership of the field, with the value of the spec.
    Take,
    /// Leave the field to its manager, and do not apply it.
    Yield,
    /// Report the conflict, and do not change the object.
    Fail,
}

impl Pools {
    /// Returns the entries of `from`, each with its index.
    pub fn owner_entries(&self) -> impl Iterator<Item = (usize, &PoolsFrom)> {
        self.from.iter().enumerate()
    }

    /// Returns the fields that are about single Services, by name: the Service, then globs of pools.
    pub fn by_service(&self) -> impl Iterator<Item = (&'static str, &BTreeMap<String, Vec<String>>)> {
        [("excludeFor", &self.exclude_for), ("existingObjectsFor", &self.existing_objects_for)].into_iter()
    }
}

impl Spec {
    /// Returns a spec with a platform and default values.
    pub fn new(platform: &str) -> Self {
        Self {
            manifests: Vec::new(),
            platform: platform.to_owned(),
            nodes: cluster(),
            pools: Pools::default(),
            shards: None,
            names: BTreeMap::new(),
            cluster_ip_services: Vec::new(),
            gateways: None,
            references: Vec::new(),
            labels: BTreeMap::new(),
            settings: BTreeMap::new(),
            workload: Workload::default(),
            helm_hooks: HelmHooks::default(),
            internal: false,
            dns: None,
            probe: None,
            alerts: None,
            overlays: Vec::new(),
            conflicts: Vec::new(),
            limits: OwnLimits::default(),
            output: rendered(),
            clusters: Vec::new(),
            other_pools: OtherPools::default(),
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
    /// Reads and checks a spec; returns it with its document, or all problems.
    pub fn read(file: &str, text: &str) -> Checked<(Self, Document)> {
        let document = yaml::read_own_one(file, text)?;
        Ok((Self::of_document(&document)?, document))
    }

    /// Checks the document of a spec.
    pub(super) fn of_document(document: &Document) -> Checked<Self> {
        let spec: Self = read::typed(document)?;
        let problems = spec.problems(document);
        if problems.is_empty() { Ok(spec) } else { Err(problems) }
    }

    /// Returns the keys that name Services, each with the pointer of its map.
    fn service_keys(&self) -> impl Iterator<Item = (String, &String)> {
        let named = self.spec.names.keys().map(|key| ("/spec/names".to_owned(), key));
        let of_pools = self.spec.pools.by_service();
        named.chain(
            of_pools
                .flat_map(|(field, map)| map.keys().map(move |key| (format!("/spec/pools/{field}"), key))),
        )
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
        let own = [("include".to_owned(), &pools.include), ("exclude".to_owned(), &pools.exclude)];
        let of_services = pools
            .by_service()
            .flat_map(|(field, map)| map.iter().map(move |(key, globs)| (field, key, globs)));
        let of_services = of_services.map(|(field, key, globs)| (pointer::join(field, key), globs));
        for (field, globs) in own.into_iter().chain(of_services) {
            for (index, text) in globs.iter().enumerate() {
                require(
                    &format!("/spec/pools/{field}/{index}"),
                    glob::Pattern::new(text)
                        .map(drop)
                        .map_err(|error| format!("invalid glob `{text}`: {}", error.msg)),
                );
            }
        }
        for (service, by_pool) in &self.spec.names {
            for (pool, name) in by_pool {
                let at = pointer::join(&pointer::join("/spec/names", service), pool);
                require(&at, names::check_service_name(&format!("`spec.names.{service}.{pool}`"), name));
            }
        }
        for (at, key) in self.service_keys() {
            if key.is_empty() || key.matches('/').count() > 1 || key.starts_with('/') || key.ends_with('/') {
                let message = format!("invalid Service `{key}`: expected `NAME` or `NAMESPACE/NAME`");
                require(&pointer::join(&at, key), Err(message));
            }
        }
        for (index, text) in self.spec.cluster_ip_services.iter().enumerate() {
            let at = format!("/spec/clusterIPServices/{index}");
            if text.is_empty() || text.matches('/').count() > 1 {
                let message = format!("invalid Service `{text}`: expected `NAME` or `NAMESPACE/NAME`");
                require(&at, Err(message));
            }
            let glob = glob::Pattern::new(text).map(drop);
            require(&at, glob.map_err(|error| format!("invalid glob `{text}`: {}", error.msg)));
        }
        let globs = self.spec.cluster_ip_services.iter().filter(|text| text.contains(['*', '?', '[']));
        if globs.count() > MAX_GLOBS {
            let message = format!(
                "`spec.clusterIPServices` has more than {MAX_GLOBS} texts with wildcards, which is the limit; names have no limit"
            );
            require("/spec/clusterIPServices", Err(message));
        }
        if self.spec.references.len() > MAX_REFERENCES {
            let message =
                format!("`spec.references` has more than {MAX_REFERENCES} fields, which is the limit");
            require("/spec/references", Err(message));
        }
        for (index, rule) in self.spec.references.iter().enumerate() {
            if let Some((field, message)) = rule.problem() {
                require(&format!("/spec/references/{index}/{field}"), Err(message));
            }
        }
        for (index, rule) in self.spec.conflicts.iter().enumerate() {
            if !rule.field.starts_with('.') {
                let message =
                    format!("invalid field `{}`: expected a leading dot, as in `.spec.replicas`", rule.field);
                require(&format!("/spec/conflicts/{index}/field"), Err(message));
            }
            if let Some(Err(error)) = rule.manager.as_deref().map(glob::Pattern::new) {
                let message =
                    format!("invalid glob `{}`: {}", rule.manager.as_deref().unwrap_or_default(), error.msg);
                require(&format!("/spec/conflicts/{index}/manager"), Err(message));
            }
        }
        for (key, value) in &self.spec.labels {
            require("/spec/labels", names::check_label_key("`spec.labels`", key));
            require("/spec/labels", names::check_label_value(&format!("the label `{key}`"), value));
        }
        if pools.when_empty == WhenEmpty::Withdraw && self.spec.dns.is_none() {
            let message = "`whenEmpty: withdraw` removes pools from the round robin of `spec.dns`, but `spec.dns` is not set";
            require("/spec/pools/whenEmpty", Err(message.to_owned()));
        }
        problems.extend(self.problems_of_clusters(document));
        problems.extend(self.problems_of_parts(document));
        problems
    }

    /// Returns the problems of the parts that check themselves.
    fn problems_of_parts(&self, document: &Document) -> impl Iterator<Item = Diagnostic> {
        let of_gateways = self.spec.gateways.iter().filter_map(|gateways| gateways.problems(document));
        let of_dns = self.spec.dns.iter().flat_map(|dns| dns.problems(document));
        let of_probe = self.spec.probe.iter().flat_map(|probe| probe.problems(document));
        let owners = self.spec.pools.owner_entries();
        let of_owners = owners.flat_map(|(index, from)| from.problems(index, document));
        let of_alerts = self.spec.alerts.iter().flat_map(|alerts| alerts.problems(document));
        let of_shards = self.problems_of_shards(document);
        of_gateways.chain(of_dns).chain(of_probe).chain(of_alerts).chain(of_shards).chain(of_owners)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::yaml;

    #[test]
    fn lists_that_are_compared_with_every_object_have_limits() {
        let problems = |field: &str| {
            let text = format!(
                "apiVersion: largescale.dev/v1alpha1\nkind: LargeScale\nmetadata: {{name: a}}\nspec:\n  platform: aws-nlb\n  manifests: [m.yaml]\n  {field}\n"
            );
            let document = yaml::read("s.yaml", &text).unwrap().remove(0);
            let spec: LargeScale = serde_json::from_value(document.value.clone()).unwrap();
            let found = spec.problems(&document);
            found.iter().map(ToString::to_string).collect::<Vec<_>>().join("|")
        };
        let list = |count: usize, item: &str| vec![item; count].join(", ");
        for (field, expected) in [
            (format!("clusterIPServices: [{}]", list(100, "'a*'")), ""),
            (format!("clusterIPServices: [{}]", list(1000, "a")), ""),
            (
                format!("clusterIPServices: [{}]", list(101, "'a?'")),
                "s.yaml:7: `spec.clusterIPServices` has more than 100 texts with wildcards, which is the limit; names have no limit",
            ),
            (format!("references: [{}]", list(100, "{kind: A, path: /a}")), ""),
            (
                format!("references: [{}]", list(101, "{kind: A, path: /a}")),
                "s.yaml:7: `spec.references` has more than 100 fields, which is the limit",
            ),
        ] {
            assert_eq!(problems(&field), expected);
        }
    }
}
