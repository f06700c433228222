//! Discovers the pools from the nodes: the label that identifies a pool, and the nodes of each.

use std::collections::{BTreeMap, BTreeSet};

use crate::core::kubernetes::names;
use crate::core::kubernetes::node::Node;
use crate::core::platform::{Derived, Platform, VmSetFinder};
use crate::core::pools::backend::{
    CONTROL_PLANE, FOREIGN, NAMED, Names, foreign, is_unfit, lookalike, no_backend, not_excluded, unfit,
};
use crate::core::pools::label::{choose_label, late, no_label, no_value, not_the_clouds};
use crate::core::pools::wrong_platform::wrong_platform;
use crate::core::report::diagnostic::{Checked, Diagnostic};
use crate::core::report::suggest::did_you_mean;

/// The pools of a cluster, as discovered from its nodes.
#[derive(Clone, Debug, Default)]
pub struct Discovered {
    /// The node label whose value identifies the pool.
    pub label: String,
    /// The pools by the value of the label.
    pub pools: BTreeMap<String, Observed>,
    /// The objects that make the nodes of a pool, by the value of the label. Such a pool may have no nodes yet.
    pub owners: BTreeMap<String, BTreeSet<String>>,
    /// The nodes of the cluster, including those in no pool.
    pub nodes: NodeCount,
    /// Findings for the user; if one is an error, nothing is rendered.
    pub warnings: Vec<Diagnostic>,
}

/// The number of nodes in a cluster.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NodeCount {
    /// All nodes, including control-plane nodes.
    pub all: usize,
    /// Nodes that a load balancer may use, in any pool.
    pub backends: usize,
}

/// The observed state of a pool.
#[derive(Clone, Debug, Default)]
pub struct Observed {
    /// Nodes that its load balancer may use.
    pub backends: usize,
    /// Backends that are Ready.
    pub ready: usize,
    /// Backends that are control-plane nodes.
    pub control_plane: usize,
    /// Nodes that no load balancer uses, by reason.
    pub left_out: BTreeMap<String, usize>,
    /// One of its backends.
    pub example: Option<Box<str>>,
    /// The backends in each VM set that does not contradict the pool label.
    pub vm_sets: BTreeMap<String, VmSetNodes>,
    /// The backends whose names contain another pool than their label, by the VM set of that pool.
    pub other_pools: BTreeMap<String, VmSetNodes>,
    /// A node whose VM set is unknown.
    pub unknown_vm_set: Option<String>,
}

/// Backends of a pool in the same VM set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VmSetNodes {
    /// Their number.
    pub count: usize,
    /// Those that are Ready.
    pub ready: usize,
    /// Those that are control-plane nodes.
    pub control_plane: usize,
    /// The names of the first of them.
    pub names: Vec<Box<str>>,
    /// The index of the rule that named the VM set.
    pub rule: usize,
    /// The title of the rule if it has not been verified.
    pub unverified: Option<String>,
    /// The pool that their names contain, if it is another one than their label.
    pub named: Option<String>,
}

/// What to do if no node is in a pool.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum WithoutPools {
    Refuse,
    Accept,
}

/// Discovers the pools. `label` is the user's choice. `locked` is the label in the lock, which is kept until the user
/// chooses another.
pub fn discover_pools(
    nodes: &[Node],
    platform: &Platform,
    label: Option<&str>,
    locked: Option<&str>,
) -> Checked<Discovered> {
    discover(nodes, platform, (label, locked), WithoutPools::Refuse)
}

/// Discovers the pools; accepts that no node is in a pool, if the caller knows other pools.
pub(super) fn discover(
    nodes: &[Node],
    platform: &Platform,
    (label, locked): (Option<&str>, Option<&str>),
    without_pools: WithoutPools,
) -> Checked<Discovered> {
    let candidates = candidates(nodes, platform)?;
    let label = match label.or(locked) {
        Some(label) => label.to_owned(),
        None => choose_label(&candidates, platform)?,
    };
    if let Some(only) = platform.spec.only_labels.as_ref().filter(|only| !only.labels.contains(&label)) {
        let near = did_you_mean(&label, only.labels.iter().map(String::as_str));
        return Err(Diagnostic::error(format!(
            "platform {} cannot select nodes by `{label}`{near}: {}",
            platform.name, only.because
        ))
        .hint(format!("set `spec.pools.label` (--label) to one of: {}", only.labels.join(", ")))
        .into());
    }
    let mut discovered = Discovered { label, ..Discovered::default() };
    discovered.nodes.all = nodes.len();
    discovered.warnings.extend(late(&discovered.label, platform));
    discovered.warnings.extend(not_the_clouds(&candidates, &discovered.label, platform));
    let finder = VmSetFinder::new(platform, nodes);
    let known = platform.spec.recognize.provider_ids();
    let mut unlabeled = Names::default();
    let mut without_value = Names::default();
    let mut servers: Vec<&str> = Vec::new();
    let mut strangers = Names::default();
    let mut problems = Vec::new();
    let mut in_pools: Vec<&Node> = Vec::new();
    let takes_control_plane = platform.spec.takes_control_plane();
    for node in nodes {
        let left_out = no_backend(node, platform, &known);
        discovered.nodes.backends += usize::from(left_out.is_none());
        let Some(value) = node.labels.get(&discovered.label).filter(|value| !value.is_empty()) else {
            if !node.is_control_plane() && node.labels.get(&discovered.label).is_some() {
                without_value.add(&node.name);
            } else if !node.is_control_plane() {
                unlabeled.add(&node.name);
            } else if left_out.is_none() {
                servers.push(&node.name);
            }
            continue;
        };
        if let Err(message) =
            names::check_label_value(&format!("node {}: the label `{}`", node.name, discovered.label), value)
        {
            if left_out != Some(CONTROL_PLANE) {
                problems.push(Diagnostic::error(message));
            }
            continue;
        }
        if !discovered.pools.contains_key(value) {
            discovered.pools.insert(value.to_owned(), Observed::default());
        }
        let Some(pool) = discovered.pools.get_mut(value) else { continue };
        if let Some(because) = left_out {
            if because == FOREIGN {
                // If the platform refuses such a node, its controller takes it all the same.
                if is_unfit(node, platform) {
                    in_pools.push(node);
                } else {
                    strangers.add(&node.name);
                }
            }
            *pool.left_out.entry(because.to_owned()).or_default() += 1;
            continue;
        }
        in_pools.push(node);
        pool.see(node, finder.find(node, value), takes_control_plane);
    }
    discovered.warnings.extend(not_excluded(nodes, platform));
    discovered.warnings.extend(unfit(&in_pools, platform));
    if !problems.is_empty() {
        return Err(problems);
    }
    if discovered.pools.is_empty() && without_pools == WithoutPools::Refuse {
        return Err(no_pools(&discovered.label, &without_value, nodes, platform).into());
    }
    // Control-plane nodes are usually in no pool. A warning helps only if other control-plane nodes are in one.
    if discovered.pools.values().any(|pool| pool.control_plane > 0) {
        for name in servers {
            unlabeled.add(name);
        }
    }
    let of_labels = not_labeled(&discovered.label, &unlabeled, &without_value);
    discovered.warnings.extend(of_labels);
    discovered.warnings.extend(foreign(&strangers, platform, &known));
    Ok(discovered)
}

/// Returns the hint to set the value of a label that nodes have.
fn with_value(label: &str, names: &Names) -> String {
    format!("set the value: `{} {label}=POOL --overwrite`{}", names.label_command(), names.unnamed())
}

/// Returns the error for a label that names no pool.
fn no_pools(label: &str, without_value: &Names, nodes: &[Node], platform: &Platform) -> Diagnostic {
    let Some(text) = without_value.text() else {
        return no_label(&format!("no node has the pool label `{label}`"), nodes, platform);
    };
    let problem = format!("{text} labeled `{label}`, but without a value, which names no pool");
    no_value(&problem, &with_value(label, without_value), label, nodes)
}

/// Reports nodes in no pool, because they lack the label or its value.
fn not_labeled(label: &str, unlabeled: &Names, without_value: &Names) -> impl Iterator<Item = Diagnostic> {
    let effect = "in no pool and not used by any load balancer";
    let lack = unlabeled.text().map(|text| {
        Diagnostic::warning(format!("{text} without the pool label `{label}`: {effect}")).hint(format!(
            "set the label: `{} {label}=POOL`{}",
            unlabeled.label_command(),
            unlabeled.unnamed()
        ))
    });
    let empty = without_value.text().map(|text| {
        Diagnostic::warning(format!("{text} labeled `{label}`, but without a value: {effect}"))
            .hint(with_value(label, without_value))
    });
    lack.into_iter().chain(empty)
}

/// Returns the nodes that may be in a pool; on some platforms control-plane nodes never are.
///
/// # Errors
///
/// There are none, or the nodes are of another platform.
pub(super) fn candidates<'a>(nodes: &'a [Node], platform: &Platform) -> Checked<Vec<&'a Node>> {
    if nodes.is_empty() {
        return Err(Diagnostic::refusal("refusing an empty node list")
            .hint("check --context or the --nodes file")
            .into());
    }
    if let Some(problem) = lookalike(nodes, platform).or_else(|| wrong_platform(nodes, platform, None)) {
        return Err(problem.into());
    }
    let is_candidate = |node: &&Node| platform.spec.takes_control_plane() || !node.is_control_plane();
    let candidates: Vec<&Node> = nodes.iter().filter(is_candidate).collect();
    if !candidates.is_empty() {
        return Ok(candidates);
    }
    Err(Diagnostic::error(format!(
        "found only control-plane nodes ({}), which load balancers of platform {} do not use",
        nodes.len(),
        platform.name
    ))
    .hint("add worker nodes, or choose another platform (`spec.platform`, --platform)")
    .into())
}

impl Observed {
    pub(super) fn see(&mut self, node: &Node, derived: Derived, takes_control_plane: bool) {
        let is_control_plane = takes_control_plane && node.is_control_plane();
        self.backends += 1;
        self.ready += usize::from(node.ready);
        self.control_plane += usize::from(is_control_plane);
        self.example.get_or_insert_with(|| node.name.clone());
        let set = match derived {
            Derived::Set { name, rule, unverified } => {
                let new = || VmSetNodes { rule, unverified, ..VmSetNodes::default() };
                self.vm_sets.entry(name).or_insert_with(new)
            }
            Derived::OtherPool { named, set, rule } => {
                let new = || VmSetNodes { rule, named: Some(named), ..VmSetNodes::default() };
                self.other_pools.entry(set).or_insert_with(new)
            }
            Derived::Unknown => {
                self.unknown_vm_set.get_or_insert_with(|| node.name.to_string());
                return;
            }
        };
        set.count += 1;
        set.ready += usize::from(node.ready);
        set.control_plane += usize::from(is_control_plane);
        if set.names.len() < NAMED {
            set.names.push(node.name.clone());
        }
    }

    /// Returns the number of all nodes, backends or not.
    pub fn nodes(&self) -> usize {
        self.backends + self.left_out.values().sum::<usize>()
    }
}
