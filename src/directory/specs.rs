//! Specs in a directory of many.

use std::fs;
use std::path::{Path, PathBuf};

use crate::core::report::diagnostic::{Checked, Diagnostic, Location};
use crate::directory::SPEC_FILE;
use crate::directory::files::cannot;

/// Every `largescale.yaml` in a directory and below, in order of their paths; a file is itself. Hidden directories and
/// symbolic links are not followed.
pub fn specs_below(path: &Path) -> Checked<Vec<PathBuf>> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut found = Vec::new();
    walk(path, &mut found)?;
    if found.is_empty() {
        let shown = path.display().to_string();
        return Err(Diagnostic::error(format!("no {SPEC_FILE} here or below"))
            .at(Location::file(shown))
            .hint("`kubectl largescale init` writes one")
            .into());
    }
    found.sort();
    Ok(found)
}

fn walk(directory: &Path, found: &mut Vec<PathBuf>) -> Checked<()> {
    let failed = |error: &std::io::Error| cannot("read", error, directory, &directory.display().to_string());
    for entry in fs::read_dir(directory).map_err(|error| failed(&error))? {
        let entry = entry.map_err(|error| failed(&error))?;
        let kind = entry.file_type().map_err(|error| failed(&error))?;
        let name = entry.file_name();
        if kind.is_dir() && !name.to_string_lossy().starts_with('.') {
            walk(&entry.path(), found)?;
        } else if name == SPEC_FILE && !kind.is_dir() {
            // Named by its directory, as people do.
            found.push(directory.to_owned());
        }
    }
    Ok(())
}
