//! Checks for common problems. They judge what was collected elsewhere, and access no file, program or cluster.

mod finding;
mod programs;
mod rights;
mod sets;

pub use crate::core::doctor::finding::{Finding, Level};
pub use crate::core::doctor::programs::{Installed, completion, git, kubectl, plugin};
pub use crate::core::doctor::rights::rights;
pub use crate::core::doctor::sets::{FoundSet, sets};
