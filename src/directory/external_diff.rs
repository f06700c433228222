//! `KUBECTL_EXTERNAL_DIFF`: the user's own diff program, run as kubectl runs it.

use std::fs;
use std::io::ErrorKind;
use std::process::Command;

use anyhow::{Context, bail};
use tempfile::TempDir;

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
pub fn external_diff(files: &[(&str, &str, &str)]) -> anyhow::Result<bool> {
    let Some(words) = program() else { return Ok(false) };
    let shown = words.join(" ");
    let [live, merged] = ["LIVE-", "MERGED-"].map(temporary);
    let (live, merged) = (live?, merged?);
    for (name, old, new) in files {
        for (directory, text) in [(&live, old), (&merged, new)] {
            // The diff program gets the flag -N, which treats a missing file as empty.
            if !text.is_empty() {
                let path = directory.path().join(name);
                fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
            }
        }
    }
    let status = match Command::new(&words[0]).args(&words[1..]).arg(live.path()).arg(merged.path()).status()
    {
        Ok(status) => status,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return Err(Diagnostic::error(format!("KUBECTL_EXTERNAL_DIFF={shown}: program not found"))
                .hint("install the program, or add its directory to the PATH")
                .into());
        }
        Err(error) => {
            return Err(error).with_context(|| format!("cannot start KUBECTL_EXTERNAL_DIFF={shown}"));
        }
    };
    match status.code() {
        Some(0 | 1) => Ok(true),
        Some(code) => bail!("KUBECTL_EXTERNAL_DIFF={shown} exited with code {code}"),
        None => bail!("KUBECTL_EXTERNAL_DIFF={shown} was killed by a signal"),
    }
}

fn temporary(prefix: &str) -> anyhow::Result<TempDir> {
    let directory = tempfile::Builder::new().prefix(prefix).tempdir();
    directory.with_context(|| format!("cannot create a directory in {}", std::env::temp_dir().display()))
}
