//! Paths of files, relative to the repository: CI systems show a message at a file only if its path is such.

use std::path::{Component, Path, PathBuf};

/// The directory of the process, and the repository that contains it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WorkingDirectory {
    /// Absolute.
    repository: PathBuf,
    /// Absolute; in the repository.
    directory: PathBuf,
}

impl WorkingDirectory {
    /// Creates it from two absolute paths. Without a repository, both are the directory.
    pub fn new(repository: impl Into<PathBuf>, directory: impl Into<PathBuf>) -> Self {
        Self { repository: repository.into(), directory: directory.into() }
    }

    /// Returns the path of a file relative to the repository, with `/` between its parts; outside of the repository, the
    /// absolute path. Follows no links.
    pub fn in_repository(&self, file: &str) -> String {
        let mut path = PathBuf::new();
        for part in self.directory.join(file).components() {
            match part {
                Component::CurDir => {}
                Component::ParentDir => {
                    path.pop();
                }
                part => path.push(part),
            }
        }
        let shown = path.strip_prefix(&self.repository).unwrap_or(&path);
        let shown = if shown.as_os_str().is_empty() { Path::new(".") } else { shown };
        let text = shown.to_string_lossy();
        if std::path::MAIN_SEPARATOR == '/' {
            text.into_owned()
        } else {
            text.replace(std::path::MAIN_SEPARATOR, "/")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_relative_to_the_repository() {
        let directory = WorkingDirectory::new("/repo", "/repo/apps/web");
        for (file, expected) in [
            ("largescale.yaml", "apps/web/largescale.yaml"),
            ("./m/a.yaml", "apps/web/m/a.yaml"),
            ("../api/../shared/a.yaml", "apps/shared/a.yaml"),
            ("/repo/a b.yaml", "a b.yaml"),
            ("../..", "."),
            ("/etc/nodes.json", "/etc/nodes.json"),
            ("../../../other/a.yaml", "/other/a.yaml"),
            ("../../../../../../a.yaml", "/a.yaml"),
        ] {
            assert_eq!(directory.in_repository(file), expected, "{file}");
        }
        // An unknown directory leaves paths as they are.
        assert_eq!(WorkingDirectory::default().in_repository("m/a.yaml"), "m/a.yaml");
    }
}
