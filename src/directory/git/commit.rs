//! Commits of some files and nothing else.

use std::fs;

use crate::core::report::diagnostic::{Diagnostic, Location};
use crate::directory::git::command::GitAccess;
use crate::directory::git::{GitFileStatus, GitState, Repository};

/// The state of HEAD.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Head {
    /// On a branch.
    Branch,
    /// Detached: the commit is lost when something else is checked out.
    Detached,
}

const FROM_STDIN: [&str; 2] = ["--pathspec-from-file=-", "--pathspec-file-nul"];

impl Repository {
    /// Refuses a repository in the middle of another operation: git cannot commit only some files during a merge,
    /// and during a rebase the commit would become part of it.
    pub fn ready_for_commit(&self) -> Result<Head, Diagnostic> {
        let directory = self.git_dir();
        let marks = [
            ("MERGE_HEAD", "a merge", "merge"),
            ("rebase-merge", "a rebase", "rebase"),
            ("rebase-apply", "a rebase", "rebase"),
            ("CHERRY_PICK_HEAD", "a cherry-pick", "cherry-pick"),
            ("REVERT_HEAD", "a revert", "revert"),
        ];
        if let Some((_, what, command)) = marks.iter().find(|(mark, ..)| directory.join(mark).exists()) {
            return Err(Diagnostic::refusal(format!("the repository is in the middle of {what}"))
                .at(Location::file(self.root().display().to_string()))
                .hint(format!(
                    "render without --commit and --all, `git add` the files, and let git finish it; or end it with `git {command} --abort`"
                )));
        }
        let head = fs::read_to_string(directory.join("HEAD")).unwrap_or_default();
        Ok(if head.starts_with("ref:") { Head::Branch } else { Head::Detached })
    }

    /// Commits exactly these files, including removed ones, and keeps everything else as it is, staged or not.
    /// Returns the short name of the commit. If git or a hook refuses, the index is unchanged.
    ///
    /// Only this call lets git start hooks, filters and the signing program: those of the verified repository.
    pub fn commit(&self, files: &[GitFileStatus], message: &str) -> Result<String, Diagnostic> {
        let paths = |only: Option<GitState>| -> Vec<u8> {
            let wanted = files.iter().filter(|file| only.is_none_or(|state| file.state == state));
            wanted.flat_map(|file| file.path.iter().copied().chain([0])).collect()
        };
        let options = self.options(GitAccess::Commit);
        let new = paths(Some(GitState::New));
        if !new.is_empty() {
            self.git_with(options, &[["add", "--intent-to-add"], FROM_STDIN].concat(), &new)?;
        }
        let commit =
            [["commit", "--quiet", "--only"].as_slice(), &["--message", message], &FROM_STDIN].concat();
        if let Err(problem) = self.git_with(options, &commit, &paths(None)) {
            self.git_with(options, &["update-index", "--force-remove", "-z", "--stdin"], &new)?;
            return Err(problem.hint("the files were written, but not committed"));
        }
        let name = self.git(&["rev-parse", "--short", "HEAD"], &[])?;
        Ok(String::from_utf8_lossy(&name).trim_end().to_owned())
    }
}
