//! A file or directory that the operating system did not let us read or write.

use std::fmt;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use crate::core::bounds::MAX_FILE_BYTES;
use crate::core::report::diagnostic::{Diagnostic, Location};

/// The operation that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileOperation {
    /// Opening, listing or reading.
    Read,
    /// Creating, writing, renaming or removing.
    Write,
}

impl fmt::Display for FileOperation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Read => "read",
            Self::Write => "write",
        })
    }
}

/// A failed operation on a file or directory. Callers decide by [`Self::kind`], never by the text.
#[derive(Debug, thiserror::Error)]
#[error("cannot {operation} {}: {source}", .path.display())]
pub struct FileError {
    /// The operation.
    pub operation: FileOperation,
    /// The file or directory.
    pub path: PathBuf,
    /// The error of the operating system.
    pub source: io::Error,
    /// The name in messages: the path as the user wrote it.
    shown: String,
}

impl FileError {
    /// Returns the error of reading a file; `shown` is its name in messages.
    pub fn read(source: io::Error, path: &Path, shown: &str) -> Self {
        Self { operation: FileOperation::Read, path: path.to_owned(), source, shown: shown.to_owned() }
    }

    /// Returns the error of writing a file; `shown` is its name in messages.
    pub fn write(source: io::Error, path: &Path, shown: &str) -> Self {
        Self { operation: FileOperation::Write, path: path.to_owned(), source, shown: shown.to_owned() }
    }

    /// Returns the error of reading a path that is shown as it is.
    pub fn read_path(source: io::Error, path: &Path) -> Self {
        Self::read(source, path, &path.display().to_string())
    }

    /// Returns the error of writing a path that is shown as it is.
    pub fn write_path(source: io::Error, path: &Path) -> Self {
        Self::write(source, path, &path.display().to_string())
    }

    /// Returns the kind of the error.
    pub fn kind(&self) -> ErrorKind {
        self.source.kind()
    }
}

impl From<FileError> for Diagnostic {
    fn from(error: FileError) -> Self {
        let FileError { operation, path, source, shown } = error;
        let problem = |message: String| Self::error(message).at(Location::file(shown));
        match source.kind() {
            ErrorKind::NotFound => problem("no such file or directory".to_owned()),
            ErrorKind::PermissionDenied => problem(format!("cannot {operation}: permission denied"))
                .hint("check its owner and mode, and those of its directory"),
            ErrorKind::AlreadyExists => problem("the file already exists".to_owned()),
            _ if operation == FileOperation::Read && path.is_dir() => {
                problem("is a directory, expected a file".to_owned())
            }
            ErrorKind::Unsupported if operation == FileOperation::Read => problem(
                "not a regular file, but a pipe or a device".to_owned(),
            )
            .hint(
                "write its content to a file; only a file that a flag names, such as --nodes, may be a pipe",
            ),
            ErrorKind::FileTooLarge if operation == FileOperation::Read => {
                problem(format!("the file has more than {MAX_FILE_BYTES} bytes, which is the limit"))
                    .hint("split it, or remove it from the spec")
            }
            _ => problem(format!("cannot {operation}: {source}")),
        }
    }
}

impl From<FileError> for Vec<Diagnostic> {
    fn from(error: FileError) -> Self {
        vec![error.into()]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_depend_on_the_kind_and_the_operation() {
        let message = |kind: ErrorKind| {
            let error = FileError::write(kind.into(), Path::new("/srv/a.yaml"), "a.yaml");
            assert_eq!(error.kind(), kind);
            Diagnostic::from(error).to_string()
        };
        assert_eq!(message(ErrorKind::NotFound), "a.yaml: no such file or directory");
        assert_eq!(message(ErrorKind::PermissionDenied), "a.yaml: cannot write: permission denied");
        assert_eq!(message(ErrorKind::AlreadyExists), "a.yaml: the file already exists");
        let directory = std::env::temp_dir();
        let error = FileError::read(io::Error::other("is a directory"), &directory, "a.yaml");
        assert_eq!(Diagnostic::from(error).to_string(), "a.yaml: is a directory, expected a file");
    }
}
