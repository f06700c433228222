//! `inventory`: works on the ApplySet of an app.

mod adopt;
mod disband;
mod handover;
mod list;
mod members;
mod verify;
mod view;

use clap::Subcommand;

use crate::commands::for_each::MultiTarget;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::format::Separator;
use crate::scope::Scope;

/// Inspect, repair or transfer the ApplySet
///
/// The ApplySet is the set of objects that apply and prune manage. Each member has a label, and the parent, a ConfigMap with
/// the name of the app, lists the kinds and namespaces of the members. kubectl uses the same protocol.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  # Show the members of the ApplySet
  kubectl largescale inventory view -f app

  # Find problems of the ApplySet
  kubectl largescale inventory verify -f app

  # Take over objects that kubectl applied
  kubectl largescale inventory adopt -f app --dry-run")]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

impl MultiTarget for Args {
    fn separator(&self) -> Separator {
        match &self.command {
            Command::List(args) => args.separator(),
            Command::View(args) => args.separator(),
            Command::Verify(_) | Command::Adopt(_) | Command::Handover(_) | Command::Disband(_) => {
                Separator::Headings
            }
        }
    }
}

/// The subcommand.
#[derive(Debug, Subcommand)]
enum Command {
    List(list::Args),
    View(view::Args),
    Verify(verify::Args),
    Adopt(adopt::Args),
    Handover(handover::Args),
    Disband(disband::Args),
}

/// Runs the subcommand.
pub fn run(scope: &Scope, args: &Args) -> Result<Exit, Failure> {
    match &args.command {
        Command::List(args) => list::run(scope, args),
        Command::View(args) => view::run(scope, args),
        Command::Verify(args) => verify::run(scope, args),
        Command::Adopt(args) => adopt::run(scope, args),
        Command::Handover(args) => handover::run(scope, args),
        Command::Disband(args) => disband::run(scope, args),
    }
}
