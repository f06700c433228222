//! `inventory`: the set of objects that an app is, and who looks after it.

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

/// Show and mend the set of objects that apply and prune look after, or hand it over
///
/// The set is an ApplySet: its members carry a label, and a ConfigMap with the name of the app says where they are. kubectl
/// knows the same protocol.
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(subcommand)]
    what: What,
}

impl MultiTarget for Args {
    fn separator(&self) -> Separator {
        match &self.what {
            What::List(args) => args.separator(),
            What::View(args) => args.separator(),
            What::Verify(_) | What::Adopt(_) | What::Handover(_) | What::Disband(_) => Separator::Headings,
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
pub fn run(scope: &Scope, args: &Args) -> Result<Exit, Failure> {
    match &args.what {
        What::List(args) => list::run(scope, args),
        What::View(args) => view::run(scope, args),
        What::Verify(args) => verify::run(scope, args),
        What::Adopt(args) => adopt::run(scope, args),
        What::Handover(args) => handover::run(scope, args),
        What::Disband(args) => disband::run(scope, args),
    }
}
