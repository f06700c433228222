//! Keeps `init` from writing through a link that leads out of the repository.

use std::path::Path;

use crate::core::report::diagnostic::{Diagnostic, Location};
use crate::directory::is_outside;

/// Refuses a file to write for the spec in a directory, if a link on its path leads outside.
pub(super) fn refuse_link(directory: &Path, file: &Path) -> Result<(), Diagnostic> {
    if !is_outside(directory, file) {
        return Ok(());
    }
    Err(Diagnostic::refusal("a link leads out of the git repository or directory of the spec")
        .at(Location::file(file.display().to_string()))
        .hint("remove the link"))
}
