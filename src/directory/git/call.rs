//! One call of git.

use std::io::{ErrorKind, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use crate::core::diagnostic::Diagnostic;

/// Why a call did not do what it should.
#[derive(Debug)]
pub(super) enum Failed {
    /// There is no git.
    NoProgram,
    /// It could not be run.
    Run(std::io::Error),
    /// It ended with an error, and said this.
    Said(String),
}

/// Runs git in a directory and returns what it prints.
pub(super) fn git(directory: &Path, arguments: &[&str], input: &[u8]) -> Result<Vec<u8>, Failed> {
    let mut child = Command::new("git")
        .arg("-C")
        .arg(directory)
        .args(["-c", "core.quotepath=off", "-c", "color.ui=false"])
        .args(arguments)
        .env("GIT_OPTIONAL_LOCKS", "0")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| match error.kind() {
            ErrorKind::NotFound => Failed::NoProgram,
            _ => Failed::Run(error),
        })?;
    let stdin = child.stdin.take();
    // git answers while it reads: who writes all before reading anything would wait for ever.
    let output = std::thread::scope(|scope| {
        scope.spawn(|| {
            // git that ends early says why on its standard error.
            let _ = stdin.map(|mut stdin| stdin.write_all(input));
        });
        child.wait_with_output()
    })
    .map_err(Failed::Run)?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).trim().to_owned());
    Err(Failed::Said(said.into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join("\n")))
}

impl Failed {
    /// What failed, with all that git said.
    pub(super) fn at(self, what: &str) -> Diagnostic {
        match self {
            Self::NoProgram => Diagnostic::error(format!("git {what}: there is no git"))
                .hint("install git, or put it on the PATH"),
            Self::Run(error) => Diagnostic::error(format!("git {what} could not be run: {error}")),
            Self::Said(said) if said.is_empty() => {
                Diagnostic::error(format!("git {what} failed and did not say why"))
            }
            Self::Said(said) => match said.split_once('\n') {
                None => Diagnostic::error(format!("git {what} failed: {said}")),
                // Hooks have more to say than a line.
                Some(_) => {
                    Diagnostic::error(format!("git {what} failed:\n    {}", said.replace('\n', "\n    ")))
                }
            },
        }
    }
}
