//! Lines below the tables.

use crate::commands::status::view::Shown;
use crate::core::manifest::Key;
use crate::core::report::plural::plural;
use crate::core::status::{Drift, PoolRow, Report, Rollout, WorkloadRow};

/// How many names a line lists before it counts the rest.
const NAMED: usize = 5;

/// Whether to list the names of objects that differ.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Names {
    /// Print the number only.
    Counted,
    /// Print the names too.
    Listed,
}

/// Returns why pools are not ready. Services with the same reason share a line.
pub(super) fn reasons(shown: &Shown<'_>) -> Vec<String> {
    let mut reasons: Vec<(String, Vec<&PoolRow>)> = Vec::new();
    for row in &shown.report.pools {
        let Some(reason) = row.clone().without_repetition().reason(shown.now) else { continue };
        match reasons.iter_mut().find(|(known, _)| *known == reason) {
            Some((_, rows)) => rows.push(row),
            None => reasons.push((reason, vec![row])),
        }
    }
    let line = |(reason, rows): (String, Vec<&PoolRow>)| match rows.as_slice() {
        [row] => format!("{}: {}", row.service.name, row.reason(shown.now).unwrap_or(reason)),
        _ => format!("{}: {reason}", listed(&rows)),
    };
    let routes = shown.report.refused_routes.iter().map(|route| format!("{}: {}", route.key, route.why));
    reasons.into_iter().map(line).chain(routes).collect()
}

fn listed(rows: &[&PoolRow]) -> String {
    let first = rows.iter().take(NAMED).map(|row| row.service.name.as_str()).collect::<Vec<_>>().join(", ");
    if rows.len() > NAMED { format!("{first} and {} more", rows.len() - NAMED) } else { first }
}

/// Returns the number of objects that differ from the directory, and their names.
pub(super) fn drift(report: &Report, names: Names) -> Vec<String> {
    let Drift { differing, uncertain, absent, unseen } = &report.drift;
    let one_or_more = |keys: &[Key], one: &str, more: &str| {
        format!("{} {}", plural(keys.len(), "object"), if keys.len() == 1 { one } else { more })
    };
    let differs = one_or_more(differing, "differs", "differ");
    let lines = [
        (differing, format!("{differs} from the directory: kubectl largescale diff --live")),
        (
            uncertain,
            format!(
                "not certain whether {} from the directory: kubectl largescale status --server-side",
                one_or_more(uncertain, "differs", "differ")
            ),
        ),
        (
            absent,
            one_or_more(
                absent,
                "of the directory not found in the cluster",
                "of the directory not found in the cluster",
            ),
        ),
        (unseen, format!("{} could not be compared with the directory", plural(unseen.len(), "object"))),
    ];
    let mut text = Vec::new();
    for (keys, line) in lines.into_iter().filter(|(keys, _)| !keys.is_empty()) {
        text.push(line);
        if names == Names::Listed {
            text.extend(keys.iter().map(|key| format!("  {key}")));
        }
    }
    text
}

/// Returns the last line. If everything is ready, only --watch prints it.
pub(super) fn readiness(shown: &Shown<'_>) -> Vec<String> {
    let report = shown.report;
    let word = match (report.is_ready(), shown.before) {
        (true, None) => return Vec::new(),
        (true, Some(_)) => "ready",
        (false, _) => "not ready",
    };
    let is_done = |row: &&WorkloadRow| row.rollout == Rollout::Done;
    let addresses = report.pools.iter().filter(|row| row.state.is_ready()).count();
    // Everything else that makes a pool not ready is in the lines above.
    let unfit = report.pools.iter().filter(|row| row.state.is_ready() && !row.is_ready()).count();
    let unfit = if unfit == 0 {
        String::new()
    } else {
        format!(" ({unfit} without ready nodes or with other nodes)")
    };
    vec![format!(
        "{word}: {addresses} of {} have an address{unfit}, {} of {} rolled out",
        plural(report.pools.len(), "load balancer"),
        report.workloads.iter().filter(is_done).count(),
        plural(report.workloads.len(), "workload"),
    )]
}
