//! What git itself wrote into files when it joined two branches, without an edit of the user.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::core::report::diagnostic::Diagnostic;
use crate::directory::git::Repository;
use crate::directory::git::command::GitAccess;
use crate::directory::git::filters::DriversOff;
use crate::directory::git::revision::blob;

/// The commits that git joins, by the entry of the git directory that shows the operation: the other branch, and the commit that it
/// began with. `None` if the merge base of both branches is meant. A stash leaves no such entry. `REBASE_HEAD` shows no rebase: git
/// does not remove it at the end.
const OPERATIONS: [(&str, &str, Option<&str>); 5] = [
    ("MERGE_HEAD", "MERGE_HEAD", None),
    ("CHERRY_PICK_HEAD", "CHERRY_PICK_HEAD", Some("CHERRY_PICK_HEAD^")),
    ("REVERT_HEAD", "REVERT_HEAD^", Some("REVERT_HEAD")),
    ("rebase-merge", "REBASE_HEAD", Some("REBASE_HEAD^")),
    ("rebase-apply", "REBASE_HEAD", Some("REBASE_HEAD^")),
];

/// A merge that git made, or is making.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::directory) struct AutoMerge {
    /// The tree with the result, with conflict markers where git could not decide.
    pub tree: String,
    /// The commit that both branches began with.
    pub base: String,
    /// Both branches.
    pub sides: [String; 2],
    /// The paths that the user changed after git had merged them.
    pub edited: BTreeSet<Vec<u8>>,
}

/// A path and its content.
pub(in crate::directory) type ChangedFile = (Vec<u8>, Vec<u8>);

impl Repository {
    /// Returns the merge that git is making; `None` if git has not recorded its own result. git records it since version 2.35.
    pub(in crate::directory) fn unfinished_merge(&self) -> Option<AutoMerge> {
        if !self.git_dir().join("AUTO_MERGE").exists() {
            return None;
        }
        let is_there = |name: &str| self.git_dir().join(name).exists();
        let operation = OPERATIONS.iter().find(|(mark, _, _)| is_there(mark));
        // git leaves `AUTO_MERGE` behind after some operations.
        let (_, other, base) = match operation {
            Some(operation) => operation,
            None if self.has_stash_conflict() => &("", "refs/stash", Some("refs/stash^")),
            None => return None,
        };
        let base = match base {
            Some(base) => (*base).to_owned(),
            None => self.merge_base("HEAD", other)?,
        };
        Some(AutoMerge {
            tree: "AUTO_MERGE".to_owned(),
            base,
            sides: ["HEAD".to_owned(), (*other).to_owned()],
            edited: BTreeSet::new(),
        })
    }

    /// Returns the last merge commit in the history of a file. git merges both parents again, in memory, to find what the user
    /// changed. `None` if there is no such commit, or if git is older than 2.35.
    pub(in crate::directory) fn finished_merge(&self, file: &Path) -> Result<Option<AutoMerge>, Diagnostic> {
        let path = self.shown_path(file)?;
        let asked = ["rev-list", "--max-count=1", "--merges", "--full-history", "HEAD", "--", path.as_str()];
        let Ok(answer) = self.git(&asked, &[]) else { return Ok(None) };
        let merge = String::from_utf8_lossy(&answer).trim().to_owned();
        if merge.is_empty() {
            return Ok(None);
        }
        let sides = [format!("{merge}^1"), format!("{merge}^2")];
        let Some(base) = self.merge_base(&sides[0], &sides[1]) else { return Ok(None) };
        // The merge may use drivers, which are programs.
        let drivers = DriversOff::of_merges(self)?;
        let mut options = self.options(GitAccess::ReadOnly);
        options.overrides = drivers.as_ref().map(DriversOff::overrides);
        // The configuration can name programs for signatures and for differences.
        let asked = [
            "show",
            "--no-show-signature",
            "--no-ext-diff",
            "--no-textconv",
            "--remerge-diff",
            "--no-renames",
            "--name-only",
            "--format=",
            "-z",
            &merge,
        ];
        let Ok(listed) = self.git_with(options, &asked, &[]) else { return Ok(None) };
        let edited = listed.split(|byte| *byte == 0).filter(|path| !path.is_empty()).map(<[u8]>::to_owned);
        let edited = edited.collect();
        Ok(Some(AutoMerge { tree: merge, base, sides, edited }))
    }

    /// Returns the files of a directory in a tree or commit, without subdirectories: the id of the content by name.
    pub(in crate::directory) fn listed(
        &self,
        tree: &str,
        directory: &Path,
    ) -> Result<BTreeMap<Vec<u8>, Vec<u8>>, Diagnostic> {
        let below = [self.path(directory)?, b"/".to_vec()].concat();
        let shown = String::from_utf8_lossy(&below).into_owned();
        let answer = self.git(&["ls-tree", "-z", "--full-tree", tree, "--", &shown], &[])?;
        let file = |entry: &[u8]| {
            let (id, path) = blob(entry)?;
            Some((path.strip_prefix(below.as_slice())?.to_owned(), id.to_owned()))
        };
        Ok(answer.split(|byte| *byte == 0).filter_map(file).collect())
    }

    /// Returns the content of the YAML files that differ between two commits, as of the second one, with their paths. Removed files
    /// have none. `None` if there are more than `limit` files, or if one has a name that git cannot be asked for.
    pub(in crate::directory) fn changed_files(
        &self,
        from: &str,
        to: &str,
        limit: usize,
    ) -> Result<Option<Vec<ChangedFile>>, Diagnostic> {
        let asked = ["diff-tree", "-r", "-z", "--no-renames", "--name-only", from, to];
        let answer = self.git(&asked, &[])?;
        // Every rendered file is YAML; other files of the repository may be large.
        let paths: Vec<&[u8]> =
            answer.split(|byte| *byte == 0).filter(|path| path.ends_with(b".yaml")).collect();
        if paths.len() > limit || paths.iter().any(|path| path.contains(&b'\n')) {
            return Ok(None);
        }
        let names: Vec<Vec<u8>> = paths.iter().map(|path| [to.as_bytes(), b":", path].concat()).collect();
        let names: Vec<&[u8]> = names.iter().map(Vec::as_slice).collect();
        let contents = self.blobs(&names)?;
        let files = paths.into_iter().zip(contents);
        Ok(Some(files.filter_map(|(path, content)| Some((path.to_owned(), content?))).collect()))
    }

    /// Returns the content of every lock file of a commit, wherever it is.
    pub(in crate::directory) fn locks_of(&self, commit: &str) -> Result<Vec<Vec<u8>>, Diagnostic> {
        let answer = self.git(&["ls-tree", "-r", "-z", "--full-tree", commit], &[])?;
        let lock = |entry: &[u8]| {
            let (id, path) = blob(entry)?;
            path.ends_with(b".lock").then(|| id.to_owned())
        };
        let ids: Vec<Vec<u8>> = answer.split(|byte| *byte == 0).filter_map(lock).collect();
        let ids: Vec<&[u8]> = ids.iter().map(Vec::as_slice).collect();
        Ok(self.blobs(&ids)?.into_iter().flatten().collect())
    }

    /// Whether the index has a conflict, and there is a stash that it may be from.
    fn has_stash_conflict(&self) -> bool {
        self.git(&["rev-parse", "--verify", "--quiet", "refs/stash^"], &[]).is_ok()
            && self.git(&["ls-files", "--unmerged", "-z"], &[]).is_ok_and(|listed| !listed.is_empty())
    }

    pub(super) fn merge_base(&self, one: &str, other: &str) -> Option<String> {
        let answer = self.git(&["merge-base", one, other], &[]).ok()?;
        Some(String::from_utf8_lossy(&answer).trim().to_owned())
    }
}
