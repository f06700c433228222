//! `options`: lists the global flags, as `kubectl options` does. The help of other commands leaves the connection flags out.

use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::terminal;
use crate::scope::{connection_flags, output_flags};

/// List the flags that every command accepts, or every command that connects to a cluster
///
/// The connection flags have the names and the meaning that they have in kubectl. The command reads and writes nothing.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  # List all global flags
  kubectl largescale options

  # Use one of them: read the nodes from the cluster of another context
  kubectl largescale pools --context west")]
pub struct Args {}

/// Prints the list.
pub fn run(_: &Args) -> Result<Exit, Failure> {
    let output = list(output_flags()).render_help();
    let connection = definition().render_help();
    terminal::data(&format!(
        "The following options can be passed to any command:\n\n{output}\n\
         The following options can be passed to any command that connects to a cluster:\n\n{connection}"
    ))?;
    Ok(Exit::Success)
}

/// Returns a command with the connection flags and nothing else; the man page shows it too.
pub fn definition() -> clap::Command {
    list(connection_flags())
}

fn list(flags: Vec<clap::Arg>) -> clap::Command {
    clap::Command::default()
        .name("options")
        .about("List the global flags")
        .disable_help_flag(true)
        .max_term_width(110)
        .help_template("{options}\n")
        .args(flags)
}
