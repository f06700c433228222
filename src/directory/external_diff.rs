//! `KUBECTL_EXTERNAL_DIFF`: the user's own diff program, run as kubectl runs it.

use std::io::ErrorKind;
use std::process::{Child, Command, ExitStatus};
use std::time::{Duration, Instant};
use std::{fs, io, thread};

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

/// How the external diff ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExternalDiff {
    /// The user has no program of their own.
    None,
    /// The program showed the differences.
    Shown,
    /// A signal ended it.
    Interrupted,
}

/// How long the program may take to end by itself after a signal.
const GRACE: Duration = Duration::from_secs(1);

/// How often the program and the signals are checked.
const POLL: Duration = Duration::from_millis(5);

/// Shows the old and new text of files with the user's program, if there is one. Writes both sides into directories
/// `LIVE-…` and `MERGED-…` as kubectl does, and removes them afterwards.
///
/// `hold` holds back the signals that would end this program before it removes the directories. It returns a function that
/// tells whether the program must end because of one.
pub fn external_diff<S: Fn() -> bool>(
    files: &[(&str, &str, &str)],
    hold: impl FnOnce() -> io::Result<S>,
) -> anyhow::Result<ExternalDiff> {
    let Some(words) = program() else { return Ok(ExternalDiff::None) };
    let shown = words.join(" ");
    // Dropped last, so signals are held until both directories are removed.
    let must_end = hold().context("cannot catch signals")?;
    let [live, merged] = ["LIVE-", "MERGED-"].map(temporary);
    let (live, merged) = (live?, merged?);
    for (name, old, new) in files {
        for (directory, text) in [(&live, old), (&merged, new)] {
            // The diff program gets the flag -N, which treats a missing file as empty.
            if !text.is_empty() {
                let path = directory.path().join(name.replace(['/', '\\'], "_"));
                fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
            }
        }
    }
    let mut command = Command::new(&words[0]);
    command.args(&words[1..]).arg(live.path()).arg(merged.path());
    let status = match command.spawn().and_then(|child| wait(child, &must_end)) {
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
        _ if must_end() => Ok(ExternalDiff::Interrupted),
        Some(0 | 1) => Ok(ExternalDiff::Shown),
        Some(code) => bail!("KUBECTL_EXTERNAL_DIFF={shown} exited with code {code}"),
        None => bail!("KUBECTL_EXTERNAL_DIFF={shown} was killed by a signal"),
    }
}

/// Waits for the program. After a signal it has a moment to end by itself, and is killed then.
fn wait(mut child: Child, must_end: &impl Fn() -> bool) -> io::Result<ExitStatus> {
    let mut deadline = None;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status);
        }
        if must_end() && *deadline.get_or_insert_with(|| Instant::now() + GRACE) <= Instant::now() {
            // It may have ended in the meantime.
            let _ = child.kill();
        }
        thread::sleep(POLL);
    }
}

fn temporary(prefix: &str) -> anyhow::Result<TempDir> {
    let directory = tempfile::Builder::new().prefix(prefix).tempdir();
    directory.with_context(|| format!("cannot create a directory in {}", std::env::temp_dir().display()))
}
