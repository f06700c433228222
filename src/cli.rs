//! Command-line definition.

use std::ffi::OsString;

use clap::builder::Resettable;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};

use crate::commands::{
    apply, capacity, completion, diff, doctor, init, inventory, model, move_members, options, platforms,
    pools, probe, prune, render, schema, status,
};
use crate::core::report::diagnostic::Diagnostic;
use crate::exit::Exit;
use crate::output::messages::MessageFormat;
use crate::scope::{GlobalArgs, SharedFlags, connection_flags};

/// Ends the help of every command that connects to a cluster.
pub const OPTIONS_HINT: &str =
    r#"Use "kubectl largescale options" for a list of global command-line options."#;

/// kubectl prints the description first, then the usage.
const TEMPLATE: &str = "{about-with-newline}\n{before-help}{usage-heading} {usage}\n\n{all-args}{after-help}";

/// One workload, one load balancer per node pool, reviewed in git
#[derive(Debug, Parser)]
#[command(
    name = "kubectl-largescale",
    bin_name = "kubectl largescale",
    version,
    about = "Give each node pool of a large cluster its own load balancer: one Service per pool, in a directory that git tracks",
    after_help = program_notes(),
    disable_help_subcommand = true,
    disable_help_flag = true,
    max_term_width = 110,
    mut_args = hide_connection_flags(),
    mut_subcommands = complete_command
)]
pub struct Cli {
    /// Flags that several commands share.
    #[command(flatten)]
    pub global: GlobalArgs,
    // One help for -h and --help, as kubectl has it; clap's long form prints three lines for each flag.
    /// Print help
    #[arg(short, long, global = true, action = ArgAction::HelpShort, help_heading = Resettable::Reset, display_order = 901)]
    help: Option<bool>,
    /// The command to run.
    #[command(subcommand)]
    pub command: Command,
}

impl Cli {
    /// Parses the arguments of the process.
    ///
    /// # Errors
    /// Wrong usage, and the texts of `--help` and `--version`, as clap reports them. A shared flag that has no effect on
    /// the command is wrong usage, wherever the user typed it.
    pub fn parse_arguments(arguments: Vec<OsString>) -> Result<Self, clap::Error> {
        let mut command = Self::command();
        let matches = command.try_get_matches_from_mut(arguments)?;
        refuse_unused_flags(&mut command, &matches)?;
        Self::from_arg_matches(&matches).map_err(|error| error.format(&mut command))
    }
}

/// The command to run.
//
// A comment on a variant would replace the description that its `Args` have.
#[derive(Debug, Subcommand)]
#[expect(missing_docs, reason = "the arguments of each command describe it")]
pub enum Command {
    Init(init::Args),
    Pools(pools::Args),
    Render(render::Args),
    Diff(diff::Args),
    Apply(apply::Args),
    Prune(prune::Args),
    Move(move_members::Args),
    Inventory(inventory::Args),
    Status(status::Args),
    Probe(probe::Args),
    Capacity(capacity::Args),
    Model(model::Args),
    Platforms(platforms::Args),
    Doctor(doctor::Args),
    Schema(schema::Args),
    Completion(completion::Args),
    Options(options::Args),
}

/// `kubectl largescale options` lists them; here they would fill a screen of each help.
fn hide_connection_flags() -> impl FnMut(Arg) -> Arg {
    let connection = connection_flags();
    move |flag| {
        let is_connection = connection.iter().any(|known| known.get_id() == flag.get_id());
        flag.hide(is_connection)
    }
}

/// Adds to a command what depends on its shared flags.
fn complete_command(command: clap::Command) -> clap::Command {
    let shared = SharedFlags::of(command.get_name());
    // clap hands the program's flags to each command, except to one that has a flag of that name.
    let command = command.args(shared.unused().into_iter().map(|flag| flag.hide(true)));
    complete_help(command, shared)
}

fn complete_help(command: clap::Command, shared: SharedFlags) -> clap::Command {
    let long_about = command.get_long_about().map(ToString::to_string).unwrap_or_default();
    let paragraphs = long_about.split_once("\n\n").map(|(_, rest)| rest.trim().to_owned());
    let examples = command.get_after_help().map(ToString::to_string);
    let hint = (shared != SharedFlags::Neither).then(|| OPTIONS_HINT.to_owned());
    let after: Vec<String> = examples.into_iter().chain(hint).collect();
    let command = match paragraphs {
        Some(text) => command.before_help(text),
        None => command,
    };
    command
        .help_template(TEMPLATE)
        .after_help(after.join("\n\n"))
        .mut_subcommands(|below| complete_help(below, shared))
}

/// Refuses a shared flag that the user typed and that has no effect on the command.
fn refuse_unused_flags(command: &mut clap::Command, matches: &ArgMatches) -> Result<(), clap::Error> {
    let Some(name) = matches.subcommand_name() else { return Ok(()) };
    let is_typed =
        |flag: &Arg| matches.value_source(flag.get_id().as_str()) == Some(ValueSource::CommandLine);
    let Some(flag) = SharedFlags::of(name).unused().into_iter().find(is_typed) else { return Ok(()) };
    let Some(used) = command.find_subcommand_mut(name) else { return Ok(()) };
    // Only a flag of the parsed command knows the number of its values, which its name shows.
    let find = |known: &&Arg| known.get_id() == flag.get_id();
    let Some(flag) = used.get_arguments().find(find).map(ToString::to_string) else { return Ok(()) };
    let usage = used.render_usage();
    let mut error = clap::Error::new(ErrorKind::ArgumentConflict).with_cmd(used);
    error.insert(ContextKind::InvalidArg, ContextValue::String(flag));
    error.insert(ContextKind::PriorArg, ContextValue::String(name.to_owned()));
    error.insert(ContextKind::Usage, ContextValue::StyledStr(usage));
    Err(error)
}

/// Returns the end of the program's own help: examples and the table of exit codes.
fn program_notes() -> String {
    let line = |(exit, meaning): &(Exit, &str)| format!("\n  {}  {meaning}", exit.code());
    let exit_codes = Exit::TABLE.iter().map(line).collect::<String>();
    format!(
        "Examples:
  # Write a starter spec for the cluster of the current context
  kubectl largescale init app

  # Render one Service per pool, then show what apply would change in the cluster
  kubectl largescale render -f app
  kubectl largescale diff -f app --live

Exit codes:{exit_codes}

{OPTIONS_HINT}"
    )
}

/// Returns the message format that the user typed, before the arguments are parsed; human if there is none, or an invalid one.
pub fn typed_message_format(arguments: &[OsString]) -> MessageFormat {
    const FLAG: &str = "--message-format";
    let mut words = arguments.iter().skip(1).map_while(|word| word.to_str().filter(|word| *word != "--"));
    while let Some(word) = words.next() {
        let value = match word.strip_prefix(FLAG) {
            Some("") => words.next(),
            Some(rest) => rest.strip_prefix('='),
            None => continue,
        };
        if let Some(format) = value.and_then(|value| MessageFormat::from_str(value, false).ok()) {
            return format;
        }
    }
    MessageFormat::Human
}

/// Returns clap's report of wrong usage as a problem, for the formats that programs read.
pub fn usage_problem(error: &clap::Error) -> Diagnostic {
    const SEE_HELP: &str =
        "use `kubectl largescale --help` to list the commands, and --help of a command to list its flags";
    let text = error.render().to_string();
    let text = text.split("\n\nUsage:").next().unwrap_or_default();
    let text = text.split("\n\nFor more information").next().unwrap_or_default();
    let (tips, lines): (Vec<&str>, Vec<&str>) =
        text.lines().filter(|line| !line.trim().is_empty()).partition(|line| line.starts_with("  tip: "));
    let message = lines.join("\n");
    let tips: Vec<&str> = tips.iter().map(|tip| tip.trim_start_matches("  tip: ")).collect();
    let hint = if tips.is_empty() { SEE_HELP.to_owned() } else { tips.join("\n") };
    Diagnostic::error(message.trim_start_matches("error: ")).hint(hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_format_is_known_before_the_arguments_are_parsed() {
        for (line, expected) in [
            ("x render --message-format json --wrong", MessageFormat::Json),
            ("x --message-format=github frobnicate", MessageFormat::Github),
            ("x render -f --message-format=sarif", MessageFormat::Sarif),
            ("x --message-format xml --message-format json", MessageFormat::Json),
            ("x render -- --message-format json", MessageFormat::Human),
            ("x render --message-formats json", MessageFormat::Human),
            ("x render --message-format", MessageFormat::Human),
            ("--message-format json", MessageFormat::Human),
        ] {
            let arguments: Vec<OsString> = line.split(' ').map(OsString::from).collect();
            assert_eq!(typed_message_format(&arguments), expected, "{line}");
        }
    }

    #[test]
    fn wrong_usage_is_a_problem_with_a_hint() {
        for (line, message, hint) in [
            (
                "x render --checks",
                "unexpected argument '--checks' found",
                "a similar argument exists: '--check'",
            ),
            ("x frobnicate", "unrecognized subcommand 'frobnicate'", "--help"),
            (
                "x pools -o table",
                "invalid value 'table' for '--output <FORMAT>'\n  [possible values: wide, ",
                "--help",
            ),
            ("x schema -f a", "the argument '--file <PATH>' cannot be used with 'schema'", "--help"),
            ("x --color never", "'kubectl largescale' requires a subcommand", "--help"),
        ] {
            let error = Cli::parse_arguments(line.split(' ').map(OsString::from).collect()).unwrap_err();
            let problem = usage_problem(&error);
            assert!(problem.message.starts_with(message), "{line}: {problem:?}");
            assert!(problem.hint.as_ref().unwrap().contains(hint), "{line}: {problem:?}");
            assert!(!problem.message.contains("Usage") && !problem.message.contains("\n\n"), "{problem:?}");
        }
    }
}
