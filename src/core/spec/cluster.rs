//! Several clusters in one spec: what of it is another one's in each.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::core::dns::Dns;
use crate::core::kubernetes::names;
use crate::core::platform::OwnLimits;
use crate::core::report::diagnostic::{Checked, Diagnostic};
use crate::core::report::suggest::did_you_mean;
use crate::core::spec::{LargeScale, Pools, Workload};
use crate::core::yaml::Document;

/// One of several clusters. What it says stands in the place of the same field of the spec, as a whole; its overlays
/// come after those of the spec.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SpecCluster {
    /// Its name, a DNS label: in the names of its lock (`largescale.NAME.lock`) and, by default, of its output directory.
    pub name: String,
    /// The context of the kubeconfig; default: that of the command line, or the current one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<String>,
    /// Where its nodes are read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nodes: Option<String>,
    /// How a Service is bound to a pool there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform: Option<String>,
    /// Which pools there are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pools: Option<Pools>,
    /// Names of Services that must stay as they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub names: Option<BTreeMap<String, BTreeMap<String, String>>>,
    /// What its platform and overlays ask for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settings: Option<BTreeMap<String, Value>>,
    /// What happens to Deployments and StatefulSets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workload: Option<Workload>,
    /// Internal load balancers instead of public ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub internal: Option<bool>,
    /// One name with the addresses of all pools behind it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dns: Option<Dns>,
    /// Limits that differ from the platform's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limits: Option<OwnLimits>,
    /// Overlays for this cluster only, after those of the spec.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub overlays: Vec<String>,
    /// The directory of its tree; default: the cluster's name below `spec.output`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<String>,
}

impl LargeScale {
    /// The names of its clusters; none where it is for one that it does not name.
    pub fn cluster_names(&self) -> impl Iterator<Item = &str> {
        self.spec.clusters.iter().map(|cluster| cluster.name.as_str())
    }

    /// The spec as it is for one of its clusters, with the lines of what was taken from there.
    pub fn of_cluster(&self, mut document: Document, name: &str) -> Checked<(Self, Document)> {
        let Some(index) = self.cluster_names().position(|known| known == name) else {
            let near = did_you_mean(name, self.cluster_names());
            return Err(Diagnostic::error(format!("the spec names no cluster `{name}`{near}"))
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
        document.value["spec"]["output"] = self.output(Some(cluster)).into();
        if let Some(spec) = document.value["spec"].as_object_mut() {
            spec.remove("clusters");
        }
        Ok((Self::of_document(&document)?, document))
    }

    /// What there is to choose from, as a hint.
    pub fn known_clusters(&self) -> String {
        format!("it names {}", self.cluster_names().collect::<Vec<_>>().join(", "))
    }

    /// The directories of all trees.
    pub fn outputs(&self) -> Vec<String> {
        let own = self.spec.clusters.iter().map(|cluster| self.output(Some(cluster)));
        own.chain([self.spec.output.clone()]).collect()
    }

    /// The directory of the tree for one of its clusters; `None` for a spec that names none.
    pub fn output(&self, cluster: Option<&SpecCluster>) -> String {
        let Some(cluster) = cluster else { return self.spec.output.clone() };
        let below = || format!("{}/{}", self.spec.output.trim_end_matches('/'), cluster.name);
        cluster.output.clone().unwrap_or_else(below)
    }

    /// What is wrong with the clusters beside each other: names and trees that are not each one's own.
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
                let message = format!("the cluster `{}` is named twice", cluster.name);
                problems.push(Diagnostic::error(message).at(location(index, "name")));
                continue;
            }
            let output = plain_path(&self.output(Some(cluster)));
            for (other, of) in &outputs {
                let message = match () {
                    () if *other == output => {
                        format!("the clusters {of} and {} have the same output, {output}", cluster.name)
                    }
                    () if is_below(&output, other) || is_below(other, &output) => {
                        format!(
                            "the output of the clusters {of} and {} lie in each other: {other} and {output}",
                            cluster.name
                        )
                    }
                    () => continue,
                };
                problems.push(
                    Diagnostic::error(message)
                        .at(location(index, "output"))
                        .hint("leave `output` out: each cluster then has the directory of its name"),
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

/// A path without `.`, doubled slashes and slashes at its end; `..` is left, since links may lie in between.
fn plain_path(path: &str) -> String {
    path.split('/').filter(|part| !part.is_empty() && *part != ".").collect::<Vec<_>>().join("/")
}
