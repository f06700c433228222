//! `KUBECTL_EXTERNAL_DIFF`: the user's own diff program, run as kubectl runs it.

use std::fs;
use std::process::Command;

use crate::core::report::diagnostic::Diagnostic;

/// Parses the variable as kubectl does: a program, and flags of letters, digits, `-` and `=`.
fn program() -> Option<Vec<String>> {
    let value = std::env::var("KUBECTL_EXTERNAL_DIFF").ok()?;
    let mut words = value.split_whitespace().map(str::to_owned);
    let program = words.next()?;
    let plain = |word: &String| word.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '='));
    Some(std::iter::once(program).chain(words.filter(plain)).collect())
}

/// Shows the old and new text of files with the user's program; returns false if there is none. Writes both sides
/// into directories `LIVE-…` and `MERGED-…` as kubectl does, and removes them afterwards.
pub fn external_diff(files: &[(&str, &str, &str)]) -> Result<bool, Diagnostic> {
    let Some(words) = program() else { return Ok(false) };
    let failed = |error: &std::io::Error| {
        Diagnostic::error(format!("KUBECTL_EXTERNAL_DIFF={} failed: {error}", words.join(" ")))
            .hint("check that the program is installed and on the PATH")
    };
    let live = tempfile::Builder::new().prefix("LIVE-").tempdir().map_err(|error| failed(&error))?;
    let merged = tempfile::Builder::new().prefix("MERGED-").tempdir().map_err(|error| failed(&error))?;
    for (path, old, new) in files {
        for (directory, text) in [(&live, old), (&merged, new)] {
            // The diff program gets the flag -N, which treats a missing file as empty.
            if !text.is_empty() {
                fs::write(directory.path().join(path), text).map_err(|error| failed(&error))?;
            }
        }
    }
    let status = Command::new(&words[0])
        .args(&words[1..])
        .arg(live.path())
        .arg(merged.path())
        .status()
        .map_err(|error| failed(&error))?;
    match status.code() {
        Some(0 | 1) => Ok(true),
        Some(code) => Err(Diagnostic::error(format!(
            "KUBECTL_EXTERNAL_DIFF={} exited with code {code}",
            words.join(" ")
        ))),
        None => Err(Diagnostic::error(format!(
            "KUBECTL_EXTERNAL_DIFF={} was killed by a signal",
            words.join(" ")
        ))),
    }
}
