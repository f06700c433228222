//! Many server-side applies, real or dry run, with the spec's rules for conflicts.

use serde_json::Value;

use crate::cluster::{ApiCall, CallOutcome, Cluster, ClusterError, DryRun, Force, Next, ObjectRef, Problem};
use crate::core::apply::{Conflict, Verdict, conflicts_of, verdict};
use crate::core::live::{MANAGER, remove};
use crate::core::spec::ConflictRule;

/// One object to apply.
#[derive(Clone)]
pub(crate) struct ApplyRequest<'a> {
    /// The object's reference.
    pub(crate) at: ObjectRef,
    /// The object to send.
    pub(crate) body: Value,
    /// The live object; `null` if it did not exist.
    pub(crate) live: &'a Value,
}

/// Result of a request.
#[derive(Debug)]
pub(crate) enum ApplyOutcome {
    /// The object that the server returned.
    Answer(Value),
    /// Other managers own fields with other values, and no rule decides.
    Conflicts(Vec<Conflict>),
    /// The server rejected the request, or could not be reached.
    Failed(ClusterError),
    /// The request was sent, but its result is unknown.
    Unknown,
    /// The request was not sent.
    NotBegun,
}

/// Options for all requests.
#[derive(Clone, Copy)]
pub(crate) struct ApplyOptions<'a> {
    /// Whether the server stores the change.
    pub(crate) dry_run: DryRun,
    /// `--force-conflicts`.
    pub(crate) force: Force,
    /// The spec's rules for fields of other managers.
    pub(crate) rules: &'a [ConflictRule],
    /// Maximum number of concurrent requests.
    pub(crate) concurrency: usize,
}

/// One retry to leave a field to another manager, and one to take the rest. More retries would mean that another
/// client takes fields at the same time.
const FURTHER_TRIES: u32 = 2;

/// Sends all requests; `done` is called with the final result of each.
pub(crate) fn apply_all(
    cluster: &Cluster,
    mut attempts: Vec<ApplyRequest<'_>>,
    options: ApplyOptions<'_>,
    mut done: impl FnMut(usize, &ApplyOutcome),
) -> Vec<ApplyOutcome> {
    let calls: Vec<ApiCall> = attempts.iter().map(|attempt| call(attempt, options, options.force)).collect();
    let mut tries = vec![0; attempts.len()];
    let mut results: Vec<ApplyOutcome> = attempts.iter().map(|_| ApplyOutcome::NotBegun).collect();
    let fates = cluster.change_all(calls, options.concurrency, |index, result| {
        let what = match result {
            Ok(answer) => ApplyOutcome::Answer(answer),
            Err(ClusterError::Request { problem: Problem::Conflicts(causes), ask, server }) => {
                let attempt = &mut attempts[index];
                let conflicts = conflicts_of(&causes, &attempt.body, attempt.live);
                tries[index] += 1;
                match verdict(options.rules, &conflicts) {
                    Verdict::Fail(conflicts) => ApplyOutcome::Conflicts(conflicts),
                    _ if tries[index] > FURTHER_TRIES => {
                        let problem = Problem::Conflicts(causes);
                        ApplyOutcome::Failed(ClusterError::Request { ask, server, problem })
                    }
                    Verdict::Again { leave, take } => {
                        for field in &leave {
                            remove(field, &mut attempt.body);
                        }
                        let force = if take { Force::Always } else { Force::Never };
                        return Next::Retry(Box::new(call(attempt, options, force)));
                    }
                }
            }
            Err(error) => ApplyOutcome::Failed(error),
        };
        // If the server is out of reach for one object after all retries, it is for the others too.
        let next = match &what {
            ApplyOutcome::Failed(error) if error.is_out_of_reach() => Next::Stop,
            _ => Next::Nothing,
        };
        done(index, &what);
        results[index] = what;
        next
    });
    for (result, fate) in results.iter_mut().zip(fates) {
        if fate == CallOutcome::Unknown {
            *result = ApplyOutcome::Unknown;
        }
    }
    results
}

fn call(attempt: &ApplyRequest<'_>, options: ApplyOptions<'_>, force: Force) -> ApiCall {
    ApiCall::Apply {
        at: attempt.at.clone(),
        body: attempt.body.clone(),
        manager: MANAGER,
        force,
        dry_run: options.dry_run,
    }
}
