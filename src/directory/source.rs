//! The location of a spec, and the cluster for which it is read.

use std::fs;
use std::io::ErrorKind;
use std::path::{Component, Path, PathBuf};

use crate::core::report::diagnostic::{Checked, Diagnostic};
use crate::core::report::shell_quote;
use crate::core::spec::LargeScale;
use crate::core::yaml::Document;
use crate::directory::boundary::Outside;
use crate::directory::files::{read, text_of};

/// File name of the spec.
pub const SPEC_FILE: &str = "largescale.yaml";

/// A spec, and one of its clusters.
#[derive(Clone, Debug, Default)]
pub struct Source {
    /// The spec, or the directory that holds `largescale.yaml`.
    pub path: PathBuf,
    /// The name of the cluster in the spec; `None` if the spec names none.
    pub cluster: Option<String>,
    /// Whether the spec may name paths outside of its repository.
    pub outside: Outside,
}

impl Source {
    /// Returns the same spec for one of its clusters.
    #[must_use]
    pub fn of_cluster(&self, name: &str) -> Self {
        Self { cluster: Some(name.to_owned()), ..self.clone() }
    }

    /// Returns the path of the spec file.
    pub fn file(&self) -> PathBuf {
        let file = if self.path.is_dir() { self.path.join(SPEC_FILE) } else { self.path.clone() };
        file.strip_prefix(".").map(Path::to_owned).unwrap_or(file)
    }

    /// Reads the spec, without the overrides of a cluster.
    pub fn read(&self) -> Checked<(LargeScale, Document)> {
        let shown = self.file().display().to_string();
        let bytes = read(&self.file(), &shown).map_err(|error| match error.kind() {
            ErrorKind::NotFound => Diagnostic::from(error).hint(self.not_found()),
            _ => error.into(),
        })?;
        LargeScale::read(&shown, &text_of(bytes, &shown)?)
    }

    /// Returns what to do if the spec does not exist.
    fn not_found(&self) -> String {
        let others = "name another file with -f, or search directories with -R";
        if is_file_name(&self.path) {
            return others.to_owned();
        }
        let directory = match self.path.as_path() {
            path if path == Path::new(".") => String::new(),
            path => format!(" {}", shell_quote::path(path)),
        };
        format!("create one with `kubectl largescale init{directory}`, {others}")
    }

    /// Returns the flags that select this spec, as a user would type them in a shell.
    pub fn flags(&self) -> String {
        let file = match self.path.as_path() {
            path if path == Path::new(".") => String::new(),
            path => format!(" -f {}", shell_quote::path(path)),
        };
        let cluster = self.cluster.as_deref().map(shell_quote::word);
        let cluster = cluster.map(|name| format!(" --only {name}")).unwrap_or_default();
        let outside = if self.outside == Outside::Allow { " --allow-outside" } else { "" };
        file + &cluster + outside
    }

    /// Returns a path that the spec names, absolute and normalized, so that equal paths compare equal.
    pub fn beside(&self, name: &str) -> PathBuf {
        let file = self.file();
        let directory = file.parent().filter(|path| !path.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let whole = fs::canonicalize(directory).unwrap_or_else(|_| directory.to_owned());
        let path =
            if name.is_empty() { whole.join(file.file_name().unwrap_or_default()) } else { whole.join(name) };
        path.components().filter(|part| !matches!(part, Component::CurDir)).collect()
    }

    /// Returns the lock of this cluster, which is next to the spec and has its name.
    pub(super) fn lock(&self) -> PathBuf {
        let cluster = self.cluster.as_deref().map(|name| format!(".{name}")).unwrap_or_default();
        let file = self.file();
        file.with_file_name(format!(
            "{}{cluster}.lock",
            file.file_stem().unwrap_or_default().to_string_lossy()
        ))
    }
}

/// Whether a path that may not exist is called like a file.
fn is_file_name(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ["yaml", "yml", "json"].iter().any(|known| ending == *known))
}
