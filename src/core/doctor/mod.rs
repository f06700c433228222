//! What commonly goes wrong around the program, told from what was found: no file, no program and no cluster is asked here.

mod finding;
mod programs;
mod rights;

pub use finding::{Finding, Level};
pub use programs::{Installed, completion, git, kubectl, plugin};
pub use rights::rights;
