//! The error of a patch.

use crate::core::patch::placeholder::PlaceholderError;
use crate::core::report::diagnostic::Diagnostic;

/// The error of a patch that could not be applied.
#[derive(Clone, Debug)]
pub struct PatchError {
    /// The error to report.
    pub problem: Diagnostic,
    /// The cause, if a placeholder could not be filled.
    pub placeholder: Option<PlaceholderError>,
    /// Whether the patch exceeds a limit, which it would do for every object that it applies to.
    pub exceeds_limit: bool,
}

impl From<Diagnostic> for PatchError {
    fn from(problem: Diagnostic) -> Self {
        Self { problem, placeholder: None, exceeds_limit: false }
    }
}

impl PatchError {
    /// Whether the cause is a known placeholder that has no value for the object.
    pub fn lacks_value_of(&self, placeholder: &str) -> bool {
        matches!(&self.placeholder, Some(PlaceholderError::NoValue { name, .. }) if name == placeholder)
    }
}
