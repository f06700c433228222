//! The failure of a command: the problems to print, and the exit code.

use std::io;

use crate::cluster::{ClusterError, Problem};
use crate::core::report::diagnostic::{Diagnostic, Severity};
use crate::exit::Exit;

/// A failed command.
#[derive(Debug)]
pub struct Failure {
    /// The exit code.
    pub exit: Exit,
    /// The problems to print, in order.
    pub problems: Vec<Diagnostic>,
}

impl Failure {
    /// Returns the failure for an invalid command line.
    pub fn usage(problem: Diagnostic) -> Self {
        Self { exit: Exit::Usage, problems: vec![problem] }
    }
}

impl From<Vec<Diagnostic>> for Failure {
    fn from(problems: Vec<Diagnostic>) -> Self {
        let has = |severity: Severity| problems.iter().any(|problem| problem.severity == severity);
        // Warnings may come with the errors, and do not matter here.
        let refused = !has(Severity::Error) && (has(Severity::Refusal) || problems.is_empty());
        Self { exit: if refused { Exit::Refused } else { Exit::Input }, problems }
    }
}

impl From<Diagnostic> for Failure {
    fn from(problem: Diagnostic) -> Self {
        vec![problem].into()
    }
}

impl From<anyhow::Error> for Failure {
    /// An unexpected failure is shown on one line, with its causes behind it. A [`Diagnostic`] stays as it is.
    fn from(error: anyhow::Error) -> Self {
        error.downcast::<Diagnostic>().unwrap_or_else(|error| Diagnostic::error(format!("{error:#}"))).into()
    }
}

impl From<ClusterError> for Failure {
    fn from(error: ClusterError) -> Self {
        let mut problem = Diagnostic::error(error.to_string());
        problem.hint = error.hint();
        let is_interrupted = matches!(error, ClusterError::Request { problem: Problem::Interrupted, .. });
        let exit = if is_interrupted { Exit::Interrupted } else { Exit::Cluster };
        Self { exit, problems: vec![problem] }
    }
}

impl From<io::Error> for Failure {
    /// A write to standard output failed. A closed pipe (`| head`) is not a failure.
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Self { exit: Exit::Success, problems: Vec::new() };
        }
        Self {
            exit: Exit::Input,
            problems: vec![Diagnostic::error(format!("cannot write to standard output: {error}"))],
        }
    }
}

#[cfg(test)]
mod tests {
    use anyhow::Context;

    use super::*;

    #[test]
    fn an_unexpected_failure_is_one_line_and_ends_with_its_cause() {
        let disk: anyhow::Result<()> = Err(io::Error::other("disk full").into());
        let failure =
            Failure::from(disk.context("cannot write a.yaml").context("cannot show it").unwrap_err());
        let shown: Vec<String> = failure.problems.iter().map(ToString::to_string).collect();
        assert_eq!(shown, ["cannot show it: cannot write a.yaml: disk full"]);
        assert_eq!(failure.exit, Exit::Input);
    }

    #[test]
    fn warnings_do_not_change_the_exit_code() {
        let (error, refusal, warning) =
            (Diagnostic::error("a"), Diagnostic::refusal("b"), Diagnostic::warning("c"));
        for (problems, expected) in [
            (vec![&warning, &refusal], Exit::Refused),
            (vec![&warning, &error, &refusal], Exit::Input),
            (vec![&warning], Exit::Input),
            (vec![], Exit::Refused),
        ] {
            let problems: Vec<Diagnostic> = problems.into_iter().cloned().collect();
            assert_eq!(Failure::from(problems.clone()).exit, expected, "{problems:?}");
        }
    }

    #[test]
    fn a_problem_keeps_its_hint_and_its_exit_code() {
        let problem = Diagnostic::refusal("it would be lost").hint("write it down");
        let failure = Failure::from(anyhow::Error::from(problem.clone()));
        assert_eq!((failure.exit, failure.problems), (Exit::Refused, vec![problem]));
    }
}
