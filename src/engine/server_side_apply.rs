//! Many server-side applies, real or dry run, with the spec's rules for conflicts.

use serde_json::Value;

use crate::cluster::{
    Answer, ApiCall, CallOutcome, Cluster, ClusterError, DryRun, Force, Next, ObjectRef, Problem,
};
use crate::core::apply::{Conflict, Verdict, conflicts_of, verdict};
use crate::core::live::{LiveObject, MANAGER, Takeover, remove};
use crate::core::manifest::{has_metadata, set_metadata};
use crate::core::spec::ConflictRule;
use crate::engine::takeover::TakeoverPolicy;

/// One object to apply.
#[derive(Clone)]
pub(crate) struct ApplyRequest<'a> {
    /// The object's reference.
    pub(crate) at: ObjectRef,
    /// The object to send.
    pub(crate) body: Value,
    /// The live object, if it exists.
    pub(crate) live: Option<&'a LiveObject>,
    /// Whose fields are taken over before the apply; `None` if no field moves.
    pub(crate) takeover: Option<&'a TakeoverPolicy>,
    /// In a dry run, the fields that would move before the apply. Conflicts about them are ignored: the server compares how a
    /// value is written, and `1000m` is another text than `1`.
    pub(crate) moves: Option<Takeover>,
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

/// How often the fields are taken over again because the object has changed; as often as kubectl tries.
const TAKEOVER_TRIES: u32 = 5;

/// A request, and what became of it so far.
struct Attempt<'a, T> {
    tag: T,
    request: ApplyRequest<'a>,
    step: Step,
    tries: u32,
    outcome: ApplyOutcome,
}

/// The call that was sent last.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Step {
    /// Reads an object that has changed since.
    Read,
    /// Moves fields to this program.
    TakeOver,
    Apply,
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
        let (step, first) = first_call(&request, request.live, options);
        (Attempt { tag, request, step, tries: 0, outcome: ApplyOutcome::NotBegun }, first)
    };
    let calls = requests.into_iter().map(begin).collect();
    let fates = cluster.change_all(calls, options.concurrency, |attempt, result| {
        if attempt.step != Step::Apply
            && let Some(next) = attempt.after_takeover(&result, options)
        {
            return Next::Retry(Box::new(next));
        }
        let Attempt { tag, request, tries, outcome, .. } = attempt;
        *outcome = match result {
            Ok(answer) => answer.object().map_or(ApplyOutcome::Unknown, ApplyOutcome::Answer),
            Err(ClusterError::Request { problem: Problem::Conflicts(causes), ask, server }) => {
                let all = conflicts_of(&causes, &request.body, request.live);
                let is_taken = |conflict: &Conflict| {
                    let takeover = request.moves.as_ref();
                    takeover.is_some_and(|takeover| takeover.moves(&conflict.field, &conflict.manager))
                };
                let (moved, conflicts): (Vec<_>, Vec<_>) = all.into_iter().partition(is_taken);
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
                        let force = if take || !moved.is_empty() { Force::Always } else { Force::Never };
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

impl<T> Attempt<'_, T> {
    /// Returns the call that follows the one that takes over fields, or that reads the object again.
    fn after_takeover(
        &mut self,
        result: &Result<Answer, ClusterError>,
        options: ApplyOptions<'_>,
    ) -> Option<ApiCall> {
        match (self.step, result) {
            (Step::TakeOver, Ok(Answer::Object(moved))) => {
                self.request.expect_version_of(moved);
                self.step = Step::Apply;
                self.tries = 0;
                Some(call(&self.request, options, options.force))
            }
            (Step::TakeOver, Err(ClusterError::Request { problem: Problem::Moved(_), .. }))
                if self.tries < TAKEOVER_TRIES && !self.request.has_precondition() =>
            {
                self.tries += 1;
                self.step = Step::Read;
                Some(ApiCall::Get(self.request.at.clone()))
            }
            (Step::Read, Ok(Answer::Object(fresh))) => {
                let (step, next) = first_call(&self.request, Some(fresh), options);
                self.step = step;
                Some(next)
            }
            // It was deleted since.
            (Step::Read, Ok(_)) => {
                self.step = Step::Apply;
                Some(call(&self.request, options, options.force))
            }
            _ => None,
        }
    }
}

impl ApplyRequest<'_> {
    /// Whether the object may only be changed as it was read.
    fn has_precondition(&self) -> bool {
        has_metadata(&self.body, "resourceVersion")
    }

    /// Taking over fields gives the object another version.
    fn expect_version_of(&mut self, moved: &LiveObject) {
        if self.has_precondition()
            && let Some(version) = moved.resource_version()
        {
            set_metadata(&mut self.body, "resourceVersion", version);
        }
    }
}

/// Returns the call that takes over fields, or if none moves, the apply.
fn first_call(
    request: &ApplyRequest<'_>,
    live: Option<&LiveObject>,
    options: ApplyOptions<'_>,
) -> (Step, ApiCall) {
    let policy = request.takeover.filter(|_| options.dry_run == DryRun::None);
    match policy.and_then(|policy| policy.takeover(&request.body, live?)) {
        Some(Takeover { patch, .. }) => {
            let at = request.at.clone();
            (Step::TakeOver, ApiCall::Patch { at, patch, dry_run: DryRun::None })
        }
        None => (Step::Apply, call(request, options, options.force)),
    }
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
