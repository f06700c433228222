//! Servers that tests start: each has its own directory, and ends with this process.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// Prints that a test was skipped; fails in CI.
pub(crate) fn skip(why: &str) {
    let text = format!("skipped: {why}");
    assert!(std::env::var("CI").as_deref() != Ok("true"), "{text}");
    // Bypass the capture of the test harness, so that the line is visible.
    std::io::stderr().write_all(format!("{text}\n").as_bytes()).unwrap();
}

/// Creates a directory. The shell that uses it removes it, because it outlives this process by a moment.
pub(crate) fn new_directory(prefix: &str) -> Result<PathBuf, String> {
    let directory = tempfile::Builder::new().prefix(prefix).tempdir_in(env!("CARGO_TARGET_TMPDIR"));
    Ok(directory.map_err(said)?.keep())
}

/// Starts a shell script with the program as `$1` and its directory as `$2`. Its standard input closes when this
/// process ends.
pub(crate) fn shell(script: &str, program: &Path, directory: &Path) -> Result<Child, String> {
    let mut command = Command::new("sh");
    command
        .args(["-c", script, "sh"])
        .args([program, directory])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    command.spawn().map_err(said)
}

#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
pub(crate) fn said(error: std::io::Error) -> String {
    error.to_string()
}
