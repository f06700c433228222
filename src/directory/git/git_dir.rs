//! Finds the git directory that a `.git` names, without git.
//!
//! git takes the nearest `.git` above a directory, but also every directory on the way that only looks like a bare
//! repository, and a pull request can contain such a directory. So this program decides first which git directory is
//! the right one, and then compares it with the one that git finds.

use std::fs;
use std::path::{Path, PathBuf};

use crate::core::report::diagnostic::{Diagnostic, Location};
use crate::core::report::shell_quote;

/// End of every hint about an untrusted repository; commands other than `render` need git only for certain flags.
pub(super) const WITHOUT_GIT: &str = "`render --no-git` does not use git";

/// The longest `.git` file that is read, in bytes; git refuses longer ones.
const LONGEST_LINK: u64 = 1 << 20;

/// A directory with a `.git`, and the git directory that it names.
#[derive(Clone, Debug)]
pub(super) struct WorkTree {
    /// The directory that contains `.git`, without symbolic links.
    pub(super) root: PathBuf,
    /// The git directory, without symbolic links.
    pub(super) git_dir: PathBuf,
}

impl WorkTree {
    /// Returns the nearest ancestor of a directory that has a `.git`, or the directory itself; `None` if there is none.
    /// The directory must be absolute and without symbolic links.
    ///
    /// A `.git` that leads elsewhere must lead to a git directory of this work tree: that of a linked worktree, of a
    /// submodule, or a separate one. It must not be content of a work tree, because a pull request can change content,
    /// and it must not belong to another work tree, because a commit would go there.
    pub(super) fn nearest(directory: &Path) -> Result<Option<Self>, Diagnostic> {
        let Some(root) = with_mark(directory) else { return Ok(None) };
        let mark = root.join(".git");
        let found = target(&mark).ok_or((
            "the file does not name a git directory".to_owned(),
            "write `gitdir: ` and the path of the git directory into it, or remove it".to_owned(),
        ));
        let checked = found.and_then(|git_dir| match problem(root, &mark, &git_dir) {
            None => Ok(Self { root: root.to_owned(), git_dir }),
            Some(problem) => Err(problem),
        });
        checked.map(Some).map_err(|(message, hint)| {
            Diagnostic::refusal(message)
                .at(Location::file(mark.display().to_string()))
                .hint(format!("{hint}; {WITHOUT_GIT}"))
        })
    }
}

/// Returns the root of the work tree around a directory, which must be absolute and without symbolic links. Runs no git, and
/// does not check where the `.git` leads.
pub(in crate::directory) fn root_without_git(directory: &Path) -> Option<&Path> {
    with_mark(directory)
}

/// Returns why a git directory is not one of this work tree, and what to do.
fn problem(root: &Path, mark: &Path, git_dir: &Path) -> Option<(String, String)> {
    let shown = git_dir.display();
    let is_own = git_dir == mark;
    if let (false, Some(owner)) = (is_own, with_mark(git_dir)) {
        let owners = target(&owner.join(".git"));
        if owner != root && owners.as_deref() == Some(git_dir) {
            return Some((
                format!("it leads to {shown}, the git directory of the work tree {}", owner.display()),
                "remove it".to_owned(),
            ));
        }
        // Linked worktrees and submodules have theirs in the owner's git directory.
        if owner == root || !owners.is_some_and(|owners| git_dir.starts_with(owners)) {
            return Some((
                format!("it leads to {shown}, which is inside the work tree {}", owner.display()),
                "move the git directory out of the work tree, and write its new path into the `.git` file"
                    .to_owned(),
            ));
        }
    }
    // Only a linked worktree has these files; git reads configuration, objects and branches from its `commondir`.
    let is_linked = git_dir.join("commondir").exists() || (!is_own && git_dir.join("gitdir").exists());
    (is_linked && !is_worktree_of(git_dir, mark)).then(|| {
        (
            format!("it leads to {shown}, which is not the git directory of a linked worktree here"),
            format!("if you moved the worktree, run `git -C {} worktree repair`", shell_quote::path(root)),
        )
    })
}

/// Returns the nearest ancestor with a `.git`, or the directory itself.
fn with_mark(directory: &Path) -> Option<&Path> {
    directory.ancestors().find(|path| path.join(".git").exists())
}

/// Returns the directory that a `.git` is, or that its `gitdir:` line names, without symbolic links.
fn target(mark: &Path) -> Option<PathBuf> {
    let file = fs::metadata(mark).ok()?;
    let path = if file.is_dir() {
        mark.to_owned()
    } else {
        (file.is_file() && file.len() <= LONGEST_LINK).then(|| path_in(mark, b"gitdir: "))??
    };
    fs::canonicalize(path).ok()
}

/// Returns the path that a file of git contains after a prefix. A relative path starts at the file's directory.
fn path_in(file: &Path, prefix: &[u8]) -> Option<PathBuf> {
    let content = fs::read(file).ok()?;
    let mut text = content.strip_prefix(prefix)?;
    while let Some(rest) = text.strip_suffix(b"\n").or_else(|| text.strip_suffix(b"\r")) {
        text = rest;
    }
    (!text.is_empty()).then(|| file.parent().unwrap_or(file).join(path_of(text)))
}

/// Whether a git directory is `COMMON/worktrees/NAME`, with links to COMMON and back to this `.git`. git updates an
/// old link back when it runs, so this check must come before.
fn is_worktree_of(git_dir: &Path, mark: &Path) -> bool {
    let canonical = |path: &Path| fs::canonicalize(path).ok();
    let common = path_in(&git_dir.join("commondir"), b"").and_then(|path| canonical(&path));
    let expected = git_dir.parent().filter(|path| path.ends_with("worktrees")).and_then(Path::parent);
    let back = path_in(&git_dir.join("gitdir"), b"").filter(|path| path.ends_with(".git"));
    let back = back.as_deref().and_then(Path::parent).and_then(canonical);
    expected.is_some() && common.as_deref() == expected && back.as_deref() == mark.parent()
}

/// Converts a path as git prints or stores it.
#[cfg(unix)]
pub(super) fn path_of(bytes: &[u8]) -> PathBuf {
    use std::os::unix::ffi::OsStrExt;
    std::ffi::OsStr::from_bytes(bytes).into()
}

/// Converts a path as git prints or stores it.
#[cfg(not(unix))]
pub(super) fn path_of(bytes: &[u8]) -> PathBuf {
    String::from_utf8_lossy(bytes).into_owned().into()
}
