//! The git repository that contains a project, if any.

use std::fs;
use std::path::{Component, Path, PathBuf};
use std::sync::OnceLock;

use crate::core::report::diagnostic::{Diagnostic, Location};
use crate::directory::git::command::{GitAccess, Options, git};
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

/// The repository that contains a directory. git is asked when it is needed for the first time, and only once.
#[derive(Debug)]
pub struct RepositoryCell {
    directory: PathBuf,
    found: OnceLock<Result<Option<Repository>, Diagnostic>>,
}

impl RepositoryCell {
    /// Asks nothing yet.
    pub(in crate::directory) fn of(directory: &Path) -> Self {
        Self { directory: directory.to_owned(), found: OnceLock::new() }
    }

    /// Returns the answer of [`Repository::around`].
    pub fn get(&self) -> Result<Option<&Repository>, Diagnostic> {
        let found = self.found.get_or_init(|| Repository::around(&self.directory));
        found.as_ref().map(Option::as_ref).map_err(Clone::clone)
    }
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
        Options { access, index: self.verified.index.as_deref(), overrides: None, ceilings: None }
    }

    /// Returns the names of the settings of filter and merge drivers; `None` if git was not asked for them.
    pub(super) fn driver_settings(&self) -> Option<&[Vec<u8>]> {
        self.verified.driver_settings.as_deref()
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
