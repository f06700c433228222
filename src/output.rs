//! What the user sees: terminal, formats of output and messages, and diffs.

pub mod changes;
pub mod format;
pub mod messages;
mod repeated;
pub mod styled;
pub mod summary;
pub mod terminal;
