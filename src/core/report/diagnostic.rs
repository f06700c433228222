//! Diagnostics: what is wrong, where, and what to do about it.
//!
//! All code that reads input reports problems this way; nothing here prints. Validation reports all
//! problems at once, so most functions return `Checked<T>`: a value, or every problem.

use std::fmt;

use crate::core::report::escape::in_comment;

/// A value, or all problems.
pub type Checked<T> = Result<T, Vec<Diagnostic>>;

/// The severity of a diagnostic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Reported; the command continues.
    Warning,
    /// Invalid input; nothing is written.
    Error,
    /// The input may be valid, but something would be lost; nothing is written.
    Refusal,
}

/// A line in a file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Location {
    /// The file name as the user wrote it.
    pub file: String,
    /// The line number, starting at 1; 0 means the whole file.
    pub line: u32,
}

impl Location {
    /// Returns the location of a whole file.
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

/// One finding: a lower-case sentence without a period, its location, and a hint.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Diagnostic {
    /// The severity.
    pub severity: Severity,
    /// The location, if the finding has one.
    pub location: Option<Location>,
    /// The problem, with the field and the value.
    pub message: String,
    /// What to do next.
    pub hint: Option<String>,
}

impl Diagnostic {
    /// Creates an error.
    pub fn error(message: impl Into<String>) -> Self {
        Self { severity: Severity::Error, location: None, message: message.into(), hint: None }
    }

    /// Creates a refusal: the change would lose something.
    pub fn refusal(message: impl Into<String>) -> Self {
        Self { severity: Severity::Refusal, ..Self::error(message) }
    }

    /// Creates a warning.
    pub fn warning(message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(message) }
    }

    /// Turns the diagnostic into a warning, for commands that change nothing.
    #[must_use]
    pub fn into_warning(self) -> Self {
        Self { severity: Severity::Warning, ..self }
    }

    /// Sets the location.
    #[must_use]
    pub fn at(mut self, location: Location) -> Self {
        self.location = Some(location);
        self
    }

    /// Sets the hint.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl fmt::Display for Diagnostic {
    /// Writes the location and the sentence, as shown after `error: `; the terminal shows the hint.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.location {
            Some(location) => write!(f, "{location}: {}", self.message),
            None => write!(f, "{}", self.message),
        }
    }
}

/// The shells pass a problem on with unexpected failures, as one error type.
impl std::error::Error for Diagnostic {}

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
