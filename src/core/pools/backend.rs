//! Which nodes are not backends of any load balancer, and why.

use std::collections::{BTreeMap, BTreeSet};

use crate::core::kubernetes::node::Node;
use crate::core::platform::{ExcludeLabel, Level, NotBackend, Platform, ProviderIds};
use crate::core::report::diagnostic::Diagnostic;
use crate::core::report::shell_quote;

/// The label of nodes that load balancers leave out: `LabelNodeExcludeBalancers` of kubernetes/api core/v1.
pub const EXCLUDE: &str = "node.kubernetes.io/exclude-from-external-load-balancers";

/// The number of names in a message; further ones are counted.
pub(super) const NAMED: usize = 5;

/// The reason for a control-plane node, if the platform never uses those.
pub(super) const CONTROL_PLANE: &str = "control-plane";

/// The reason for a node with the exclude label.
const EXCLUDED: &str = "excluded";

/// The reason for a node whose provider ID is not of the platform.
pub(super) const FOREIGN: &str = "of another cloud";

/// Reports nodes with the exclude label set to false, which not all platforms read alike.
pub(super) fn not_excluded(nodes: &[Node], platform: &Platform) -> Option<Diagnostic> {
    let mut names = Names::default();
    nodes
        .iter()
        .filter(|node| node.labels.get(EXCLUDE).is_some_and(is_false))
        .for_each(|node| names.add(&node.name));
    let text = names.text()?;
    let problem = match platform.spec.exclude_label {
        ExcludeLabel::Presence => Diagnostic::error(format!(
            "{text} labeled {EXCLUDE}=false, but platform {} leaves out every node with this label, whatever its value",
            platform.name
        )),
        ExcludeLabel::Value => Diagnostic::warning(format!(
            "{text} labeled {EXCLUDE}=false, but Kubernetes before 1.34 excludes them all the same"
        )),
        ExcludeLabel::Ignored => return None,
    };
    let values = nodes.iter().filter_map(|node| node.labels.get(EXCLUDE));
    let values: BTreeSet<&str> = values.map(AsRef::as_ref).filter(|value| is_false(value)).collect();
    let values = values.into_iter().collect::<Vec<_>>().join(",");
    Some(
        problem
            .hint(format!("remove the label: `kubectl label nodes -l '{EXCLUDE} in ({values})' {EXCLUDE}-`")),
    )
}

/// Whether Go's strconv.ParseBool parses a value as false.
fn is_false(value: &str) -> bool {
    matches!(value, "false" | "False" | "FALSE" | "f" | "F" | "0")
}

/// Whether a node is excluded whose exclude label has this value.
pub(super) fn excludes(value: &str, platform: &Platform) -> bool {
    match platform.spec.exclude_label {
        ExcludeLabel::Presence => true,
        // A value that is not a boolean excludes.
        ExcludeLabel::Value => !is_false(value),
        ExcludeLabel::Ignored => false,
    }
}

/// Returns the reason why a node is not a backend of any load balancer of the platform; `None` if it may be one.
pub fn no_backend<'a>(node: &Node, platform: &'a Platform, known: &ProviderIds<'_>) -> Option<&'a str> {
    if !platform.spec.takes_control_plane() && node.is_control_plane() {
        return Some(CONTROL_PLANE);
    }
    if node.being_deleted {
        return Some("being deleted");
    }
    if node.labels.get(EXCLUDE).is_some_and(|value| excludes(value, platform)) {
        return Some(EXCLUDED);
    }
    let left_out = |rule: &&NotBackend| rule.leaves_out(node);
    if let Some(rule) = platform.spec.not_backends.iter().find(left_out) {
        return Some(&rule.because);
    }
    let foreign = !node.provider_id.is_empty() && !known.is_unknown() && !known.has(&node.provider_id);
    foreign.then_some(FOREIGN)
}

/// Returns what a user can do about nodes of pools, by their label, that are left out for this reason.
pub(super) fn hint_for(because: &str, label: &str, pools: &[&str]) -> Option<String> {
    match because {
        CONTROL_PLANE => Some(
            "this platform leaves out control-plane nodes (see docs/platforms.md); set the pool label on other nodes"
                .to_owned(),
        ),
        EXCLUDED => {
            let of_pools = match pools {
                [one] => format!("{label}={one}"),
                several => format!("{label} in ({})", several.join(",")),
            };
            let selector = shell_quote::word(&format!("{of_pools},{EXCLUDE}"));
            Some(format!("to include the nodes: `kubectl label nodes -l {selector} {EXCLUDE}-`"))
        }
        _ => None,
    }
}

/// Reports a node of another platform that looks like one of this platform.
pub(super) fn lookalike(nodes: &[Node], platform: &Platform) -> Option<Diagnostic> {
    let rejects = &platform.spec.recognize.rejects;
    // The first rule that matches a node: the file lists the more certain ones first.
    rejects.iter().find_map(|rule| {
        let why = rule.found_in(nodes)?;
        Some(Diagnostic::error(why).hint(rule.hint.clone()))
    })
}

/// Whether the platform refuses a node in a pool.
pub(super) fn is_unfit(node: &Node, platform: &Platform) -> bool {
    platform.spec.refuses_nodes.iter().any(|rule| rule.found_in(node).is_some())
}

/// Reports nodes of a pool whose provider ID is not of the platform.
pub(super) fn foreign(names: &Names, platform: &Platform, known: &ProviderIds<'_>) -> Option<Diagnostic> {
    Some(Diagnostic::warning(format!(
        "{} not used as a backend: the provider ID does not belong to platform {} ({known})",
        names.text()?,
        platform.name
    )))
}

/// Reports nodes of a pool that break its load balancer, or get no traffic.
pub(super) fn unfit(nodes: &[&Node], platform: &Platform) -> Vec<Diagnostic> {
    let mut problems = Vec::new();
    for rule in &platform.spec.refuses_nodes {
        let mut by_sign: BTreeMap<String, Names> = BTreeMap::new();
        for node in nodes {
            if let Some(sign) = rule.found_in(node) {
                by_sign.entry(sign).or_default().add(&node.name);
            }
        }
        for (sign, names) in by_sign {
            let Some(text) = names.having() else { continue };
            let message = format!("{text} {sign}, {}", rule.because);
            let problem = match rule.level {
                Level::Error => Diagnostic::error(message),
                Level::Warning => Diagnostic::warning(message),
            };
            problems.push(problem.hint(rule.hint.replace("kubectl label node NAME", &names.label_command())));
        }
    }
    problems
}

/// Collects names for a message: the first few, and the number of all.
#[derive(Default)]
pub(super) struct Names {
    first: Vec<String>,
    count: usize,
}

impl Names {
    pub(super) fn add(&mut self, name: &str) {
        self.count += 1;
        if self.first.len() < NAMED {
            self.first.push(name.to_owned());
        }
    }

    /// Returns the beginning of a command that labels the nodes; of many nodes, it names the first.
    pub(super) fn label_command(&self) -> String {
        let names: Vec<String> = self.first.iter().map(|name| shell_quote::word(name)).collect();
        let nodes = if self.count == 1 { "node" } else { "nodes" };
        format!("kubectl label {nodes} {}", names.join(" "))
    }

    /// Returns how many nodes a command does not name.
    pub(super) fn unnamed(&self) -> String {
        match self.count.saturating_sub(self.first.len()) {
            0 => String::new(),
            1 => " (and 1 more node)".to_owned(),
            more => format!(" (and {more} more nodes)"),
        }
    }

    /// Returns the subject of a sentence and its verb: `node a has`, `2 nodes (a, b) have`.
    fn having(&self) -> Option<String> {
        let text = self.text()?;
        let (subject, verb) = text.rsplit_once(' ')?;
        Some(format!("{subject} {}", if verb == "is" { "has" } else { "have" }))
    }

    /// Returns the subject of a sentence and its verb: `node a is`, `2 nodes (a, b) are`.
    pub(super) fn text(&self) -> Option<String> {
        let more = self.count.saturating_sub(self.first.len());
        match self.count {
            0 => None,
            1 => Some(format!("node {} is", self.first[0])),
            _ if more == 0 => Some(format!("{} nodes ({}) are", self.count, self.first.join(", "))),
            _ => Some(format!("{} nodes ({} and {more} more) are", self.count, self.first.join(", "))),
        }
    }
}
