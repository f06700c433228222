//! Finds locks with the same id in one repository: a user copied a directory.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::core::lock::{Lock, LockId};
use crate::core::report::diagnostic::{Diagnostic, Location};
use crate::core::report::shell_quote;
use crate::directory::files::read;
use crate::directory::git::command::{Failed, GitAccess, git};
use crate::directory::git::git_dir::path_of;
use crate::directory::git::{Listing, Repository};

impl Repository {
    /// Returns those of these lock IDs that a lock of the repository has, tracked or not. An ID has hexadecimal digits only.
    pub fn known_lock_ids(&self, ids: &[&str]) -> Result<BTreeSet<String>, Diagnostic> {
        if ids.is_empty() {
            return Ok(BTreeSet::new());
        }
        let found = self.search_locks(&["-h", "-o"], ids)?;
        Ok(String::from_utf8_lossy(&found).lines().map(str::to_owned).collect())
    }

    /// Refuses a lock whose id another listed lock also has, tracked or not: both directories would be applied as one ApplySet.
    /// Searches for the id in every form that YAML allows. `flags` name the spec on the command line.
    pub fn refuse_copies(
        &self,
        id: &LockId,
        lock: &Path,
        flags: &str,
        listing: &Listing,
    ) -> Result<(), Diagnostic> {
        let own = self.path(lock)?;
        let has_id = |path: &[u8]| {
            let file = self.root().join(path_of(path));
            // A link has the content of another file, which is found where it is. A file that cannot be read is not counted.
            fs::symlink_metadata(&file).is_ok_and(|metadata| metadata.is_file())
                && read(&file, "").is_ok_and(|bytes| String::from_utf8_lossy(&bytes).contains(id.as_str()))
        };
        let copies = listing.locks().filter(|path| *path != own && has_id(path));
        let copies: Vec<String> = copies.map(|path| String::from_utf8_lossy(path).into_owned()).collect();
        let Some(first) = copies.first() else { return Ok(()) };
        let more = if copies.len() > 1 { format!(" and {} more", copies.len() - 1) } else { String::new() };
        let mut all = [&own].into_iter().map(Vec::as_slice).chain(copies.iter().map(String::as_bytes));
        if let Some((path, commit)) = all.find_map(|path| Some((path, self.with_other_id(path, id)?))) {
            let file = format!(":/{}", String::from_utf8_lossy(path));
            return Err(Diagnostic::refusal(format!(
                "{first}{more} in this repository has the same id: a merge took the lock of one directory for that of another"
            ))
            .at(Location::file(lock.display().to_string()))
            .hint(format!(
                "`git checkout {commit} -- {}` restores the lock of before the merge; then render",
                shell_quote::word(&file)
            )));
        }
        Err(Diagnostic::refusal(format!(
            "{first}{more} in this repository has the same id: the directory was copied"
        ))
        .at(Location::file(lock.display().to_string()))
        .hint(format!(
            "if this one is the copy, `kubectl largescale render{flags} --new-id` gives it another id; two apps in one cluster also need two names (`metadata.name`)"
        )))
    }

    /// Returns the branch of a merge whose lock at this path has an id that no lock of the work tree has: git takes a new lock for the
    /// renamed one of another directory, and the user took that one. The branch is that of the last merge of the file, or of the one
    /// that git is making.
    fn with_other_id(&self, path: &[u8], id: &LockId) -> Option<String> {
        let file = self.root().join(path_of(path));
        let joins = [self.current_join(&file), self.last_merge(&file)].map(|it| it.ok().flatten());
        joins.into_iter().flatten().find_map(|join| {
            let [one, other] = &join.branches;
            let versions = [(one, join.stages.ours), (other, join.stages.theirs)];
            versions.into_iter().find_map(|(branch, text)| {
                let lock = Lock::read("", std::str::from_utf8(&text?).ok()?).ok()?;
                let found = lock.id.filter(|found| found != id)?;
                let is_lost = self.locks_with(&[found.as_str()]).is_ok_and(|locks| locks.is_empty());
                is_lost.then(|| self.short(branch))?
            })
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
