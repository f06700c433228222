//! Files of the work tree that git tracks, or does not ignore.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::core::report::diagnostic::{Checked, Diagnostic, Location};
use crate::directory::git::Repository;
use crate::directory::git::command::{Failed, GitAccess, git};

/// Which files of the whole repository are listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Listed {
    /// None.
    Nothing,
    /// All lock files.
    Locks,
}

/// A directory, and files that are in it or next to it.
#[derive(Clone, Copy, Debug)]
pub struct Rendered<'a> {
    /// The directory.
    pub directory: &'a Path,
    /// The files. They need not exist.
    pub files: &'a [PathBuf],
}

/// The paths of files below the root.
#[derive(Clone, Debug, Default)]
pub struct Listing {
    tracked: BTreeSet<Vec<u8>>,
    /// Not tracked, and not ignored.
    untracked: BTreeSet<Vec<u8>>,
}

impl Listing {
    /// Returns the lock files, in order.
    pub(super) fn locks(&self) -> impl Iterator<Item = &[u8]> {
        let all: BTreeSet<&[u8]> = self.tracked.iter().chain(&self.untracked).map(Vec::as_slice).collect();
        all.into_iter().filter(|path| path.ends_with(b".lock"))
    }

    fn has(&self, path: &[u8]) -> bool {
        self.tracked.contains(path) || self.untracked.contains(path)
    }

    /// Parses entries of `git ls-files -t -z`: a letter, a space and the path.
    fn read(answer: &[u8]) -> Self {
        let mut listing = Self::default();
        for entry in answer.split(|byte| *byte == 0) {
            match entry {
                [b'?', b' ', path @ ..] => drop(listing.untracked.insert(path.to_owned())),
                [_, b' ', path @ ..] => drop(listing.tracked.insert(path.to_owned())),
                _ => {}
            }
        }
        listing
    }
}

impl Repository {
    /// Lists files of the whole repository, and those of a directory. One call of git takes a fraction of the time of two.
    pub fn listing(&self, listed: Listed, rendered: Option<Rendered<'_>>) -> Result<Listing, Diagnostic> {
        // Without a path, git lists everything.
        if listed == Listed::Nothing && rendered.is_none() {
            return Ok(Listing::default());
        }
        let mut asked = vec!["ls-files", "-t", "-z", "--cached", "--others", "--exclude-standard", "--"];
        asked.extend((listed == Listed::Locks).then_some(":(top,glob)**/*.lock"));
        let mut paths = Vec::new();
        if let Some(Rendered { directory, files }) = rendered {
            paths.push(self.shown_path(directory)?);
            for file in files.iter().filter(|file| !file.starts_with(directory)) {
                paths.push(self.shown_path(file)?);
            }
        }
        let paths: Vec<String> = paths.iter().map(|path| format!(":(top,literal){path}")).collect();
        asked.extend(paths.iter().map(String::as_str));
        let answer = git(self.root(), self.options(GitAccess::ReadOnly), &asked, &[]);
        Ok(Listing::read(&answer.map_err(|failed| failed.at("ls-files"))?))
    }

    /// Refuses files that git ignores. The check takes git a third of a millisecond per file, so listed files are skipped: a tracked
    /// file is not ignored, whatever the patterns say.
    pub fn refuse_ignored(&self, files: &[PathBuf], listing: &Listing) -> Checked<()> {
        let mut input = Vec::new();
        for file in files {
            let path = self.path(file)?;
            if listing.has(&path) {
                continue;
            }
            // `check-ignore` does not support --literal-pathspecs; a path that starts with `./` is literal.
            input.extend(b"./");
            input.extend(path);
            input.push(0);
        }
        if input.is_empty() {
            return Ok(());
        }
        let asked = ["check-ignore", "--verbose", "-z", "--stdin"];
        let answer = match git(self.root(), self.options(GitAccess::ReadOnly), &asked, &input) {
            Ok(answer) => answer,
            // `check-ignore` exits with 1 and without a message if no file is ignored.
            Err(Failed::Said(said)) if said.is_empty() => return Ok(()),
            Err(failed) => return Err(failed.at("check-ignore").into()),
        };
        let fields: Vec<_> = answer.split(|byte| *byte == 0).map(String::from_utf8_lossy).collect();
        // A pattern that starts with `!` means that the file is not ignored.
        let ignored: Vec<_> = fields.chunks_exact(4).filter(|fields| !fields[2].starts_with('!')).collect();
        let Some([source, line, pattern, path]) = ignored.first() else { return Ok(()) };
        let path = path.strip_prefix("./").unwrap_or(path);
        let more = if ignored.len() > 1 { format!(" and {} more", ignored.len() - 1) } else { String::new() };
        Err(Diagnostic::error(format!("git ignores {path}{more}, so a review would not show it"))
            .at(Location { file: source.to_string(), line: line.parse().unwrap_or(0) })
            .hint(format!("remove the pattern `{pattern}`; `render --no-git` writes the files anyway"))
            .into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_of_every_kind() {
        let listing = Listing::read(b"? b.lock\0H a b.lock\0M c\nd.yaml\0M c\nd.yaml\0S e.lock\0? f/\0");
        let locks: Vec<&[u8]> = listing.locks().collect();
        assert_eq!(locks, [b"a b.lock".as_slice(), b"b.lock", b"e.lock"]);
        assert!(listing.has(b"c\nd.yaml") && listing.has(b"b.lock") && !listing.has(b"b"));
        assert_eq!(listing.tracked.len(), 3);
        assert_eq!(Listing::read(b"").locks().count(), 0);
    }
}
