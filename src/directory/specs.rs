//! Finds the specs below a directory.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::core::lock::Lock;
use crate::core::report::diagnostic::{Checked, Diagnostic, Location};
use crate::directory::files::read_text;
use crate::directory::{FileError, SPEC_FILE, Source};

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

/// Returns the lock IDs of the specs at or below a path. Ignores locks that cannot be read: their own commands report them.
pub fn lock_ids_below(path: &Path) -> BTreeSet<String> {
    let ids = |directory: PathBuf| {
        let source = Source { path: directory, ..Source::default() };
        let (spec, _) = source.read().ok()?;
        let clusters: Vec<Source> = spec.cluster_names().map(|name| source.of_cluster(name)).collect();
        let sources = if clusters.is_empty() { vec![source] } else { clusters };
        let read = |source: &Source| {
            let path = source.lock();
            let shown = path.display().to_string();
            Lock::read(&shown, &read_text(&path, &shown).ok()?).ok()?.id
        };
        Some(sources.iter().filter_map(read).map(|id| id.as_str().to_owned()).collect::<Vec<_>>())
    };
    specs_below(path).unwrap_or_default().into_iter().filter_map(ids).flatten().collect()
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
