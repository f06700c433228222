//! The repository around a project, if there is one.

use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::path::{Component, Path, PathBuf};

use super::call::{Failed, git};
use crate::core::diagnostic::{Checked, Diagnostic, Place};

/// A repository with a work tree.
#[derive(Clone, Debug)]
pub struct Repository {
    /// The root of its work tree.
    root: PathBuf,
    /// The project's directory as it was named.
    named: PathBuf,
    /// The same from the root of the file system on.
    here: PathBuf,
}

impl Repository {
    /// The repository around a directory; `None` where there is none, and where there is no git. A repository that git
    /// does not want to look into is an error.
    pub fn around(directory: &Path) -> Result<Option<Self>, Diagnostic> {
        let named = directory.to_owned();
        let directory = if directory.as_os_str().is_empty() { Path::new(".") } else { directory };
        let Ok(here) = fs::canonicalize(directory) else { return Ok(None) };
        let is_marked = |path: &Path| path.join(".git").exists();
        if env::var_os("GIT_DIR").is_none() && !here.ancestors().any(is_marked) {
            return Ok(None);
        }
        let asked = ["rev-parse", "--is-inside-work-tree", "--show-cdup"];
        let answer = match git(&here, &asked, &[]) {
            Ok(answer) => String::from_utf8_lossy(&answer).into_owned(),
            Err(Failed::NoProgram) => return Ok(None),
            Err(failed) => return Err(failed.at("rev-parse")),
        };
        let Some(up) = answer.strip_prefix("true\n") else { return Ok(None) };
        let steps = Path::new(up.trim_end()).components().count();
        let root = here.ancestors().nth(steps).unwrap_or(&here).to_owned();
        Ok(Some(Self { root, named, here }))
    }

    /// The path of a file below the root, as git has it. The file needs not be there.
    pub(super) fn path(&self, file: &Path) -> Result<Vec<u8>, Diagnostic> {
        let absolute = plain(&self.here.join(file.strip_prefix(&self.named).unwrap_or(file)));
        let Ok(path) = absolute.strip_prefix(&self.root) else {
            return Err(Diagnostic::error("outside of the git repository around the spec")
                .at(Place::file(file.display().to_string()))
                .hint("choose a `spec.output` in the same repository"));
        };
        let mut bytes = path.as_os_str().as_encoded_bytes().to_vec();
        if cfg!(windows) {
            bytes.iter_mut().filter(|byte| **byte == b'\\').for_each(|byte| *byte = b'/');
        }
        Ok(bytes)
    }

    /// The path of a file or directory below the root, for people and for those who sync it.
    pub fn shown_path(&self, file: &Path) -> Result<String, Diagnostic> {
        Ok(String::from_utf8_lossy(&self.path(file)?).into_owned())
    }

    /// The address of the remote `origin`, if there is one.
    pub fn origin(&self) -> Option<String> {
        self.said(&["remote", "get-url", "origin"])
    }

    /// The branch that is checked out; `None` where HEAD is detached.
    pub fn branch(&self) -> Option<String> {
        self.said(&["symbolic-ref", "--quiet", "--short", "HEAD"])
    }

    fn said(&self, arguments: &[&str]) -> Option<String> {
        let answer = self.git(arguments, &[]).ok()?;
        Some(String::from_utf8_lossy(&answer).trim_end().to_owned())
    }

    /// The root of its work tree.
    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// Runs git at the root; paths mean themselves, whatever is in them.
    pub(super) fn git(&self, arguments: &[&str], input: &[u8]) -> Result<Vec<u8>, Diagnostic> {
        let literal = [&["--literal-pathspecs"], arguments].concat();
        git(&self.root, &literal, input).map_err(|failed| failed.at(arguments.first().unwrap_or(&"")))
    }

    /// Whether a directory, there or not, is of this repository: below its root, and of none within it.
    pub fn holds(&self, directory: &Path) -> bool {
        let absolute = plain(&self.here.join(directory.strip_prefix(&self.named).unwrap_or(directory)));
        absolute.starts_with(&self.root)
            && !absolute
                .ancestors()
                .take_while(|path| *path != self.root)
                .any(|path| path.join(".git").exists())
    }

    /// Refuses files of a directory, or beside it, that git ignores. Whether a file is ignored takes git a third of a
    /// millisecond, so those are left out that it knows already: they are not ignored, whatever the patterns say.
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
            // This one command knows no --literal-pathspecs; a path with `./` in front has no magic.
            input.extend(b"./");
            input.extend(path);
            input.push(0);
        }
        if input.is_empty() {
            return Ok(());
        }
        let answer = match git(&self.root, &["check-ignore", "--verbose", "-z", "--stdin"], &input) {
            Ok(answer) => answer,
            // It ends with 1 and in silence where nothing is ignored.
            Err(Failed::Said(said)) if said.is_empty() => return Ok(()),
            Err(failed) => return Err(failed.at("check-ignore").into()),
        };
        let fields: Vec<_> = answer.split(|byte| *byte == 0).map(String::from_utf8_lossy).collect();
        // A pattern with a `!` in front says that a file is not ignored.
        let ignored: Vec<_> = fields.chunks_exact(4).filter(|fields| !fields[2].starts_with('!')).collect();
        let Some([source, line, pattern, path]) = ignored.first() else { return Ok(()) };
        let path = path.strip_prefix("./").unwrap_or(path);
        let more = if ignored.len() > 1 { format!(" and {} more", ignored.len() - 1) } else { String::new() };
        Err(Diagnostic::error(format!("git ignores {path}{more}, and so nobody would review it"))
            .at(Place { file: source.to_string(), line: line.parse().unwrap_or(0) })
            .hint(format!("take the pattern `{pattern}` out, or say --no-git"))
            .into())
    }
}

/// A path without `.` and `..`; links were resolved before.
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
