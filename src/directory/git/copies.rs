//! Finds locks with the same id in one repository.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::core::lock::{Lock, LockId};
use crate::core::report::diagnostic::Diagnostic;
use crate::core::report::shell_quote;
use crate::directory::files::read;
use crate::directory::git::command::{Failed, GitAccess, git};
use crate::directory::git::git_dir::path_of;
use crate::directory::git::merging::{Joined, Stages};
use crate::directory::git::{Listing, Repository};

/// The merges that may have put the lock of another directory in the place of a lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::directory) enum Merges {
    /// The one that git is making.
    Current,
    /// Also the last merge of the file, which takes a search in the history.
    All,
}

impl Repository {
    /// Returns those of these lock IDs that a lock of the repository has, tracked or not. An ID has hexadecimal digits only.
    pub fn known_lock_ids(&self, ids: &[&str]) -> Result<BTreeSet<String>, Diagnostic> {
        if ids.is_empty() {
            return Ok(BTreeSet::new());
        }
        let found = self.search_locks(&["-h", "-o"], ids)?;
        Ok(String::from_utf8_lossy(&found).lines().map(str::to_owned).collect())
    }

    /// Returns the listed locks with this id, tracked or not, without `lock`: their paths below the root. Searches for the id in every
    /// form that YAML allows.
    pub(in crate::directory) fn copies_of(
        &self,
        id: &LockId,
        lock: &Path,
        listing: &Listing,
    ) -> Result<Vec<String>, Diagnostic> {
        let own = self.path(lock)?;
        let has_id = |path: &[u8]| {
            let file = self.root().join(path_of(path));
            // A link has the content of another file, which is found where it is. A file that cannot be read is not counted.
            fs::symlink_metadata(&file).is_ok_and(|metadata| metadata.is_file())
                && read(&file, "").is_ok_and(|bytes| String::from_utf8_lossy(&bytes).contains(id.as_str()))
        };
        let copies = listing.locks().filter(|path| *path != own && has_id(path));
        Ok(copies.map(|path| String::from_utf8_lossy(path).into_owned()).collect())
    }

    /// Returns the command that restores one of these locks, if a merge took it from another directory.
    pub(in crate::directory) fn restore_of<'a>(
        &self,
        paths: impl IntoIterator<Item = &'a str>,
        id: &LockId,
    ) -> Option<String> {
        let (path, commit) =
            paths.into_iter().find_map(|path| Some((path, self.with_other_id(path.as_bytes(), id)?)))?;
        Some(format!("git checkout {commit} -- {}", shell_quote::word(&format!(":/{path}"))))
    }

    /// Returns the command that restores the lock at this path, if a merge put the lock of another directory in its place: no branch has
    /// that one here, and no lock of the work tree has the id of the lock that a branch has here.
    pub(in crate::directory) fn restore_of_replaced(
        &self,
        lock: &Path,
        id: &LockId,
        merges: Merges,
    ) -> Option<String> {
        let last = if merges == Merges::All { self.last_merge(lock).ok()? } else { None };
        let current = self.current_join(lock).ok()?;
        let commit = [current, last].into_iter().flatten().find_map(|join| {
            let Stages { ours, theirs, .. } = &join.stages;
            let is_here = |text: &Option<Vec<u8>>| id_of(text.as_deref()).as_ref() == Some(id);
            // After the merge, a user may have moved another directory to this path.
            let is_of_merge = join.merged.is_none() || is_here(&join.merged);
            if !is_of_merge || is_here(ours) || is_here(theirs) {
                return None;
            }
            // A branch has a new id of the user nowhere.
            let has_id = |branch: &String| {
                let locks = self.locks_of(branch).unwrap_or_default();
                locks.iter().any(|text| id_of(Some(text)).as_ref() == Some(id))
            };
            if join.branches.iter().any(has_id) { self.branch_of_lost(join, id) } else { None }
        })?;
        let path = self.shown_path(lock).ok()?;
        Some(format!("git checkout {commit} -- {}", shell_quote::word(&format!(":/{path}"))))
    }

    /// Returns the branch of a merge whose lock at this path has an id that no lock of the work tree has: git takes a new lock for the
    /// renamed one of another directory, and the user took that one. The branch is that of the last merge of the file, or of the one
    /// that git is making.
    fn with_other_id(&self, path: &[u8], id: &LockId) -> Option<String> {
        let file = self.root().join(path_of(path));
        let joins = [self.current_join(&file), self.last_merge(&file)].map(|it| it.ok().flatten());
        joins.into_iter().flatten().find_map(|join| self.branch_of_lost(join, id))
    }

    fn branch_of_lost(&self, join: Joined, id: &LockId) -> Option<String> {
        let [one, other] = &join.branches;
        let versions = [(one, join.stages.ours), (other, join.stages.theirs)];
        versions.into_iter().find_map(|(branch, text)| {
            let found = id_of(text.as_deref()).filter(|found| found != id)?;
            let is_lost = self.locks_with(&[found.as_str()]).is_ok_and(|locks| locks.is_empty());
            is_lost.then(|| self.short(branch))?
        })
    }

    /// Returns the lock files of the work tree with one of these texts, tracked or not: their paths below the root.
    fn locks_with(&self, texts: &[&str]) -> Result<Vec<Vec<u8>>, Diagnostic> {
        let answer = self.search_locks(&["--full-name", "-l", "-z"], texts)?;
        let paths = answer.split(|byte| *byte == 0).filter(|path| !path.is_empty());
        Ok(paths.map(<[u8]>::to_vec).collect())
    }

    /// The same as paths.
    pub fn find_locks(&self, texts: &[&str]) -> Result<Vec<PathBuf>, Diagnostic> {
        let whole = |path: Vec<u8>| self.root().join(String::from_utf8_lossy(&path).as_ref());
        Ok(self.locks_with(texts)?.into_iter().map(whole).collect())
    }

    /// Searches all locks, tracked or not, for texts. The options say what git prints for a match.
    fn search_locks(&self, options: &[&str], ids: &[&str]) -> Result<Vec<u8>, Diagnostic> {
        let mut asked = vec![
            "grep",
            // There are few locks, so starting threads would take longer than the search.
            "--threads=1",
            "--untracked",
            "--no-recurse-submodules",
            "--no-textconv",
            "--no-color",
        ];
        asked.extend(options);
        asked.push("-F");
        asked.extend(ids.iter().flat_map(|id| ["-e", *id]));
        asked.extend(["--", ":(top,glob)**/*.lock"]);
        match git(self.root(), self.options(GitAccess::ReadOnly), &asked, &[]) {
            // `git grep` exits with 1 and without a message if nothing matches.
            Err(Failed::Said(said)) if said.is_empty() => Ok(Vec::new()),
            answer => answer.map_err(|failed| failed.at("grep")),
        }
    }
}

fn id_of(lock: Option<&[u8]>) -> Option<LockId> {
    Lock::read("", std::str::from_utf8(lock?).ok()?).ok()?.id
}
