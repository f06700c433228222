//! The wording of findings: diagnostics and their formats, counts, suggestions, diffs and masked secrets.

pub mod describe;
pub mod diagnostic;
pub mod escape;
pub mod mask;
pub mod message;
pub mod plural;
pub mod repository_path;
pub mod sarif;
pub mod suggest;
pub mod text_diff;
pub mod workflow_command;
