//! Refuses to lose more than half of the pools at once: the nodes may be those of another cluster.

use std::collections::BTreeMap;

use crate::core::lock::Lock;
use crate::core::pools::backend::{FOREIGN, hint_for};
use crate::core::pools::{Discovered, Observed};
use crate::core::report::diagnostic::Diagnostic;

/// The number of pools in the message.
const NAMED: usize = 5;

/// Returns a refusal if more than half of the remembered pools have no backends. The hint is about the reason: other nodes, another
/// label, another platform, or nodes that are left out.
pub(super) fn shrunk(
    remembered: &[&str],
    discovered: &Discovered,
    lock: Option<&Lock>,
) -> Option<Diagnostic> {
    let seen = |value: &str| discovered.pools.get(value);
    let gone: Vec<&str> = remembered
        .iter()
        .copied()
        .filter(|value| seen(value).is_none_or(|seen| seen.backends == 0))
        // The object that makes its nodes shows that the pool still exists.
        .filter(|value| !discovered.owners.contains_key(*value))
        .collect();
    if gone.len() * 2 <= remembered.len() {
        return None;
    }
    let shown = gone.iter().take(NAMED).copied().collect::<Vec<_>>().join(", ");
    let more = gone.len().saturating_sub(NAMED);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let mut reasons: BTreeMap<&str, usize> = BTreeMap::new();
    for (why, count) in gone.iter().filter_map(|value| seen(value)).flat_map(left_out) {
        *reasons.entry(why).or_default() += count;
    }
    let have = if reasons.is_empty() { "no nodes" } else { "no nodes that a load balancer uses" };
    let counts: Vec<String> = reasons.iter().map(|(why, count)| format!("{count} {why}")).collect();
    let because =
        if counts.is_empty() { String::new() } else { format!("; left out: {}", counts.join(", ")) };
    let problem = Diagnostic::refusal(format!(
        "{} of {} known pools have {have} ({shown}{more}{because}); refusing to drop more than half at once",
        gone.len(),
        remembered.len()
    ));
    let proceed =
        "to proceed, use --allow-shrink, or declare pools that often have no nodes in `spec.pools.declare`";
    let old_label = lock.map(|lock| lock.label.as_str()).filter(|label| *label != discovered.label);
    Some(match old_label {
        // Neither --allow-shrink nor `declare` helps: the nodes that are left would get load balancers of another platform.
        _ if reasons.contains_key(FOREIGN) => problem.hint(
            "most nodes of these pools are of another platform: correct `spec.platform`, or read the nodes of the right cluster (--context, --nodes)",
        ),
        Some(old) => problem.hint(format!(
            "the pool label of the lock file is `{old}`, not `{}`: set it back (`spec.pools.label`, --label); to give each value of `{}` a new load balancer and keep the old ones, use --allow-shrink",
            discovered.label, discovered.label
        )),
        None if !reasons.is_empty() => {
            let of_pools = |why: &&str| {
                let pools: Vec<&str> = gone
                    .iter()
                    .copied()
                    .filter(|value| seen(value).is_some_and(|seen| seen.left_out.contains_key(*why)))
                    .collect();
                hint_for(why, &discovered.label, &pools)
            };
            let hints: Vec<String> = reasons.keys().filter_map(of_pools).collect();
            let hints = if hints.is_empty() { String::new() } else { format!("{}; ", hints.join("; ")) };
            problem.hint(format!("{hints}if this is intended, use --allow-shrink: the pools keep their Services"))
        }
        None => problem.hint(format!("check that this is the right cluster and a complete node list; {proceed}")),
    })
}

fn left_out(seen: &Observed) -> impl Iterator<Item = (&str, usize)> {
    seen.left_out.iter().map(|(why, count)| (why.as_str(), *count))
}
