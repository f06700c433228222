//! Adds pools of other locks: pools that a lock lost, from a git revision, and pools that Services need after they moved from another spec.

use std::path::Path;

use crate::core::lock::Lock;
use crate::core::lock::merge::{add_pools, without_removals};
use crate::core::pools::with_pools_of;
use crate::core::report::diagnostic::{Checked, Diagnostic, Location};
use crate::core::report::shell_quote;
use crate::directory::lock_file::lock_named;
use crate::directory::revision_lock::lock_of_commit;
use crate::directory::{MergeNote, Project, leftovers};

/// Adds pools that another lock has: that of another spec, if the text is the path of a spec or lock, or that of a git revision.
pub fn keep_pools_of(project: &mut Project, text: &str, git: GitUse) -> Checked<()> {
    if Path::new(text).exists() {
        return keep_pools_of_spec(project, Path::new(text));
    }
    if git == GitUse::Never {
        let problem = Diagnostic::error(format!("--pools-of: `{text}` not found"));
        return Err(problem
            .hint("name a spec or a lock file; git revisions are not read with --no-git")
            .into());
    }
    keep_pools_of_revision(project, text)
}

/// Whether a git repository is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GitUse {
    /// It is read.
    Read,
    /// It is not (`--no-git`).
    Never,
}

fn keep_pools_of_spec(project: &mut Project, path: &Path) -> Checked<()> {
    let (other, shown) = lock_named(&project.source, path)?;
    let merged = with_pools_of(project.lock.as_ref(), &other, &shown)?;
    note(project, merged, &shown);
    Ok(())
}

/// Adds the pools that the lock of a git revision has and the current lock lost, if their files are still in the output
/// directory. Without a lock, the one of the revision is used.
fn keep_pools_of_revision(project: &mut Project, revision: &str) -> Checked<()> {
    let (output, path) = (project.output(), project.lock_path());
    let shown = path.display().to_string();
    let Some(repository) = project.repository()? else {
        let message =
            format!("--pools-of: `{revision}` not found, and no git repository has it as a revision");
        return Err(Diagnostic::error(message)
            .at(Location::file(shown))
            .hint("name a spec or a lock file, or run the command in the repository of the spec")
            .into());
    };
    let read = repository.revision(revision, &output, &path).map_err(|problem| {
        let is_unknown = problem.message == format!("git revision `{revision}` not found");
        let Some(hint) = problem.hint.clone().filter(|_| is_unknown) else { return problem };
        let message = format!("--pools-of: `{revision}` not found, neither as a file nor as a git revision");
        // Without a spec or a lock at this path, it may also be a branch.
        Diagnostic::error(message).hint(match hint.strip_prefix("name a branch,") {
            Some(others) => format!("name the path of a spec or a lock file, a branch,{others}"),
            None => format!("name the path of a spec or a lock file; {hint}"),
        })
    });
    let beside = read?.beside;
    let id = project.lock.as_ref().and_then(|lock| lock.id.as_ref());
    let found = match (lock_of_commit(repository, revision, &path, id), beside) {
        (None, Some(text)) => {
            Some(Lock::read(&format!("{shown} of {revision}"), &String::from_utf8_lossy(&text))?)
        }
        (found, _) => found,
    };
    let Some(mut other) = found else {
        return Err(Diagnostic::error(format!("git revision `{revision}` has no lock file"))
            .at(Location::file(shown))
            .hint(format!("`git log -- {}` lists the commits that have it", shell_quote::path(&path)))
            .into());
    };
    let merged = match &project.lock {
        None => without_removals(&other),
        Some(lock) => {
            let left = leftovers::pools_left(&output, lock);
            other.pools.retain(|value, pool| left.contains(value) || left.contains(&pool.name));
            let at = |problem: Diagnostic| {
                problem
                    .at(Location::file(shown.clone()))
                    .hint("name a revision of the same directory and cluster")
            };
            add_pools(lock, &other).map_err(|problems| problems.into_iter().map(at).collect::<Vec<_>>())?
        }
    };
    note(project, merged, &format!("the lock of {revision}"));
    Ok(())
}

/// Replaces the lock in memory, and notes the pools that it got from `whose`, a lock.
fn note(project: &mut Project, merged: Lock, whose: &str) {
    let before = |value: &&String| !project.lock.as_ref().is_some_and(|lock| lock.pools.contains_key(*value));
    let added: Vec<&str> = merged.pools.keys().filter(before).map(String::as_str).collect();
    let next = match added.as_slice() {
        [] => format!("the lock has all pools of {whose}"),
        added => format!("kept from {whose}: {}", added.join(", ")),
    };
    let before = project.lock.replace(merged).map(Box::new);
    // With a conflict in the lock, or after another `--pools-of`, the merged lock is not the one in the file.
    let (next, current) = match project.merge.take() {
        Some(MergeNote::Resolved { next: earlier, current }) => (format!("{next}; {earlier}"), current),
        _ => (next, before),
    };
    project.merge = Some(MergeNote::Resolved { next, current });
}
