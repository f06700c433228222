//! A Kubernetes Node, reduced to the fields that decide pools and load balancers.
//!
//! A Node is about 9 KB of JSON, and a cluster may have 100,000. Only the name, provider ID, labels and four other facts
//! are kept. Label keys and values are shared strings, because most nodes have the same ones.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use serde::Deserialize;

/// The taint on a node that the cluster autoscaler is about to delete. The service controller removes such a node from
/// every load balancer (`stableNodeSetPredicates` in kubernetes/cloud-provider).
const TO_BE_DELETED_TAINT: &str = "ToBeDeletedByClusterAutoscaler";

/// Node annotations that identify a pool where labels do not: those of Cluster API (its book, metadata propagation) and of
/// Oracle Cloud. All others are dropped while reading, because they are large and change often.
pub const KEPT_ANNOTATIONS: &[&str] =
    &["cluster.x-k8s.io/cluster-name", "cluster.x-k8s.io/owner-name", "oci.oraclecloud.com/node-pool-id"];

/// A node with the fields that this program uses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// `metadata.name`.
    pub name: Box<str>,
    /// `spec.providerID`; empty if the cloud has not set it yet.
    pub provider_id: Box<str>,
    /// `metadata.labels`.
    pub labels: Pairs,
    /// `metadata.annotations`, but only those that can identify a pool.
    pub annotations: Pairs,
    /// Whether the condition Ready is True.
    pub ready: bool,
    /// Whether it has a deletion timestamp or the autoscaler's taint.
    pub being_deleted: bool,
    /// The taints that keep pods away, `NoSchedule` and `NoExecute`: their keys and effects.
    pub taints: Pairs,
}

/// Key-value pairs, sorted by key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pairs(Box<[(Arc<str>, Arc<str>)]>);

impl Pairs {
    /// Returns the value of a key.
    pub fn get(&self, key: &str) -> Option<&str> {
        let index = self.0.binary_search_by(|(k, _)| (**k).cmp(key)).ok()?;
        Some(&self.0[index].1)
    }

    /// Returns all pairs, sorted by key.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(k, v)| (&**k, &**v))
    }
}

/// Strings that nodes share, so that 100,000 nodes hold one copy of `kubernetes.io/os`.
#[derive(Debug, Default)]
pub struct Strings(HashSet<Arc<str>>);

impl Strings {
    fn shared(&mut self, text: &str) -> Arc<str> {
        if let Some(known) = self.0.get(text) {
            return Arc::clone(known);
        }
        let new: Arc<str> = text.into();
        self.0.insert(Arc::clone(&new));
        new
    }

    fn pairs<'a>(&mut self, pairs: impl Iterator<Item = (&'a str, &'a str)>) -> Pairs {
        let mut shared: Vec<_> = pairs.map(|(k, v)| (self.shared(k), self.shared(v))).collect();
        shared.sort_unstable();
        Pairs(shared.into())
    }
}

/// A Node as in the output of the API server or `kubectl get -o json`; other fields are skipped.
#[derive(Debug, Deserialize)]
pub struct RawNode {
    /// Set in the items of a List, but not of a NodeList.
    #[serde(default)]
    pub(crate) kind: Option<Box<str>>,
    metadata: RawMeta,
    #[serde(default)]
    spec: Option<RawSpec>,
    #[serde(default)]
    status: Option<RawStatus>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawMeta {
    name: Box<str>,
    #[serde(default)]
    labels: Option<BTreeMap<String, String>>,
    #[serde(default)]
    annotations: Option<BTreeMap<String, String>>,
    #[serde(default)]
    deletion_timestamp: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawSpec {
    #[serde(default, rename = "providerID")]
    provider_id: Option<Box<str>>,
    #[serde(default)]
    taints: Option<Vec<RawTaint>>,
}

#[derive(Debug, Deserialize)]
struct RawTaint {
    key: String,
    #[serde(default)]
    effect: Option<String>,
}

#[derive(Debug, Deserialize)]
struct RawStatus {
    #[serde(default)]
    conditions: Option<Vec<RawCondition>>,
}

#[derive(Debug, Deserialize)]
struct RawCondition {
    r#type: String,
    status: String,
}

impl RawNode {
    /// Keeps the fields that this program uses and drops the rest.
    pub fn keep(self, strings: &mut Strings) -> Node {
        let spec = self.spec.unwrap_or_default();
        let labels = self.metadata.labels.unwrap_or_default();
        let annotations = self.metadata.annotations.unwrap_or_default();
        let conditions = self.status.and_then(|status| status.conditions).unwrap_or_default();
        let taints = spec.taints.unwrap_or_default();
        let keeps_pods_away =
            |taint: &RawTaint| matches!(taint.effect.as_deref(), Some("NoSchedule" | "NoExecute"));
        Node {
            name: self.metadata.name,
            provider_id: spec.provider_id.unwrap_or_default(),
            labels: strings.pairs(labels.iter().map(|(k, v)| (&**k, &**v))),
            annotations: strings.pairs(
                annotations
                    .iter()
                    .filter(|(k, _)| KEPT_ANNOTATIONS.contains(&k.as_str()))
                    .map(|(k, v)| (&**k, &**v)),
            ),
            ready: conditions.iter().any(|c| c.r#type == "Ready" && c.status == "True"),
            being_deleted: self.metadata.deletion_timestamp.is_some()
                || taints.iter().any(|t| t.key == TO_BE_DELETED_TAINT),
            taints: strings.pairs(
                taints
                    .iter()
                    .filter(|taint| keeps_pods_away(taint))
                    .map(|taint| (&*taint.key, taint.effect.as_deref().unwrap_or_default())),
            ),
        }
    }
}

impl Node {
    /// Returns whether it is a control-plane node, by any of the three labels that installers have used
    /// (cloud-provider-azure `isControlPlaneNode`).
    pub fn is_control_plane(&self) -> bool {
        self.labels.get("node-role.kubernetes.io/control-plane").is_some()
            || self.labels.get("node-role.kubernetes.io/master").is_some()
            || self.labels.get("kubernetes.io/role") == Some("master")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(json: &str) -> Node {
        serde_json::from_str::<RawNode>(json).unwrap().keep(&mut Strings::default())
    }

    #[test]
    fn unused_fields_are_dropped() {
        let node = node(
            r#"{"apiVersion":"v1","kind":"Node","metadata":{"name":"a","uid":"x","labels":{"b":"2","a":"1"},
            "annotations":{"volumes":"many","cluster.x-k8s.io/cluster-name":"c"}},
            "spec":{"providerID":"azure://x","podCIDR":"10.0.0.0/24"},
            "status":{"conditions":[{"type":"Ready","status":"True"}],"images":[{}]}}"#,
        );
        assert_eq!(node.labels.iter().collect::<Vec<_>>(), [("a", "1"), ("b", "2")]);
        assert_eq!(node.labels.get("b"), Some("2"));
        assert_eq!(node.labels.get("c"), None);
        assert_eq!(node.annotations.iter().collect::<Vec<_>>(), [("cluster.x-k8s.io/cluster-name", "c")]);
        assert_eq!(&*node.provider_id, "azure://x");
        assert!(node.ready && !node.being_deleted && !node.is_control_plane());
    }

    #[test]
    fn null_fields_equal_missing_fields() {
        let bare = node(r#"{"metadata":{"name":"a"}}"#);
        let nulls = node(
            r#"{"metadata":{"name":"a","labels":null},"spec":{"taints":null},"status":{"conditions":null}}"#,
        );
        assert_eq!(bare, nulls);
        assert!(!bare.ready);
    }

    #[test]
    fn three_labels_mark_a_control_plane_node() {
        for label in [
            r#""node-role.kubernetes.io/control-plane":"""#,
            r#""node-role.kubernetes.io/master":"true""#,
            r#""kubernetes.io/role":"master""#,
        ] {
            assert!(
                node(&format!(r#"{{"metadata":{{"name":"a","labels":{{{label}}}}}}}"#)).is_control_plane(),
                "{label}"
            );
        }
        assert!(
            !node(r#"{"metadata":{"name":"a","labels":{"kubernetes.io/role":"agent"}}}"#).is_control_plane()
        );
    }

    #[test]
    fn taints_that_keep_pods_away() {
        let node = node(
            r#"{"metadata":{"name":"a"},"spec":{"taints":[{"key":"b","effect":"NoExecute"},{"key":"a","effect":"NoSchedule"},
            {"key":"c","effect":"PreferNoSchedule"},{"key":"d"}]}}"#,
        );
        assert_eq!(node.taints.iter().collect::<Vec<_>>(), [("a", "NoSchedule"), ("b", "NoExecute")]);
    }

    #[test]
    fn nodes_that_are_being_deleted() {
        assert!(
            node(r#"{"metadata":{"name":"a","deletionTimestamp":"2026-01-01T00:00:00Z"}}"#).being_deleted
        );
        assert!(node(r#"{"metadata":{"name":"a"},"spec":{"taints":[{"key":"ToBeDeletedByClusterAutoscaler","effect":"NoSchedule"}]}}"#).being_deleted);
    }
}
