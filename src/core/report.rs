//! The wording of findings: diagnostics, counts, suggestions, diffs, quoted commands and masked secrets.

pub mod describe;
pub mod diagnostic;
pub mod escape;
pub mod mask;
mod masked_file;
pub mod plural;
pub mod secret_text;
pub mod shell_quote;
pub mod suggest;
pub mod text_diff;
