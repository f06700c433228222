//! `kubectl largescale`: one workload, one load balancer per node pool, reviewed in git.
//!
//! A pure [`core`] between three shells: [`directory`] (files and git), [`cluster`] (kube) and [`network`] (DNS). The
//! [`commands`] use them through the [`engine`]; [`output`] is the terminal. ARCHITECTURE.md is the map.

pub mod cli;
pub mod cluster;
pub mod commands;
pub mod core;
pub mod directory;
pub mod engine;
pub mod exit;
pub mod failure;
pub mod network;
pub mod output;
pub mod scope;

use std::ffi::OsString;
use std::path::Path;

use crate::cli::{Cli, Command, typed_message_format, usage_problem};
use crate::commands::completion::{KUBECTL_NAME, SHELL_VARIABLE, complete, complete_for_shell};
use crate::commands::for_each;
use crate::core::report::sarif::{Finished, RunEnd};
use crate::directory::working_directory;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::messages::{self, MessageFormat};
use crate::output::terminal;

/// Runs the program with its arguments, and returns its exit code.
pub fn run(arguments: Vec<OsString>) -> Exit {
    let outcome = if let Some(answered) = completion(&arguments) {
        answered
    } else {
        // Wrong usage is reported in this format, too, although nothing was parsed then.
        choose_message_format(typed_message_format(&arguments));
        match Cli::parse_arguments(arguments) {
            Ok(cli) => run_command(&cli),
            Err(error) => return usage(&error),
        }
    };
    let exit = outcome.unwrap_or_else(|failure| {
        terminal::problems(&failure.problems);
        failure.exit
    });
    end(exit)
}

fn choose_message_format(format: MessageFormat) {
    if format == MessageFormat::Human {
        return;
    }
    messages::choose(format, working_directory());
    terminal::report_panics();
}

/// Ends the messages of a run.
fn end(exit: Exit) -> Exit {
    let finished = match exit {
        Exit::Success | Exit::Different | Exit::Input | Exit::Refused => Finished::Yes,
        Exit::Usage | Exit::Cluster | Exit::Incomplete | Exit::Interrupted => Finished::No,
    };
    terminal::end(RunEnd { code: exit.code(), meaning: exit.meaning(), finished });
    exit
}

/// Answers a completion request of a shell: through kubectl, from our own scripts, or from clap's.
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
    terminal::choose_color(typed.output.color);
    match &cli.command {
        Command::Init(args) => commands::init::run(typed, args),
        Command::Pools(args) => for_each::run(typed, args, commands::pools::run),
        Command::Render(args) => for_each::run(typed, args, commands::render::run),
        Command::Diff(args) => for_each::run(typed, args, commands::diff::run),
        Command::Apply(args) => for_each::run(typed, args, commands::apply::run),
        Command::Prune(args) => for_each::run(typed, args, commands::prune::run),
        Command::Move(args) => for_each::run(typed, args, commands::move_members::run),
        Command::Inventory(args) => for_each::run(typed, args, commands::inventory::run),
        Command::Status(args) => for_each::run(typed, args, commands::status::run),
        Command::Probe(args) => for_each::run(typed, args, commands::probe::run),
        Command::Capacity(args) => commands::capacity::run(typed, args),
        Command::Model(args) => commands::model::run(args),
        Command::Platforms(args) => commands::platforms::run(args),
        Command::Doctor(args) => for_each::run(typed, args, commands::doctor::run),
        Command::Schema(args) => commands::schema::run(args),
        Command::Completion(args) => commands::completion::run(args),
        Command::Options(args) => commands::options::run(args),
    }
}

/// Prints clap's message. Help and version are output; everything else is wrong usage.
fn usage(error: &clap::Error) -> Exit {
    if !error.use_stderr() {
        // If the stream is closed, there is nowhere to report it.
        let _ = error.print();
        return Exit::Success;
    }
    if messages::format() == MessageFormat::Human {
        let _ = error.print();
        return Exit::Usage;
    }
    terminal::diagnostic(&usage_problem(error));
    end(Exit::Usage)
}
