//! The git repository that contains a project, if any.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Component, Path, PathBuf};

use crate::core::report::diagnostic::{Checked, Diagnostic, Location};
use crate::directory::git::command::{Failed, GitAccess, Options, git};
use crate::directory::git::verify::{Verified, verified};

/// A repository with a work tree.
#[derive(Clone, Debug)]
pub struct Repository {
    verified: Verified,
    /// The project's directory, as the user named it.
    named: PathBuf,
    /// The same directory, absolute and without symbolic links.
    here: PathBuf,
}

impl Repository {
    /// Returns the repository that contains a directory; `None` if there is none, or if git is not installed.
    ///
    /// # Errors
    ///
    /// git refuses the repository, or would use another one than that of the nearest `.git`: the content of a work
    /// tree can look like a repository, and git would run the programs that its configuration names.
    pub fn around(directory: &Path) -> Result<Option<Self>, Diagnostic> {
        let named = directory.to_owned();
        let directory = if directory.as_os_str().is_empty() { Path::new(".") } else { directory };
        let Ok(here) = fs::canonicalize(directory) else { return Ok(None) };
        Ok(verified(&here)?.map(|verified| Self { verified, named, here }))
    }

    /// Returns the path of a file relative to the root, as git writes it. The file need not exist.
    pub(in crate::directory) fn path(&self, file: &Path) -> Result<Vec<u8>, Diagnostic> {
        let absolute = plain(&self.here.join(file.strip_prefix(&self.named).unwrap_or(file)));
        let Ok(path) = absolute.strip_prefix(self.root()) else {
            return Err(Diagnostic::error("outside of the git repository that contains the spec")
                .at(Location::file(file.display().to_string()))
                .hint("choose a `spec.output` inside the same repository"));
        };
        let mut bytes = path.as_os_str().as_encoded_bytes().to_vec();
        if cfg!(windows) {
            bytes.iter_mut().filter(|byte| **byte == b'\\').for_each(|byte| *byte = b'/');
        }
        Ok(bytes)
    }

    /// Returns the path of a file or directory relative to the root, for messages and for tools that sync it.
    pub fn shown_path(&self, file: &Path) -> Result<String, Diagnostic> {
        Ok(String::from_utf8_lossy(&self.path(file)?).into_owned())
    }

    /// Returns the address of the remote `origin`, if there is one.
    pub fn origin(&self) -> Option<String> {
        self.output(&["remote", "get-url", "origin"])
    }

    /// Returns the checked-out branch; `None` if HEAD is detached.
    pub fn branch(&self) -> Option<String> {
        self.output(&["symbolic-ref", "--quiet", "--short", "HEAD"])
    }

    fn output(&self, arguments: &[&str]) -> Option<String> {
        let answer = self.git(arguments, &[]).ok()?;
        Some(String::from_utf8_lossy(&answer).trim_end().to_owned())
    }

    /// Returns the root of its work tree.
    pub(super) fn root(&self) -> &Path {
        &self.verified.root
    }

    /// Returns its git directory.
    pub(super) fn git_dir(&self) -> &Path {
        &self.verified.git_dir
    }

    /// Returns options without overrides.
    pub(super) fn options(&self, access: GitAccess) -> Options<'_> {
        Options { access, index: self.verified.index.as_deref(), overrides: None }
    }

    /// Runs git at the root, without other programs. Paths are literal.
    pub(super) fn git(&self, arguments: &[&str], input: &[u8]) -> Result<Vec<u8>, Diagnostic> {
        self.git_with(self.options(GitAccess::ReadOnly), arguments, input)
    }

    /// Runs git at the root with these options.
    pub(super) fn git_with(
        &self,
        options: Options<'_>,
        arguments: &[&str],
        input: &[u8],
    ) -> Result<Vec<u8>, Diagnostic> {
        let literal = [&["--literal-pathspecs"], arguments].concat();
        git(self.root(), options, &literal, input)
            .map_err(|failed| failed.at(arguments.first().unwrap_or(&"")))
    }

    /// Returns whether a directory, which may not exist yet, belongs to this repository and not to one inside it.
    pub fn holds(&self, directory: &Path) -> bool {
        let absolute = plain(&self.here.join(directory.strip_prefix(&self.named).unwrap_or(directory)));
        absolute.starts_with(self.root())
            && !absolute
                .ancestors()
                .take_while(|path| *path != self.root())
                .any(|path| path.join(".git").exists())
    }

    /// Refuses files, in a directory or next to it, that git ignores. The check takes git a third of a millisecond
    /// per file, so tracked files are skipped: they are not ignored, whatever the patterns say.
    pub fn refuse_ignored(&self, directory: &Path, files: &[PathBuf]) -> Checked<()> {
        let below = self.shown_path(directory)?;
        let beside: Vec<String> = files
            .iter()
            .filter(|file| !file.starts_with(directory))
            .map(|file| self.shown_path(file))
            .collect::<Result<_, _>>()?;
        let mut asked = vec!["ls-files", "-z", "--", &below];
        asked.extend(beside.iter().map(String::as_str));
        let answer = self.git(&asked, &[])?;
        let known: BTreeSet<&[u8]> = answer.split(|byte| *byte == 0).collect();
        let mut input = Vec::new();
        for file in files {
            let path = self.path(file)?;
            if known.contains(path.as_slice()) {
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

/// Removes `.` and `..` from a path whose links are resolved.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => drop(plain.pop()),
            part => plain.push(part),
        }
    }
    plain
}
