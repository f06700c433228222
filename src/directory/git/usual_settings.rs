//! The usual repository: verifies it and reads its drivers with one call of git.
//!
//! git names the file of each setting. If it read `.git/config`, and cannot look above the root, it uses the git directory of the
//! root. Everything else has more questions: a linked worktree, a submodule, a bare repository, another work tree, and every
//! repository that git refuses.

use std::env;
use std::ffi::OsString;
use std::path::Path;

use crate::directory::git::command::{GitAccess, Options, git};

/// The settings that decide what the work tree is, and those of drivers. git writes the version of every repository.
const SETTINGS: &str = r"^(core\.(repositoryformatversion|bare|worktree)|filter\..*|merge\..*\.driver)$";

/// The file of settings of a git directory `.git`, as git names it from every directory of the work tree.
const USUAL_FILE: &[u8] = b"file:.git/config";

/// Returns the names of the settings of filter and merge drivers. `None` if git does not use the git directory `.git` of this root,
/// or if a setting names another work tree.
pub(super) fn usual_settings(here: &Path, root: &Path, git_dir: &Path) -> Option<Vec<Vec<u8>>> {
    if git_dir != root.join(".git") {
        return None;
    }
    let ceilings = ceilings(root)?;
    let options =
        Options { access: GitAccess::ReadOnly, index: None, overrides: None, ceilings: Some(&ceilings) };
    let asked = ["config", "--null", "--show-scope", "--show-origin", "--get-regexp", SETTINGS];
    driver_settings(&git(here, options, &asked, &[]).ok()?)
}

/// Returns the user's ceilings and the directory above the root: git then finds no repository that contains this one.
fn ceilings(root: &Path) -> Option<OsString> {
    let users = env::var_os("GIT_CEILING_DIRECTORIES").filter(|value| !value.is_empty());
    let users = users.iter().flat_map(|value| env::split_paths(value));
    env::join_paths(users.chain([root.parent()?.to_owned()])).ok()
}

/// Parses `SCOPE`, `FILE` and `NAME<newline>VALUE`, each with a zero byte at its end.
fn driver_settings(answer: &[u8]) -> Option<Vec<Vec<u8>>> {
    let fields: Vec<&[u8]> = answer.split(|byte| *byte == 0).collect();
    let mut is_usual = false;
    let mut names = Vec::new();
    for entry in fields.chunks_exact(3) {
        let end = entry[2].iter().position(|byte| *byte == b'\n').unwrap_or(entry[2].len());
        let (name, value) = entry[2].split_at(end);
        match name {
            b"core.repositoryformatversion" => is_usual |= entry[0] == b"local" && entry[1] == USUAL_FILE,
            b"core.bare" if value == b"\nfalse" => {}
            b"core.bare" | b"core.worktree" => return None,
            name => names.push(name.to_owned()),
        }
    }
    is_usual.then_some(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_of_a_usual_repository() {
        let version = "local\0file:.git/config\0core.repositoryformatversion\n0\0";
        let names = |more: &str| {
            let found = driver_settings(format!("{version}{more}").as_bytes())?;
            Some(found.into_iter().map(|name| String::from_utf8(name).unwrap()).collect::<Vec<_>>())
        };
        assert_eq!(names(""), Some(Vec::new()));
        assert_eq!(names("local\0file:.git/config\0core.bare\nfalse\0"), Some(Vec::new()));
        assert_eq!(
            names("global\0file:/a\0filter.a.b=c.clean\nx\ny\0local\0file:/b\0filter.d.required\0"),
            Some(vec!["filter.a.b=c.clean".to_owned(), "filter.d.required".to_owned()])
        );
        for other in [
            "local\0file:.git/config\0core.bare\ntrue\0",
            "local\0file:.git/config\0core.bare\0",
            "worktree\0file:.git/config.worktree\0core.worktree\n..\0",
            "global\0file:/a\0core.worktree\n/b\0",
        ] {
            assert_eq!(names(other), None, "{other:?}");
        }
    }

    #[test]
    fn another_repository_is_not_usual() {
        for answer in [
            "",
            "local\0file:config\0core.repositoryformatversion\n0\0",
            "local\0file:/r/.git/config\0core.repositoryformatversion\n0\0",
            "global\0file:.git/config\0core.repositoryformatversion\n0\0",
            "local\0file:.git/config\0core.bare\nfalse\0",
        ] {
            assert_eq!(driver_settings(answer.as_bytes()), None, "{answer:?}");
        }
    }
}
