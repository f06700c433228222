//! The lock of a directory while git merges two branches, and after a merge whose lock was decided without this program.

use std::collections::BTreeMap;
use std::path::Path;

use crate::core::kubernetes::names;
use crate::core::lock::merge::{Branch, Branches, add_pools, merge};
use crate::core::lock::{Lock, conflict};
use crate::core::report::diagnostic::{Checked, Diagnostic, Location};
use crate::core::report::shell_quote;
use crate::directory::files::{read, read_text};
use crate::directory::git::{Joined, Repository, RepositoryCell, Stages, is_merging};

/// The files that the locks of two branches are about.
#[derive(Clone, Copy, Debug)]
pub(super) struct Files<'a> {
    /// The directory of the spec.
    pub(super) directory: &'a Path,
    /// The output directory.
    pub(super) output: &'a Path,
    /// The lock.
    pub(super) lock: &'a Path,
    /// The repository around the directory.
    pub(super) repository: &'a RepositoryCell,
}

/// A lock, and what the user should know about it.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// The lock; `None` if there is none.
    pub(super) lock: Option<Lock>,
    /// What to say about a merge.
    pub(super) merge: Option<MergeNote>,
}

/// What the user should know about a merge of the lock.
#[derive(Clone, Debug)]
pub enum MergeNote {
    /// The render resolves the conflict.
    Resolved {
        /// What to do next.
        next: String,
        /// The lock in the file; `None` if it has conflict markers.
        current: Option<Box<Lock>>,
    },
    /// The lock in the file lacks pools of a branch.
    Lacks(Diagnostic),
}

/// Reads the lock. While git has a conflict in it, merges the locks of both branches.
pub(super) fn read_merging(files: Files<'_>) -> Checked<Found> {
    let shown = files.lock.display().to_string();
    let text = match files.lock.try_exists() {
        Ok(false) => None,
        _ => Some(read_text(files.lock, &shown)?.replace("\r\n", "\n")),
    };
    let has_markers = text.as_deref().and_then(|text| conflict(&shown, text)).is_some();
    let plain = || -> Checked<Found> {
        let lock = text.as_deref().map(|text| Lock::read(&shown, text)).transpose()?;
        Ok(Found { lock, ..Found::default() })
    };
    if !has_markers && !is_merging(files.directory) {
        return plain();
    }
    let Some(repository) = files.repository.get()? else {
        return if has_markers { Err(no_repository(&shown, text.as_deref()).into()) } else { plain() };
    };
    let output = if repository.holds(files.output) { files.output } else { files.lock };
    let mut conflicts = repository.conflicts(output, files.lock)?;
    let mut found = match conflicts.remove(&repository.path(files.lock)?) {
        Some(stages) => of_stages(files, &stages, text.as_deref())?,
        None if has_markers => return Err(markers_only(repository, files).into()),
        None => plain()?,
    };
    if let Some(lock) = &mut found.lock {
        let sides = sides(repository, files, &conflicts)?;
        for (path, stages) in conflicts {
            let Some(name) =
                path.rsplit(|byte| *byte == b'/').next().and_then(|name| std::str::from_utf8(name).ok())
            else {
                continue;
            };
            let file = files.output.join(name);
            // The index also has files of subdirectories, which no render writes.
            if repository.path(&file)? == path {
                accept(lock, &sides, name, &stages, &file);
            }
        }
    }
    Ok(found)
}

/// Merges the locks of both branches that git joins, or that the last merge commit joined, if the file has the lock of one of them.
/// `None` if there is no such operation or commit, or if the two do not merge. The text says what the render did.
pub(super) fn of_both_branches(files: Files<'_>) -> Checked<Option<(Lock, &'static str)>> {
    let shown = files.lock.display().to_string();
    if !files.lock.exists() {
        return Ok(None);
    }
    let Some(repository) = files.repository.get()? else { return Ok(None) };
    let text = read_text(files.lock, &shown)?.replace("\r\n", "\n");
    if let Some(joined) = repository.current_join(files.lock)?
        && let Some(lock) = of_join(repository, joined, &text)?
    {
        return Ok(Some((lock, "the lock was that of one branch; this render merged the locks of both")));
    }
    let Some(joined) = repository.last_merge(files.lock)? else { return Ok(None) };
    if is_decided(&joined, &text, repository.committed(files.lock)?.as_deref()) {
        return Ok(None);
    }
    Ok(of_join(repository, joined, &text)?.map(|lock| {
        (lock, "the last merge commit has the lock of one branch; this render merged the locks of both")
    }))
}

/// Whether a later render decided about the lock of a merge commit, or the commit itself did: then a lock of before the merge is an
/// older one, which the user restored, and the branches know nothing about the files of today.
fn is_decided(joined: &Joined, text: &str, committed: Option<&[u8]>) -> bool {
    let Joined { merged, stages: Stages { ours, theirs, .. }, .. } = joined;
    let versions = [merged, ours, theirs];
    let is_later = committed.is_some_and(|lock| versions.iter().all(|it| it.as_deref() != Some(lock)));
    let is_of_one =
        merged == ours || merged == theirs || merged.as_deref().is_none_or(|lock| parsed(lock).is_none());
    is_later || (!is_of_one && merged.as_deref() != Some(text.as_bytes()))
}

fn parsed(content: &[u8]) -> Option<Lock> {
    Lock::read("", std::str::from_utf8(content).ok()?).ok()
}

/// Merges the locks of both branches, if the text is the lock of one of them, or that of the merge commit.
fn of_join(repository: &Repository, joined: Joined, text: &str) -> Checked<Option<Lock>> {
    let is = |content: &Option<Vec<u8>>| content.as_deref() == Some(text.as_bytes());
    // A branch may have moved the directory, or renamed the spec.
    let id = parsed(text.as_bytes()).and_then(|lock| lock.id);
    let elsewhere = |content: Option<Vec<u8>>, name: Option<&str>| match (content, name, &id) {
        (None, Some(name), Some(id)) => {
            let has_id = |text: &Vec<u8>| parsed(text).is_some_and(|lock| lock.id.as_ref() == Some(id));
            Ok::<_, Diagnostic>(repository.locks_of(name)?.into_iter().find(has_id))
        }
        (content, ..) => Ok(content),
    };
    let [our_branch, their_branch] = &joined.branches;
    let Stages { base, ours, theirs } = joined.stages;
    let (ours, theirs) = (elsewhere(ours, Some(our_branch))?, elsewhere(theirs, Some(their_branch))?);
    let base = elsewhere(base, joined.base.as_deref())?;
    if ![&joined.merged, &ours, &theirs].into_iter().any(is) {
        return Ok(None);
    }
    let parsed = |content: &Option<Vec<u8>>| content.as_deref().and_then(parsed);
    let (Some(our_lock), Some(their_lock)) = (parsed(&ours), parsed(&theirs)) else { return Ok(None) };
    let chosen = if is(&theirs) { Branch::Theirs } else { Branch::Ours };
    let base = parsed(&base);
    let merged =
        merge(Branches { base: base.as_ref(), ours: &our_lock, theirs: &their_lock, chosen: Some(chosen) });
    // A render that resolved the conflict may have found nodes of a pool that one branch forgot, and so have written the lock of the
    // other branch. Nothing tells that lock from one that a user took. So the merge adds pools and removes none.
    let current = parsed(&Some(text.as_bytes().to_vec()));
    Ok(merged.ok().map(|lock| current.and_then(|current| add_pools(&lock, &current).ok()).unwrap_or(lock)))
}

/// Merges the versions that git's index has.
fn of_stages(files: Files<'_>, stages: &Stages, text: Option<&str>) -> Checked<Found> {
    let shown = files.lock.display().to_string();
    let content = |content: &Option<Vec<u8>>| {
        content.as_deref().map(|bytes| String::from_utf8_lossy(bytes).into_owned())
    };
    let (Some(our_text), Some(their_text)) = (content(&stages.ours), content(&stages.theirs)) else {
        // One branch removed the lock; the file is that of the other one, unless the user removed it.
        let lock = text.map(|text| Lock::read(&shown, text)).transpose()?;
        return Ok(Found { lock, ..Found::default() });
    };
    let ours = Lock::read(&format!("{shown} (ours)"), &our_text)?;
    let theirs = Lock::read(&format!("{shown} (theirs)"), &their_text)?;
    let base = content(&stages.base).and_then(|text| Lock::read(&shown, &text).ok());
    let chosen = match text {
        Some(text) if text == our_text => Some(Branch::Ours),
        Some(text) if text == their_text => Some(Branch::Theirs),
        _ => None,
    };
    let branches = Branches { base: base.as_ref(), ours: &ours, theirs: &theirs, chosen };
    let merged = merge(branches);
    let next = format!(
        "merged the locks of both branches; `git add {} {}` marks the conflicts as resolved",
        shell_quote::path(files.lock),
        shell_quote::path(files.output)
    );
    let current = chosen.map(|branch| Box::new(branches.of(branch).clone()));
    let resolved = MergeNote::Resolved { next, current };
    match (text, chosen, merged) {
        (Some(text), None, merged) if conflict(&shown, text).is_none() => {
            // An earlier render, or the user, already resolved the conflict.
            let lock = accepting(Lock::read(&shown, text)?, &[&ours, &theirs]);
            let lost: Vec<&String> = merged
                .iter()
                .flat_map(|it| it.pools.keys())
                .filter(|it| !lock.pools.contains_key(*it))
                .collect();
            let merge = lost.first().map(|pool| MergeNote::Lacks(lacks(files, pool, lost.len())));
            Ok(Found { lock: Some(lock), merge })
        }
        (_, _, Ok(lock)) => Ok(Found { lock: Some(lock), merge: Some(resolved) }),
        // The branches are about different clusters or apps, and the user chose one.
        (_, Some(branch), Err(_)) => {
            let lock = accepting(branches.of(branch).clone(), &[&ours, &theirs]);
            Ok(Found { lock: Some(lock), merge: Some(resolved) })
        }
        (_, None, Err(problems)) => {
            Err(problems.into_iter().map(|problem| undecided(files, problem)).collect())
        }
    }
}

/// Adds the files of other locks to the files that a lock accepts.
fn accepting(mut lock: Lock, others: &[&Lock]) -> Lock {
    let files = others.iter().flat_map(|other| [&other.files, &other.pending]);
    lock.sides.extend(files.filter(|files| !files.is_empty()).cloned());
    lock
}

/// Returns the locks of both branches, if files have a conflict. git may have merged the lock without one.
fn sides(
    repository: &Repository,
    files: Files<'_>,
    conflicts: &BTreeMap<Vec<u8>, Stages>,
) -> Result<Vec<Lock>, Diagnostic> {
    if conflicts.is_empty() {
        return Ok(Vec::new());
    }
    let versions = repository.merged_versions(files.lock)?;
    let read = |content: Vec<u8>| Lock::read("", std::str::from_utf8(&content).ok()?).ok();
    Ok(versions.into_iter().filter_map(read).collect())
}

/// Accepts a rendered file with a conflict, if the branches rendered it: with conflict markers, its content is that of no branch,
/// and a lock that git merged without a conflict may have dropped it.
fn accept(lock: &mut Lock, sides: &[Lock], name: &str, stages: &Stages, file: &Path) {
    // git may take the file of a removed pool for the former name of a new pool's file: then a version is of the other file.
    let is_ours = |digest: &str| {
        lock.has_content(digest) || sides.iter().any(|side| side.id == lock.id && side.has_content(digest))
    };
    let versions = || [&stages.ours, &stages.theirs].into_iter().flatten();
    if !versions().all(|content| is_ours(&names::digest(content))) {
        return;
    }
    let Ok(content) = read(file, "") else { return };
    if versions().any(|version| *version == content)
        || conflict("", &String::from_utf8_lossy(&content)).is_some()
    {
        lock.sides.push([(name.to_owned(), names::digest(&content))].into());
    }
}

fn undecided(files: Files<'_>, problem: Diagnostic) -> Diagnostic {
    let lock = shell_quote::path(files.lock);
    problem.at(Location::file(files.lock.display().to_string())).hint(format!(
        "decide which branch is right, take its lock (`git checkout --ours -- {lock}` or `git checkout --theirs -- {lock}`), then render"
    ))
}

fn lacks(files: Files<'_>, pool: &str, count: usize) -> Diagnostic {
    let more = if count > 1 { format!(" and {} more", count - 1) } else { String::new() };
    Diagnostic::warning(format!("a branch of the merge has pool `{pool}`{more}, and this lock does not"))
        .at(Location::file(files.lock.display().to_string()))
        .hint(format!(
            "if the pool was not removed on purpose, `git checkout --merge -- {}` restores the conflict, and `render` merges it",
            shell_quote::path(files.lock)
        ))
}

fn no_repository(shown: &str, text: Option<&str>) -> Diagnostic {
    let at = text.and_then(|text| conflict(shown, text));
    Diagnostic::refusal(
        "the lock file has merge conflict markers, and the directory is not in a git repository",
    )
    .at(at.unwrap_or_else(|| Location::file(shown)))
    .hint("restore the lock file from a backup, or render in the repository that git merges")
}

/// Refuses a lock with markers whose two versions git no longer has in its index.
fn markers_only(repository: &Repository, files: Files<'_>) -> Diagnostic {
    let shown = files.lock.display().to_string();
    let at = read_text(files.lock, &shown).ok().and_then(|text| conflict(&shown, &text));
    let lock = shell_quote::path(files.lock);
    let commands = if repository.can_restore_conflict(files.lock) {
        format!("`git checkout --merge -- {lock}` restores the conflict; then render")
    } else {
        match repository.parents_of_head().first() {
            Some(parent) => format!(
                "take the lock of an earlier commit, such as `git checkout {parent} -- {lock}`, then render"
            ),
            None => format!("take the lock of an earlier commit (`git log -- {lock}`), then render"),
        }
    };
    Diagnostic::refusal("the lock file has merge conflict markers, and git does not have the two versions")
        .at(at.unwrap_or_else(|| Location::file(shown)))
        .hint(commands)
}
