//! What commonly goes wrong around the program, told from what was found: no file, no program and no cluster is asked here.

mod finding;
mod programs;
mod rights;

pub use crate::core::doctor::finding::{Finding, Level};
pub use crate::core::doctor::programs::{Installed, completion, git, kubectl, plugin};
pub use crate::core::doctor::rights::rights;
