//! Notes which files a project was read from.

use std::cell::RefCell;
use std::path::{Path, PathBuf};

use crate::core::report::diagnostic::Diagnostic;
use crate::directory::files::read_text;

/// The files that were read.
#[derive(Debug, Default)]
pub(super) struct ReadFiles(RefCell<Vec<PathBuf>>);

impl ReadFiles {
    /// Reads a file, and notes it.
    pub(super) fn read_text(&self, path: &Path, shown: &str) -> Result<String, Diagnostic> {
        self.note(path);
        read_text(path, shown)
    }

    /// Notes a file that was read in another way.
    pub(super) fn note(&self, path: &Path) {
        self.0.borrow_mut().push(path.to_owned());
    }

    /// Returns the files, in order.
    pub(super) fn into_paths(self) -> Vec<PathBuf> {
        self.0.into_inner()
    }
}
