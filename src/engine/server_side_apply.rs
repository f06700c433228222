//! Many applies, for real or as dry runs, with what our rules say about fields that others hold.

use serde_json::Value;

use crate::cluster::{ApiCall, CallOutcome, Cluster, ClusterError, DryRun, Force, Next, ObjectRef, Problem};
use crate::core::apply::{Conflict, Verdict, conflicts_of, verdict};
use crate::core::live::{MANAGER, remove};
use crate::core::spec::ConflictRule;

/// One object to apply.
#[derive(Clone)]
pub(crate) struct ApplyRequest<'a> {
    /// Where to.
    pub(crate) at: ObjectRef,
    /// What.
    pub(crate) body: Value,
    /// The object as it was found; `null` if it was not there.
    pub(crate) live: &'a Value,
}

/// What became of an attempt.
#[derive(Debug)]
pub(crate) enum ApplyOutcome {
    /// The object as the server answered.
    Answer(Value),
    /// Others hold fields with other values, and no rule says what to do.
    Conflicts(Vec<Conflict>),
    /// The server refused it, or could not be asked.
    Failed(ClusterError),
    /// It was sent, and nobody knows what became of it.
    Unknown,
    /// It was not sent.
    NotBegun,
}

/// How it is done.
#[derive(Clone, Copy)]
pub(crate) struct ApplyOptions<'a> {
    /// Really?
    pub(crate) dry_run: DryRun,
    /// `--force-conflicts`.
    pub(crate) force: Force,
    /// What the spec says about fields of others.
    pub(crate) rules: &'a [ConflictRule],
    /// How many at once.
    pub(crate) concurrency: usize,
}

/// Once to leave a field to another manager, once to take the rest. More would mean that somebody takes fields while
/// we look.
const FURTHER_TRIES: u32 = 2;

/// Sends all of them; `done` hears of each when nothing more will become of it.
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
        // Who does not answer one object, after all that patience, answers none.
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
