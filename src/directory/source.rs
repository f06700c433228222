//! Where a spec is, and for which of its clusters it is read.

use std::fs;
use std::path::{Component, Path, PathBuf};

use crate::core::report::diagnostic::Checked;
use crate::core::spec::LargeScale;
use crate::core::yaml::Document;
use crate::directory::read_text;

/// The name of the spec.
pub const SPEC_FILE: &str = "largescale.yaml";

/// A spec, and which of its clusters is meant.
#[derive(Clone, Debug, Default)]
pub struct Source {
    /// The spec, or the directory that holds `largescale.yaml`.
    pub path: PathBuf,
    /// The cluster, by its name in the spec; `None` where the spec names none.
    pub cluster: Option<String>,
}

impl Source {
    /// The same spec for one of its clusters.
    #[must_use]
    pub fn of_cluster(&self, name: &str) -> Self {
        Self { cluster: Some(name.to_owned()), ..self.clone() }
    }

    /// The spec itself.
    pub fn file(&self) -> PathBuf {
        let file = if self.path.is_dir() { self.path.join(SPEC_FILE) } else { self.path.clone() };
        file.strip_prefix(".").map(Path::to_owned).unwrap_or(file)
    }

    /// Reads the spec, as it stands there for all clusters.
    pub fn read(&self) -> Checked<(LargeScale, Document)> {
        let shown = self.file().display().to_string();
        let text = read_text(&self.file(), &shown).map_err(|problem| match problem.message.as_str() {
            "no such file or directory" => problem.hint(
                "`kubectl largescale init` writes one; -f names another, -R looks in the directories below",
            ),
            _ => problem,
        })?;
        LargeScale::read(&shown, &text)
    }

    /// The flags that name it, as they would be typed.
    pub fn flags(&self) -> String {
        let file =
            if self.path == Path::new(".") { String::new() } else { format!(" -f {}", self.path.display()) };
        let cluster = self.cluster.as_deref().map(|name| format!(" --only {name}")).unwrap_or_default();
        file + &cluster
    }

    /// A path that the spec names, from the root on; two ways to write one path come out alike.
    pub fn beside(&self, name: &str) -> PathBuf {
        let file = self.file();
        let directory = file.parent().filter(|path| !path.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let whole = fs::canonicalize(directory).unwrap_or_else(|_| directory.to_owned());
        let path =
            if name.is_empty() { whole.join(file.file_name().unwrap_or_default()) } else { whole.join(name) };
        path.components().filter(|part| !matches!(part, Component::CurDir)).collect()
    }

    /// Beside the spec and with its name: the lock of this cluster.
    pub(super) fn lock(&self) -> PathBuf {
        let cluster = self.cluster.as_deref().map(|name| format!(".{name}")).unwrap_or_default();
        let file = self.file();
        file.with_file_name(format!(
            "{}{cluster}.lock",
            file.file_stem().unwrap_or_default().to_string_lossy()
        ))
    }
}
