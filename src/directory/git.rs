//! Access to git through its command line, because only git runs hooks, signs commits and knows the user's
//! configuration.
//!
//! Needs git 2.26 for `--pathspec-from-file`. Messages for people are never parsed.

mod auto_merge;
mod command;
mod commit;
mod copies;
mod filters;
mod git_dir;
mod inputs;
mod listing;
mod lock_history;
mod merging;
mod repository;
mod revision;
mod status;
mod usual_settings;
mod verify;

pub(super) use crate::directory::git::auto_merge::AutoMerge;
pub use crate::directory::git::commit::Head;
pub(super) use crate::directory::git::copies::Merges;
pub use crate::directory::git::filters::Filters;
pub(super) use crate::directory::git::git_dir::root_without_git;
pub use crate::directory::git::listing::{Listed, Listing, Rendered};
pub(super) use crate::directory::git::merging::{Joined, Stages, is_merging};
pub use crate::directory::git::repository::{Repository, RepositoryCell};
pub use crate::directory::git::revision::Revision;
pub use crate::directory::git::status::{Difference, GitFileStatus, GitState};
