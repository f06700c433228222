//! Responses to shells: kubectl's protocol, which our own scripts use too, and clap's protocol for its scripts.

use std::ffi::OsString;
use std::fmt::Write;

use clap::Arg;
use clap_complete::CompletionCandidate;
use clap_complete::env::Shells;

use crate::commands::completion::candidates::{DIRECTORIES, FILES, Paths, command};
use crate::commands::completion::parse::CommandLine;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::terminal;

/// The name of the program that kubectl runs for completions of a plugin.
pub const KUBECTL_NAME: &str = "kubectl_complete-largescale";

/// Environment variable in which clap's scripts name the shell.
pub const SHELL_VARIABLE: &str = "LARGESCALE_COMPLETE";

/// Responds to kubectl with candidates and their descriptions, then with cobra's directive: 4 for no files, 0 if the shell
/// completes files, 16 for directories.
pub fn complete(words: Vec<OsString>) -> Result<Exit, Failure> {
    let line = CommandLine::read(words);
    let found = candidates(&line);
    let has = |marker: &str| found.iter().any(|candidate| value(candidate).ends_with(marker));
    let directive = match (has(FILES), has(DIRECTORIES)) {
        (true, _) => 0,
        (_, true) => 16,
        _ => 4,
    };
    let mut out = String::new();
    for candidate in found.iter().filter(|candidate| !value(candidate).contains('\u{1}')) {
        out.push_str(&value(candidate));
        if let Some(help) = candidate.get_help() {
            let _ = write!(out, "\t{}", help.to_string().lines().next().unwrap_or_default());
        }
        out.push('\n');
    }
    let _ = writeln!(out, ":{directive}");
    terminal::data(&out)?;
    Ok(Exit::Success)
}

fn candidates(line: &CommandLine) -> Vec<CompletionCandidate> {
    let index = line.words.len() - 1;
    let words = line.words.clone();
    let mut found = clap_complete::engine::complete(&mut command(line, Paths::Shell), words, index, None)
        .unwrap_or_default();
    // clap's engine offers hidden flags if nothing else matches.
    let is_unused = |value: &str| line.unused.iter().any(|flag| is_name_of(flag, value));
    found.retain(|candidate| !is_unused(&value(candidate)));
    found
}

fn is_name_of(flag: &Arg, text: &str) -> bool {
    let long = text.strip_prefix("--").map(|text| text.split('=').next().unwrap_or_default());
    let short = text.strip_prefix('-').and_then(|text| text.chars().next());
    match long {
        Some(long) => flag.get_long_and_visible_aliases().is_some_and(|names| names.contains(&long)),
        None => flag.get_short().is_some_and(|name| short == Some(name)),
    }
}

fn value(candidate: &CompletionCandidate) -> String {
    candidate.get_value().to_string_lossy().into_owned()
}

/// Responds to clap's scripts. `arguments` are those of the process: its name, `--`, and the words of the line.
pub fn complete_for_shell(shell: &str, arguments: &[OsString]) -> Result<Exit, Failure> {
    let shells = Shells::builtins();
    let Some(shell) = shells.completer(shell) else { return Ok(Exit::Success) };
    let line = CommandLine::read(arguments.iter().skip(3).cloned().collect());
    let mut out = Vec::new();
    let words = line.words.clone();
    if shell.write_complete(&mut command(&line, Paths::Program), words, None, &mut out).is_ok() {
        terminal::data(&String::from_utf8_lossy(&out))?;
    }
    Ok(Exit::Success)
}
