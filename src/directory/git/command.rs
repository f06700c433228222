//! A single git command.
//!
//! git reads the configuration of the repository that it runs in, and the files of its work tree. Both may come from
//! a person whom the user does not trust: a pull request, or an archive that the user unpacked. A call that only reads
//! must therefore not start a program that the configuration names.

use std::ffi::OsStr;
use std::io::{BufReader, ErrorKind, Write};
use std::path::Path;
use std::process::{ChildStdin, ChildStdout, Command, Stdio};

use crate::core::report::diagnostic::Diagnostic;

/// Why a call failed.
#[derive(Debug)]
pub(super) enum Failed {
    /// git is not installed.
    NoProgram,
    /// The program could not be started.
    Run(std::io::Error),
    /// git exited with an error and this message.
    Said(String),
}

/// Which programs git may start during a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum GitAccess {
    /// None: no hook, no fsmonitor, no transport with its credential helpers.
    ReadOnly,
    /// Those that the user configured for a commit: hooks, filters, signing.
    Commit,
}

/// Options of a git command.
#[derive(Clone, Copy, Debug)]
pub(super) struct Options<'a> {
    /// Which programs git may start.
    pub(super) access: GitAccess,
    /// The index, if it is not the repository's usual one.
    pub(super) index: Option<&'a Path>,
    /// A file with settings that override the repository's; its path is absolute.
    pub(super) overrides: Option<&'a Path>,
    /// The value of `GIT_CEILING_DIRECTORIES`, if it is not the user's: git does not look for a repository in these directories.
    pub(super) ceilings: Option<&'a OsStr>,
}

/// The number of bytes that every pipe takes before a program reads them.
const PIPE_BYTES: usize = 4096;

/// Settings and variables for a call that starts no program.
///
/// - `core.fsmonitor` is empty: before git 2.36, `false` is the path of a program.
/// - Pagers and external diffs need no setting: none of the commands used here has one when its output is a pipe.
/// - No transport is allowed: in a partial clone git would fetch missing objects, and the configuration names the
///   programs for that (`remote.NAME.uploadpack`, `core.sshCommand`). `GIT_NO_LAZY_FETCH` exists since git 2.44;
///   before it, `GIT_ALLOW_PROTOCOL` with a name that no protocol has does the same.
const READ_ONLY_SETTINGS: [&str; 4] =
    ["-c", "core.hooksPath=/dev/null", "-c", "safe.bareRepository=explicit"];
const READ_ONLY_VARIABLES: [(&str, &str); 4] = [
    ("GIT_OPTIONAL_LOCKS", "0"),
    ("GIT_NO_LAZY_FETCH", "1"),
    ("GIT_ALLOW_PROTOCOL", "no-protocol"),
    ("GIT_TERMINAL_PROMPT", "0"),
];

/// Variables that lead git to another repository, or to parts of one (`git rev-parse --local-env-vars`). git finds the
/// repository from the directory instead. `GIT_CONFIG_PARAMETERS` and `GIT_CONFIG_COUNT` stay: the user sets them, and
/// CI trusts a directory with them.
const REPOSITORY_VARIABLES: [&str; 14] = [
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_CONFIG",
    "GIT_DIR",
    "GIT_GRAFT_FILE",
    "GIT_IMPLICIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_INTERNAL_SUPER_PREFIX",
    "GIT_NAMESPACE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_PREFIX",
    "GIT_REPLACE_REF_BASE",
    "GIT_SHALLOW_FILE",
    "GIT_WORK_TREE",
];

/// Returns a call of git in a directory.
fn call(directory: &Path, options: Options<'_>, arguments: &[&str], input: &[u8]) -> Command {
    let mut command = Command::new("git");
    command.arg("-C").arg(directory).args([
        "--no-pager",
        "-c",
        "core.quotepath=off",
        "-c",
        "color.ui=false",
        "-c",
        "core.fsmonitor=",
    ]);
    for name in REPOSITORY_VARIABLES {
        command.env_remove(name);
    }
    if options.access == GitAccess::ReadOnly {
        command.args(READ_ONLY_SETTINGS).envs(READ_ONLY_VARIABLES);
    }
    if let Some(index) = options.index {
        command.env("GIT_INDEX_FILE", index);
    }
    if let Some(file) = options.overrides {
        let mut setting = std::ffi::OsString::from("include.path=");
        setting.push(file);
        command.arg("-c").arg(setting);
    }
    if let Some(ceilings) = options.ceilings {
        command.env("GIT_CEILING_DIRECTORIES", ceilings);
    }
    command
        .args(arguments)
        .stdin(if input.is_empty() { Stdio::null() } else { Stdio::piped() })
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// Gives input to git while something reads its output: git writes while it reads, so writing all input before reading any output
/// would block both.
fn with_input<T>(stdin: Option<ChildStdin>, input: &[u8], read: impl FnOnce() -> T) -> T {
    // If git ends early, its standard error says why.
    let write = || drop(stdin.map(|mut stdin| stdin.write_all(input)));
    if input.len() <= PIPE_BYTES {
        // Starting a thread takes as long as a tenth of the call.
        write();
        return read();
    }
    std::thread::scope(|scope| {
        scope.spawn(write);
        read()
    })
}

/// Runs git in a directory and returns its output.
pub(super) fn git(
    directory: &Path,
    options: Options<'_>,
    arguments: &[&str],
    input: &[u8],
) -> Result<Vec<u8>, Failed> {
    let mut child =
        call(directory, options, arguments, input).spawn().map_err(|error| match error.kind() {
            ErrorKind::NotFound => Failed::NoProgram,
            _ => Failed::Run(error),
        })?;
    let stdin = child.stdin.take();
    let output = with_input(stdin, input, || child.wait_with_output()).map_err(Failed::Run)?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).trim().to_owned());
    Err(Failed::Said(said.into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join("\n")))
}

/// Runs git in a directory and reads its output, perhaps not to the end. An error has no words: [`git`] returns them.
pub(super) fn git_read<T, E: From<std::io::Error>>(
    directory: &Path,
    options: Options<'_>,
    arguments: &[&str],
    input: &[u8],
    read: impl FnOnce(&mut BufReader<ChildStdout>) -> Result<T, E>,
) -> Result<T, E> {
    let mut child = call(directory, options, arguments, input).stderr(Stdio::null()).spawn()?;
    let stdin = child.stdin.take();
    let output = child.stdout.take();
    let found = with_input(stdin, input, || {
        // git ends when its output has no reader any more, and then takes no more input.
        read(&mut BufReader::new(output.ok_or_else(|| std::io::Error::from(ErrorKind::BrokenPipe))?))
    });
    child.wait()?;
    found
}

impl Failed {
    /// Returns an error with everything that git printed.
    pub(super) fn at(self, what: &str) -> Diagnostic {
        match self {
            Self::NoProgram => Diagnostic::error(format!("git {what}: git is not installed"))
                .hint("install git, or add it to the PATH"),
            Self::Run(error) => Diagnostic::error(format!("git {what} could not be run: {error}")),
            Self::Said(said) if said.is_empty() => {
                Diagnostic::error(format!("git {what} failed without a message"))
            }
            Self::Said(said) => match said.split_once('\n') {
                None => Diagnostic::error(format!("git {what} failed: {said}")),
                // Hooks print more than one line.
                Some(_) => {
                    Diagnostic::error(format!("git {what} failed:\n    {}", said.replace('\n', "\n    ")))
                }
            },
        }
    }
}
