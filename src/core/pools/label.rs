//! Which node label tells the pool.

use std::collections::BTreeMap;

use crate::core::kubernetes::node::Node;
use crate::core::platform::{Distribution, LabelChanges, Platform, distributions};
use crate::core::report::diagnostic::Diagnostic;
use crate::core::report::plural::plural;

/// How many labels a message suggests.
const NAMED: usize = 5;

/// The first label of the platform's list that nodes carry, if the others do not contradict it. Where workers carry one, they
/// decide: control-plane nodes often have labels of their installer that workers do not have.
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
        let problem = format!("no node has a pool label that {} knows", platform.name);
        return Err(no_label(&problem, &nodes, platform));
    };
    for other in labels.iter().filter(|label| *label != first) {
        let only_other = workers.iter().find(|node| !carries(node, first) && carries(node, other));
        let why = match (only_other, split(workers, &|node| value(node, first), &|node| value(node, other))) {
            (Some(node), _) => format!("node {} has only `{other}`", node.name),
            (None, Some((a, b))) => {
                format!("nodes {} and {} are in one pool by the one and in two by the other", a.name, b.name)
            }
            (None, None) => continue,
        };
        return Err(Diagnostic::error(format!("the pool label could be `{first}` or `{other}`: {why}"))
            .hint(format!("choose: `spec.pools.label: {first}` or `spec.pools.label: {other}` (--label)")));
    }
    Ok((*first).to_owned())
}

fn value<'a>(node: &'a Node, label: &str) -> Option<&'a str> {
    node.labels.get(label).filter(|value| !value.is_empty())
}

/// What tells a node's pool.
type Teller<'a> = &'a dyn for<'n> Fn(&'n Node) -> Option<&'n str>;

/// Two nodes that the one puts into one pool and the other into two. A pool's name and its ID do not.
fn split<'a>(workers: &[&'a Node], first: Teller<'_>, other: Teller<'_>) -> Option<(&'a Node, &'a Node)> {
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

/// Pools of the label that are not the cloud's own, where an annotation of the nodes tells those.
pub(super) fn not_the_clouds(workers: &[&Node], label: &str, platform: &Platform) -> Option<Diagnostic> {
    let annotation = platform.spec.pool_annotation.as_ref()?;
    let (a, b) = split(workers, &|node| value(node, label), &|node| node.annotations.get(annotation))?;
    let (of_a, of_b) = (node_value(a, annotation), node_value(b, annotation));
    let text = if of_a == of_b {
        format!(
            "nodes {} and {} are in one node pool ({of_a}) and have two values of `{label}`",
            a.name, b.name
        )
    } else {
        format!(
            "nodes {} and {} have one value of `{label}` and are in two node pools ({of_a}, {of_b})",
            a.name, b.name
        )
    };
    Some(Diagnostic::warning(text).hint(format!(
        "give all nodes of a node pool the same value of `{label}`, and each node pool its own"
    )))
}

fn node_value<'a>(node: &'a Node, annotation: &str) -> &'a str {
    node.annotations.get(annotation).unwrap_or_default()
}

pub(super) fn no_label(problem: &str, nodes: &[Node], platform: &Platform) -> Diagnostic {
    let problem = Diagnostic::error(format!("{problem} (of {})", plural(nodes.len(), "node")));
    let hint = candidates(nodes);
    if hint.is_empty() {
        return problem.hint(format!(
            "label the nodes, or say `spec.pools.label` (--label); {} looks for {}, and for those of distributions (docs/platforms.md)",
            platform.name,
            platform.spec.pool_labels.join(", ")
        ));
    }
    problem.hint(format!(
        "labels that would make pools of these nodes: {}; choose one as `spec.pools.label` (--label)",
        hint.join(", ")
    ))
}

/// Labels that group the nodes into more than one and fewer than all, those with a pool's name in front.
fn candidates(nodes: &[Node]) -> Vec<String> {
    let mut values: BTreeMap<&str, BTreeMap<&str, usize>> = BTreeMap::new();
    for (key, value) in nodes.iter().flat_map(|node| node.labels.iter()) {
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
    keys.into_iter().take(NAMED).map(|key| format!("`{key}` ({} values)", values[key].len())).collect()
}

/// A label that nodes get after they have joined, on a platform whose controller does not see that.
pub(super) fn late(label: &str, platform: &Platform) -> Option<Diagnostic> {
    if platform.spec.label_changes == LabelChanges::Followed {
        return None;
    }
    let has = |distribution: &&Distribution| distribution.pool_labels.iter().any(|own| own == label);
    let late = distributions().iter().find(has)?.late.as_ref()?;
    Some(
        Diagnostic::warning(format!("`{label}`: {late}, and the service controller does not look at labels again"))
            .hint("a new node may stay out of its load balancer until another node comes or goes, or an annotation of the Service changes"),
    )
}
