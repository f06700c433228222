//! `kubectl largescale`: one workload, one load balancer per node pool, reviewed in git.
//!
//! A pure [`core`] between two shells: [`directory`] (files and git) and [`cluster`] (kube). The [`commands`] join
//! them, [`ui`] is the terminal. ARCHITECTURE.md is the map.

use std::ffi::OsString;

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
use exit::Exit;
use failure::Failure;

/// Runs the program with its arguments, and says how it ends.
pub fn run(arguments: Vec<OsString>) -> Exit {
    let outcome = match arguments.get(1) {
        Some(word) if word == "__complete" => commands::completion::complete(arguments[2..].to_vec()),
        _ => match Cli::try_parse_from(arguments) {
            Ok(cli) => run_command(&cli),
            Err(error) => return usage(&error),
        },
    };
    outcome.unwrap_or_else(|failure| {
        failure.problems.iter().for_each(ui::diagnostic);
        failure.exit
    })
}

fn run_command(cli: &Cli) -> Result<Exit, Failure> {
    ui::choose_color(cli.global.color);
    match &cli.command {
        Command::Init(args) => commands::init::run(&cli.global, args),
        Command::Pools(args) => commands::pools::run(&cli.global, args),
        Command::Render(args) => commands::render::run(&cli.global, args),
        Command::Diff(args) => commands::diff::run(&cli.global, args),
        Command::Apply(args) => commands::apply::run(&cli.global, args),
        Command::Prune(args) => commands::prune::run(&cli.global, args),
        Command::Inventory(args) => commands::inventory::run(&cli.global, args),
        Command::Status(args) => commands::status::run(&cli.global, args),
        Command::Capacity(args) => commands::capacity::run(&cli.global, args),
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
