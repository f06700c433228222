//! Finds and runs other programs of this machine, for `doctor` and completion.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, fs};

/// Returns every executable of this name on the PATH, in order; leaves out links to one already found.
pub fn on_path(name: &str) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = Vec::new();
    for directory in directories() {
        let path = directory.join(format!("{name}{}", env::consts::EXE_SUFFIX));
        if is_runnable(&path) && !found.iter().any(|known| is_same(known, &path)) {
            found.push(path);
        }
    }
    found
}

/// Returns every executable on the PATH whose name has this prefix.
pub fn beginning_with(prefix: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for directory in directories() {
        let entries = fs::read_dir(directory).into_iter().flatten().filter_map(Result::ok);
        let names = entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(prefix));
        found.extend(names.map(|entry| entry.path()).filter(|path| is_runnable(path)));
    }
    found.sort();
    found.dedup();
    found
}

/// Returns the path of the running program.
pub fn this_program() -> Option<PathBuf> {
    env::current_exe().ok()
}

/// Returns whether two paths are the same file.
pub fn is_same(one: &Path, other: &Path) -> bool {
    fs::canonicalize(one).ok().zip(fs::canonicalize(other).ok()).is_some_and(|(one, other)| one == other)
}

/// Returns the output of a program; `None` if it does not exist or fails.
pub fn says(program: &str, arguments: &[&str]) -> Option<String> {
    let output =
        Command::new(program).args(arguments).stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

fn directories() -> Vec<PathBuf> {
    env::var_os("PATH").map(|path| env::split_paths(&path).collect()).unwrap_or_default()
}

#[cfg(unix)]
fn is_runnable(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(path).is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_runnable(path: &Path) -> bool {
    path.is_file()
}
