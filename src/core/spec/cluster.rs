//! Per-cluster overrides of the spec.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::core::dns::Dns;
use crate::core::json;
use crate::core::kubernetes::names;
use crate::core::platform::OwnLimits;
use crate::core::report::diagnostic::{Checked, Diagnostic};
use crate::core::report::suggest::did_you_mean;
use crate::core::spec::{Alerts, GatewaysSpec, LargeScale, Pools, Workload};
use crate::core::yaml::Document;

/// One of several clusters. A field set here replaces the field of the spec entirely; the overlays are added after those of
/// the spec.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SpecCluster {
    /// The name, a DNS label. It is part of the name of the lock file (`largescale.NAME.lock`) and, by default, of the output
    /// directory.
    pub name: String,
    /// The kubeconfig context; default: the context of the command line, or the current one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<String>,
    /// Where to read the nodes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nodes: Option<String>,
    /// The platform.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform: Option<String>,
    /// Which pools to render.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pools: Option<Pools>,
    /// Render this many Services instead of one for each pool.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1000))]
    pub shards: Option<u32>,
    /// Names of Services that must not change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub names: Option<BTreeMap<String, BTreeMap<String, String>>>,
    /// Services that keep a Service of type ClusterIP with the same name.
    #[serde(default, rename = "clusterIPServices", skip_serializing_if = "Option::is_none")]
    pub cluster_ip_services: Option<Vec<String>>,
    /// How the Gateways of the manifests are split.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gateways: Option<GatewaysSpec>,
    /// Settings for the platform and the overlays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settings: Option<BTreeMap<String, Value>>,
    /// How Deployments and StatefulSets are changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workload: Option<Workload>,
    /// Internal load balancers instead of public ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub internal: Option<bool>,
    /// A host name with the addresses of all pools.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dns: Option<Dns>,
    /// Prometheus rules that watch the pools.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alerts: Option<Alerts>,
    /// Limits that differ from those of the platform.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limits: Option<OwnLimits>,
    /// Overlays for this cluster only, after those of the spec.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub overlays: Vec<String>,
    /// The output directory; default: the cluster's name below `spec.output`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<String>,
}

impl LargeScale {
    /// Returns the names of the clusters; none if the spec has no `clusters`.
    pub fn cluster_names(&self) -> impl Iterator<Item = &str> {
        self.spec.clusters.iter().map(|cluster| cluster.name.as_str())
    }

    /// Returns the spec for one of its clusters, and its document with the lines of the overrides.
    pub fn of_cluster(&self, mut document: Document, name: &str) -> Checked<(Self, Document)> {
        let Some(index) = self.cluster_names().position(|known| known == name) else {
            let near = did_you_mean(name, self.cluster_names());
            return Err(Diagnostic::error(format!("cluster `{name}` not found in the spec{near}"))
                .at(document.location("/spec/clusters"))
                .hint(self.known_clusters())
                .into());
        };
        let cluster = &self.spec.clusters[index];
        let at = format!("/spec/clusters/{index}");
        let fields = document.value.pointer(&at).and_then(Value::as_object).cloned().unwrap_or_default();
        let replaced = |key: &&String| !["name", "context", "overlays"].contains(&key.as_str());
        for key in fields.keys().filter(replaced) {
            document.copy(&format!("{at}/{key}"), &format!("/spec/{key}"));
        }
        for overlay in 0..cluster.overlays.len() {
            document.copy(&format!("{at}/overlays/{overlay}"), "/spec/overlays/-");
        }
        json::put(&mut document.value, &["spec", "output"], self.output(Some(cluster)));
        if let Some(spec) = json::existing_map(&mut document.value, &["spec"]) {
            spec.remove("clusters");
        }
        let mut spec = Self::of_document(&document)?;
        spec.spec.other_pools.own_fields = fields.keys().cloned().collect();
        Ok((spec, document))
    }

    /// Lists the clusters of the spec, as a hint.
    pub fn known_clusters(&self) -> String {
        format!("clusters in the spec: {}", self.cluster_names().collect::<Vec<_>>().join(", "))
    }

    /// Returns all output directories.
    pub fn outputs(&self) -> Vec<String> {
        let own = self.spec.clusters.iter().map(|cluster| self.output(Some(cluster)));
        own.chain([self.spec.output.clone()]).collect()
    }

    /// Returns the output directory of a cluster, or of a spec without clusters for `None`.
    pub fn output(&self, cluster: Option<&SpecCluster>) -> String {
        let Some(cluster) = cluster else { return self.spec.output.clone() };
        let below = || format!("{}/{}", self.spec.output.trim_end_matches('/'), cluster.name);
        cluster.output.clone().unwrap_or_else(below)
    }

    /// Reports clusters with the same name, and output directories that overlap.
    pub(super) fn problems_of_clusters(&self, document: &Document) -> Vec<Diagnostic> {
        let mut problems = Vec::new();
        let location =
            |index: usize, field: &str| document.location(&format!("/spec/clusters/{index}/{field}"));
        let mut outputs: Vec<(String, &str)> = Vec::new();
        for (index, cluster) in self.spec.clusters.iter().enumerate() {
            if let Err(message) = names::check_label(&format!("spec.clusters[{index}].name"), &cluster.name) {
                problems.push(Diagnostic::error(message).at(location(index, "name")));
            }
            if self.cluster_names().take(index).any(|other| other == cluster.name) {
                let message = format!("duplicate cluster `{}`", cluster.name);
                problems.push(Diagnostic::error(message).at(location(index, "name")));
                continue;
            }
            let output = plain_path(&self.output(Some(cluster)));
            for (other, of) in &outputs {
                let message = match () {
                    () if *other == output => {
                        format!(
                            "the clusters {of} and {} have the same output directory, {output}",
                            cluster.name
                        )
                    }
                    () if is_below(&output, other) || is_below(other, &output) => {
                        format!(
                            "the output directories of the clusters {of} and {} overlap: {other} and {output}",
                            cluster.name
                        )
                    }
                    () => continue,
                };
                problems.push(
                    Diagnostic::error(message)
                        .at(location(index, "output"))
                        .hint("remove `output`; the default is a directory named after the cluster"),
                );
            }
            outputs.push((output, &cluster.name));
        }
        problems
    }
}

fn is_below(path: &str, directory: &str) -> bool {
    path.strip_prefix(directory).is_some_and(|rest| rest.starts_with('/'))
}

/// Normalizes a path: no `.`, no repeated or trailing slashes. `..` stays, because a parent may be a symbolic link.
fn plain_path(path: &str) -> String {
    path.split('/').filter(|part| !part.is_empty() && *part != ".").collect::<Vec<_>>().join("/")
}
