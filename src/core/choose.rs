//! Which platform the nodes are of, as far as they tell.

use regex_lite::Regex;

use crate::core::node::Node;
use crate::core::platform::Platform;

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

/// Chooses among platforms; `None` if no node looks like any of them.
///
/// Where the names of the nodes tell, they decide. Where nothing does, a platform that refuses comes first: it says
/// what to find out, where a wrong guess would be ignored by the cloud in silence.
pub fn choose<'a>(platforms: &'a [Platform], nodes: &[Node]) -> Option<Choice<'a>> {
    let workers: Vec<&Node> = nodes.iter().filter(|node| !node.is_control_plane()).collect();
    let fits: Vec<&Platform> = platforms
        .iter()
        .filter(|platform| named(platform, &workers) > 0 || identified(platform, &workers))
        .collect();
    let best = fits.iter().map(|platform| named(platform, &workers)).max()?;
    let by_name: Vec<&&Platform> =
        fits.iter().filter(|platform| best > 0 && named(platform, &workers) == best).collect();
    let (platform, told) = match by_name.as_slice() {
        [one] => (**one, one.spec.refused.is_none()),
        _ => {
            (*fits.iter().find(|platform| platform.spec.refused.is_some()).or(fits.first())?, fits.len() == 1)
        }
    };
    let others = fits.into_iter().filter(|other| other.name != platform.name).collect();
    Some(Choice { platform, told, others })
}

/// How many of the nodes have a name as this platform's installers give.
fn named(platform: &Platform, nodes: &[&Node]) -> usize {
    let patterns: Vec<Regex> =
        platform.spec.recognise.node_names.iter().filter_map(|pattern| Regex::new(pattern).ok()).collect();
    nodes.iter().filter(|node| patterns.iter().any(|pattern| pattern.is_match(&node.name))).count()
}

fn identified(platform: &Platform, nodes: &[&Node]) -> bool {
    let ids = platform.spec.recognise.provider_ids();
    nodes.iter().any(|node| ids.has(&node.provider_id))
}
