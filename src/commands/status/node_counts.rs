//! Number of nodes in each pool, for users who may list nodes.

use std::collections::BTreeMap;

use crate::cluster::{Cluster, ClusterError, Problem};
use crate::core::kubernetes::node::Node;
use crate::core::pools::{
    Lookalikes, MergeOptions, PoolState, Shrink, discover_for_spec, merge, wrong_platform,
};
use crate::core::report::diagnostic::{Checked, Diagnostic, Severity};
use crate::core::report::plural::plural;
use crate::core::status::NodeCount;
use crate::directory::Project;
use crate::failure::Failure;

/// The result of counting nodes.
#[derive(Debug, Default)]
pub(super) struct Nodes {
    /// Counts by the name of the pool; `None` if they are unknown.
    pub counts: Option<BTreeMap<String, NodeCount>>,
    /// Why they are unknown, and pools that are not rendered.
    pub warnings: Vec<Diagnostic>,
}

/// Counts the nodes.
pub(super) fn count(project: &Project, cluster: &Cluster) -> Result<Nodes, Failure> {
    let nodes = match cluster.nodes() {
        Ok(nodes) => nodes,
        Err(ClusterError::Request { problem: problem @ Problem::Forbidden { .. }, .. }) => {
            let warning = Diagnostic::warning(format!("cannot count the nodes of the pools: {problem}"));
            return Ok(Nodes { counts: None, warnings: vec![warning] });
        }
        Err(error) => return Err(error.into()),
    };
    // Services exist even if the nodes have no pools.
    Ok(by_pool(project, &nodes).unwrap_or_else(|problems| {
        let warning = |problem| Diagnostic { severity: Severity::Warning, ..problem };
        Nodes { counts: None, warnings: problems.into_iter().map(warning).collect() }
    }))
}

/// Counts as `render` does, with the pool label of the lock file.
fn by_pool(project: &Project, nodes: &[Node]) -> Checked<Nodes> {
    let lock = project.lock.as_ref();
    if let Some(problem) = wrong_platform(nodes, &project.platform, lock.map(|lock| lock.platform.as_str())) {
        return Err(problem.at(project.document.location("/spec/platform")).into());
    }
    let discovered = discover_for_spec(&project.spec.spec, (nodes, &[]), &project.platform, None, lock)?;
    let options =
        MergeOptions { lookalikes: Lookalikes::Warn, shrink: Shrink::Accept, ..MergeOptions::default() };
    let merged = merge(&project.spec.spec, &discovered, lock, &options)?;
    let is_known = |value: &String| lock.is_some_and(|lock| lock.pools.contains_key(value));
    // Nodes in no pool, or with a label that contradicts another fact, get no traffic.
    let warnings = merged.warnings.iter().cloned().map(Diagnostic::into_warning);
    let mut found = Nodes { counts: None, warnings: warnings.collect() };
    let questioned = |value: &str| merged.questioned.iter().any(|pool| pool == value);
    for report in &merged.reports {
        // The question about a pool that looks like another one has its own hint.
        let is_missing = report.state == PoolState::Present && !is_known(&report.pool.value);
        if is_missing && !questioned(&report.pool.value) {
            let nodes = plural(report.observed.as_ref().map_or(0, |seen| seen.backends), "node");
            found.warnings.push(
                Diagnostic::warning(format!(
                    "pool {} has {nodes}, but no Service in the directory",
                    report.pool.value
                ))
                .hint("`kubectl largescale render` adds one"),
            );
        }
    }
    let counts = merged.reports.into_iter().filter_map(|report| {
        let seen = report.observed?;
        Some((report.pool.name, NodeCount { ready: seen.ready, total: seen.nodes() }))
    });
    found.counts = Some(counts.collect());
    Ok(found)
}
