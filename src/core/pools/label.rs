//! Chooses the node label that identifies the pool.

use std::collections::BTreeMap;

use crate::core::kubernetes::node::Node;
use crate::core::platform::{Distribution, LabelChanges, Platform, distributions};
use crate::core::report::diagnostic::Diagnostic;
use crate::core::report::plural::plural;
use crate::core::yaml;

/// The number of labels that a message suggests.
const NAMED: usize = 5;

/// Returns the first label of the platform's list that nodes have, if no other label contradicts it. Labels of workers come
/// first: control-plane nodes often have labels of the installer that workers do not have.
pub(super) fn choose_label(candidates: &[&Node], platform: &Platform) -> Result<String, Diagnostic> {
    let labels = platform.pool_labels();
    let carries = |node: &Node, label: &str| value(node, label).is_some();
    let mut workers = candidates.to_vec();
    workers.retain(|node| !node.is_control_plane());
    if !labels.iter().any(|label| workers.iter().any(|node| carries(node, label))) {
        workers = candidates.to_vec();
    }
    let workers = workers.as_slice();
    let Some(first) = labels.iter().find(|label| workers.iter().any(|node| carries(node, label))) else {
        let nodes: Vec<Node> = workers.iter().map(|node| (*node).clone()).collect();
        let problem = format!("no node has a known pool label of platform {}", platform.name);
        return Err(no_label(&problem, &nodes, platform));
    };
    for other in labels.iter().filter(|label| *label != first) {
        let only_other = workers.iter().find(|node| !carries(node, first) && carries(node, other));
        let why = match (only_other, split(workers, &|node| value(node, first), &|node| value(node, other))) {
            (Some(node), _) => format!("node {} has only `{other}`", node.name),
            (None, Some((a, b))) => {
                format!(
                    "nodes {} and {} have the same value of one label and different values of the other",
                    a.name, b.name
                )
            }
            (None, None) => continue,
        };
        return Err(Diagnostic::error(format!("the pool label is ambiguous, `{first}` or `{other}`: {why}"))
            .hint(format!(
                "choose one: `spec.pools.label: {first}` or `spec.pools.label: {other}` (--label)"
            )));
    }
    Ok((*first).to_owned())
}

fn value<'a>(node: &'a Node, label: &str) -> Option<&'a str> {
    node.labels.get(label).filter(|value| !value.is_empty())
}

/// Returns what identifies the pool of a node.
type PoolOf<'a> = &'a dyn for<'n> Fn(&'n Node) -> Option<&'n str>;

/// Returns two nodes that one function puts into the same pool and the other into different pools. A pool's name and its ID
/// always agree.
fn split<'a>(workers: &[&'a Node], first: PoolOf<'_>, other: PoolOf<'_>) -> Option<(&'a Node, &'a Node)> {
    let mut by_first: BTreeMap<&str, (&str, &Node)> = BTreeMap::new();
    let mut by_other: BTreeMap<&str, (&str, &Node)> = BTreeMap::new();
    for node in workers.iter().copied() {
        let (Some(a), Some(b)) = (first(node), other(node)) else { continue };
        for (known, one, two) in [(&mut by_first, a, b), (&mut by_other, b, a)] {
            let (seen, with) = *known.entry(one).or_insert((two, node));
            if seen != two {
                return Some((with, node));
            }
        }
    }
    None
}

/// Reports pools that differ from the node pools of the cloud, if an annotation of the nodes names those.
pub(super) fn not_the_clouds(workers: &[&Node], label: &str, platform: &Platform) -> Option<Diagnostic> {
    let annotation = platform.spec.pool_annotation.as_ref()?;
    let (a, b) = split(workers, &|node| value(node, label), &|node| node.annotations.get(annotation))?;
    let (of_a, of_b) = (node_value(a, annotation), node_value(b, annotation));
    let text = if of_a == of_b {
        format!(
            "nodes {} and {} are in the same node pool ({of_a}) but have different values of `{label}`",
            a.name, b.name
        )
    } else {
        format!(
            "nodes {} and {} have the same value of `{label}` but are in different node pools ({of_a}, {of_b})",
            a.name, b.name
        )
    };
    Some(Diagnostic::warning(text).hint(format!(
        "set one value of `{label}` on all nodes of a node pool, and a different value for each node pool"
    )))
}

fn node_value<'a>(node: &'a Node, annotation: &str) -> &'a str {
    node.annotations.get(annotation).unwrap_or_default()
}

pub(super) fn no_label(problem: &str, nodes: &[Node], platform: &Platform) -> Diagnostic {
    let problem = Diagnostic::error(format!("{problem} (of {})", plural(nodes.len(), "node")));
    let labels = candidates(nodes);
    if labels.is_empty() {
        return problem.hint(format!(
            "label the nodes, or set `spec.pools.label` (--label); {} looks for {}, and for the labels of distributions (docs/platforms.md)",
            platform.name,
            platform.spec.pool_labels.join(", ")
        ));
    }
    problem.hint(format!(
        "set a label that groups these nodes into pools (or choose it with --label): {}",
        labels.iter().map(Candidate::field).collect::<Vec<_>>().join(", ")
    ))
}

/// Returns the error for a label that nodes have without a value, such as `node-role.kubernetes.io/worker`.
pub(super) fn no_value(problem: &str, with_value: &str, label: &str, nodes: &[Node]) -> Diagnostic {
    let others: Vec<String> =
        candidates(nodes).iter().filter(|other| other.key != label).map(Candidate::field).collect();
    let hint = if others.is_empty() {
        format!("{with_value}, or choose another label (`spec.pools.label`, --label)")
    } else {
        format!("{with_value}, or set another label (or choose it with --label): {}", others.join(", "))
    };
    Diagnostic::error(problem.to_owned()).hint(hint)
}

/// A label that may name the pools.
struct Candidate<'a> {
    key: &'a str,
    values: usize,
}

impl Candidate<'_> {
    /// Returns the field that chooses the label.
    fn field(&self) -> String {
        format!("`spec.pools.label: {}` ({} values)", yaml::write_scalar(self.key), self.values)
    }
}

/// Lists labels that group the nodes into more than one group and fewer groups than nodes; labels named like a pool first.
fn candidates(nodes: &[Node]) -> Vec<Candidate<'_>> {
    let mut values: BTreeMap<&str, BTreeMap<&str, usize>> = BTreeMap::new();
    let labels = nodes.iter().flat_map(|node| node.labels.iter());
    for (key, value) in labels.filter(|(_, value)| !value.is_empty()) {
        *values.entry(key).or_default().entry(value).or_default() += 1;
    }
    let mut keys: Vec<&str> = values
        .iter()
        .filter(|(key, groups)| {
            let carriers: usize = groups.values().sum();
            groups.len() > 1
                && groups.len() < carriers
                && !key.starts_with("topology.")
                && !key.starts_with("failure-domain.")
        })
        .map(|(key, _)| *key)
        .collect();
    keys.sort_by_key(|key| (!key.contains("pool") && !key.contains("group"), *key));
    keys.into_iter().take(NAMED).map(|key| Candidate { key, values: values[key].len() }).collect()
}

/// Reports a label that nodes get after they have joined, on a platform whose controller ignores label changes.
pub(super) fn late(label: &str, platform: &Platform) -> Option<Diagnostic> {
    if platform.spec.label_changes == LabelChanges::Followed {
        return None;
    }
    let has = |distribution: &&Distribution| distribution.pool_labels.iter().any(|own| own == label);
    let late = distributions().iter().find(has)?.late.as_ref()?;
    Some(
        Diagnostic::warning(format!("`{label}`: {late}, and the service controller ignores label changes"))
            .hint("a new node may be missing from its load balancer until another node is added or removed, or an annotation of the Service changes"),
    )
}
