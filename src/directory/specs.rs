//! Finds the specs below a directory.

use std::fs;
use std::path::{Path, PathBuf};

use crate::core::report::diagnostic::{Checked, Diagnostic, Location};
use crate::directory::{FileError, SPEC_FILE};

/// Returns the directory of every `largescale.yaml` at or below a path, in order; a file is returned as it is.
/// Skips hidden directories and symbolic links.
pub fn specs_below(path: &Path) -> Checked<Vec<PathBuf>> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut found = Vec::new();
    walk(path, &mut found)?;
    if found.is_empty() {
        let shown = path.display().to_string();
        return Err(Diagnostic::error(format!("no {SPEC_FILE} found here or below"))
            .at(Location::file(shown))
            .hint("create one with `kubectl largescale init`")
            .into());
    }
    found.sort();
    Ok(found)
}

fn walk(directory: &Path, found: &mut Vec<PathBuf>) -> Checked<()> {
    let failed = |error: std::io::Error| FileError::read_path(error, directory);
    for entry in fs::read_dir(directory).map_err(&failed)? {
        let entry = entry.map_err(&failed)?;
        let kind = entry.file_type().map_err(&failed)?;
        let name = entry.file_name();
        if kind.is_dir() && !name.to_string_lossy().starts_with('.') {
            walk(&entry.path(), found)?;
        } else if name == SPEC_FILE && !kind.is_dir() {
            // Named by its directory, as users do.
            found.push(directory.to_owned());
        }
    }
    Ok(())
}
