//! What the nodes say: which label tells the pool, and who is in each.

use std::collections::{BTreeMap, BTreeSet};

use crate::core::diagnostic::{Checked, Diagnostic};
use crate::core::names;
use crate::core::nearest::did_you_mean;
use crate::core::node::Node;
use crate::core::platform::{
    Derived, Distribution, ExcludeLabel, LabelChanges, Platform, ProviderIds, VmSetFinder, distributions,
};
use crate::core::plural::plural;

/// `LabelNodeExcludeBalancers` of kubernetes/api core/v1.
const EXCLUDE: &str = "node.kubernetes.io/exclude-from-external-load-balancers";

/// How many names a message lists before it counts the rest.
const NAMED: usize = 5;

/// The pools among the nodes of a cluster.
#[derive(Clone, Debug, Default)]
pub struct Survey {
    /// The node label whose value is the pool.
    pub label: String,
    /// By the value of the label.
    pub pools: BTreeMap<String, Observed>,
    /// What the user should know.
    pub warnings: Vec<Diagnostic>,
}

/// What was seen of one pool.
#[derive(Clone, Debug, Default)]
pub struct Observed {
    /// Nodes that its load balancer may use.
    pub backends: usize,
    /// Those of them that are Ready.
    pub ready: usize,
    /// Nodes that no load balancer uses, by why.
    pub left_out: BTreeMap<String, usize>,
    /// The VM sets of its nodes and how many nodes are in each.
    pub vm_sets: BTreeMap<String, usize>,
    /// The titles of rules that nobody has verified, where they were used.
    pub unverified: BTreeSet<String>,
    /// A node whose name says another pool, and which.
    pub other_pool: Option<(String, String)>,
    /// A node whose VM set is not known.
    pub unknown_vm_set: Option<String>,
}

/// Finds the pools. `label` is the user's choice, `locked` the label of the lock: it stays until the user says otherwise.
pub fn survey(
    nodes: &[Node],
    platform: &Platform,
    label: Option<&str>,
    locked: Option<&str>,
) -> Checked<Survey> {
    if nodes.is_empty() {
        return Err(Diagnostic::refusal("there are no nodes")
            .hint("an empty list is not believed; check the context (--context) or the file")
            .into());
    }
    let workers: Vec<&Node> = nodes.iter().filter(|node| !node.is_control_plane()).collect();
    if workers.is_empty() {
        return Err(Diagnostic::error(format!(
            "no node but control-plane nodes ({}), and no load balancer uses those",
            nodes.len()
        ))
        .into());
    }
    let label = match label.or(locked) {
        Some(label) => label.to_owned(),
        None => choose_label(&workers, platform)?,
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
    let mut survey = Survey { label, ..Survey::default() };
    survey.warnings.extend(late(&survey.label, platform));
    let finder = VmSetFinder::new(platform, nodes);
    let known = platform.spec.recognise.provider_ids();
    let mut unlabelled = Names::default();
    let mut foreign = Names::default();
    let mut problems = Vec::new();
    for node in workers {
        let Some(value) = node.labels.get(&survey.label).filter(|value| !value.is_empty()) else {
            unlabelled.add(&node.name);
            continue;
        };
        if let Err(message) =
            names::check_label_value(&format!("node {}: the label `{}`", node.name, survey.label), value)
        {
            problems.push(Diagnostic::error(message));
            continue;
        }
        if !survey.pools.contains_key(value) {
            survey.pools.insert(value.to_owned(), Observed::default());
        }
        let Some(pool) = survey.pools.get_mut(value) else { continue };
        if let Some(because) = no_backend(node, platform, &known) {
            if because == FOREIGN {
                foreign.add(&node.name);
            }
            *pool.left_out.entry(because.to_owned()).or_default() += 1;
            continue;
        }
        pool.see(node, finder.find(node, value));
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    if survey.pools.is_empty() {
        let problem = format!("no node has the pool label `{}`", survey.label);
        return Err(no_label(&problem, nodes, platform).into());
    }
    if let Some(text) = unlabelled.text() {
        survey.warnings.push(
            Diagnostic::warning(format!(
                "{text} without the pool label `{}`: in no pool, behind no load balancer",
                survey.label
            ))
            .hint(format!("kubectl label node NAME {}=POOL", survey.label)),
        );
    }
    if let Some(text) = foreign.text() {
        survey.warnings.push(Diagnostic::warning(format!(
            "{text} with a provider ID that is not of platform {} ({}): no backends",
            platform.name, known
        )));
    }
    Ok(survey)
}

const FOREIGN: &str = "of another cloud";

impl Observed {
    fn see(&mut self, node: &Node, derived: Derived) {
        self.backends += 1;
        self.ready += usize::from(node.ready);
        match derived {
            Derived::Set { name, unverified } => {
                self.unverified.extend(unverified);
                match self.vm_sets.get_mut(&name) {
                    Some(count) => *count += 1,
                    None => {
                        self.vm_sets.insert(name, 1);
                    }
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

/// A label that nodes get after they have joined, on a platform whose controller does not see that.
fn late(label: &str, platform: &Platform) -> Option<Diagnostic> {
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

/// Why a node is no backend of any load balancer.
fn no_backend<'a>(node: &Node, platform: &'a Platform, known: &ProviderIds<'_>) -> Option<&'a str> {
    if node.being_deleted {
        return Some("being deleted");
    }
    if let Some(value) = node.labels.get(EXCLUDE) {
        // Go's strconv.ParseBool: these are false, anything that is no boolean excludes.
        let included = matches!(value, "false" | "False" | "FALSE" | "f" | "F" | "0");
        if platform.spec.exclude_label == ExcludeLabel::Presence || !included {
            return Some("excluded");
        }
    }
    let labelled = platform.spec.not_backends.iter().find(|rule| {
        node.labels
            .get(&rule.label)
            .is_some_and(|found| rule.value.as_deref().is_none_or(|value| value == found))
    });
    if let Some(rule) = labelled {
        return Some(&rule.because);
    }
    let foreign = !node.provider_id.is_empty() && !known.is_unknown() && !known.has(&node.provider_id);
    foreign.then_some(FOREIGN)
}

/// The first label of the platform's list that nodes carry, if the others do not contradict it.
fn choose_label(workers: &[&Node], platform: &Platform) -> Result<String, Diagnostic> {
    let labels = platform.pool_labels();
    let carries = |node: &Node, label: &str| node.labels.get(label).is_some_and(|value| !value.is_empty());
    let Some(first) = labels.iter().find(|label| workers.iter().any(|node| carries(node, label))) else {
        let nodes: Vec<Node> = workers.iter().map(|node| (*node).clone()).collect();
        let problem = format!("no node has a pool label that {} knows", platform.name);
        return Err(no_label(&problem, &nodes, platform));
    };
    for other in labels.iter().filter(|label| *label != first) {
        let only_other = workers.iter().find(|node| !carries(node, first) && carries(node, other));
        let differs = workers.iter().find(|node| {
            carries(node, first) && carries(node, other) && node.labels.get(first) != node.labels.get(other)
        });
        let why = match (only_other, differs) {
            (Some(node), _) => format!("node {} has only `{other}`", node.name),
            (None, Some(node)) => format!("node {} has two different values", node.name),
            (None, None) => continue,
        };
        return Err(Diagnostic::error(format!("the pool label could be `{first}` or `{other}`: {why}"))
            .hint(format!("choose: `spec.pools.label: {first}` or `spec.pools.label: {other}` (--label)")));
    }
    Ok((*first).to_owned())
}

fn no_label(problem: &str, nodes: &[Node], platform: &Platform) -> Diagnostic {
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

/// Names for a message: the first few, and how many there are.
#[derive(Default)]
struct Names {
    first: Vec<String>,
    count: usize,
}

impl Names {
    fn add(&mut self, name: &str) {
        self.count += 1;
        if self.first.len() < NAMED {
            self.first.push(name.to_owned());
        }
    }

    fn text(&self) -> Option<String> {
        let more = self.count.saturating_sub(self.first.len());
        match self.count {
            0 => None,
            1 => Some(format!("node {} is", self.first[0])),
            _ if more == 0 => Some(format!("{} nodes are ({})", self.count, self.first.join(", "))),
            _ => Some(format!("{} nodes are ({} and {more} more)", self.count, self.first.join(", "))),
        }
    }
}
