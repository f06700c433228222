//! Detects the platform from the nodes.

use regex_lite::Regex;

use crate::core::kubernetes::node::Node;
use crate::core::pattern;
use crate::core::platform::{Platform, ProviderIds};
use crate::core::report::diagnostic::Diagnostic;
use crate::core::report::plural::plural;

/// A platform that fits the nodes.
#[derive(Clone, Debug)]
pub struct Choice<'a> {
    /// The platform to start with.
    pub platform: &'a Platform,
    /// Whether the nodes identify the platform; otherwise others fit as well.
    pub is_certain: bool,
    /// The other platforms that fit.
    pub others: Vec<&'a Platform>,
}

/// Chooses among platforms; `None` if the nodes fit none of them, an error if the nodes belong to several clouds.
///
/// Names of nodes decide if they match. Otherwise a platform that refuses comes first: it tells the user what to find
/// out, while the cloud would silently ignore a wrong guess.
pub fn choose<'a>(platforms: &'a [Platform], nodes: &[Node]) -> Result<Option<Choice<'a>>, Diagnostic> {
    let mut workers: Vec<&Node> = nodes.iter().filter(|node| !node.is_control_plane()).collect();
    if workers.is_empty() {
        // Compact clusters, and OpenShift on IBM Cloud, whose workers have the label of control-plane nodes, too.
        workers = nodes.iter().collect();
    }
    let looks_alike = |platform: &&Platform| named(platform, &workers) > 0 || identified(platform, &workers);
    let (rejected, fits): (Vec<&Platform>, Vec<&Platform>) =
        platforms.iter().filter(looks_alike).partition(|platform| rejection(platform, &workers).is_some());
    if fits.is_empty() {
        return rejected.iter().find_map(|platform| rejection(platform, &workers)).map_or(Ok(None), Err);
    }
    let Some(best) = fits.iter().map(|platform| named(platform, &workers)).max() else { return Ok(None) };
    if let Some(problem) = several_clouds(&fits, &workers) {
        return Err(problem);
    }
    let by_name: Vec<&&Platform> =
        fits.iter().filter(|platform| best > 0 && named(platform, &workers) == best).collect();
    let (platform, is_certain) = if let [one] = by_name.as_slice() {
        (**one, one.spec.refused.is_none())
    } else {
        let refusing = fits.iter().find(|platform| platform.spec.refused.is_some());
        (refusing.copied().unwrap_or(fits[0]), fits.len() == 1)
    };
    let others = fits.into_iter().filter(|other| other.name != platform.name).collect();
    Ok(Some(Choice { platform, is_certain, others }))
}

/// Returns the reason why the nodes do not belong to a platform although they look like it.
fn rejection(platform: &Platform, nodes: &[&Node]) -> Option<Diagnostic> {
    platform.spec.recognize.rejects.iter().find_map(|rule| {
        let why = rule.found_in(nodes.iter().copied())?;
        Some(Diagnostic::error(why).hint(format!("{} (--platform)", rule.hint)))
    })
}

/// Counts the nodes with a name as the installers of this platform choose it.
fn named(platform: &Platform, nodes: &[&Node]) -> usize {
    let patterns: Vec<Regex> = platform
        .spec
        .recognize
        .node_names
        .iter()
        .filter_map(|pattern| pattern::compile(pattern).ok())
        .collect();
    nodes.iter().filter(|node| patterns.iter().any(|pattern| pattern.is_match(&node.name))).count()
}

fn identified(platform: &Platform, nodes: &[&Node]) -> bool {
    let recognize = &platform.spec.recognize;
    let ids = recognize.provider_ids();
    let needs_mark = !recognize.labels.is_empty() || !recognize.label_patterns.is_empty();
    let is_marked = !needs_mark || nodes.iter().any(|node| has_label(platform, node));
    is_marked && nodes.iter().any(|node| ids.has(&node.provider_id))
}

fn has_label(platform: &Platform, node: &Node) -> bool {
    let recognize = &platform.spec.recognize;
    let fits = |pattern: &str, value: &str| pattern::compile(pattern).is_ok_and(|it| it.is_match(value));
    recognize.labels.iter().any(|(key, value)| node.labels.get(key) == Some(value.as_str()))
        || recognize
            .label_patterns
            .iter()
            .any(|(key, pattern)| node.labels.get(key).is_some_and(|value| fits(pattern, value)))
}

/// Reports nodes of several clouds: whichever platform is chosen, some of them get no load balancer.
fn several_clouds(fits: &[&Platform], nodes: &[&Node]) -> Option<Diagnostic> {
    let ids: Vec<ProviderIds<'_>> =
        fits.iter().map(|platform| platform.spec.recognize.provider_ids()).collect();
    let count = |is_of: &dyn Fn(&str) -> bool| {
        nodes.iter().filter(|node| !node.provider_id.is_empty() && is_of(&node.provider_id)).count()
    };
    // Nodes that no platform recognizes get a warning later.
    let known = count(&|id| ids.iter().any(|ids| ids.has(id)));
    let counts: Vec<(&str, usize)> = fits
        .iter()
        .zip(&ids)
        .map(|(platform, ids)| (platform.name.as_str(), count(&|id| ids.has(id))))
        .collect();
    if counts.iter().any(|(_, count)| *count == known) {
        return None;
    }
    let shown: Vec<String> = counts
        .iter()
        .filter(|(_, count)| *count > 0)
        .map(|(name, count)| format!("{name} ({})", plural(*count, "node")))
        .collect();
    Some(
        Diagnostic::error(format!("the nodes belong to several clouds: {}", shown.join(", ")))
            .hint("choose one with --platform; nodes of the other clouds get no load balancer"),
    )
}
