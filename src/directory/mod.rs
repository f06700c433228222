//! The directory side: the only place that knows the file system and git.

mod external_diff;
mod files;
pub mod git;
mod identity;
mod leftovers;
mod manifests;
mod nodes;
mod parallel;
mod programs;
mod project;
mod reviewed;
mod source;
mod specs;
mod tree;

pub use external_diff::external_diff;
pub use files::{make_directory, read_text, replace, write_new, write_private};
pub use identity::new_lock_id;
pub use nodes::nodes_from;
pub use programs::{beginning_with, is_same, on_path, says, this_program};
pub use project::Project;
pub use reviewed::Reviewed;
pub use source::{SPEC_FILE, Source};
pub use specs::specs_below;
pub use tree::{RunLock, Tree};
