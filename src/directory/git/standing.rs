//! What git thinks of files.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::Repository;
use crate::core::diagnostic::Diagnostic;

/// A file that is not as in the last commit.
#[derive(Clone, Debug)]
pub struct Standing {
    /// The file as it was asked for.
    pub file: PathBuf,
    /// What keeps it from being committed.
    pub state: State,
    /// What a commit would do to it.
    pub difference: Difference,
    /// Its path below the root.
    pub(super) path: Vec<u8>,
}

/// What keeps a file from being committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// git does not know it.
    New,
    /// It differs from what is staged.
    Changed,
    /// It would be in the next commit.
    Staged,
    /// Both sides of a merge have changed it.
    Conflicted,
}

impl State {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Changed => "changed",
            Self::Staged => "staged",
            Self::Conflicted => "conflicted",
        }
    }
}

/// How a file differs from the last commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Difference {
    /// It is not in it.
    Created,
    /// It has another content there.
    Changed,
    /// It is only in it.
    Removed,
}

impl Difference {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Changed => "changed",
            Self::Removed => "removed",
        }
    }
}

impl Repository {
    /// Of the files of a directory and one file beside it, those that are not as in the last commit, in order. Only
    /// what `is_ours` says yes to, by its path below the directory, counts.
    pub fn standing(
        &self,
        directory: &Path,
        beside: &Path,
        is_ours: impl Fn(&str) -> bool,
    ) -> Result<Vec<Standing>, Diagnostic> {
        let [below, single] = [self.path(directory)?, self.path(beside)?];
        let [below_text, single_text] =
            [&below, &single].map(|path| String::from_utf8_lossy(path).into_owned());
        let asked = [
            "status",
            "--porcelain=v2",
            "-z",
            "--no-renames",
            "--untracked-files=all",
            "--",
            &below_text,
            &single_text,
        ];
        let answer = self.git(&asked, &[])?;
        let mut found = BTreeMap::new();
        for entry in answer.split(|byte| *byte == 0) {
            let Some((state, difference, path)) = parsed(entry) else { continue };
            let name = path
                .strip_prefix(below.as_slice())
                .and_then(|rest| rest.strip_prefix(b"/"))
                .map(|name| String::from_utf8_lossy(name).into_owned());
            let file = match name {
                Some(name) if is_ours(&name) => directory.join(name),
                None if path == single => beside.to_owned(),
                _ => continue,
            };
            found.insert(path.to_owned(), Standing { file, state, difference, path: path.to_owned() });
        }
        Ok(found.into_values().collect())
    }
}

/// An entry of `git status --porcelain=v2 -z`: `1 XY … path`, `u XY … path` or `? path`.
fn parsed(entry: &[u8]) -> Option<(State, Difference, &[u8])> {
    let path = |fields: usize| entry.splitn(fields, |byte| *byte == b' ').last();
    match (entry.first()?, entry.get(2)?, entry.get(3)) {
        (b'?', _, _) => Some((State::New, Difference::Created, &entry[2..])),
        (b'u', _, _) => Some((State::Conflicted, Difference::Changed, path(11)?)),
        (b'1', staged, Some(changed)) => {
            // `git add --intent-to-add` shows as `.A`: known by name only.
            let state = match changed {
                b'.' => State::Staged,
                b'A' => State::New,
                _ => State::Changed,
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
