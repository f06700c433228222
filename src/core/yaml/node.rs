//! What the readers of YAML and JSON share.

use serde_json::Value;

use crate::core::report::diagnostic::Diagnostic;
use crate::core::yaml::document::Lines;

/// An error, and the line of it.
pub(super) type Problem = (u32, Diagnostic);

/// Whose rules decide where the rules of YAML and of kubectl differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rules {
    /// Those of kubectl.
    Kubectl,
    /// Those of our own files, which kubectl never reads.
    Own,
}

/// A value with its lines. It is built while the text is read, because the parser's own locations take more memory than
/// the values.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) value: Value,
    pub(super) lines: Lines,
}

/// Returns the error for a key that a map has twice.
pub(super) fn duplicate(key: &str) -> Diagnostic {
    Diagnostic::error(format!("duplicate key `{key}`"))
}
