//! `inventory`: the set of objects that an app is, and who looks after it.

mod adopt;
mod disband;
mod handover;
mod list;
mod members;
mod verify;
mod view;

use clap::Subcommand;

use crate::cli::Global;
use crate::commands::for_each::{Between, ForEach};
use crate::exit::Exit;
use crate::failure::Failure;

/// Show and mend the set of objects that apply and prune look after, or hand it over
///
/// The set is an ApplySet: its members carry a label, and a ConfigMap with the name of the app says where they are. kubectl
/// knows the same protocol.
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(subcommand)]
    what: What,
}

impl ForEach for Args {
    fn between(&self) -> Between {
        match &self.what {
            What::List(args) => args.between(),
            What::View(args) => args.between(),
            What::Verify(_) | What::Adopt(_) | What::Handover(_) | What::Disband(_) => Between::Headings,
        }
    }
}

/// What to do with it.
#[derive(Debug, Subcommand)]
enum What {
    /// Show the sets of a namespace, and which program looks after each
    List(list::Args),
    /// Show the members of the set
    View(view::Args),
    /// Find what is wrong with the set, and with --fix mend it
    Verify(verify::Args),
    /// Take over a set, or objects without one, from kubectl
    Adopt(adopt::Args),
    /// Give the set to kubectl
    Handover(handover::Args),
    /// Let all members go; the objects stay
    Disband(disband::Args),
}

/// Does it.
pub fn run(global: &Global, args: &Args) -> Result<Exit, Failure> {
    match &args.what {
        What::List(args) => list::run(global, args),
        What::View(args) => view::run(global, args),
        What::Verify(args) => verify::run(global, args),
        What::Adopt(args) => adopt::run(global, args),
        What::Handover(args) => handover::run(global, args),
        What::Disband(args) => disband::run(global, args),
    }
}
