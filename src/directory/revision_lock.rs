//! The lock of a directory as of a commit, wherever the directory was then.

use std::path::Path;

use crate::core::lock::{Lock, LockId};
use crate::directory::git::Repository;

/// Returns the lock of a commit with this id: at the path of today, or at that of before a rename or a move. Without an id, or if no
/// lock has it, returns the one at the path of today.
pub(super) fn lock_of_commit(
    repository: &Repository,
    commit: &str,
    path: &Path,
    id: Option<&LockId>,
) -> Option<Lock> {
    let parsed = |text: Vec<u8>| Lock::read("", std::str::from_utf8(&text).ok()?).ok();
    let has_id = |lock: &Lock| id.is_some() && lock.id.as_ref() == id;
    let here = repository.version(commit, path).and_then(parsed);
    if id.is_none() || here.as_ref().is_some_and(has_id) {
        return here;
    }
    let others = repository.locks_of(commit).unwrap_or_default();
    others.into_iter().filter_map(parsed).find(has_id).or(here)
}
