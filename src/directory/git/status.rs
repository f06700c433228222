//! Status of files in git.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::core::report::diagnostic::Diagnostic;
use crate::directory::git::Repository;
use crate::directory::git::command::{GitAccess, Options};
use crate::directory::git::filters::{DriversOff, Filters};

/// A file that differs from the last commit.
#[derive(Clone, Debug)]
pub struct GitFileStatus {
    /// The file, as the caller named it.
    pub file: PathBuf,
    /// Why it is not committed.
    pub state: GitState,
    /// What a commit would change.
    pub difference: Difference,
    /// Its path relative to the root.
    pub(super) path: Vec<u8>,
}

/// Why a file is not committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum GitState {
    /// It is untracked.
    New,
    /// It differs from the index.
    Changed,
    /// It is staged.
    Staged,
    /// It has a merge conflict.
    Conflicted,
    /// It has a filter driver, which was not run.
    Unknown,
}

impl GitState {
    /// Returns the word for messages.
    pub fn word(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Changed => "changed",
            Self::Staged => "staged",
            Self::Conflicted => "conflicted",
            Self::Unknown => "unknown",
        }
    }
}

/// How a file differs from the last commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Difference {
    /// The last commit does not contain it.
    Created,
    /// The last commit has other content.
    Changed,
    /// Only the last commit contains it.
    Removed,
}

impl Difference {
    /// Returns the word for messages.
    pub fn word(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Changed => "changed",
            Self::Removed => "removed",
        }
    }
}

impl Repository {
    /// Returns the files of a directory and one file next to it that differ from the last commit, in order. Only
    /// `names`, paths relative to the directory, count.
    pub fn git_status(
        &self,
        directory: &Path,
        beside: &Path,
        names: &BTreeSet<&String>,
        filters: &Filters,
    ) -> Result<Vec<GitFileStatus>, Diagnostic> {
        let mut files = BTreeMap::from([(self.path(beside)?, beside.to_owned())]);
        for name in names {
            let file = directory.join(name);
            files.insert(self.path(&file)?, file);
        }
        let [below, single] = [directory, beside].map(|path| self.shown_path(path));
        let drivers = match filters {
            Filters::Off(drivers) => Some(drivers),
            Filters::Run => None,
        };
        let overrides = drivers.map(DriversOff::overrides);
        let options = Options { overrides, ..self.options(GitAccess::ReadOnly) };
        let asked = [
            "status",
            "--porcelain=v2",
            "-z",
            "--no-renames",
            // git would run `git status` in each submodule, with the configuration of that submodule.
            "--ignore-submodules=all",
            "--untracked-files=all",
            "--",
            &below?,
            &single?,
        ];
        let answer = self.git_with(options, &asked, &[])?;
        let mut found = BTreeMap::new();
        for entry in answer.split(|byte| *byte == 0) {
            let Some((state, difference, path)) = parsed(entry) else { continue };
            let Some(file) = files.get(path) else { continue };
            let file = file.clone();
            found.insert(path.to_owned(), GitFileStatus { file, state, difference, path: path.to_owned() });
        }
        if let Some(drivers) = drivers {
            let paths: Vec<Vec<u8>> = files.keys().cloned().collect();
            for path in drivers.filtered(self, &paths)? {
                let Some(file) = files.get(&path).filter(|file| file.exists()).cloned() else { continue };
                // git compares the content only of tracked files.
                let is_compared = |it: &GitFileStatus| {
                    matches!(it.state, GitState::Changed | GitState::Staged | GitState::Unknown)
                };
                if found.get(&path).is_none_or(is_compared) {
                    let (state, difference) = (GitState::Unknown, Difference::Changed);
                    found.insert(path.clone(), GitFileStatus { file, state, difference, path });
                }
            }
        }
        Ok(found.into_values().collect())
    }
}

/// Parses an entry of `git status --porcelain=v2 -z`: `1 XY … path`, `u XY … path` or `? path`.
pub(super) fn parsed(entry: &[u8]) -> Option<(GitState, Difference, &[u8])> {
    let path = |fields: usize| entry.splitn(fields, |byte| *byte == b' ').last();
    match (entry.first()?, entry.get(2)?, entry.get(3)) {
        (b'?', _, _) => Some((GitState::New, Difference::Created, &entry[2..])),
        (b'u', _, _) => Some((GitState::Conflicted, Difference::Changed, path(11)?)),
        (b'1', staged, Some(changed)) => {
            // `git add --intent-to-add` is shown as `.A`: only the name is in the index.
            let state = match changed {
                b'.' => GitState::Staged,
                b'A' => GitState::New,
                _ => GitState::Changed,
            };
            let difference = match (staged, changed) {
                (b'A', b'D') => return None,
                (_, b'D') | (b'D', b'.') => Difference::Removed,
                (b'A', _) | (_, b'A') => Difference::Created,
                _ => Difference::Changed,
            };
            Some((state, difference, path(9)?))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_of_every_kind() {
        let entry = |text: &'static str| {
            parsed(text.as_bytes()).map(|(state, difference, path)| {
                (state.word(), difference.word(), std::str::from_utf8(path).unwrap())
            })
        };
        let zeros = "000000 100644 100644 0000000000 1111111111";
        assert_eq!(entry("? a b\n.yaml"), Some(("new", "created", "a b\n.yaml")));
        for (codes, expected) in [
            ("A.", ("staged", "created")),
            ("AM", ("changed", "created")),
            (".A", ("new", "created")),
            (".M", ("changed", "changed")),
            ("M.", ("staged", "changed")),
            ("MM", ("changed", "changed")),
            (".D", ("changed", "removed")),
            ("D.", ("staged", "removed")),
        ] {
            let text: &'static str = Box::leak(format!("1 {codes} N... {zeros} a b.yaml").into_boxed_str());
            let (state, difference) = expected;
            assert_eq!(entry(text), Some((state, difference, "a b.yaml")), "{codes}");
        }
        let both = "u UU N... 100644 100644 100644 100644 11 22 33 a b.yaml";
        assert_eq!(entry(both), Some(("conflicted", "changed", "a b.yaml")));
        assert_eq!(entry("1 AD N... 000000 100644 000000 0 1 gone"), None);
        assert_eq!(entry(""), None);
        assert_eq!(entry("# branch.oid 1"), None);
    }
}
