//! The directory shell: the only modules that use the file system and git.

mod boundary;
mod damaged_lock;
mod external_diff;
mod file_error;
mod files;
mod former_output;
pub mod git;
mod git_made;
mod identity;
mod inputs;
mod leftovers;
mod lock_file;
mod manifests;
mod merged_lock;
mod named_platform;
mod nodes;
mod parallel;
mod peer;
mod plan_source;
mod pools_of;
mod programs;
mod project;
mod read_files;
mod rendered_file;
mod reviewed;
mod revision_lock;
mod same_id;
mod source;
mod specs;
mod tree;
mod working_directory;

pub use crate::directory::boundary::{Outside, is_outside};
pub use crate::directory::external_diff::{ExternalDiff, external_diff};
pub use crate::directory::file_error::{FileError, FileOperation};
pub use crate::directory::files::{
    NamedBy, has_entries, is_regular_file, is_taken, make_directory, read_text, read_text_of_user, replace,
    write_new, write_private,
};
pub use crate::directory::former_output::former_outputs;
pub use crate::directory::identity::{new_lock_id, new_salt};
pub use crate::directory::inputs::{InputFile, STDIN_FILE, read_inputs};
pub use crate::directory::lock_file::{replace_lock, specs_of_lock, specs_with_files};
pub use crate::directory::merged_lock::MergeNote;
pub use crate::directory::named_platform::NamedPlatform;
pub use crate::directory::nodes::nodes_from;
pub use crate::directory::peer::read_peer;
pub use crate::directory::plan_source::{other_source, plan_source};
pub use crate::directory::pools_of::{GitUse, keep_pools_of};
pub use crate::directory::programs::{beginning_with, is_same, on_path, says, this_program};
pub use crate::directory::project::Project;
pub use crate::directory::reviewed::Reviewed;
pub use crate::directory::same_id::{refuse_replaced_lock, refuse_same_id};
pub use crate::directory::source::{SPEC_FILE, Source};
pub use crate::directory::specs::{lock_ids_below, specs_below};
pub use crate::directory::tree::{RunLock, Tree};
pub use crate::directory::working_directory::working_directory;
