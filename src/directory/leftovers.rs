//! Finds rendered files that the lock does not name: left by another branch, by a lock that is older than the tree,
//! or by a spec of another name. Argo CD, Flux and `apply` would keep their objects in the cluster, and no later
//! render would change or remove them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use crate::core::kubernetes::names;
use crate::core::lock::Lock;
use crate::core::manifest::{Key, label};
use crate::core::render::{RenderedFile, SERVICE_LABEL, pool_of};
use crate::core::report::diagnostic::{Diagnostic, Location};
use crate::core::report::pool_words;
use crate::core::report::shell_quote::path;
use crate::directory::files::{entries, read, unix_lines};
use crate::directory::rendered_file::{has_header, object_of, pool_of_file};
use crate::directory::revision_lock::lock_of_commit;
use crate::directory::{Project, Source, read_text};

/// Maximum number of files that one run names.
const SHOWN: usize = 20;

/// Maximum number of files in the command of a hint. The next run names the others.
const REMOVED: usize = 100;

/// Maximum number of commits in the command of a hint.
const COMMITS: usize = 5;

/// Moves the leftovers out of the names of foreign files, and reports each.
pub(super) fn refuse(project: &Project, output: &Path, foreign: &mut Vec<String>) -> Vec<Diagnostic> {
    let (mut left, others): (Vec<String>, Vec<String>) =
        std::mem::take(foreign).into_iter().partition(|name| has_header(&output.join(name)));
    *foreign = others;
    if left.is_empty() {
        return Vec::new();
    }
    // Several specs may share a directory: each lock names its own files.
    let theirs = files_of_others(project, output);
    foreign.extend(left.extract_if(.., |name| theirs.contains(name)));
    foreign.sort();
    let mut problems: Vec<Diagnostic> = left.iter().take(SHOWN).map(|name| problem(output, name)).collect();
    if left.len() > SHOWN {
        let more = format!("{} more rendered files are not in the lock", left.len() - SHOWN);
        problems.push(Diagnostic::refusal(more).at(Location::file(output.display().to_string())));
    }
    if let Some(last) = problems.last_mut() {
        last.hint = hint(project, output, &left);
    }
    problems
}

/// Refuses rule files of Prometheus that a render wrote and that no lock names: Prometheus may load them, too.
pub(super) fn refuse_rule_files(project: &Project, output: &Path, names: Vec<String>) -> Vec<Diagnostic> {
    let mut left: Vec<String> = names.into_iter().filter(|name| has_header(&output.join(name))).collect();
    if left.is_empty() {
        return Vec::new();
    }
    let theirs = files_of_others(project, output);
    left.retain(|name| !theirs.contains(name));
    let problem = |name: &String| {
        let file = output.join(name);
        Diagnostic::refusal("the rendered rule file is not in the lock")
            .at(Location::file(file.display().to_string()))
            .hint(format!("`rm {}` removes it; a render writes the rule file of `spec.alerts`", path(&file)))
    };
    left.iter().take(SHOWN).map(problem).collect()
}

/// Returns the pools whose rendered Services are in the output directory, but not in the lock.
pub(super) fn pools_left(output: &Path, lock: &Lock) -> BTreeSet<String> {
    let names = entries(output).filter_map(|path| Some(path.file_name()?.to_str()?.to_owned()));
    let left = names.filter(|name| !lock.has_path(name) && has_header(&output.join(name)));
    left.filter_map(|name| pool_of_file(&output.join(name))).collect()
}

/// Returns how to resolve leftovers.
fn hint(project: &Project, output: &Path, left: &[String]) -> Option<String> {
    let name = left.first()?;
    let lock = project.lock_path();
    if let Some(other) = same_object(project, output, name) {
        return Some(format!(
            "{} has the same object; remove the file that the lock does not list",
            path(&output.join(other))
        ));
    }
    let to_keep = "to keep the object and its load balancer address";
    if let Some(other) = lock_of_no_spec(&lock, project.source.cluster.as_deref(), name) {
        let (from, to) = (path(&other), path(&lock));
        return Some(format!(
            "{to_keep}, rename the lock as the spec was renamed (`mv {from} {to}`), and render; to delete both, remove the file"
        ));
    }
    let (lost, unlisted): (Vec<&String>, Vec<&String>) =
        left.iter().partition(|name| is_of_lost_pool(project, &output.join(name)));
    if !unlisted.is_empty() {
        return Some(of_no_manifest(output, &unlisted));
    }
    let commits = commits_with(project, output, &lost);
    let keep = if commits.is_empty() {
        let pool = pool_of_file(&output.join(name))?;
        format!("set `{}`, and render with --overwrite", project.spec.spec.declaring(&pool))
    } else {
        let flags: String = commits.iter().map(|commit| format!(" --pools-of {commit}")).collect();
        format!("run `kubectl largescale render{flags}`")
    };
    Some(format!("{to_keep}, {keep}; to delete both, remove the file"))
}

/// Returns what to do with files of objects that are not in the manifests: no lock brings them back.
fn of_no_manifest(output: &Path, names: &[&String]) -> String {
    let files: Vec<String> = names.iter().take(REMOVED).map(|name| path(&output.join(name))).collect();
    let files = files.join(" ");
    if names.len() == 1 {
        return format!(
            "to keep the object and its load balancer address, add its manifest to `spec.manifests`, and render; to delete both, `rm {files}`"
        );
    }
    format!(
        "to keep the objects and their load balancer addresses, add their manifests to `spec.manifests`, and render; to delete all of them, `rm {files}`"
    )
}

/// Whether the file has an object that the spec renders for each pool, and the lock has lost its pool.
fn is_of_lost_pool(project: &Project, path: &Path) -> bool {
    let Some(object) = object_of(path) else { return false };
    let Some(pool) = pool_of(&object) else { return false };
    let is_known = project.lock.as_ref().is_some_and(|lock| lock.has_pool(pool));
    // Some commands read no manifests.
    let has_source = |service: &str| {
        project.objects.is_empty() || project.objects.iter().any(|object| object.key().name == service)
    };
    !is_known && label(&object, SERVICE_LABEL).is_none_or(has_source)
}

/// Returns the file of the lock that has the same object, if there is one: this file is then a copy of it.
fn same_object(project: &Project, output: &Path, name: &str) -> Option<String> {
    let key = |name: &str| Some(Key::of(&object_of(&output.join(name))?));
    let own = key(name)?;
    let other = format!("{}-{}.yaml", own.kind.to_lowercase(), own.name);
    let is_listed = project.lock.as_ref().is_some_and(|lock| lock.has_path(&other));
    (is_listed && key(&other)? == own).then_some(other)
}

/// Returns the commits whose locks list the leftovers: as few as possible, each HEAD or one of the last that changed a file.
fn commits_with(project: &Project, output: &Path, left: &[&String]) -> Vec<String> {
    let Ok(Some(repository)) = project.repository() else { return Vec::new() };
    let digest =
        |name: &&String| names::digest(&unix_lines(read(&output.join(name), "").unwrap_or_default()));
    let digests: BTreeMap<&String, String> = left.iter().map(|name| (*name, digest(name))).collect();
    let id = project.lock.as_ref().and_then(|lock| lock.id.as_ref());
    let mut rest: BTreeSet<&String> = left.iter().copied().collect();
    let mut found = Vec::new();
    while let Some(first) = rest.first().copied() {
        let mut best: Option<((usize, usize), String, Lock)> = None;
        for commit in repository.head().into_iter().chain(repository.changes(&output.join(first))) {
            let lock = lock_of_commit(repository, &commit, &project.lock_path(), id);
            let Some(lock) = lock.filter(|lock| lock.has_path(first)) else { continue };
            let listed = rest.iter().filter(|name| lock.has_path(name)).count();
            // A lock that also has the content of today shows that no user edited the file.
            let same = rest.iter().filter(|name| lock.has_digest(name, &digests[**name])).count();
            let is_best = best.as_ref().is_none_or(|(most, ..)| (listed, same) > *most);
            if is_best {
                best = Some(((listed, same), commit, lock));
            }
            if same == rest.len() {
                break;
            }
        }
        rest.pop_first();
        if let Some((_, commit, lock)) = best {
            rest.retain(|name| !lock.has_path(name));
            found.push(commit);
        }
        if found.len() == COMMITS {
            break;
        }
    }
    found
}

/// Returns a lock next to a missing lock that names the file and whose own spec no longer exists.
fn lock_of_no_spec(lock: &Path, cluster: Option<&str>, name: &str) -> Option<PathBuf> {
    if lock.exists() {
        return None;
    }
    let ending = cluster.map(|cluster| format!(".{cluster}.lock")).unwrap_or_default();
    let directory = lock.parent().filter(|path| !path.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let names_it = |path: &PathBuf| {
        let text = read_text(path, "").unwrap_or_default();
        Lock::read("", &text).is_ok_and(|lock| lock.files.contains_key(name))
    };
    entries(directory)
        .filter(|path| path.extension().is_some_and(|ending| ending == "lock") && source_of(path).is_none())
        .filter(|path| path.to_string_lossy().ends_with(&ending))
        .find(names_it)
        .map(|path| path.strip_prefix(".").map(Path::to_owned).unwrap_or(path))
}

/// Refuses a render without a lock if the lock of a renamed spec is next to it and names a rendered file: the new lock would have
/// another id and would not know the pools without nodes.
pub(super) fn refuse_lost_lock(
    project: &Project,
    output: &Path,
    rendered: &[RenderedFile],
) -> Option<Diagnostic> {
    if project.lock.is_some() {
        return None;
    }
    let lock = project.lock_path();
    let file = rendered.iter().find(|file| has_header(&output.join(&file.path)))?;
    let other = lock_of_no_spec(&lock, project.source.cluster.as_deref(), &file.path)?;
    Some(
        Diagnostic::refusal(format!(
            "lock file not found, but {} is the lock file of a spec that no longer exists, and names files of {}",
            other.display(),
            output.display()
        ))
        .at(Location::file(lock.display().to_string()))
        .hint(format!(
            "rename the lock as the spec was renamed: `mv {} {}`",
            path(&other),
            path(&lock)
        )),
    )
}

/// Returns the output directories of the specs next to this one, for all of their clusters.
pub(super) fn outputs_beside(project: &Project) -> Vec<PathBuf> {
    let lock = project.lock_path();
    let directory = lock.parent().filter(|path| !path.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let locks = entries(directory).filter(|path| path.extension().is_some_and(|ending| ending == "lock"));
    let sources = locks.filter_map(|lock| source_of(&lock));
    let output = |source: Source| {
        let source = Source { outside: project.source.outside, ..source };
        fs::canonicalize(Project::open(&source).ok()?.output()).ok()
    };
    sources.filter_map(output).collect()
}

fn problem(output: &Path, name: &str) -> Diagnostic {
    let path = output.join(name);
    let shown = path.display().to_string();
    let what = what(&path).map(|what| format!(" ({what})")).unwrap_or_default();
    Diagnostic::refusal(format!("the rendered file{what} is not in the lock")).at(Location::file(shown))
}

/// Describes the object in a file, and its pool.
fn what(path: &Path) -> Option<String> {
    let value = object_of(path)?;
    let key = Key::of(&value);
    Some(match pool_of(&value) {
        Some(pool) => format!("{key}, {}", pool_words::named(pool)),
        None => key.to_string(),
    })
}

/// Returns the files of other specs that write into the same directory, according to their locks. Looks for specs
/// next to this one, next to the directory, and in its sibling directories.
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
        let source = Source { outside: project.source.outside, ..source };
        let Ok(other) = Project::open(&source) else { continue };
        if fs::canonicalize(other.output()).is_ok_and(|path| path == ours) {
            files.extend(other.lock.into_iter().flat_map(|lock| lock.paths().cloned().collect::<Vec<_>>()));
        }
    }
    files
}

/// Returns the spec of a lock: `web.lock` belongs to `web.yaml`, `web.east.lock` to its cluster `east`.
pub(super) fn source_of(lock: &Path) -> Option<Source> {
    let stem = lock.file_stem()?.to_str()?;
    let spec = |stem: &str| {
        let mut paths =
            ["yaml", "yml"].into_iter().map(|ending| lock.with_file_name(format!("{stem}.{ending}")));
        paths.find(|path| path.is_file())
    };
    if let Some(path) = spec(stem) {
        return Some(Source { path, ..Source::default() });
    }
    let (stem, cluster) = stem.rsplit_once('.')?;
    Some(Source { path: spec(stem)?, ..Source::default() }.of_cluster(cluster))
}
