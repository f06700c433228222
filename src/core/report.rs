//! The wording of findings: diagnostics and their formats, counts, suggestions, diffs, quoted commands and masked secrets.

pub mod command_flags;
pub mod describe;
pub mod diagnostic;
pub mod escape;
mod list_diff;
pub mod markdown;
pub mod mask;
mod masked_file;
pub mod message;
pub mod plural;
pub mod pool_words;
pub mod repository_path;
pub mod sarif;
pub mod secret_text;
pub mod shell_quote;
pub mod suggest;
pub mod text_diff;
pub mod workflow_command;
