//! `kubectl largescale`: one workload, one load balancer per node pool, reviewed in git.
//!
//! A pure [`core`] between two shells: [`directory`] (files and git) and [`cluster`] (kube). The [`commands`] join
//! them, [`ui`] is the terminal. ARCHITECTURE.md is the map.

use std::ffi::OsString;
use std::path::Path;

use clap::Parser;

pub mod cli;
pub mod cluster;
pub mod commands;
pub mod core;
pub mod directory;
pub mod exit;
pub mod failure;
pub mod ui;

use cli::{Cli, Command};
use commands::completion::{KUBECTL_NAME, SHELL_VARIABLE, complete, complete_for_shell};
use commands::each;
use exit::Exit;
use failure::Failure;

/// Runs the program with its arguments, and says how it ends.
pub fn run(arguments: Vec<OsString>) -> Exit {
    let outcome = match completion(&arguments) {
        Some(answered) => answered,
        None => match Cli::try_parse_from(arguments) {
            Ok(cli) => run_command(&cli),
            Err(error) => return usage(&error),
        },
    };
    outcome.unwrap_or_else(|failure| {
        failure.problems.iter().for_each(ui::diagnostic);
        failure.exit
    })
}

/// A shell asks what could be typed: through kubectl, by our own scripts, or by clap's.
fn completion(arguments: &[OsString]) -> Option<Result<Exit, Failure>> {
    let name = Path::new(arguments.first()?).file_stem().unwrap_or_default();
    if name == KUBECTL_NAME {
        return Some(complete(arguments[1..].to_vec()));
    }
    if arguments.get(1).is_some_and(|word| word == "__complete") {
        return Some(complete(arguments[2..].to_vec()));
    }
    let shell =
        std::env::var(SHELL_VARIABLE).ok().filter(|_| arguments.get(1).is_some_and(|word| word == "--"))?;
    Some(complete_for_shell(&shell, arguments))
}

fn run_command(cli: &Cli) -> Result<Exit, Failure> {
    let typed = &cli.global;
    ui::choose_color(typed.color);
    match &cli.command {
        Command::Init(args) => commands::init::run(typed, args),
        Command::Pools(args) => each::run(typed, args, commands::pools::run),
        Command::Render(args) => each::run(typed, args, commands::render::run),
        Command::Diff(args) => each::run(typed, args, commands::diff::run),
        Command::Apply(args) => each::run(typed, args, commands::apply::run),
        Command::Prune(args) => each::run(typed, args, commands::prune::run),
        Command::Inventory(args) => each::run(typed, args, commands::inventory::run),
        Command::Status(args) => each::run(typed, args, commands::status::run),
        Command::Capacity(args) => each::run(typed, args, commands::capacity::run),
        Command::Doctor(args) => each::run(typed, args, commands::doctor::run),
        Command::Schema(args) => commands::schema::run(args),
        Command::Completion(args) => commands::completion::run(args),
    }
}

/// clap's own messages: help and version are data, the rest is wrong usage.
fn usage(error: &clap::Error) -> Exit {
    // Nowhere is left to say that the stream is closed.
    let _ = error.print();
    if error.use_stderr() { Exit::Usage } else { Exit::Success }
}
