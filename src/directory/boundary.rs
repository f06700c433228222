//! The boundary of the paths that a spec names: the git repository around the spec, or without one its directory.
//!
//! A spec may come from a user who must not choose what this program reads and writes on this machine, for example with a
//! pull request: `manifests: [link.yaml]`, where the link leads to a file of the user's home directory. So links are
//! resolved before a path is compared with the boundary. Paths of the command line have no boundary.

use std::ffi::OsStr;
use std::fs;
use std::path::{Component, Path, PathBuf};

use crate::core::report::diagnostic::{Diagnostic, Location};
use crate::directory::git::root_without_git;

/// Hint of every refused output directory.
pub(super) const SEPARATE: &str = "name a separate directory, such as `rendered`";

/// How many links to missing files a path may have, one after the other.
const MAX_LINKS: usize = 40;

/// Whether a spec may name paths outside of its boundary.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Outside {
    /// No.
    #[default]
    Refuse,
    /// Yes, because the user passed `--allow-outside`.
    Allow,
}

/// The directory that contains every path of a spec.
#[derive(Clone, Debug)]
pub(super) struct Boundary {
    /// The directory of the spec, absolute and without symbolic links.
    spec: PathBuf,
    /// The root, absolute and without symbolic links.
    root: PathBuf,
    is_repository: bool,
    outside: Outside,
}

impl Boundary {
    /// Finds the boundary of a spec in this directory. Runs no git, because a spec may name the same paths on every
    /// machine. An untrusted author cannot widen the boundary: a `.git` in their files is not above them.
    pub(super) fn around(directory: &Path, outside: Outside) -> Self {
        let spec = resolved(directory);
        match root_without_git(&spec) {
            Some(root) => Self { root: root.to_owned(), spec, is_repository: true, outside },
            None => Self { root: spec.clone(), spec, is_repository: false, outside },
        }
    }

    /// Refuses a file or directory to read that is outside; `what` is its name in the message. It need not exist. The
    /// diagnostic has no location.
    pub(super) fn check(&self, what: &str, path: &Path) -> Result<(), Diagnostic> {
        let path = resolved(path);
        if self.outside == Outside::Allow || path.starts_with(&self.root) {
            return Ok(());
        }
        Err(self.refusal(&format!("{what} is {}", path.display())))
    }

    /// Refuses an output directory that is not a separate directory inside; `name` is `spec.output`, and `at` its location.
    pub(super) fn check_output(&self, directory: &Path, name: &str, at: Location) -> Result<(), Diagnostic> {
        let refuse = |message: String| Err(Diagnostic::refusal(message).at(at.clone()).hint(SEPARATE));
        let given = Path::new(name);
        if given.is_absolute() {
            return refuse(format!(
                "`spec.output` is the absolute path {name}, which would differ between machines"
            ));
        }
        let mut walked = directory.to_owned();
        for part in given.components() {
            walked.push(part);
            if fs::symlink_metadata(&walked).is_ok_and(|metadata| metadata.file_type().is_symlink()) {
                return refuse(format!(
                    "`spec.output` is {name}, but {} is a symbolic link",
                    walked.display()
                ));
            }
        }
        let path = resolved(&directory.join(name));
        if self.spec.starts_with(&path) {
            return refuse(format!("`spec.output` is `{name}`, which contains the spec and its manifests"));
        }
        // A spec inside a git directory is reported where git is used.
        let own = self.spec.components().zip(path.components()).take_while(|(a, b)| a == b).count();
        if path.components().skip(own).any(|part| is_git_directory(part.as_os_str())) {
            return refuse(format!("`spec.output` is {name}, which is inside a git directory"));
        }
        if !path.starts_with(&self.root) && self.outside == Outside::Refuse {
            return Err(self.refusal(&format!("`spec.output` {name} is {}", path.display())).at(at));
        }
        Ok(())
    }

    fn refusal(&self, what: &str) -> Diagnostic {
        let root = self.root.display();
        let boundary = if self.is_repository {
            format!("the git repository {root}")
        } else {
            format!("the directory of the spec, {root}")
        };
        Diagnostic::refusal(format!("{what}, outside of {boundary}"))
            .hint("move it inside; or, if you trust the spec, use --allow-outside")
    }
}

/// Returns whether a spec in this directory needs `--allow-outside` to name a path.
pub fn is_outside(directory: &Path, path: &Path) -> bool {
    Boundary::around(directory, Outside::Refuse).check("", path).is_err()
}

/// Whether git takes a directory of this name for a git directory on some file system: those that ignore the case, Windows
/// (which drops dots and spaces at the end, and has short names) and HFS+ (which ignores some characters). git refuses to
/// check out these names, too (`verify_path` in read-cache.c, `is_ntfs_dotgit`, `is_hfs_dotgit`).
fn is_git_directory(name: &OsStr) -> bool {
    let name = name.to_string_lossy();
    let visible = name.chars().filter(|c| {
        !matches!(c, '\u{200c}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{206a}'..='\u{206f}' | '\u{feff}')
    });
    let name = visible.collect::<String>().to_lowercase();
    let name = name.split(':').next().unwrap_or_default().trim_end_matches(['.', ' ']);
    matches!(name, ".git" | "git~1")
}

/// Returns a path absolute, without links, `.` and `..`. It need not exist, completely or at all.
fn resolved(path: &Path) -> PathBuf {
    let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
    fs::canonicalize(path).unwrap_or_else(|_| {
        let whole = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        follow(PathBuf::new(), &whole, &mut MAX_LINKS.clone())
    })
}

/// Follows a path from a resolved directory, also where nothing exists or where the user may not look.
fn follow(mut at: PathBuf, path: &Path, links: &mut usize) -> PathBuf {
    for part in path.components() {
        match part {
            Component::CurDir => continue,
            Component::ParentDir => {
                at.pop();
                continue;
            }
            part => at.push(part),
        }
        if let Ok(known) = fs::canonicalize(&at) {
            at = known;
        } else if let (Ok(target), true) = (fs::read_link(&at), *links > 0) {
            *links -= 1;
            at.pop();
            at = follow(at, &target, links);
        }
    }
    at
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    /// A repository `repo` with the spec in `repo/app`, a submodule, and a directory `other` next to the repository.
    fn tree() -> (tempfile::TempDir, PathBuf) {
        let directory = tempfile::tempdir().unwrap();
        let root = fs::canonicalize(directory.path()).unwrap();
        for path in ["repo/.git", "repo/app/sub", "repo/shared", "repo/module", "other", "repo-2"] {
            fs::create_dir_all(root.join(path)).unwrap();
        }
        fs::write(root.join("repo/module/.git"), "gitdir: ../.git/modules/module\n").unwrap();
        fs::write(root.join("other/x.yaml"), "").unwrap();
        for (target, link) in [
            ("../../other", "repo/app/out"),
            ("../../other/x.yaml", "repo/app/x.yaml"),
            ("x.yaml", "repo/app/second.yaml"),
            ("../../other/missing/y", "repo/app/dangling"),
            ("loop", "repo/app/loop"),
            ("../shared", "repo/app/inside"),
        ] {
            symlink(target, root.join(link)).unwrap();
        }
        (directory, root)
    }

    #[test]
    fn paths_outside_are_refused_after_links_are_resolved() {
        let (_directory, root) = tree();
        let app = root.join("repo/app");
        let boundary = |outside| Boundary::around(&app, outside);
        for name in [
            "a.yaml",
            "./sub/../a.yaml",
            "../shared/b",
            "inside/b",
            "missing/../b",
            "../module/m.yaml",
            "..",
            "loop",
        ] {
            assert_eq!(boundary(Outside::Refuse).check("it", &app.join(name)), Ok(()), "{name}");
        }
        for (name, is) in [
            ("../../other/x.yaml", "other/x.yaml"),
            ("x.yaml", "other/x.yaml"),
            ("second.yaml", "other/x.yaml"),
            ("out/x.yaml", "other/x.yaml"),
            ("out/missing", "other/missing"),
            ("out/../y", "y"),
            ("dangling", "other/missing/y"),
            ("dangling/../z", "other/missing/z"),
            ("missing/../../../other/y", "other/y"),
            ("../../repo-2", "repo-2"),
        ] {
            let problem = boundary(Outside::Refuse).check("it", &app.join(name)).unwrap_err();
            let root = root.display();
            assert_eq!(
                problem.message,
                format!("it is {root}/{is}, outside of the git repository {root}/repo")
            );
            assert_eq!(boundary(Outside::Allow).check("it", &app.join(name)), Ok(()));
        }
    }

    #[test]
    fn without_a_repository_the_boundary_is_the_directory_of_the_spec() {
        let (_directory, root) = tree();
        fs::remove_dir(root.join("repo/.git")).unwrap();
        let app = root.join("repo/app");
        let boundary = Boundary::around(&app, Outside::Refuse);
        assert_eq!(boundary.check("it", &app.join("sub/a")), Ok(()));
        let problem = boundary.check("it", &app.join("../shared/b")).unwrap_err();
        let root = root.display();
        assert_eq!(
            problem.message,
            format!("it is {root}/repo/shared/b, outside of the directory of the spec, {root}/repo/app")
        );
    }

    #[test]
    fn a_submodule_is_a_boundary_of_its_own_specs() {
        let (_directory, root) = tree();
        let boundary = Boundary::around(&root.join("repo/module"), Outside::Refuse);
        assert_eq!(boundary.check("it", &root.join("repo/module/x")), Ok(()));
        assert!(boundary.check("it", &root.join("repo/app/a")).is_err());
    }

    #[test]
    fn an_output_directory_is_separate_and_inside() {
        let (_directory, root) = tree();
        let app = root.join("repo/app");
        let check = |name: &str, outside| {
            let found =
                Boundary::around(&app, outside).check_output(&app, name, Location::file("largescale.yaml"));
            found.err().map(|problem| problem.message.replace(&root.display().to_string(), "ROOT"))
        };
        for name in ["rendered", "../rendered/app", "../module/tree", "a/b/../c", "git", ".gitlab", "..git"] {
            assert_eq!(check(name, Outside::Refuse), None, "{name}");
        }
        for (name, expected) in [
            ("../.git/hooks", "`spec.output` is ../.git/hooks, which is inside a git directory"),
            (".GIT", "`spec.output` is .GIT, which is inside a git directory"),
            ("x/.Git /y", "`spec.output` is x/.Git /y, which is inside a git directory"),
            ("GIT~1/x", "`spec.output` is GIT~1/x, which is inside a git directory"),
            (".g\u{200c}it", "`spec.output` is .g\u{200c}it, which is inside a git directory"),
            ("../module/.git/x", "`spec.output` is ../module/.git/x, which is inside a git directory"),
            ("../../other/.git", "`spec.output` is ../../other/.git, which is inside a git directory"),
            (".", "`spec.output` is `.`, which contains the spec and its manifests"),
            ("..", "`spec.output` is `..`, which contains the spec and its manifests"),
            ("sub/..", "`spec.output` is `sub/..`, which contains the spec and its manifests"),
            ("../app", "`spec.output` is `../app`, which contains the spec and its manifests"),
            ("/tmp/x", "`spec.output` is the absolute path /tmp/x, which would differ between machines"),
            ("out/x", "`spec.output` is out/x, but ROOT/repo/app/out is a symbolic link"),
        ] {
            for outside in [Outside::Refuse, Outside::Allow] {
                assert_eq!(check(name, outside).as_deref(), Some(expected), "{name}");
            }
        }
        assert_eq!(
            check("../../other/tree", Outside::Refuse).unwrap(),
            "`spec.output` ../../other/tree is ROOT/other/tree, outside of the git repository ROOT/repo"
        );
        assert_eq!(check("../../other/tree", Outside::Allow), None);
    }
}
