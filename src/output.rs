//! What the user sees: the terminal, the output formats and differences.

pub mod changes;
pub mod format;
pub mod terminal;
