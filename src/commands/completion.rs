//! `completion`: scripts for shells, and for kubectl's own completion of plugins.

use std::ffi::OsString;
use std::fmt::Write;

use clap::{CommandFactory, ValueEnum};
use clap_complete::{Shell, generate};

use crate::cli::Cli;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::ui;

/// Print the completion script of a shell
///
/// `kubectl largescale <TAB>` is completed by kubectl itself: save the script `kubectl` as kubectl_complete-largescale,
/// executable, in a directory of the PATH.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Which shell
    #[arg(value_enum)]
    shell: For,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum For {
    /// kubectl's plugin completion: the script kubectl_complete-largescale
    Kubectl,
    /// bash, for kubectl-largescale
    Bash,
    /// elvish, for kubectl-largescale
    Elvish,
    /// fish, for kubectl-largescale
    Fish,
    /// PowerShell, for kubectl-largescale
    Powershell,
    /// zsh, for kubectl-largescale
    Zsh,
}

/// The name under which kubectl asks a plugin for completions.
pub const KUBECTL_NAME: &str = "kubectl_complete-largescale";

const KUBECTL_SCRIPT: &str = "#!/bin/sh
# kubectl calls this to complete `kubectl largescale`.
exec kubectl-largescale __complete \"$@\"
";

/// Prints the script.
pub fn run(args: &Args) -> Result<Exit, Failure> {
    let shell = match args.shell {
        For::Kubectl => {
            ui::data(KUBECTL_SCRIPT)?;
            return Ok(Exit::Success);
        }
        For::Bash => Shell::Bash,
        For::Elvish => Shell::Elvish,
        For::Fish => Shell::Fish,
        For::Powershell => Shell::PowerShell,
        For::Zsh => Shell::Zsh,
    };
    let mut script = Vec::new();
    generate(shell, &mut Cli::command().bin_name("kubectl-largescale"), "kubectl-largescale", &mut script);
    ui::data(&String::from_utf8_lossy(&script))?;
    Ok(Exit::Success)
}

/// Answers kubectl: candidates with their descriptions, then cobra's directive "no files" (`:4`), or `:0` where
/// nothing is known and the shell may offer files.
pub fn complete(words: Vec<OsString>) -> Result<Exit, Failure> {
    let index = words.len();
    let mut words: Vec<OsString> = std::iter::once("kubectl-largescale".into()).chain(words).collect();
    if words.len() == 1 {
        words.push(OsString::new());
    }
    let index = index.max(1);
    let found = clap_complete::engine::complete(&mut Cli::command(), words, index, None).unwrap_or_default();
    let mut out = String::new();
    for candidate in &found {
        let value = candidate.get_value().to_string_lossy();
        let help = candidate.get_help().map(ToString::to_string).unwrap_or_default();
        let _ = writeln!(out, "{value}\t{}", help.lines().next().unwrap_or_default());
    }
    let _ = writeln!(out, "{}", if found.is_empty() { ":0" } else { ":4" });
    ui::data(&out)?;
    Ok(Exit::Success)
}
