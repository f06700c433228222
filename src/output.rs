//! What the user sees: terminal, output formats and diffs.

pub mod changes;
pub mod format;
pub mod terminal;
