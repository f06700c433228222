//! Many applies, for real or as dry runs, with what our rules say about fields that others hold.

use serde_json::Value;

use crate::cluster::{At, Call, Certainty, Cluster, ClusterError, Fate, Force, Next, Problem};
use crate::core::apply::{Conflict, Verdict, conflicts_of, verdict};
use crate::core::live::{MANAGER, remove};
use crate::core::spec::ConflictRule;

/// One object to apply.
#[derive(Clone)]
pub(crate) struct Attempt<'a> {
    /// Where to.
    pub(crate) at: At,
    /// What.
    pub(crate) body: Value,
    /// The object as it was found; `null` if it was not there.
    pub(crate) live: &'a Value,
}

/// What became of an attempt.
#[derive(Debug)]
pub(crate) enum Done {
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
pub(crate) struct Manner<'a> {
    /// Really?
    pub(crate) certainty: Certainty,
    /// `--force-conflicts`.
    pub(crate) force: Force,
    /// What the spec says about fields of others.
    pub(crate) rules: &'a [ConflictRule],
    /// How many at once.
    pub(crate) at_once: usize,
}

/// Once to leave a field to another manager, once to take the rest. More would mean that somebody takes fields while
/// we look.
const FURTHER_TRIES: u32 = 2;

/// Sends all of them; `done` hears of each when nothing more will become of it.
pub(crate) fn apply_all(
    cluster: &Cluster,
    mut attempts: Vec<Attempt<'_>>,
    manner: Manner<'_>,
    mut done: impl FnMut(usize, &Done),
) -> Vec<Done> {
    let calls: Vec<Call> = attempts.iter().map(|attempt| call(attempt, manner, manner.force)).collect();
    let mut tries = vec![0; attempts.len()];
    let mut results: Vec<Done> = attempts.iter().map(|_| Done::NotBegun).collect();
    let fates = cluster.change_all(calls, manner.at_once, |index, result| {
        let what = match result {
            Ok(answer) => Done::Answer(answer),
            Err(ClusterError::Request { problem: Problem::Conflicts(causes), ask, server }) => {
                let attempt = &mut attempts[index];
                let conflicts = conflicts_of(&causes, &attempt.body, attempt.live);
                tries[index] += 1;
                match verdict(manner.rules, &conflicts) {
                    Verdict::Fail(conflicts) => Done::Conflicts(conflicts),
                    _ if tries[index] > FURTHER_TRIES => {
                        let problem = Problem::Conflicts(causes);
                        Done::Failed(ClusterError::Request { ask, server, problem })
                    }
                    Verdict::Again { leave, take } => {
                        for field in &leave {
                            remove(field, &mut attempt.body);
                        }
                        let force = if take { Force::Always } else { Force::Never };
                        return Next::Ask(Box::new(call(attempt, manner, force)));
                    }
                }
            }
            Err(error) => Done::Failed(error),
        };
        // Who does not answer one object, after all that patience, answers none.
        let next = match &what {
            Done::Failed(error) if error.is_out_of_reach() => Next::Stop,
            _ => Next::Nothing,
        };
        done(index, &what);
        results[index] = what;
        next
    });
    for (result, fate) in results.iter_mut().zip(fates) {
        if fate == Fate::Unknown {
            *result = Done::Unknown;
        }
    }
    results
}

fn call(attempt: &Attempt<'_>, manner: Manner<'_>, force: Force) -> Call {
    Call::Apply {
        at: attempt.at.clone(),
        body: attempt.body.clone(),
        manager: MANAGER,
        force,
        certainty: manner.certainty,
    }
}
