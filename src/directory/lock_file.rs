//! Finds and replaces the lock files of directories without rendering.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::{env, fs};

use crate::core::lock::{Lock, LockId};
use crate::core::report::diagnostic::{Checked, Diagnostic};
use crate::directory::files::{TemporaryName, entries, read_text_of_user, replace_durably};
use crate::directory::git::Repository;
use crate::directory::leftovers::source_of;
use crate::directory::{FileError, Project, SPEC_FILE, Source};

/// Replaces the lock of a spec. The caller holds a [`crate::directory::RunLock`].
pub fn replace_lock(source: &Source, lock: &Lock) -> Checked<()> {
    let path = source.lock();
    replace_durably(&path, &lock.write(), &TemporaryName::of(&path))
        .map_err(|error| FileError::write_path(error, &path).into())
}

/// Returns the specs whose locks have this id: those in the git repository of a spec, or without git, those next to it and in
/// the directories next to its own.
pub fn specs_of_lock(from: &Source, id: &LockId) -> Result<Vec<Source>, Diagnostic> {
    let file = from.file();
    let directory = file.parent().filter(|path| !path.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let locks = match Repository::around(directory)? {
        Some(repository) => repository.find_locks(&[id.as_str()])?,
        None => nearby(directory),
    };
    let has_id = |source: &Source| {
        Project::open(source).is_ok_and(|project| project.lock.and_then(|lock| lock.id).as_ref() == Some(id))
    };
    let source = |lock: &PathBuf| {
        let found = source_of(lock)?;
        Some(Source { path: as_typed(&found.path), outside: from.outside, ..found })
    };
    Ok(locks.iter().filter_map(source).filter(has_id).collect())
}

/// More names would not fit into a command line.
const NAMES: usize = 100;

/// Returns the specs whose locks name a file with one of these beginnings, such as `service-web`: those in the git repository of a
/// spec, or without git, those next to it and in the directories next to its own.
pub fn specs_with_files(from: &Source, beginnings: &[String]) -> Result<Vec<Source>, Diagnostic> {
    let file = from.file();
    let directory = file.parent().filter(|path| !path.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let names: Vec<&str> = if beginnings.len() > NAMES {
        vec!["version: "]
    } else {
        beginnings.iter().map(String::as_str).collect()
    };
    let locks = match Repository::around(directory)? {
        Some(repository) => repository.find_locks(&names)?,
        None => nearby(directory),
    };
    let source = |lock: &PathBuf| {
        let found = source_of(lock)?;
        Some(Source { path: as_typed(&found.path), outside: from.outside, ..found })
    };
    Ok(locks.iter().filter_map(source).collect())
}

/// Reads the lock that a path names: a lock file, a spec, or the directory of a spec. A spec with several clusters has one lock for
/// each; then the lock of the same cluster is read. Returns the lock and its path.
pub fn lock_named(own: &Source, path: &Path) -> Checked<(Lock, String)> {
    let is_lock = path.extension().is_some_and(|ending| ending == "lock") && !path.is_dir();
    let spec = Source { path: path.to_owned(), ..own.clone() };
    let alone = Source { cluster: None, ..spec.clone() }.lock();
    let of_cluster = spec.lock();
    let file = match (is_lock, of_cluster.exists()) {
        (true, _) => path.to_owned(),
        (false, true) => of_cluster,
        (false, false) => alone,
    };
    let shown = file.display().to_string();
    let text = read_text_of_user(&file, &shown).map_err(|problem| match problem.hint {
        Some(_) => problem,
        None => problem.hint("name a lock file, or the spec or the directory that it belongs to"),
    })?;
    Ok((Lock::read(&shown, &text)?, shown))
}

/// Returns the path of a spec as a user would type it: relative to the working directory, and without the usual file name.
pub(super) fn as_typed(spec: &Path) -> PathBuf {
    let here = env::current_dir().and_then(fs::canonicalize).unwrap_or_default();
    let relative = spec.strip_prefix(&here).unwrap_or(spec);
    match relative.file_name() {
        Some(name) if name == SPEC_FILE => match relative.parent() {
            Some(parent) if parent.as_os_str().is_empty() => PathBuf::from("."),
            Some(parent) => parent.to_owned(),
            None => relative.to_owned(),
        },
        _ => relative.to_owned(),
    }
}

fn nearby(directory: &Path) -> Vec<PathBuf> {
    let Ok(directory) = fs::canonicalize(directory) else { return Vec::new() };
    let siblings = directory.parent().into_iter().flat_map(entries).filter(|path| path.is_dir());
    let directories = siblings.chain([directory.clone()]).collect::<BTreeSet<_>>().into_iter();
    directories
        .flat_map(|directory| entries(&directory).collect::<Vec<_>>())
        .filter(|path| path.extension().is_some_and(|ending| ending == "lock"))
        .collect()
}
