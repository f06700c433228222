//! The directory side: the only place that knows the file system and git.

mod external_diff;
mod files;
pub mod git;
mod nodes;
mod parallel;
mod project;
mod reviewed;
mod tree;

pub use external_diff::external_diff;
pub use files::{make_directory, read_text, replace, write_new, write_private};
pub use nodes::nodes_from;
pub use project::{Project, SPEC_FILE};
pub use reviewed::Reviewed;
pub use tree::{RunLock, Tree};
