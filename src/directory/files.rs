//! Single files: read with errors that name them, written atomically.

use std::fs::{self, DirEntry, File};
use std::io::{self, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use tempfile::{Builder, NamedTempFile, TempPath};

use crate::core::bounds::MAX_FILE_BYTES;
use crate::core::encoding::{NotText, decode};
use crate::core::kubernetes::names;
use crate::core::report::diagnostic::{Diagnostic, Location};
use crate::directory::FileError;

/// Prefix of temporary files.
const UNFINISHED: &str = ".largescale-";

/// Suffix of temporary files. Argo CD and Flux do not read files with this suffix.
const SUFFIX: &str = ".tmp";

/// A leftover of a killed run is at least this old. A run that still writes has newer files.
const LEFTOVER_AFTER: Duration = Duration::from_hours(1);

/// The name of the temporary files of one spec. Another spec may be rendered at the same time into the same directory.
#[derive(Clone, Debug)]
pub(super) struct TemporaryName(String);

impl TemporaryName {
    /// Returns the name for the spec of a lock.
    pub(super) fn of(lock: &Path) -> Self {
        let name = lock.file_name().unwrap_or_default().as_encoded_bytes();
        Self(format!("{UNFINISHED}{}-", &names::digest(name)[..8]))
    }

    /// Returns the name for a file that belongs to no spec.
    fn plain() -> Self {
        Self(UNFINISHED.to_owned())
    }
}

/// Who named a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NamedBy {
    /// A file under review, or a directory that holds it. It must be a regular file: reading a named pipe waits forever, and
    /// a device never ends.
    Files,
    /// The user, on the command line. It may be a pipe, as in `--from <(kubectl get service -o yaml)`.
    User,
}

/// Reads a regular text file; `shown` is its name in messages.
pub fn read_text(path: &Path, shown: &str) -> Result<String, Diagnostic> {
    text_of(read(path, shown)?, shown)
}

/// Reads a text file that the user named on the command line; it may be a pipe.
pub fn read_text_of_user(path: &Path, shown: &str) -> Result<String, Diagnostic> {
    text_of(read_file(path, shown, NamedBy::User)?, shown)
}

/// Reads a regular file; `shown` is its name in messages.
pub(super) fn read(path: &Path, shown: &str) -> Result<Vec<u8>, FileError> {
    read_file(path, shown, NamedBy::Files)
}

/// Reads a file that the listing of its directory shows as a regular file.
pub(super) fn read_listed(path: &Path, shown: &str) -> Result<Vec<u8>, FileError> {
    let file = File::open(path).map_err(|error| FileError::read(error, path, shown))?;
    read_open(file, path, shown)
}

fn read_file(path: &Path, shown: &str, by: NamedBy) -> Result<Vec<u8>, FileError> {
    read_open(open(path, shown, by)?, path, shown)
}

fn read_open(file: File, path: &Path, shown: &str) -> Result<Vec<u8>, FileError> {
    let failed = |error| FileError::read(error, path, shown);
    let size = file.metadata().map_or(0, |metadata| metadata.len());
    if size > MAX_FILE_BYTES {
        return Err(failed(ErrorKind::FileTooLarge.into()));
    }
    let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or(0));
    file.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err(failed(ErrorKind::FileTooLarge.into()));
    }
    Ok(bytes)
}

/// Opens a file for reading, if it may be read.
pub(super) fn open(path: &Path, shown: &str, by: NamedBy) -> Result<File, FileError> {
    let failed = |error| FileError::read(error, path, shown);
    // Before it is opened, because opening a named pipe waits for a writer.
    let metadata = fs::metadata(path).map_err(failed)?;
    if by == NamedBy::Files && !metadata.is_file() && !metadata.is_dir() {
        return Err(failed(io::Error::new(ErrorKind::Unsupported, "not a regular file")));
    }
    File::open(path).map_err(failed)
}

/// Decodes the content of a text file; `shown` is its name in messages.
pub(super) fn text_of(bytes: Vec<u8>, shown: &str) -> Result<String, Diagnostic> {
    decode(bytes).map_err(|NotText { encoding, line }| {
        Diagnostic::error(format!("not valid {encoding}")).at(Location { file: shown.to_owned(), line })
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

/// Returns whether something has this path, also a link that leads nowhere.
pub fn is_taken(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok()
}

/// Returns whether a directory exists and is not empty.
pub fn has_entries(path: &Path) -> bool {
    fs::read_dir(path).is_ok_and(|mut entries| entries.next().is_some())
}

/// Creates a directory and its parents.
pub fn make_directory(path: &Path) -> Result<(), Diagnostic> {
    Ok(fs::create_dir_all(path).map_err(|error| FileError::write_path(error, path))?)
}

/// Writes a file that must not exist yet.
pub fn write_new(path: &Path, shown: &str, text: &str) -> Result<(), Diagnostic> {
    let staged =
        stage(path, text, &TemporaryName::plain()).map_err(|error| FileError::write(error, path, shown))?;
    Ok(staged.persist_noclobber(path).map_err(|error| FileError::write(error.error, path, shown))?)
}

/// Writes a file, and replaces an existing one.
pub fn replace(path: &Path, text: &str) -> Result<(), Diagnostic> {
    Ok(replace_durably(path, text, &TemporaryName::plain())
        .map_err(|error| FileError::write_path(error, path))?)
}

/// Writes a file that only its owner may read, and replaces an existing one.
pub fn write_private(path: &Path, text: &str) -> Result<(), Diagnostic> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // Temporary files have mode 0600.
    let write = || {
        let mut file = Builder::new().prefix(UNFINISHED).suffix(SUFFIX).tempfile_in(parent)?;
        file.write_all(text.as_bytes())?;
        file.persist(path).map_err(|error| error.error)
    };
    write().map_err(|error: io::Error| FileError::write_path(error, path))?;
    Ok(())
}

/// Writes a temporary file next to the path; the caller only has to rename it.
pub(super) fn stage(path: &Path, text: &str, name: &TemporaryName) -> io::Result<TempPath> {
    Ok(staged(path, text, name)?.into_temp_path())
}

/// Replaces a file, and returns when it is on the disk.
pub(super) fn replace_durably(path: &Path, text: &str, name: &TemporaryName) -> io::Result<()> {
    let staged = staged(path, text, name)?;
    staged.as_file().sync_all()?;
    staged.persist(path).map_err(|error| error.error)?;
    Ok(())
}

fn staged(path: &Path, text: &str, name: &TemporaryName) -> io::Result<NamedTempFile> {
    let mut builder = Builder::new();
    builder.prefix(&name.0).suffix(SUFFIX);
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

/// Removes the temporary files that a killed run of a spec left in a directory. The caller holds the run lock of that spec,
/// so no run still needs them. Also removes old ones of other specs and of earlier versions.
pub(super) fn sweep(directory: &Path, name: &TemporaryName) -> io::Result<()> {
    let entries = match fs::read_dir(directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        let file = entry.file_name();
        let file = file.to_string_lossy();
        if !file.starts_with(UNFINISHED) || !file.ends_with(SUFFIX) {
            continue;
        }
        // A directory or a link of such a name is not from this program.
        let is_leftover = entry.file_type()?.is_file() && (file.starts_with(&name.0) || is_old(&entry));
        if !is_leftover {
            continue;
        }
        match fs::remove_file(entry.path()) {
            // A run of another spec removed it first.
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

fn is_old(entry: &DirEntry) -> bool {
    let modified = entry.metadata().and_then(|metadata| metadata.modified());
    modified.is_ok_and(|modified| modified.elapsed().is_ok_and(|age| age > LEFTOVER_AFTER))
}

/// Returns the paths of the entries of a directory; none if it cannot be read.
pub(super) fn entries(directory: &Path) -> impl Iterator<Item = PathBuf> {
    fs::read_dir(directory).into_iter().flatten().filter_map(Result::ok).map(|entry| entry.path())
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;

    fn message(path: &Path, by: NamedBy) -> String {
        let problem = Diagnostic::from(read_file(path, "a.yaml", by).unwrap_err());
        assert!(problem.hint.is_some(), "{problem}");
        problem.to_string()
    }

    #[cfg(unix)]
    #[test]
    fn a_pipe_or_device_is_read_only_for_the_user() {
        let directory = tempfile::tempdir().unwrap();
        let pipe = directory.path().join("pipe.yaml");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        let link = directory.path().join("link.yaml");
        std::os::unix::fs::symlink("/dev/zero", &link).unwrap();
        for path in [pipe.as_path(), &link, Path::new("/dev/null")] {
            assert_eq!(message(path, NamedBy::Files), "a.yaml: not a regular file, but a pipe or a device");
        }
        let writer = std::thread::spawn(move || fs::write(&pipe, "x").map(|()| pipe));
        let pipe = directory.path().join("pipe.yaml");
        assert_eq!(read_file(&pipe, "a.yaml", NamedBy::User).unwrap(), b"x");
        drop(writer.join());
        assert_eq!(
            message(Path::new("/dev/zero"), NamedBy::User),
            "a.yaml: the file has more than 100000000 bytes, which is the limit"
        );
    }

    #[test]
    fn a_huge_file_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.yaml");
        File::create(&path).unwrap().set_len(1 << 40).unwrap();
        assert_eq!(
            message(&path, NamedBy::Files),
            "a.yaml: the file has more than 100000000 bytes, which is the limit"
        );
    }

    #[test]
    fn only_leftovers_are_removed() {
        let directory = tempfile::tempdir().unwrap();
        let ours = TemporaryName::of(Path::new("app/a.lock"));
        let theirs = TemporaryName::of(Path::new("app/b.lock"));
        let long_ago = SystemTime::now() - 2 * LEFTOVER_AFTER;
        let file = |name: &str, modified: Option<SystemTime>| {
            let file = File::create(directory.path().join(name)).unwrap();
            if let Some(time) = modified {
                file.set_modified(time).unwrap();
            }
        };
        file(&format!("{}x.tmp", ours.0), None);
        file(&format!("{}x.tmp", theirs.0), None);
        file(&format!("{}y.tmp", theirs.0), Some(long_ago));
        file(".largescale-AbCdEf.tmp", None);
        file(".largescale-GhIjKl.tmp", Some(long_ago));
        file("a.yaml", Some(long_ago));
        file(".largescale-notes.yaml", Some(long_ago));
        fs::create_dir(directory.path().join(format!("{}d.tmp", ours.0))).unwrap();
        sweep(directory.path(), &ours).unwrap();
        let mut left: Vec<String> = fs::read_dir(directory.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        left.sort();
        let mut expected = vec![
            format!("{}d.tmp", ours.0),
            format!("{}x.tmp", theirs.0),
            ".largescale-AbCdEf.tmp".to_owned(),
            ".largescale-notes.yaml".to_owned(),
            "a.yaml".to_owned(),
        ];
        expected.sort();
        assert_eq!(left, expected);
    }
}
