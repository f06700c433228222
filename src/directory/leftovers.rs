//! Files that a render wrote and the lock does not name: left by another branch, by a lock that is older than the tree, or by
//! a spec of another name. Argo CD, Flux and `apply` would keep their objects in the cluster, and no later render would
//! change or remove them.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use crate::core::lock::Lock;
use crate::core::manifest::Key;
use crate::core::render::{POOL_LABEL, is_rendered};
use crate::core::report::diagnostic::{Diagnostic, Location};
use crate::core::yaml;
use crate::directory::{Project, Source};

/// How many bytes of a file are read to find the header: it is in the first lines.
const HEAD: u64 = 4096;

/// As many files are named in one run.
const SHOWN: usize = 20;

/// Moves the leftovers out of the names of foreign files, and says what is wrong with each.
pub(super) fn refuse(project: &Project, output: &Path, foreign: &mut Vec<String>) -> Vec<Diagnostic> {
    let (mut left, others): (Vec<String>, Vec<String>) =
        std::mem::take(foreign).into_iter().partition(|name| has_header(&output.join(name)));
    *foreign = others;
    if left.is_empty() {
        return Vec::new();
    }
    // Two specs may share a directory: each lock knows its own files.
    let theirs = files_of_others(project, output);
    foreign.extend(left.extract_if(.., |name| theirs.contains(name)));
    foreign.sort();
    let mut problems: Vec<Diagnostic> = left.iter().take(SHOWN).map(|name| problem(output, name)).collect();
    if left.len() > SHOWN {
        let more = format!("{} more files that a render wrote are not named by the lock", left.len() - SHOWN);
        problems.push(Diagnostic::refusal(more).at(Location::file(output.display().to_string())));
    }
    if let (Some(last), Some(first)) = (problems.last_mut(), left.first()) {
        last.hint = Some(hint(project, output, first));
    }
    problems
}

/// What to do about leftovers, of which one is named `name`.
fn hint(project: &Project, output: &Path, name: &str) -> String {
    let lock = project.lock_path();
    let restore = match lock_of_no_spec(&lock, name) {
        Some(other) => {
            format!("rename the lock as the spec was renamed (`mv {} {}`)", other.display(), lock.display())
        }
        None => format!(
            "restore the lock of the commit that added its file (`git log --all -- {}`, then `git checkout COMMIT -- {}`)",
            output.join(name).display(),
            lock.display()
        ),
    };
    format!(
        "to keep such an object, {restore} and render; to give it up, with the address of a load balancer, remove the file"
    )
}

/// A lock beside a lock that is missing, which names the file and whose own spec is gone.
fn lock_of_no_spec(lock: &Path, name: &str) -> Option<PathBuf> {
    if lock.exists() {
        return None;
    }
    let directory = lock.parent().filter(|path| !path.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let names_it = |path: &PathBuf| {
        let text = fs::read_to_string(path).unwrap_or_default();
        Lock::read("", &text).is_ok_and(|lock| lock.files.contains_key(name))
    };
    entries(directory)
        .filter(|path| path.extension().is_some_and(|ending| ending == "lock") && source_of(path).is_none())
        .find(names_it)
        .map(|path| path.strip_prefix(".").map(Path::to_owned).unwrap_or(path))
}

fn has_header(path: &Path) -> bool {
    // Opening anything else, such as a named pipe, may wait forever.
    if !fs::metadata(path).is_ok_and(|metadata| metadata.is_file()) {
        return false;
    }
    let mut head = Vec::new();
    // A file that cannot be read is reported where its content is needed.
    File::open(path).and_then(|file| file.take(HEAD).read_to_end(&mut head)).is_ok() && is_rendered(&head)
}

fn problem(output: &Path, name: &str) -> Diagnostic {
    let path = output.join(name);
    let shown = path.display().to_string();
    let what = what(&path, &shown).map(|what| format!(" ({what})")).unwrap_or_default();
    Diagnostic::refusal(format!("a render wrote the file{what}, and the lock does not name it"))
        .at(Location::file(shown))
}

/// The object in a file, and its pool.
fn what(path: &Path, shown: &str) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    let value = yaml::read_one(shown, &text).ok()?.value;
    let key = Key::of(&value);
    Some(match value["metadata"]["labels"][POOL_LABEL].as_str() {
        Some(pool) => format!("{key}, pool {pool}"),
        None => key.to_string(),
    })
}

/// The files of other specs that write into the same directory, as their locks name them. Specs are looked for beside
/// this one, beside the directory, and in the directories next to it.
fn files_of_others(project: &Project, output: &Path) -> BTreeSet<String> {
    let Ok(ours) = fs::canonicalize(output) else { return BTreeSet::new() };
    let own_lock = fs::canonicalize(project.lock_path()).ok();
    let mut directories = BTreeSet::new();
    directories.extend(
        fs::canonicalize(project.source.file()).ok().and_then(|spec| Some(spec.parent()?.to_owned())),
    );
    if let Some(parent) = ours.parent() {
        directories.insert(parent.to_owned());
        directories.extend(entries(parent).filter(|path| path.is_dir() && *path != ours));
    }
    let locks = directories.iter().flat_map(|directory| entries(directory)).filter(|path| {
        path.extension().is_some_and(|ending| ending == "lock") && Some(path) != own_lock.as_ref()
    });
    let mut files = BTreeSet::new();
    for source in locks.filter_map(|lock| source_of(&lock)) {
        let Ok(other) = Project::open(&source) else { continue };
        if fs::canonicalize(other.output()).is_ok_and(|path| path == ours) {
            files.extend(
                other
                    .lock
                    .into_iter()
                    .flat_map(|lock| lock.files.into_keys().chain(lock.pending.into_keys())),
            );
        }
    }
    files
}

fn entries(directory: &Path) -> impl Iterator<Item = PathBuf> {
    fs::read_dir(directory).into_iter().flatten().filter_map(Result::ok).map(|entry| entry.path())
}

/// The spec of a lock: `web.lock` is of `web.yaml`, `web.east.lock` of its cluster `east`.
fn source_of(lock: &Path) -> Option<Source> {
    let stem = lock.file_stem()?.to_str()?;
    let spec = |stem: &str| {
        let mut paths =
            ["yaml", "yml"].into_iter().map(|ending| lock.with_file_name(format!("{stem}.{ending}")));
        paths.find(|path| path.is_file())
    };
    if let Some(path) = spec(stem) {
        return Some(Source { path, cluster: None });
    }
    let (stem, cluster) = stem.rsplit_once('.')?;
    Some(Source { path: spec(stem)?, cluster: Some(cluster.to_owned()) })
}
