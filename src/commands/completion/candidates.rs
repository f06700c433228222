//! Candidates for the value of an argument, chosen by the value name in `--help`: FILE, POOL, NAME.

use clap::{Arg, Command, CommandFactory};
use clap_complete::engine::{ArgValueCandidates, ArgValueCompleter, CompletionCandidate, PathCompleter};

use crate::cli::Cli;
use crate::commands::completion::parse::CommandLine;
use crate::commands::completion::values;
use crate::commands::completion::values::Value;
use crate::scope::{GlobalArgs, connection_flags};

/// The source of the values of an argument.
#[derive(Clone, Copy, Debug)]
enum Offer {
    Files,
    Directories,
    Known(fn(&GlobalArgs) -> Vec<Value>),
}

/// Which program completes files and directories.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Paths {
    /// The shell, when it receives [`FILES`] or [`DIRECTORIES`].
    Shell,
    /// This program.
    Program,
}

/// Marker for "the shell completes files"; no value starts with it.
pub(super) const FILES: &str = "\u{1}files";
/// Marker for directories.
pub(super) const DIRECTORIES: &str = "\u{1}directories";

/// Returns the command line with candidates for its values. Flags are offered if the word starts with `-`, or if there is
/// nothing else to offer.
pub(super) fn command(line: &CommandLine, paths: Paths) -> Command {
    let mut command = Cli::command();
    command.build();
    let connection = connection_flags();
    let is_in = |flags: &[Arg], argument: &Arg| flags.iter().any(|flag| flag.get_id() == argument.get_id());
    add_candidates(command, &|argument| {
        let argument = match line.at_flag {
            // `--help` hides the connection flags, but users still type them.
            true if is_in(&connection, &argument) => {
                let is_unused = is_in(&line.unused, &argument);
                argument.hide(is_unused)
            }
            false if !argument.is_positional() => argument.hide(true),
            _ => argument,
        };
        with_values(argument, line.scope.as_ref(), paths)
    })
}

fn add_candidates(command: Command, change: &impl Fn(Arg) -> Arg) -> Command {
    let names: Vec<String> = command.get_subcommands().map(|sub| sub.get_name().to_owned()).collect();
    let command = command.mut_args(change);
    names
        .iter()
        .fold(command, |command, name| command.mut_subcommand(name, |sub| add_candidates(sub, change)))
}

fn with_values(argument: Arg, scope: Option<&GlobalArgs>, paths: Paths) -> Arg {
    let marker = |text: &'static str| {
        ArgValueCompleter::new(move |_: &std::ffi::OsStr| vec![CompletionCandidate::new(text)])
    };
    match (offer(&argument), paths, scope) {
        (Some(Offer::Files), Paths::Shell, _) => argument.add(marker(FILES)),
        (Some(Offer::Directories), Paths::Shell, _) => argument.add(marker(DIRECTORIES)),
        (Some(Offer::Files), Paths::Program, _) => argument.add(ArgValueCompleter::new(PathCompleter::any())),
        (Some(Offer::Directories), Paths::Program, _) => {
            argument.add(ArgValueCompleter::new(PathCompleter::dir()))
        }
        (Some(Offer::Known(values)), _, Some(scope)) => {
            let scope = scope.clone();
            // Evaluated only if this argument is completed.
            argument.add(ArgValueCandidates::new(move || candidates(values(&scope))))
        }
        _ => argument,
    }
}

fn candidates(values: Vec<Value>) -> Vec<CompletionCandidate> {
    let candidate =
        |(value, help): Value| CompletionCandidate::new(value).help((!help.is_empty()).then(|| help.into()));
    values.into_iter().map(candidate).collect()
}

fn offer(argument: &Arg) -> Option<Offer> {
    let word = argument.get_value_names().unwrap_or_default().first()?.split('|').next()?;
    let known = match (argument.get_id().as_str(), word) {
        (_, "FILE" | "PATH" | "PLAN") => return Some(Offer::Files),
        (_, "DIR" | "DIRECTORY") => return Some(Offer::Directories),
        ("first", _) => values::pool_names,
        (_, "POOL") => values::pools,
        ("only", _) => values::clusters_of_spec,
        (_, "KEY") => values::pool_labels,
        ("context", _) => values::contexts,
        ("cluster", _) => values::clusters,
        ("user", _) => values::users,
        ("namespace", _) => values::namespaces,
        ("services", _) => values::services,
        (_, "SERVICE=POOL") => values::service_pools,
        (_, "APP") => values::apps,
        ("platform", _) => values::platforms,
        ("dns", "SERVER") => values::name_servers,
        _ => return None,
    };
    Some(Offer::Known(known))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// Flags whose values only the user knows.
    const FREE: [&str; 33] = [
        "--nodes",
        "--base",
        "--pools-of",
        "--branch",
        "--message",
        "--repo",
        "--as",
        "--as-group",
        "--as-uid",
        "--concurrency",
        "--count",
        "--every",
        "--image",
        "--kubectl-version",
        "--max-objects",
        "--max-prune",
        "--name",
        "--password",
        "--per-pool",
        "--proxy-url",
        "--request-timeout",
        "--selector",
        "--server",
        "--settle",
        "--timeout",
        "--tls-server-name",
        "--token",
        "--ttl",
        "--username",
        "--warn-at",
        "--from",
        "--from-id",
        "--to",
    ];

    #[test]
    fn every_value_has_candidates_or_is_free() {
        let mut command = Cli::command();
        command.build();
        let mut found = BTreeSet::new();
        collect(&command, &mut found);
        let unknown: Vec<&String> = found.iter().filter(|name| !FREE.contains(&name.as_str())).collect();
        assert!(
            unknown.is_empty(),
            "no candidates for {unknown:?}: use a value name that candidates.rs knows"
        );
    }

    fn collect(command: &Command, found: &mut BTreeSet<String>) {
        for argument in command.get_arguments() {
            let is_listed = !argument.get_possible_values().is_empty();
            if argument.get_action().takes_values() && !is_listed && offer(argument).is_none() {
                found.insert(
                    argument
                        .get_long()
                        .map_or_else(|| argument.get_id().to_string(), |long| format!("--{long}")),
                );
            }
        }
        command.get_subcommands().for_each(|sub| collect(sub, found));
    }
}
