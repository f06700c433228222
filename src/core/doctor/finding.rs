//! Results of the checks.

use crate::core::report::diagnostic::Diagnostic;

/// The severity of a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// No problem.
    Ok,
    /// Some features will not work.
    Warn,
    /// The checked item does not work.
    Fail,
}

impl Level {
    /// Returns the level as it is printed.
    pub fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Fail => "FAIL",
        }
    }
}

/// The result of one check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The name of the check.
    pub check: &'static str,
    /// The severity.
    pub level: Level,
    /// What the check found.
    pub message: String,
    /// How to fix it.
    pub hint: Option<String>,
}

impl Finding {
    /// Creates a finding without a problem.
    pub fn ok(check: &'static str, message: impl Into<String>) -> Self {
        Self { check, level: Level::Ok, message: message.into(), hint: None }
    }

    /// Creates a warning.
    pub fn warn(check: &'static str, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { check, level: Level::Warn, message: message.into(), hint: Some(hint.into()) }
    }

    /// Creates a failure.
    pub fn fail(check: &'static str, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { check, level: Level::Fail, message: message.into(), hint: Some(hint.into()) }
    }

    /// Creates a failure of the first of these problems, with the number of the others.
    pub fn of_problems(check: &'static str, problems: &[Diagnostic]) -> Self {
        let first = problems.first();
        let more = if problems.len() > 1 { format!(" ({} more)", problems.len() - 1) } else { String::new() };
        let hint = first.and_then(|problem| problem.hint.clone());
        Self::fail(
            check,
            format!("{}{more}", first.map(ToString::to_string).unwrap_or_default()),
            hint.unwrap_or_else(|| {
                "`kubectl largescale render --check --locked` shows all problems".to_owned()
            }),
        )
    }
}
