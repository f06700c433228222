//! git, through its own program: only that runs hooks, signs and knows the user's configuration.
//!
//! Needs git 2.26 for `--pathspec-from-file`; text meant for people is never parsed.

mod call;
mod commit;
mod copies;
mod filters;
mod git_dir;
mod repository;
mod revision;
mod standing;
mod verify;

pub use commit::Head;
pub use filters::Filters;
pub use repository::Repository;
pub use revision::Revision;
pub use standing::{Difference, Standing, State};
