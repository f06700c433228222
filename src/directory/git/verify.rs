//! Verifies the repository before git runs in it: git and this program must find the same one.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::{env, fs};

use crate::core::report::diagnostic::{Diagnostic, Location};
use crate::core::report::shell_quote;
use crate::directory::git::command::{Failed, GitAccess, Options, git};
use crate::directory::git::git_dir::{WITHOUT_GIT, WorkTree, path_of};
use crate::directory::git::usual_settings::usual_settings;

/// A work tree and its git directory, verified.
#[derive(Clone, Debug)]
pub(super) struct Verified {
    /// The root of the work tree. git that runs here first looks at the `.git` here, which was verified. So later
    /// calls need no `--git-dir`, which would turn off git's ownership check and be inherited by hooks.
    pub(super) root: PathBuf,
    /// Its git directory.
    pub(super) git_dir: PathBuf,
    /// The index that git passed to a hook of this repository.
    pub(super) index: Option<PathBuf>,
    /// The names of the settings of filter and merge drivers, if the same call found them.
    pub(super) driver_settings: Option<Vec<Vec<u8>>>,
}

/// Returns the repository that contains a directory; `None` if there is none, it has no work tree, or git is not
/// installed.
/// The directory must be absolute and without symbolic links.
pub(super) fn verified(here: &Path) -> Result<Option<Verified>, Diagnostic> {
    let work_tree = WorkTree::nearest(here)?;
    let index = index_of(work_tree.as_ref())?;
    let Some(WorkTree { root, git_dir }) = work_tree else { return Ok(None) };
    if here.starts_with(&git_dir) {
        return Err(Diagnostic::refusal(format!("it is inside the git directory {}", git_dir.display()))
            .at(Location::file(here.display().to_string()))
            .hint(format!("move the spec into the work tree; {WITHOUT_GIT}")));
    }
    if let Some(settings) = usual_settings(here, &root, &git_dir) {
        return Ok(Some(Verified { root, git_dir, index, driver_settings: Some(settings) }));
    }
    let options = Options { access: GitAccess::ReadOnly, index: None, overrides: None, ceilings: None };
    // git before 2.38 has no `safe.bareRepository`, so the result is compared even if git accepts the directory.
    let asked = ["rev-parse", "--absolute-git-dir", "--is-inside-work-tree", "--show-cdup"];
    let answer = match git(here, options, &asked, &[]) {
        Ok(answer) => answer,
        Err(Failed::NoProgram) => return Ok(None),
        Err(failed) => {
            return Err(bare_between(here, &root).unwrap_or_else(|| failed.at("rev-parse").hint(WITHOUT_GIT)));
        }
    };
    let found = Found::read(&answer);
    if !fs::canonicalize(&found.git_dir).is_ok_and(|found| found == git_dir) {
        return Err(bare_between(here, &root).unwrap_or_else(|| {
            Diagnostic::refusal(format!(
                "git does not use it, but the repository {}",
                found.git_dir.display()
            ))
            .at(Location::file(root.join(".git").display().to_string()))
            .hint(format!("if it is empty, remove it; {WITHOUT_GIT}"))
        }));
    }
    match found.steps_up {
        Some(steps) if here.ancestors().nth(steps) == Some(&*root) => {
            Ok(Some(Verified { root, git_dir, index, driver_settings: None }))
        }
        None if found.is_bare => Ok(None),
        _ => Err(Diagnostic::refusal(format!(
            "`core.worktree` names a work tree other than {}",
            root.display()
        ))
        .at(Location::file(git_dir.join("config").display().to_string()))
        .hint(format!(
            "`git config --file {} --unset core.worktree` removes it; {WITHOUT_GIT}",
            shell_quote::path(&git_dir.join("config"))
        ))),
    }
}

/// The repository that git found.
struct Found {
    git_dir: PathBuf,
    /// How many directories the root is above the directory; `None` if the directory is not in a work tree.
    steps_up: Option<usize>,
    is_bare: bool,
}

impl Found {
    /// Parses `GIT-DIR`, `true` and `../` for each step up; or `GIT-DIR`, `false` and the work tree, if there is
    /// one.
    fn read(answer: &[u8]) -> Self {
        let split = |mark: &[u8]| answer.windows(mark.len()).rposition(|part| part == mark);
        let git_dir = |end: usize| path_of(&answer[..end]);
        let steps = |end: usize| {
            let up = answer[end + b"\ntrue\n".len()..].split(|byte| *byte == b'\n').next()?;
            up.chunks(3).all(|step| step == b"../").then_some(up.len() / 3)
        };
        if let Some((end, steps)) = split(b"\ntrue\n").and_then(|end| Some((end, steps(end)?))) {
            return Self { git_dir: git_dir(end), steps_up: Some(steps), is_bare: false };
        }
        let end = split(b"\nfalse\n").unwrap_or(answer.len());
        Self { git_dir: git_dir(end), steps_up: None, is_bare: answer.len() == end + b"\nfalse\n".len() }
    }
}

/// Describes a directory below the root that git takes for a bare repository, if there is one.
fn bare_between(here: &Path, root: &Path) -> Option<Diagnostic> {
    let is_bare = |path: &&Path| {
        let has_directories = ["objects", "refs"].iter().all(|name| path.join(name).is_dir());
        fs::symlink_metadata(path.join("HEAD")).is_ok()
            && (has_directories || path.join("commondir").exists())
    };
    let bare = here.ancestors().take_while(|path| *path != root).find(is_bare)?;
    Some(
        Diagnostic::refusal(format!(
            "git takes this directory for a repository, but it is inside the work tree {}",
            root.display()
        ))
        .at(Location::file(bare.display().to_string()))
        .hint(format!("remove or rename its file HEAD; {WITHOUT_GIT}")),
    )
}

/// Checks the variables that git sets for hooks: each must name this repository. Returns the index that they name.
fn index_of(work_tree: Option<&WorkTree>) -> Result<Option<PathBuf>, Diagnostic> {
    let value = |name: &str| env::var_os(name).filter(|value| !value.is_empty());
    let refused = |name: &str, value: &OsString| {
        let value = value.display();
        let problem = match work_tree {
            Some(it) => format!("{name}={value} does not name the repository of {}", it.root.display()),
            None => format!("{name}={value} is set, but no directory above the spec has a `.git`"),
        };
        Err(Diagnostic::refusal(problem).hint(format!("unset {name}; {WITHOUT_GIT}")))
    };
    let is =
        |path: &dyn AsRef<Path>, expected: &Path| fs::canonicalize(path).is_ok_and(|path| path == expected);
    if let Some(value) = value("GIT_DIR")
        && !work_tree.is_some_and(|it| is(&value, &it.git_dir))
    {
        return refused("GIT_DIR", &value);
    }
    let Some(work_tree) = work_tree else { return Ok(None) };
    if let Some(value) = value("GIT_WORK_TREE")
        && !is(&value, &work_tree.root)
    {
        return refused("GIT_WORK_TREE", &value);
    }
    let Some(value) = value("GIT_INDEX_FILE") else { return Ok(None) };
    // Unlike the other variables, this one is relative to the root of the work tree.
    let index = work_tree.root.join(&value);
    // During a commit of some files git uses a temporary index next to the usual one.
    if !index.parent().is_some_and(|parent| is(&parent, &work_tree.git_dir)) {
        return refused("GIT_INDEX_FILE", &value);
    }
    Ok(Some(index))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_of_git() {
        for (answer, git_dir, steps_up, is_bare) in [
            ("/r/.git\ntrue\n\n", "/r/.git", Some(0), false),
            ("/r/.git\ntrue\n../../\n", "/r/.git", Some(2), false),
            ("/r.git\nfalse\n", "/r.git", None, true),
            ("/r/.git\nfalse\n/else\nwhere\n", "/r/.git", None, false),
            ("/a\ntrue\nb/.git\ntrue\n../\n", "/a\ntrue\nb/.git", Some(1), false),
            ("/a\ntrue\nb/.git\nfalse\n", "/a\ntrue\nb/.git", None, true),
            ("", "", None, false),
        ] {
            let found = Found::read(answer.as_bytes());
            let seen = (found.git_dir.to_str().unwrap(), found.steps_up, found.is_bare);
            assert_eq!(seen, (git_dir, steps_up, is_bare), "{answer:?}");
        }
    }
}
