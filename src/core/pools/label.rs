//! Which node label tells the pool.

use std::collections::BTreeMap;

use crate::core::diagnostic::Diagnostic;
use crate::core::node::Node;
use crate::core::platform::{Distribution, LabelChanges, Platform, distributions};
use crate::core::plural::plural;

/// How many labels a message suggests.
const NAMED: usize = 5;

/// The first label of the platform's list that nodes carry, if the others do not contradict it.
pub(super) fn choose_label(workers: &[&Node], platform: &Platform) -> Result<String, Diagnostic> {
    let labels = platform.pool_labels();
    let carries = |node: &Node, label: &str| node.labels.get(label).is_some_and(|value| !value.is_empty());
    let Some(first) = labels.iter().find(|label| workers.iter().any(|node| carries(node, label))) else {
        let nodes: Vec<Node> = workers.iter().map(|node| (*node).clone()).collect();
        let problem = format!("no node has a pool label that {} knows", platform.name);
        return Err(no_label(&problem, &nodes, platform));
    };
    for other in labels.iter().filter(|label| *label != first) {
        let only_other = workers.iter().find(|node| !carries(node, first) && carries(node, other));
        let why = match (only_other, split(workers, first, other)) {
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

/// Two nodes that one of the labels puts into one pool and the other into two. A pool's name and its ID do not.
fn split<'a>(workers: &[&'a Node], first: &str, other: &str) -> Option<(&'a Node, &'a Node)> {
    let value = |node: &'a Node, label: &str| node.labels.get(label).filter(|value| !value.is_empty());
    let mut by_first: BTreeMap<&str, (&str, &Node)> = BTreeMap::new();
    let mut by_other: BTreeMap<&str, (&str, &Node)> = BTreeMap::new();
    for node in workers.iter().copied() {
        let (Some(a), Some(b)) = (value(node, first), value(node, other)) else { continue };
        for (known, one, two) in [(&mut by_first, a, b), (&mut by_other, b, a)] {
            let (seen, with) = *known.entry(one).or_insert((two, node));
            if seen != two {
                return Some((with, node));
            }
        }
    }
    None
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
