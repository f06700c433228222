//! git, through its own program: only that runs hooks, signs and knows the user's configuration.
//!
//! Needs git 2.26 for `--pathspec-from-file`; text meant for people is never parsed.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use crate::core::diagnostic::Diagnostic;

/// Commits exactly these files (removed ones too) and leaves everything else that is staged as it is. Returns the
/// short name of the commit; `None` if there was nothing to commit.
pub fn commit(
    directory: &Path,
    files: impl Iterator<Item = PathBuf>,
    message: &str,
) -> Result<Option<String>, Diagnostic> {
    let directory = if directory.as_os_str().is_empty() { Path::new(".") } else { directory };
    let root = text(&git(directory, &["rev-parse", "--show-toplevel"], &[])?)?;
    let here = std::fs::canonicalize(directory).map_err(|error| failed("rev-parse", &error.to_string()))?;
    let mut known = Vec::new();
    for file in files {
        // Paths are given from the directory; git wants those of removed files too, so they cannot be canonicalized.
        let relative = file.strip_prefix(directory).unwrap_or(&file);
        let absolute = here.join(relative);
        let in_repository = absolute
            .strip_prefix(&root)
            .map_err(|_| failed("commit", &format!("{} is outside of the repository", file.display())))?;
        let path = in_repository.to_string_lossy().into_owned();
        if absolute.exists() || is_tracked(Path::new(&root), &path)? {
            known.extend_from_slice(path.as_bytes());
            known.push(0);
        }
    }
    let root = Path::new(&root);
    let from_stdin = ["--pathspec-from-file=-", "--pathspec-file-nul"];
    git(root, &[&["add", "--all"], from_stdin.as_slice()].concat(), &known)?;
    let staged = git(root, &["diff", "--cached", "--name-only", "-z"], &[])?.stdout;
    let ours: BTreeSet<&[u8]> = known.split(|byte| *byte == 0).collect();
    if !staged.split(|byte| *byte == 0).any(|path| !path.is_empty() && ours.contains(path)) {
        return Ok(None);
    }
    git(
        root,
        &[&["commit", "--quiet", "--only", "--message", message], from_stdin.as_slice()].concat(),
        &known,
    )?;
    text(&git(root, &["rev-parse", "--short", "HEAD"], &[])?).map(Some)
}

fn is_tracked(root: &Path, path: &str) -> Result<bool, Diagnostic> {
    Ok(!git(root, &["ls-files", "-z", "--", path], &[])?.stdout.is_empty())
}

fn git(directory: &Path, arguments: &[&str], input: &[u8]) -> Result<Output, Diagnostic> {
    let verb = arguments.first().copied().unwrap_or_default();
    let mut child = Command::new("git")
        .arg("-C")
        .arg(directory)
        .args(["--literal-pathspecs", "-c", "core.quotepath=off", "-c", "color.ui=false"])
        .args(arguments)
        .env("GIT_OPTIONAL_LOCKS", "0")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| failed(verb, &error.to_string()).hint("is git installed and on the PATH?"))?;
    if let Some(mut stdin) = child.stdin.take() {
        // git that ends early says why on its standard error.
        let _ = stdin.write_all(input);
    }
    let output = child.wait_with_output().map_err(|error| failed(verb, &error.to_string()))?;
    if output.status.success() {
        return Ok(output);
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(failed(verb, said.trim().lines().last().unwrap_or("it did not say why")))
}

fn text(output: &Output) -> Result<String, Diagnostic> {
    String::from_utf8(output.stdout.clone())
        .map(|text| text.trim_end().to_owned())
        .map_err(|_| failed("rev-parse", "a path that is not UTF-8"))
}

fn failed(verb: &str, why: &str) -> Diagnostic {
    Diagnostic::error(format!("git {verb} failed: {why}"))
}
