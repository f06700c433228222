//! Single files: read with errors that name them, written whole or not at all.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use tempfile::{Builder, NamedTempFile, TempPath};

use crate::core::report::diagnostic::{Diagnostic, Location};

/// How the names of unfinished files begin; the next run sweeps them.
const UNFINISHED: &str = ".largescale-";

/// The text of a file; `shown` is its name for messages.
pub fn read_text(path: &Path, shown: &str) -> Result<String, Diagnostic> {
    let bytes = fs::read(path).map_err(|error| cannot("read", &error, path, shown))?;
    String::from_utf8(bytes).map_err(|error| {
        let before = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
        Diagnostic::error("not valid UTF-8")
            .at(Location { file: shown.to_owned(), line: u32::try_from(line).unwrap_or(0) })
    })
}

/// The lines as this program writes them. git may check a tree out with CRLF; it is the same tree.
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

/// Makes a directory and those above it.
pub fn make_directory(path: &Path) -> Result<(), Diagnostic> {
    fs::create_dir_all(path).map_err(|error| cannot("write", &error, path, &path.display().to_string()))
}

/// Writes a file that must not exist yet.
pub fn write_new(path: &Path, shown: &str, text: &str) -> Result<(), Diagnostic> {
    let staged = stage(path, text).map_err(|error| cannot("write", &error, path, shown))?;
    staged.persist_noclobber(path).map_err(|error| cannot("write", &error.error, path, shown))
}

/// Writes a file, whether it exists or not.
pub fn replace(path: &Path, text: &str) -> Result<(), Diagnostic> {
    replace_durably(path, text).map_err(|error| cannot("write", &error, path, &path.display().to_string()))
}

/// Writes a file that only its owner may read, whether it exists or not.
pub fn write_private(path: &Path, text: &str) -> Result<(), Diagnostic> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // A temporary file is 0600 by itself.
    let write = || {
        let mut file = Builder::new().prefix(UNFINISHED).suffix(".tmp").tempfile_in(parent)?;
        file.write_all(text.as_bytes())?;
        file.persist(path).map_err(|error| error.error)
    };
    let shown = path.display().to_string();
    write().map(drop).map_err(|error: io::Error| cannot("write", &error, path, &shown))
}

/// Puts a whole file beside its place; renaming it is all that is left to do.
pub(super) fn stage(path: &Path, text: &str) -> io::Result<TempPath> {
    Ok(staged(path, text)?.into_temp_path())
}

/// Replaces a file, and is not done before the disk has it.
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
        // As any other file: what the umask leaves of rw-rw-rw-, not the 0600 of temporary files.
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = builder.tempfile_in(parent)?;
    file.write_all(text.as_bytes())?;
    Ok(file)
}

/// Removes what a killed run left unfinished in a directory.
pub(super) fn sweep(directory: &Path) -> io::Result<()> {
    let entries = match fs::read_dir(directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with(UNFINISHED) && name.ends_with(".tmp") {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// What stood in the way, with what to do where that is known.
pub(super) fn cannot(verb: &str, error: &io::Error, path: &Path, shown: &str) -> Diagnostic {
    let problem = |message: String| Diagnostic::error(message).at(Location::file(shown));
    match error.kind() {
        io::ErrorKind::NotFound => problem("no such file or directory".to_owned()),
        io::ErrorKind::PermissionDenied => problem(format!("cannot {verb} it: permission denied"))
            .hint("check its owner and mode, and those of its directory"),
        io::ErrorKind::AlreadyExists => problem("the file is there already".to_owned()),
        _ if verb == "read" && path.is_dir() => problem("is a directory, expected a file".to_owned()),
        _ => problem(format!("cannot {verb} it: {error}")),
    }
}
