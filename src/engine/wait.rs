//! `apply --wait`: waits until the applied objects are ready. Polls the cluster, because a watch that ends
//! unnoticed would wait forever.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::cluster::Pause;
use crate::core::probe::Weight;
use crate::core::report::diagnostic::Diagnostic;
use crate::core::report::pool_words;
use crate::core::status::{DriftSubject, Report, Rollout, report_with_gateways};
use crate::engine::events::{Events, of_waiting_services};
use crate::engine::live_objects::ManagedObject;
use crate::engine::observe::observe;
use crate::engine::probe::{NameServers, Wanted, probe};
use crate::engine::target::Target;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::terminal;
use crate::output::terminal::Progress;

/// Time between two polls.
const EVERY: Duration = Duration::from_secs(2);

/// What `--wait` waits for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum WaitFor {
    /// Nothing
    #[default]
    None,
    /// Until the workload is rolled out
    Ready,
    /// Until every load balancer has its address and the workload is rolled out
    Address,
    /// Until `probe` finds no difference, either
    Answer,
}

impl WaitFor {
    fn needs_address(self) -> bool {
        matches!(self, Self::Address | Self::Answer)
    }
}

/// Waits until the objects are ready. Reports those that are not ready in time, and returns an exit code that shows it.
pub(crate) fn until(
    target: &Target,
    what: WaitFor,
    timeout: Duration,
    concurrency: usize,
) -> Result<Exit, Failure> {
    if what == WaitFor::None {
        return Ok(Exit::Success);
    }
    let began = Instant::now();
    let mut progress = Progress::default();
    let mut may_see_events = true;
    loop {
        let missing = match look(target, concurrency, &mut may_see_events) {
            Ok(found) => {
                let mut missing = missing(&found, what);
                if missing.is_empty() && what == WaitFor::Answer {
                    missing = differences(target, concurrency)?;
                }
                if missing.is_empty() {
                    progress.end();
                    terminal::note(&ready(&found, what));
                    return Ok(Exit::Success);
                }
                let gave_up = found.workloads.iter().any(|row| matches!(row.rollout, Rollout::Failed(_)));
                progress.show(&missing);
                if gave_up {
                    progress.end();
                    return Ok(not_ready(&missing, "a rollout has failed"));
                }
                missing
            }
            // The API server may be out of reach for a while; what was applied stays applied.
            Err(failure) if failure.exit == Exit::Cluster && began.elapsed() < timeout => {
                failure.problems.iter().for_each(|problem| terminal::note(&problem.to_string()));
                vec!["the cluster does not respond".to_owned()]
            }
            Err(failure) => return Err(failure),
        };
        let Some(pause) = next_pause(began.elapsed(), timeout) else {
            progress.end();
            return Ok(not_ready(&missing, &format!("not ready within {}", in_words(timeout))));
        };
        if target.cluster.pause(pause) == Pause::Interrupted {
            progress.end();
            terminal::note("interrupted while waiting; everything is applied");
            return Ok(Exit::Interrupted);
        }
    }
}

/// Returns the time until the next poll; the last one is at the time limit. `None` if the limit has passed.
fn next_pause(elapsed: Duration, limit: Duration) -> Option<Duration> {
    limit.checked_sub(elapsed).filter(|left| !left.is_zero()).map(|left| left.min(EVERY))
}

/// Returns a time limit as users write it: whole seconds, or milliseconds below one second.
fn in_words(limit: Duration) -> String {
    if limit < Duration::from_secs(1) {
        return format!("{} ms", limit.as_millis());
    }
    format!("{} s", limit.as_secs())
}

/// Reads the state of the applied objects, and why load balancers have no address.
fn look(target: &Target, concurrency: usize, may_see_events: &mut bool) -> Result<Report, Failure> {
    let found = observe(target, concurrency)?;
    let subject =
        |object: ManagedObject<'_>| DriftSubject { desired: object.item.wanted.clone(), live: object.live };
    let subjects: Vec<DriftSubject> = found.objects.into_iter().map(subject).collect();
    let made = target.gateways.made(&target.cluster, &subjects, concurrency)?;
    let mut events = Events::default();
    if *may_see_events {
        events = of_waiting_services(&target.cluster, (&subjects, &made.services), concurrency)?;
    }
    for problem in &events.hidden {
        *may_see_events = false;
        terminal::diagnostic(&Diagnostic::warning(format!(
            "cannot see why load balancers have no address: {problem}"
        )));
    }
    Ok(report_with_gateways(&subjects, &target.rules, &events.list, None, &made.services))
}

/// Returns what a probe of the load balancers finds.
fn differences(target: &Target, concurrency: usize) -> Result<Vec<String>, Failure> {
    let wanted = Wanted { count: None, pools: Vec::new(), names: NameServers::default(), concurrency };
    let probed = probe(target, &wanted)?;
    let proven = probed.findings.into_iter().filter(|finding| finding.weight == Weight::Difference);
    Ok(proven.map(|finding| finding.message).collect())
}

/// Returns a line for each thing that is not ready.
fn missing(found: &Report, what: WaitFor) -> Vec<String> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let now = i64::try_from(now).unwrap_or_default();
    let workloads = found.workloads.iter().filter_map(|row| match &row.rollout {
        Rollout::Done => None,
        Rollout::Waiting(why) | Rollout::Failed(why) => Some(format!("{}: {why}", row.key)),
    });
    let services = found.pools.iter().filter(|row| what.needs_address() && !row.state.is_ready());
    let services = services.map(|row| {
        // The count and age of an event change without being news.
        let why = row.clone().without_repetition().state.reason(now).unwrap_or_default();
        format!("{}: {} has no address yet: {why}", pool_words::named(&row.pool), row.service)
    });
    let routes = found.refused_routes.iter().filter(|_| what.needs_address());
    let routes = routes.map(|route| format!("{}: {}", route.key, route.why));
    workloads.chain(services).chain(routes).collect()
}

fn ready(found: &Report, what: WaitFor) -> String {
    if what == WaitFor::Ready {
        return "the workload is rolled out".to_owned();
    }
    let answers = if what == WaitFor::Answer { ", and answers" } else { "" };
    let addresses: usize = found.pools.iter().map(|row| row.state.addresses().len()).sum();
    format!(
        "the workload is rolled out, and every load balancer has its address{answers} ({addresses} in all)"
    )
}

fn not_ready(missing: &[String], why: &str) -> Exit {
    let shown = missing.iter().map(|line| format!("\n  {line}")).collect::<String>();
    terminal::diagnostic(
        &Diagnostic::error(format!("{why}:{shown}"))
            .hint("everything is applied; `kubectl largescale status --watch` shows the progress"),
    );
    Exit::Different
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_poll_is_at_the_limit() {
        let limit = Duration::from_secs(8);
        let pause = |elapsed: u64| next_pause(Duration::from_millis(elapsed), limit);
        assert_eq!([pause(0), pause(6000)], [Some(EVERY), Some(EVERY)]);
        assert_eq!(pause(6200), Some(Duration::from_millis(1800)));
        assert_eq!([pause(8000), pause(9000)], [None, None]);
    }

    #[test]
    fn limits_in_words() {
        let shown = [8000, 600_000, 300, 1500].map(|limit| in_words(Duration::from_millis(limit)));
        assert_eq!(shown, ["8 s", "600 s", "300 ms", "1 s"]);
    }
}
