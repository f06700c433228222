//! Changes of the members of an ApplySet that do not come from the rendered directory, such as another label.

use crate::cluster::{ApiCall, CallOutcome, ClusterError, Next, Problem};
use crate::core::manifest::Key;
use crate::core::report::diagnostic::Diagnostic;
use crate::engine::results::{ObjectAction, Results, failure};
use crate::engine::target::Target;

/// Changes many objects and reports the outcome of each. Each call contains its preconditions.
pub(crate) fn change_members(
    target: &Target,
    changes: Vec<(Key, ApiCall)>,
    concurrency: usize,
    report: &mut Results,
) {
    let outcomes = target.cluster.change_all(changes, concurrency, |key, result| {
        let next = match &result {
            Err(error) if error.is_out_of_reach() => Next::Stop,
            _ => Next::Nothing,
        };
        match result {
            Ok(_) => report.say(key, ObjectAction::Configured, None),
            Err(error) => report.say(key, ObjectAction::Failed, Some(why(key, &error))),
        }
        next
    });
    for (key, outcome) in outcomes {
        match outcome {
            CallOutcome::Ended => {}
            CallOutcome::Unknown => report.say(&key, ObjectAction::Unknown, None),
            CallOutcome::NotBegun => report.say(&key, ObjectAction::NotApplied, None),
        }
    }
}

fn why(key: &Key, error: &ClusterError) -> Diagnostic {
    match error {
        ClusterError::Request {
            problem: Problem::Moved(_) | Problem::Rejected { code: 422, .. }, ..
        } => Diagnostic::error(format!("conflict: {key} changed in the meantime"))
            .hint("run this command again"),
        error => failure(key, error),
    }
}
