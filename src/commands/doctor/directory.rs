//! Checks of the rendered directory, and of the nodes for the spec.

use crate::core::doctor::{Finding, Level};
use crate::core::kubernetes::node::Node;
use crate::core::pools::{
    Lookalikes, MergeOptions, Merged, OwnerList, PoolState, Shrink, discover_for_spec, merge, wrong_platform,
};
use crate::core::report::diagnostic::{Diagnostic, Severity};
use crate::core::report::plural::{first_of, plural};
use crate::directory::{Project, Reviewed};

/// Compares the rendered directory with its lock: files that are missing or were changed by hand.
pub(super) fn tree(project: &Project) -> Vec<Finding> {
    if project.lock.is_none() {
        return vec![Finding::ok("tree", "nothing has been rendered yet")];
    }
    let reviewed = match Reviewed::read(project) {
        Ok(reviewed) => reviewed,
        Err(problems) => return vec![Finding::of_problems("tree", &problems)],
    };
    let is_edited = |(path, digest): &(&String, &String)| reviewed.digests.get(*path) != Some(digest);
    let edited = reviewed.lock.files.iter().filter(is_edited).count();
    let mut findings: Vec<Finding> =
        reviewed.warnings.iter().map(|warning| finding("tree", warning, Level::Warn)).collect();
    // The first warning names the files.
    if let Some(first) = findings.first_mut().filter(|_| edited > 0) {
        first.level = Level::Fail;
    }
    if findings.is_empty() {
        let files = plural(reviewed.lock.files.len(), "file");
        findings.push(Finding::ok("tree", format!("{files} as rendered")));
    }
    findings
}

/// Checks that the nodes fit the platform, and that each is in a pool with a right label.
pub(super) fn nodes(nodes: &[Node], owners: &[OwnerList], project: &Project) -> Vec<Finding> {
    let lock = project.lock.as_ref();
    let platform = &project.platform.name;
    if let Some(problem) = wrong_platform(nodes, &project.platform, lock.map(|lock| lock.platform.as_str())) {
        return vec![Finding::of_problems(
            "platform",
            &[problem.at(project.document.location("/spec/platform"))],
        )];
    }
    let spec = &project.spec.spec;
    let label = spec.pools.label.as_deref();
    let discovered = match discover_for_spec(spec, (nodes, owners), &project.platform, label, lock) {
        Ok(discovered) => discovered,
        Err(problems) => return vec![Finding::of_problems("platform", &problems)],
    };
    let count = plural(nodes.len(), "node");
    let places = match spec.shards {
        Some(count) => format!("behind {}", plural(count as usize, "shard")),
        None => format!("in {} by {}", plural(discovered.pools.len(), "pool"), discovered.label),
    };
    let mut findings = vec![Finding::ok("platform", format!("{platform}: {count} {places}"))];
    if let Some(lock) = lock.filter(|lock| lock.platform != *platform) {
        findings.push(Finding::warn(
            "platform",
            format!(
                "the lock file is of platform {}, so the next render changes the binding of every Service",
                lock.platform
            ),
            format!("if this is not intended, set it back: `spec.platform: {}`", lock.platform),
        ));
    }
    let options =
        MergeOptions { lookalikes: Lookalikes::Warn, shrink: Shrink::Warn, ..MergeOptions::default() };
    match merge(spec, &discovered, lock, &options) {
        Ok(merged) => findings.extend(of_pools(&merged)),
        Err(problems) => findings.push(Finding::of_problems("nodes", &problems)),
    }
    findings
}

fn of_pools(merged: &Merged) -> Vec<Finding> {
    let level = |problem: &Diagnostic| {
        if problem.severity == Severity::Warning { Level::Warn } else { Level::Fail }
    };
    let mut findings: Vec<Finding> =
        merged.warnings.iter().map(|problem| finding("nodes", problem, level(problem))).collect();
    let is_idle = |report: &&crate::core::pools::PoolReport| {
        report.state != PoolState::Forgotten && report.observed.as_ref().is_some_and(|seen| seen.ready == 0)
    };
    let idle: Vec<&str> =
        merged.reports.iter().filter(is_idle).map(|report| report.pool.value.as_str()).collect();
    if !idle.is_empty() {
        let message = format!("{} without a ready node: {}", plural(idle.len(), "pool"), first_of(&idle));
        findings.push(Finding::warn(
            "nodes",
            message,
            "`kubectl largescale pools` shows the nodes of each pool",
        ));
    }
    findings
}

fn finding(check: &'static str, problem: &Diagnostic, level: Level) -> Finding {
    Finding { check, level, message: problem.to_string(), hint: problem.hint.clone() }
}
