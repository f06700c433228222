//! Single files: read with errors that name them, written atomically.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use tempfile::{Builder, NamedTempFile, TempPath};

use crate::core::report::diagnostic::{Diagnostic, Location};
use crate::directory::FileError;

/// Prefix of temporary files; the next run removes leftovers.
const UNFINISHED: &str = ".largescale-";

/// Reads a text file; `shown` is its name in messages.
pub fn read_text(path: &Path, shown: &str) -> Result<String, Diagnostic> {
    text_of(read(path, shown)?, shown)
}

/// Reads a file; `shown` is its name in messages.
pub(super) fn read(path: &Path, shown: &str) -> Result<Vec<u8>, FileError> {
    fs::read(path).map_err(|error| FileError::read(error, path, shown))
}

/// Decodes the content of a text file; `shown` is its name in messages.
pub(super) fn text_of(bytes: Vec<u8>, shown: &str) -> Result<String, Diagnostic> {
    String::from_utf8(bytes).map_err(|error| {
        let before = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
        Diagnostic::error("not valid UTF-8")
            .at(Location { file: shown.to_owned(), line: u32::try_from(line).unwrap_or(0) })
    })
}

/// Converts line endings to LF. git may check a tree out with CRLF; it is the same tree.
pub(super) fn unix_lines(bytes: Vec<u8>) -> Vec<u8> {
    if !bytes.windows(2).any(|pair| pair == b"\r\n") {
        return bytes;
    }
    let mut kept = Vec::with_capacity(bytes.len());
    for (index, byte) in bytes.iter().enumerate() {
        if *byte != b'\r' || bytes.get(index + 1) != Some(&b'\n') {
            kept.push(*byte);
        }
    }
    kept
}

/// Returns whether a path is a file that can be read twice, unlike a pipe.
pub fn is_regular_file(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|metadata| metadata.is_file())
}

/// Creates a directory and its parents.
pub fn make_directory(path: &Path) -> Result<(), Diagnostic> {
    Ok(fs::create_dir_all(path).map_err(|error| FileError::write_path(error, path))?)
}

/// Writes a file that must not exist yet.
pub fn write_new(path: &Path, shown: &str, text: &str) -> Result<(), Diagnostic> {
    let staged = stage(path, text).map_err(|error| FileError::write(error, path, shown))?;
    Ok(staged.persist_noclobber(path).map_err(|error| FileError::write(error.error, path, shown))?)
}

/// Writes a file, and replaces an existing one.
pub fn replace(path: &Path, text: &str) -> Result<(), Diagnostic> {
    Ok(replace_durably(path, text).map_err(|error| FileError::write_path(error, path))?)
}

/// Writes a file that only its owner may read, and replaces an existing one.
pub fn write_private(path: &Path, text: &str) -> Result<(), Diagnostic> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // Temporary files have mode 0600.
    let write = || {
        let mut file = Builder::new().prefix(UNFINISHED).suffix(".tmp").tempfile_in(parent)?;
        file.write_all(text.as_bytes())?;
        file.persist(path).map_err(|error| error.error)
    };
    write().map_err(|error: io::Error| FileError::write_path(error, path))?;
    Ok(())
}

/// Writes a temporary file next to the path; the caller only has to rename it.
pub(super) fn stage(path: &Path, text: &str) -> io::Result<TempPath> {
    Ok(staged(path, text)?.into_temp_path())
}

/// Replaces a file, and returns when it is on the disk.
pub(super) fn replace_durably(path: &Path, text: &str) -> io::Result<()> {
    let staged = staged(path, text)?;
    staged.as_file().sync_all()?;
    staged.persist(path).map_err(|error| error.error)?;
    Ok(())
}

fn staged(path: &Path, text: &str) -> io::Result<NamedTempFile> {
    let mut builder = Builder::new();
    builder.prefix(UNFINISHED).suffix(".tmp");
    #[cfg(unix)]
    {
        // Mode 0666 minus the umask, as for other files; temporary files would have 0600.
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = builder.tempfile_in(parent)?;
    file.write_all(text.as_bytes())?;
    Ok(file)
}

/// Removes the temporary files that a killed run left in a directory.
pub(super) fn sweep(directory: &Path) -> io::Result<()> {
    let entries = match fs::read_dir(directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        // A directory or a link of such a name is not from this program.
        if name.starts_with(UNFINISHED) && name.ends_with(".tmp") && entry.file_type()?.is_file() {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}
