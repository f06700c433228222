//! Which platform the nodes are of, as far as they tell.

use regex_lite::Regex;

use crate::core::kubernetes::node::Node;
use crate::core::platform::{Platform, ProviderIds};
use crate::core::report::diagnostic::Diagnostic;
use crate::core::report::plural::plural;

/// A platform that fits, and how surely.
#[derive(Clone, Debug)]
pub struct Choice<'a> {
    /// The one to begin with.
    pub platform: &'a Platform,
    /// Whether the nodes tell, or others fit as well.
    pub told: bool,
    /// The others that fit.
    pub others: Vec<&'a Platform>,
}

/// Chooses among platforms; `None` if no node looks like any of them, an error if they are of several clouds.
///
/// Where the names of the nodes tell, they decide. Where nothing does, a platform that refuses comes first: it says
/// what to find out, where a wrong guess would be ignored by the cloud in silence.
pub fn choose<'a>(platforms: &'a [Platform], nodes: &[Node]) -> Result<Option<Choice<'a>>, Diagnostic> {
    let mut workers: Vec<&Node> = nodes.iter().filter(|node| !node.is_control_plane()).collect();
    if workers.is_empty() {
        // Compact clusters, and OpenShift on IBM Cloud, whose workers carry the label of masters too.
        workers = nodes.iter().collect();
    }
    let looks_so = |platform: &&Platform| named(platform, &workers) > 0 || identified(platform, &workers);
    let (rejected, fits): (Vec<&Platform>, Vec<&Platform>) =
        platforms.iter().filter(looks_so).partition(|platform| rejection(platform, &workers).is_some());
    if fits.is_empty() {
        return rejected.iter().find_map(|platform| rejection(platform, &workers)).map_or(Ok(None), Err);
    }
    let Some(best) = fits.iter().map(|platform| named(platform, &workers)).max() else { return Ok(None) };
    if let Some(problem) = several_clouds(&fits, &workers) {
        return Err(problem);
    }
    let by_name: Vec<&&Platform> =
        fits.iter().filter(|platform| best > 0 && named(platform, &workers) == best).collect();
    let (platform, told) = if let [one] = by_name.as_slice() {
        (**one, one.spec.refused.is_none())
    } else {
        let refusing = fits.iter().find(|platform| platform.spec.refused.is_some());
        (refusing.copied().unwrap_or(fits[0]), fits.len() == 1)
    };
    let others = fits.into_iter().filter(|other| other.name != platform.name).collect();
    Ok(Some(Choice { platform, told, others }))
}

/// Why the nodes are not of a platform, although they look so.
fn rejection(platform: &Platform, nodes: &[&Node]) -> Option<Diagnostic> {
    platform.spec.recognise.rejects.iter().find_map(|rule| {
        let why = rule.found_in(nodes.iter().copied())?;
        Some(Diagnostic::error(why).hint(format!("{} (--platform)", rule.hint)))
    })
}

/// How many of the nodes have a name as this platform's installers give.
fn named(platform: &Platform, nodes: &[&Node]) -> usize {
    let patterns: Vec<Regex> =
        platform.spec.recognise.node_names.iter().filter_map(|pattern| Regex::new(pattern).ok()).collect();
    nodes.iter().filter(|node| patterns.iter().any(|pattern| pattern.is_match(&node.name))).count()
}

fn identified(platform: &Platform, nodes: &[&Node]) -> bool {
    let recognise = &platform.spec.recognise;
    let ids = recognise.provider_ids();
    let is_marked = recognise.labels.is_empty() || nodes.iter().any(|node| has_label(platform, node));
    is_marked && nodes.iter().any(|node| ids.has(&node.provider_id))
}

fn has_label(platform: &Platform, node: &Node) -> bool {
    let mut labels = platform.spec.recognise.labels.iter();
    labels.any(|(key, value)| node.labels.get(key) == Some(value.as_str()))
}

/// Nodes of several clouds in one list: whichever platform is chosen, some of them are behind no load balancer.
fn several_clouds(fits: &[&Platform], nodes: &[&Node]) -> Option<Diagnostic> {
    let ids: Vec<ProviderIds<'_>> =
        fits.iter().map(|platform| platform.spec.recognise.provider_ids()).collect();
    let count = |is_of: &dyn Fn(&str) -> bool| {
        nodes.iter().filter(|node| !node.provider_id.is_empty() && is_of(&node.provider_id)).count()
    };
    // A node that no platform knows is a warning of its own, later.
    let known = count(&|id| ids.iter().any(|ids| ids.has(id)));
    let counts: Vec<(&str, usize)> = fits
        .iter()
        .zip(&ids)
        .map(|(platform, ids)| (platform.name.as_str(), count(&|id| ids.has(id))))
        .collect();
    if counts.iter().any(|(_, count)| *count == known) {
        return None;
    }
    let said: Vec<String> = counts
        .iter()
        .filter(|(_, count)| *count > 0)
        .map(|(name, count)| format!("{name} ({})", plural(*count, "node")))
        .collect();
    Some(
        Diagnostic::error(format!("the nodes are of several clouds: {}", said.join(", ")))
            .hint("choose one with --platform; the nodes of the others get no load balancer"),
    )
}
