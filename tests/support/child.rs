//! Servers that tests start: each in a directory of its own, and gone when this process is.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// Says that a test was skipped; in CI that is a failure, so that nothing is silently green.
pub(crate) fn skip(why: &str) {
    let text = format!("skipped: {why}");
    assert!(std::env::var("CI").as_deref() != Ok("true"), "{text}");
    // Around the capture of the test harness, so that it is seen.
    std::io::stderr().write_all(format!("{text}\n").as_bytes()).unwrap();
}

/// A directory that its user, a shell which outlives this process by a moment, removes.
pub(crate) fn new_directory(prefix: &str) -> Result<PathBuf, String> {
    let directory = tempfile::Builder::new().prefix(prefix).tempdir_in(env!("CARGO_TARGET_TMPDIR"));
    Ok(directory.map_err(said)?.keep())
}

/// A script with what it starts for `$1` and its directory for `$2`. Its standard input closes when this process ends.
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
