//! `options`: lists the connection flags, which the help of other commands leaves out, as `kubectl options` does.

use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::terminal;
use crate::scope::connection_flags;

/// List the connection flags that every command that connects to a cluster accepts
///
/// The flags have the names and the meaning that they have in kubectl. The command reads and writes nothing.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  # List all connection flags
  kubectl largescale options

  # Use one of them: read the nodes from the cluster of another context
  kubectl largescale pools --context west")]
pub struct Args {}

/// Prints the list.
pub fn run(_: &Args) -> Result<Exit, Failure> {
    let list = definition().render_help().to_string();
    terminal::data(&format!(
        "The following options can be passed to any command that connects to a cluster:\n\n{list}"
    ))?;
    Ok(Exit::Success)
}

/// Returns a command with the connection flags and nothing else; the man page shows it too.
pub fn definition() -> clap::Command {
    clap::Command::default()
        .name("options")
        .about("List the connection flags that every command that connects to a cluster accepts")
        .disable_help_flag(true)
        .max_term_width(110)
        .help_template("{options}\n")
        .args(connection_flags())
}
