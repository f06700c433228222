//! Services of pools without nodes that a render removes because their manifest has left the spec.

use crate::core::pools::{Merged, PoolState};
use crate::core::report::diagnostic::{Diagnostic, Location};
use crate::core::report::pool_words;
use crate::core::tree::plan::{Action, Plan, Step};

/// Returns a warning if the plan removes a Service of a pool that stays and has no nodes: if the Service has moved to another
/// spec, only the lock of this one knows the pool. `flags` name the spec on a command line.
pub fn leaving_at_zero(plan: &Plan, merged: &Merged, output: &str, flags: &str) -> Option<Diagnostic> {
    // Without nodes, every pool would count as one without nodes.
    merged.nodes?;
    let is_at_zero = |step: &&Step| {
        let reports = merged.reports.iter().filter(|report| report.state == PoolState::Kept);
        step.action == Action::Removed
            && reports.into_iter().any(|report| Some(&report.pool.value) == step.pool.as_ref())
    };
    let leaving: Vec<&Step> = plan.steps.iter().filter(is_at_zero).collect();
    let (step, key) = leaving.first().and_then(|step| Some((*step, step.key.as_ref()?)))?;
    let spec = flags.trim_start_matches(" -f").trim_start();
    let from = if spec.is_empty() { "." } else { spec };
    Some(
        Diagnostic::warning(format!(
            "{} from the directory: {key}{} ({})",
            match leaving.len() {
                1 => "a Service of a pool without nodes is removed".to_owned(),
                count => format!("{count} Services of pools without nodes are removed"),
            },
            if leaving.len() == 1 { "" } else { " and others" },
            pool_words::named(step.pool.as_deref().unwrap_or_default())
        ))
        .at(Location::file(format!("{output}/{}", step.path)))
        .hint(format!(
            "if the Service has moved to another spec, render that one with `--pools-of {from}` to keep its address"
        )),
    )
}
