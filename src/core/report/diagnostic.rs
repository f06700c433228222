//! What was wrong, where, and what to do about it.
//!
//! Everything that reads input reports with these; nothing here prints. Validation collects all
//! that it finds, so most functions return `Checked<T>`: a value, or every problem at once.

use std::fmt;

use crate::core::report::escape::in_comment;

/// A value, or all the problems that were found.
pub type Checked<T> = Result<T, Vec<Diagnostic>>;

/// How bad a diagnostic is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Said, and the work goes on.
    Warning,
    /// Wrong input: nothing is written.
    Error,
    /// The input may be right, but something would be lost: nothing is written.
    Refusal,
}

/// A line of a file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Location {
    /// The file as the user named it.
    pub file: String,
    /// 1-based; 0 stands for the file as a whole.
    pub line: u32,
}

impl Location {
    /// The file as a whole.
    pub fn file(file: impl Into<String>) -> Self {
        Self { file: file.into(), line: 0 }
    }
}

impl fmt::Display for Location {
    /// One line, whatever the file is called: a name with a line end in it would read as a message of its own.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let file = in_comment(&self.file);
        if self.line == 0 { f.write_str(&file) } else { write!(f, "{file}:{}", self.line) }
    }
}

/// One finding: a lower-case sentence without a period, its place, and a hint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Warning or error.
    pub severity: Severity,
    /// Where, if there is a where.
    pub location: Option<Location>,
    /// What, with the field and the value.
    pub message: String,
    /// What to do.
    pub hint: Option<String>,
}

impl Diagnostic {
    /// A problem that stops the work.
    pub fn error(message: impl Into<String>) -> Self {
        Self { severity: Severity::Error, location: None, message: message.into(), hint: None }
    }

    /// What is refused because something would be lost.
    pub fn refusal(message: impl Into<String>) -> Self {
        Self { severity: Severity::Refusal, ..Self::error(message) }
    }

    /// Something the user should know.
    pub fn warning(message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(message) }
    }

    /// The same as a warning: for commands that change nothing.
    #[must_use]
    pub fn into_warning(self) -> Self {
        Self { severity: Severity::Warning, ..self }
    }

    /// Says where.
    #[must_use]
    pub fn at(mut self, location: Location) -> Self {
        self.location = Some(location);
        self
    }

    /// Says what to do.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl fmt::Display for Diagnostic {
    /// The sentence with its place, as it stands behind `error: `; the hint is the terminal's to show.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.location {
            Some(location) => write!(f, "{location}: {}", self.message),
            None => write!(f, "{}", self.message),
        }
    }
}

impl From<Diagnostic> for Vec<Diagnostic> {
    fn from(diagnostic: Diagnostic) -> Self {
        vec![diagnostic]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_file_is_no_message() {
        let place = Location { file: "m/a\nerror: b\u{85}\u{202e}.yaml".to_owned(), line: 4 };
        let problem = Diagnostic::error("unknown field").at(place);
        assert_eq!(problem.to_string(), "m/a%0Aerror: b%C2%85%E2%80%AE.yaml:4: unknown field");
    }
}
