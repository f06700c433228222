//! The wording of findings: diagnostics, counts, suggestions, diffs and masked secrets.

pub mod describe;
pub mod diagnostic;
pub mod escape;
pub mod markdown;
pub mod mask;
pub mod plural;
pub mod suggest;
pub mod text_diff;
