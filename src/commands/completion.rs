//! The command `completion`, and the answers that shells get while somebody types.

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
/// `kubectl largescale <TAB>` is completed by kubectl itself: save the script `kubectl` as kubectl_complete-largescale,
/// executable, in a directory of the PATH, or link that name to the program. The others are for `kubectl-largescale`
/// typed by itself. All of them ask the program: pools, contexts and namespaces are those of the moment.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Which shell
    #[arg(value_enum)]
    shell: Shell,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Shell {
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

/// clap's own script for shells in which ours could not be tried.
fn registration(shell: &dyn EnvCompleter) -> Result<String, Failure> {
    let mut script = Vec::new();
    shell.write_registration(SHELL_VARIABLE, "kubectl_largescale", PROGRAM, PROGRAM, &mut script)?;
    Ok(String::from_utf8_lossy(&script).trim_start().to_owned())
}
