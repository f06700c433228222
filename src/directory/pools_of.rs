//! Brings pools back that a lock lost, from the lock of another git revision.

use crate::core::lock::Lock;
use crate::core::lock::merge::add_pools;
use crate::core::report::diagnostic::{Checked, Diagnostic, Location};
use crate::core::report::shell_quote;
use crate::directory::git::Repository;
use crate::directory::{MergeNote, Project, leftovers};

/// Adds the pools that the lock of a git revision has and the current lock lost, if their files are still in the output
/// directory. Without a lock, the one of the revision is used.
pub fn keep_pools_of(project: &mut Project, revision: &str) -> Checked<()> {
    let (output, path) = (project.output(), project.lock_path());
    let shown = path.display().to_string();
    let Some(repository) = Repository::around(&project.directory)? else {
        return Err(Diagnostic::error("--pools-of: git repository not found")
            .at(Location::file(shown))
            .hint("run the command in the repository of the spec")
            .into());
    };
    let Some(text) = repository.revision(revision, &output, &path)?.beside else {
        return Err(Diagnostic::error(format!("git revision `{revision}` has no lock file"))
            .at(Location::file(shown))
            .hint(format!("`git log -- {}` lists the commits that have it", shell_quote::path(&path)))
            .into());
    };
    let mut other = Lock::read(&format!("{shown} of {revision}"), &String::from_utf8_lossy(&text))?;
    let merged = match &project.lock {
        None => other,
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
    let before = |value: &&String| !project.lock.as_ref().is_some_and(|lock| lock.pools.contains_key(*value));
    let added: Vec<&str> = merged.pools.keys().filter(before).map(String::as_str).collect();
    let next = match added.as_slice() {
        [] => format!("the lock did not lose a pool of {revision}"),
        added => format!("kept from the lock of {revision}: {}", added.join(", ")),
    };
    let current = project.lock.replace(merged).map(Box::new);
    project.merge = Some(MergeNote::Resolved { next, current });
    Ok(())
}
