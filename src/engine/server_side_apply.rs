//! Many server-side applies, real or dry run, with the spec's rules for conflicts.

use serde_json::Value;

use crate::cluster::{ApiCall, CallOutcome, Cluster, ClusterError, DryRun, Force, Next, ObjectRef, Problem};
use crate::core::apply::{Conflict, Verdict, conflicts_of, verdict};
use crate::core::live::{LiveObject, MANAGER, remove};
use crate::core::spec::ConflictRule;

/// One object to apply.
#[derive(Clone)]
pub(crate) struct ApplyRequest<'a> {
    /// The object's reference.
    pub(crate) at: ObjectRef,
    /// The object to send.
    pub(crate) body: Value,
    /// The live object, if it exists.
    pub(crate) live: Option<&'a LiveObject>,
}

/// Result of a request.
#[derive(Debug)]
pub(crate) enum ApplyOutcome {
    /// The object that the server returned.
    Answer(LiveObject),
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

/// A request, and what became of it so far.
struct Attempt<'a, T> {
    tag: T,
    request: ApplyRequest<'a>,
    tries: u32,
    outcome: ApplyOutcome,
}

/// Sends all requests; `done` is called with the caller's tag and the final result of each. Returns the tags with the
/// results, in the order of the requests.
pub(crate) fn apply_all<T>(
    cluster: &Cluster,
    requests: Vec<(T, ApplyRequest<'_>)>,
    options: ApplyOptions<'_>,
    mut done: impl FnMut(&T, &ApplyOutcome),
) -> Vec<(T, ApplyOutcome)> {
    let begin = |(tag, request): (T, _)| {
        let first = call(&request, options, options.force);
        (Attempt { tag, request, tries: 0, outcome: ApplyOutcome::NotBegun }, first)
    };
    let calls = requests.into_iter().map(begin).collect();
    let fates = cluster.change_all(calls, options.concurrency, |attempt, result| {
        let Attempt { tag, request, tries, outcome } = attempt;
        *outcome = match result {
            Ok(answer) => answer.object().map_or(ApplyOutcome::Unknown, ApplyOutcome::Answer),
            Err(ClusterError::Request { problem: Problem::Conflicts(causes), ask, server }) => {
                let conflicts = conflicts_of(&causes, &request.body, request.live);
                *tries += 1;
                match verdict(options.rules, &conflicts) {
                    Verdict::Fail(conflicts) => ApplyOutcome::Conflicts(conflicts),
                    _ if *tries > FURTHER_TRIES => {
                        let problem = Problem::Conflicts(causes);
                        ApplyOutcome::Failed(ClusterError::Request { ask, server, problem })
                    }
                    Verdict::Again { leave, take } => {
                        for field in &leave {
                            remove(field, &mut request.body);
                        }
                        let force = if take { Force::Always } else { Force::Never };
                        return Next::Retry(Box::new(call(request, options, force)));
                    }
                }
            }
            Err(error) => ApplyOutcome::Failed(error),
        };
        done(tag, outcome);
        // If the server is out of reach for one object after all retries, it is for the others too.
        match outcome {
            ApplyOutcome::Failed(error) if error.is_out_of_reach() => Next::Stop,
            _ => Next::Nothing,
        }
    });
    let end = |(Attempt { tag, outcome, .. }, fate)| match fate {
        CallOutcome::Unknown => (tag, ApplyOutcome::Unknown),
        CallOutcome::Ended | CallOutcome::NotBegun => (tag, outcome),
    };
    fates.into_iter().map(end).collect()
}

fn call(request: &ApplyRequest<'_>, options: ApplyOptions<'_>, force: Force) -> ApiCall {
    ApiCall::Apply {
        at: request.at.clone(),
        body: request.body.clone(),
        manager: MANAGER,
        force,
        dry_run: options.dry_run,
    }
}
