//! Which nodes are behind no load balancer, and why.

use crate::core::kubernetes::node::Node;
use crate::core::platform::{ExcludeLabel, NotBackend, Platform, ProviderIds};
use crate::core::report::diagnostic::Diagnostic;

/// `LabelNodeExcludeBalancers` of kubernetes/api core/v1.
const EXCLUDE: &str = "node.kubernetes.io/exclude-from-external-load-balancers";

/// How many names a message lists before it counts the rest.
const NAMED: usize = 5;

/// The word for a control-plane node, where the platform never uses those.
pub(super) const CONTROL_PLANE: &str = "control-plane";

/// The word for a node with the exclude label.
const EXCLUDED: &str = "excluded";

/// The word for a node whose provider ID is not of the platform.
pub(super) const FOREIGN: &str = "of another cloud";

/// Nodes that are labelled as not excluded, which does not mean the same everywhere.
pub(super) fn not_excluded(nodes: &[Node], platform: &Platform) -> Option<Diagnostic> {
    let mut names = Names::default();
    nodes
        .iter()
        .filter(|node| node.labels.get(EXCLUDE).is_some_and(is_false))
        .for_each(|node| names.add(&node.name));
    let text = names.text()?;
    let problem = match platform.spec.exclude_label {
        ExcludeLabel::Presence => Diagnostic::error(format!(
            "{text} labelled {EXCLUDE}=false, and platform {} leaves out every node that has the label, whatever its value",
            platform.name
        )),
        ExcludeLabel::Value => Diagnostic::warning(format!(
            "{text} labelled {EXCLUDE}=false, which Kubernetes before 1.34 takes for excluded"
        )),
        ExcludeLabel::Ignored => return None,
    };
    Some(problem.hint(format!("kubectl label node NAME {EXCLUDE}-")))
}

/// What Go's strconv.ParseBool takes for false.
fn is_false(value: &str) -> bool {
    matches!(value, "false" | "False" | "FALSE" | "f" | "F" | "0")
}

/// Why a node is not a backend of any load balancer of the platform; `None` if it may be one.
pub fn no_backend<'a>(node: &Node, platform: &'a Platform, known: &ProviderIds<'_>) -> Option<&'a str> {
    if !platform.spec.takes_control_plane() && node.is_control_plane() {
        return Some(CONTROL_PLANE);
    }
    if node.being_deleted {
        return Some("being deleted");
    }
    if let Some(value) = node.labels.get(EXCLUDE) {
        let is_excluded = match platform.spec.exclude_label {
            ExcludeLabel::Presence => true,
            // A value that is not a boolean excludes.
            ExcludeLabel::Value => !is_false(value),
            ExcludeLabel::Ignored => false,
        };
        if is_excluded {
            return Some(EXCLUDED);
        }
    }
    let left_out = |rule: &&NotBackend| rule.leaves_out(node.labels.get(&rule.label));
    let labelled = platform.spec.not_backends.iter().find(left_out);
    if let Some(rule) = labelled {
        return Some(&rule.because);
    }
    let foreign = !node.provider_id.is_empty() && !known.is_unknown() && !known.has(&node.provider_id);
    foreign.then_some(FOREIGN)
}

/// What a user can do about nodes that are left out for this reason.
pub(super) fn hint_for(because: &str) -> Option<String> {
    match because {
        CONTROL_PLANE => Some(
            "this platform leaves control-plane nodes out (docs/platforms.md says why); other nodes need the pool label"
                .to_owned(),
        ),
        EXCLUDED => Some(format!("`kubectl label node NAME {EXCLUDE}-` puts a node behind load balancers")),
        _ => None,
    }
}

/// A node of another platform that looks like one of this platform.
pub(super) fn lookalike(nodes: &[Node], platform: &Platform) -> Option<Diagnostic> {
    let rejects = &platform.spec.recognise.rejects;
    // The first rule that fits any node: the file lists the more certain ones first.
    rejects.iter().find_map(|rule| {
        let why = rule.found_in(nodes)?;
        Some(Diagnostic::error(why).hint(rule.hint.clone()))
    })
}

/// Names for a message: the first few, and how many there are.
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

    pub(super) fn text(&self) -> Option<String> {
        let more = self.count.saturating_sub(self.first.len());
        match self.count {
            0 => None,
            1 => Some(format!("node {} is", self.first[0])),
            _ if more == 0 => Some(format!("{} nodes are ({})", self.count, self.first.join(", "))),
            _ => Some(format!("{} nodes are ({} and {more} more)", self.count, self.first.join(", "))),
        }
    }
}
