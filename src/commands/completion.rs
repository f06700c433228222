//! `completion`: prints completion scripts, and answers completion requests from shells.

mod candidates;
mod parse;
mod protocol;
mod values;

use clap::ValueEnum;
use clap_complete::env::{Elvish, EnvCompleter, Powershell};

pub use crate::commands::completion::protocol::{KUBECTL_NAME, SHELL_VARIABLE, complete, complete_for_shell};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::terminal;

/// Print the completion script of a shell
///
/// kubectl itself completes `kubectl largescale`: save the script `kubectl` as an executable file kubectl_complete-largescale
/// in a directory of the PATH, or link that name to the program. The other scripts complete `kubectl-largescale`. All scripts
/// ask the program for candidates, so pools, contexts and namespaces are current.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  # Complete `kubectl largescale` in every shell that completes kubectl
  kubectl largescale completion kubectl > ~/bin/kubectl_complete-largescale
  chmod +x ~/bin/kubectl_complete-largescale

  # Complete `kubectl-largescale` in bash
  kubectl largescale completion bash > ~/.local/share/bash-completion/completions/kubectl-largescale")]
pub struct Args {
    /// Shell to print the script for
    #[arg(value_enum)]
    shell: Shell,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Shell {
    /// Plugin completion of kubectl: the script kubectl_complete-largescale
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

const PROGRAM: &str = "kubectl-largescale";

/// Prints the script.
pub fn run(args: &Args) -> Result<Exit, Failure> {
    let script = match args.shell {
        Shell::Kubectl => include_str!("completion/scripts/kubectl_complete-largescale").to_owned(),
        Shell::Bash => include_str!("completion/scripts/kubectl-largescale.bash").to_owned(),
        Shell::Fish => include_str!("completion/scripts/kubectl-largescale.fish").to_owned(),
        Shell::Zsh => include_str!("completion/scripts/_kubectl-largescale").to_owned(),
        Shell::Elvish => registration(&Elvish)?,
        Shell::Powershell => registration(&Powershell)?,
    };
    terminal::data(&script)?;
    Ok(Exit::Success)
}

/// Returns clap's script, for shells in which our own scripts were not tested.
fn registration(shell: &dyn EnvCompleter) -> Result<String, Failure> {
    let mut script = Vec::new();
    shell.write_registration(SHELL_VARIABLE, "kubectl_largescale", PROGRAM, PROGRAM, &mut script)?;
    Ok(String::from_utf8_lossy(&script).trim_start().to_owned())
}
