//! What the nodes say: which label tells the pool, and who is in each.

use std::collections::{BTreeMap, BTreeSet};

use crate::core::kubernetes::names;
use crate::core::kubernetes::node::Node;
use crate::core::platform::{Derived, Platform, VmSetFinder};
use crate::core::pools::backend::{CONTROL_PLANE, FOREIGN, Names, lookalike, no_backend, not_excluded};
use crate::core::pools::label::{choose_label, late, no_label, not_the_clouds};
use crate::core::report::diagnostic::{Checked, Diagnostic};
use crate::core::report::suggest::did_you_mean;

/// The pools among the nodes of a cluster.
#[derive(Clone, Debug, Default)]
pub struct Discovered {
    /// The node label whose value is the pool.
    pub label: String,
    /// By the value of the label.
    pub pools: BTreeMap<String, Observed>,
    /// The nodes of the cluster, with those in no pool.
    pub nodes: NodeCount,
    /// What the user should know; an error among them forbids to render.
    pub warnings: Vec<Diagnostic>,
}

/// How many nodes a cluster has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NodeCount {
    /// All of them, control-plane nodes too.
    pub all: usize,
    /// Those that a load balancer may use, whatever their pool.
    pub backends: usize,
}

/// What was seen of one pool.
#[derive(Clone, Debug, Default)]
pub struct Observed {
    /// Nodes that its load balancer may use.
    pub backends: usize,
    /// Those of them that are Ready.
    pub ready: usize,
    /// Those of the backends that are control-plane nodes.
    pub control_plane: usize,
    /// Nodes that no load balancer uses, by why.
    pub left_out: BTreeMap<String, usize>,
    /// The VM sets of its nodes and how many nodes are in each.
    pub vm_sets: BTreeMap<String, usize>,
    /// The rule that named each VM set, by its place in the platform.
    pub rules: BTreeMap<String, usize>,
    /// The titles of rules that nobody has verified, where they were used.
    pub unverified: BTreeSet<String>,
    /// A node whose name says another pool, and which.
    pub other_pool: Option<(String, String)>,
    /// A node whose VM set is not known.
    pub unknown_vm_set: Option<String>,
}

/// Finds the pools. `label` is the user's choice, `locked` the label of the lock: it stays until the user says otherwise.
pub fn discover_pools(
    nodes: &[Node],
    platform: &Platform,
    label: Option<&str>,
    locked: Option<&str>,
) -> Checked<Discovered> {
    if nodes.is_empty() {
        return Err(Diagnostic::refusal("there are no nodes")
            .hint("an empty list is not believed; check the context (--context) or the file")
            .into());
    }
    if let Some(problem) = lookalike(nodes, platform) {
        return Err(problem.into());
    }
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
        .hint(format!("choose one of these as `spec.pools.label` (--label): {}", only.labels.join(", ")))
        .into());
    }
    let mut discovered = Discovered { label, ..Discovered::default() };
    discovered.nodes.all = nodes.len();
    discovered.warnings.extend(late(&discovered.label, platform));
    discovered.warnings.extend(not_the_clouds(&candidates, &discovered.label, platform));
    let finder = VmSetFinder::new(platform, nodes);
    let known = platform.spec.recognise.provider_ids();
    let mut unlabelled = Names::default();
    let mut servers: Vec<&str> = Vec::new();
    let mut foreign = Names::default();
    let mut problems = Vec::new();
    let takes_control_plane = platform.spec.takes_control_plane();
    for node in nodes {
        let left_out = no_backend(node, platform, &known);
        discovered.nodes.backends += usize::from(left_out.is_none());
        let Some(value) = node.labels.get(&discovered.label).filter(|value| !value.is_empty()) else {
            if !node.is_control_plane() {
                unlabelled.add(&node.name);
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
                foreign.add(&node.name);
            }
            *pool.left_out.entry(because.to_owned()).or_default() += 1;
            continue;
        }
        pool.see(node, finder.find(node, value));
        pool.control_plane += usize::from(takes_control_plane && node.is_control_plane());
    }
    discovered.warnings.extend(not_excluded(nodes, platform));
    if !problems.is_empty() {
        return Err(problems);
    }
    if discovered.pools.is_empty() {
        let problem = format!("no node has the pool label `{}`", discovered.label);
        return Err(no_label(&problem, nodes, platform).into());
    }
    // Control-plane nodes are in no pool as a rule, and it is worth a word only where others of them are.
    if discovered.pools.values().any(|pool| pool.control_plane > 0) {
        for name in servers {
            unlabelled.add(name);
        }
    }
    if let Some(text) = unlabelled.text() {
        discovered.warnings.push(
            Diagnostic::warning(format!(
                "{text} without the pool label `{}`: in no pool, behind no load balancer",
                discovered.label
            ))
            .hint(format!("kubectl label node NAME {}=POOL", discovered.label)),
        );
    }
    if let Some(text) = foreign.text() {
        discovered.warnings.push(Diagnostic::warning(format!(
            "{text} with a provider ID that is not of platform {} ({}): no backends",
            platform.name, known
        )));
    }
    Ok(discovered)
}

/// The nodes that may be in a pool: on some platforms control-plane nodes never are.
fn candidates<'a>(nodes: &'a [Node], platform: &Platform) -> Checked<Vec<&'a Node>> {
    let is_candidate = |node: &&Node| platform.spec.takes_control_plane() || !node.is_control_plane();
    let candidates: Vec<&Node> = nodes.iter().filter(is_candidate).collect();
    if !candidates.is_empty() {
        return Ok(candidates);
    }
    Err(Diagnostic::error(format!(
        "all nodes are control-plane nodes ({}), and platform {} leaves those out of its load balancers",
        nodes.len(),
        platform.name
    ))
    .hint("add worker nodes; or choose another platform (`spec.platform`, --platform)")
    .into())
}

impl Observed {
    fn see(&mut self, node: &Node, derived: Derived) {
        self.backends += 1;
        self.ready += usize::from(node.ready);
        match derived {
            Derived::Set { name, rule, unverified } => {
                self.unverified.extend(unverified);
                if let Some(count) = self.vm_sets.get_mut(&name) {
                    *count += 1;
                } else {
                    self.rules.insert(name.clone(), rule);
                    self.vm_sets.insert(name, 1);
                }
            }
            Derived::OtherPool { said } => {
                self.other_pool.get_or_insert_with(|| (node.name.to_string(), said));
            }
            Derived::Unknown => {
                self.unknown_vm_set.get_or_insert_with(|| node.name.to_string());
            }
        }
    }

    /// All nodes, backends or not.
    pub fn nodes(&self) -> usize {
        self.backends + self.left_out.values().sum::<usize>()
    }
}
