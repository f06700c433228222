//! The two branches of a merge, a rebase, a cherry-pick, a revert or a stash: what git's index and history say about a file.

use std::collections::BTreeMap;
use std::path::Path;

use crate::core::report::diagnostic::Diagnostic;
use crate::directory::git::Repository;
use crate::directory::git::git_dir::WorkTree;

/// Files of the git directory that show an unfinished operation. `AUTO_MERGE` is there for every merge with a conflict, also
/// for that of a stash.
const MARKS: [&str; 6] =
    ["MERGE_HEAD", "CHERRY_PICK_HEAD", "REVERT_HEAD", "rebase-merge", "rebase-apply", "AUTO_MERGE"];

/// The commits that an unfinished operation joins.
const JOINED: [&str; 7] =
    ["HEAD", "MERGE_HEAD", "CHERRY_PICK_HEAD", "REVERT_HEAD", "REVERT_HEAD^", "REBASE_HEAD", "refs/stash"];

/// The versions of a file with a conflict.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::directory) struct Stages {
    /// The version that both branches began with.
    pub base: Option<Vec<u8>>,
    /// The version of the branch that git merges into.
    pub ours: Option<Vec<u8>>,
    /// The version of the other branch.
    pub theirs: Option<Vec<u8>>,
}

/// Two branches that git joined, or is joining, and a file of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::directory) struct Joined {
    /// The file as of the merge commit, if there is one.
    pub merged: Option<Vec<u8>>,
    /// The file of both branches, and of the commit that both began with.
    pub stages: Stages,
    /// Both branches.
    pub branches: [String; 2],
    /// The commit that both began with, if there is one.
    pub base: Option<String>,
}

/// Returns whether git is in the middle of an operation that can have conflicts. Starts no git.
pub(in crate::directory) fn is_merging(directory: &Path) -> bool {
    let directory = if directory.as_os_str().is_empty() { Path::new(".") } else { directory };
    let Ok(here) = std::fs::canonicalize(directory) else { return false };
    // A repository that cannot be trusted is refused where git is needed.
    let Ok(Some(tree)) = WorkTree::nearest(&here) else { return false };
    MARKS.iter().any(|mark| tree.git_dir.join(mark).exists())
}

impl Repository {
    /// Returns the files with a conflict in a directory and beside it, by their path from the root.
    pub(in crate::directory) fn conflicts(
        &self,
        directory: &Path,
        beside: &Path,
    ) -> Result<BTreeMap<Vec<u8>, Stages>, Diagnostic> {
        let [below, single] = [directory, beside].map(|path| self.shown_path(path));
        let listed = self.git(&["ls-files", "--unmerged", "-z", "--", &below?, &single?], &[])?;
        let entries: Vec<Unmerged<'_>> = listed.split(|byte| *byte == 0).filter_map(unmerged).collect();
        let ids: Vec<&[u8]> = entries.iter().map(|entry| entry.id).collect();
        let mut found: BTreeMap<Vec<u8>, Stages> = BTreeMap::new();
        for (entry, content) in entries.iter().zip(self.blobs(&ids)?) {
            let stages = found.entry(entry.path.to_owned()).or_default();
            match entry.stage {
                b'1' => stages.base = content,
                b'2' => stages.ours = content,
                _ => stages.theirs = content,
            }
        }
        Ok(found)
    }

    /// Returns the versions of a file that git is joining, as far as they exist.
    pub(in crate::directory) fn merged_versions(&self, file: &Path) -> Result<Vec<Vec<u8>>, Diagnostic> {
        let path = self.path(file)?;
        // The names of objects are separated by line ends.
        if path.contains(&b'\n') {
            return Ok(Vec::new());
        }
        let names: Vec<Vec<u8>> =
            JOINED.iter().map(|commit| [commit.as_bytes(), b":", &path].concat()).collect();
        let names: Vec<&[u8]> = names.iter().map(Vec::as_slice).collect();
        Ok(self.blobs(&names)?.into_iter().flatten().collect())
    }

    /// Returns the abbreviated name of HEAD.
    pub(in crate::directory) fn head(&self) -> Option<String> {
        self.short("HEAD")
    }

    /// Returns the abbreviated name of a commit.
    pub(super) fn short(&self, commit: &str) -> Option<String> {
        let answer = self.git(&["rev-parse", "--short", "--verify", "--quiet", commit], &[]).ok()?;
        Some(String::from_utf8_lossy(&answer).trim().to_owned())
    }

    /// Whether git still knows the conflict of a file that was added to the index.
    pub(in crate::directory) fn can_restore_conflict(&self, file: &Path) -> bool {
        let Ok(path) = self.shown_path(file) else { return false };
        self.git(&["ls-files", "--resolve-undo", "-z", "--", &path], &[])
            .is_ok_and(|listed| !listed.is_empty())
    }

    /// Returns the last merge in the history of a file that differs from a parent in this file; `None` if there is none.
    pub(in crate::directory) fn last_merge(&self, file: &Path) -> Result<Option<Joined>, Diagnostic> {
        let path = self.shown_path(file)?;
        let asked = [
            "rev-list",
            "--max-count=1",
            "--merges",
            "--full-history",
            "--parents",
            "HEAD",
            "--",
            path.as_str(),
        ];
        let answer = match self.git(&asked, &[]) {
            // There is no commit yet.
            Err(_) if self.git(&["rev-parse", "--verify", "--quiet", "HEAD"], &[]).is_err() => {
                return Ok(None);
            }
            answer => answer?,
        };
        let answer = String::from_utf8_lossy(&answer);
        // The names of the parents are those of the last commits that changed the file.
        let Some(merge) = answer.split_whitespace().next() else { return Ok(None) };
        let branches = [format!("{merge}^1"), format!("{merge}^2")];
        // Unrelated histories have no common commit.
        let base = self.merge_base(&branches[0], &branches[1]);
        self.joined(&path, Some(merge), branches, base)
    }

    /// Returns the branches that git is joining, and a file of them; `None` if git is not in the middle of an operation with a
    /// conflict.
    pub(in crate::directory) fn current_join(&self, file: &Path) -> Result<Option<Joined>, Diagnostic> {
        let Some(merge) = self.unfinished_merge() else { return Ok(None) };
        self.joined(&self.shown_path(file)?, None, merge.sides, Some(merge.base))
    }

    fn joined(
        &self,
        path: &str,
        merge: Option<&str>,
        branches: [String; 2],
        base: Option<String>,
    ) -> Result<Option<Joined>, Diagnostic> {
        // The names of objects are separated by line ends.
        if path.contains('\n') {
            return Ok(None);
        }
        let [ours, theirs] = [Some(branches[0].as_str()), Some(branches[1].as_str())];
        let commits = [merge, ours, theirs, base.as_deref()];
        let of = |commit: &str| format!("{commit}:{path}").into_bytes();
        let names: Vec<Vec<u8>> = commits.into_iter().flatten().map(of).collect();
        let names: Vec<&[u8]> = names.iter().map(Vec::as_slice).collect();
        let mut contents = self.blobs(&names)?.into_iter();
        let [merged, ours, theirs, beginning] =
            commits.map(|commit| commit.and_then(|_| contents.next().flatten()));
        let stages = Stages { base: beginning, ours, theirs };
        Ok(Some(Joined { merged, stages, branches, base }))
    }

    /// Returns the abbreviated names of the last commits that changed a file, the newest first. A rebase replaces commits, and
    /// the reflog still has the old ones.
    pub(in crate::directory) fn changes(&self, file: &Path) -> Vec<String> {
        let Ok(path) = self.shown_path(file) else { return Vec::new() };
        let asked = ["log", "--max-count=20", "--format=%h", "--all", "--reflog", "--", path.as_str()];
        let answer = self.git(&asked, &[]).unwrap_or_default();
        String::from_utf8_lossy(&answer).lines().map(str::to_owned).collect()
    }

    /// Returns the parents of HEAD, abbreviated: two or more for a merge.
    pub(in crate::directory) fn parents_of_head(&self) -> Vec<String> {
        let answer = self.git(&["log", "-1", "--format=%p", "HEAD"], &[]).unwrap_or_default();
        String::from_utf8_lossy(&answer).split_whitespace().map(str::to_owned).collect()
    }
}

/// An entry of the index with a conflict.
struct Unmerged<'a> {
    id: &'a [u8],
    stage: u8,
    path: &'a [u8],
}

/// Parses `MODE ID STAGE<tab>PATH`.
fn unmerged(entry: &[u8]) -> Option<Unmerged<'_>> {
    let tab = entry.iter().position(|byte| *byte == b'\t')?;
    let mut fields = entry[..tab].split(|byte| *byte == b' ');
    let (_, id, stage) = (fields.next()?, fields.next()?, fields.next()?);
    Some(Unmerged { id, stage: *stage.first()?, path: &entry[tab + 1..] })
}
