//! Checks every command in the documentation and in the program's own hints: the program must accept it, with its
//! flags.

use std::fs;
use std::path::PathBuf;

use clap::{Arg, Command, CommandFactory};
use largescale::cli::Cli;
use regex_lite::Regex;

use crate::docs::markdown;
use crate::environment::{checkout, walk};

#[test]
fn every_named_command_is_accepted() {
    let mut cli = Cli::command();
    cli.build();
    let mut wrong = Vec::new();
    let mut count = 0;
    for path in markdown().into_iter().chain(others()) {
        let text = fs::read_to_string(&path).unwrap();
        let name = path.strip_prefix(checkout()).unwrap().display().to_string();
        // In hints, `{flags}` is replaced by the flags that name the user's spec.
        let text = text.replace("{flags}", "");
        for words in commands(&cli, &text) {
            count += 1;
            if let Err(why) = takes(&cli, &words) {
                wrong.push(format!("{name}: `{}`: {why}", words.join(" ")));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(count > 200, "{count} commands are too few: the search misses some");
}

#[test]
fn invalid_commands_are_found() {
    let mut cli = Cli::command();
    cli.build();
    for (text, wanted) in [
        ("$ kubectl largescale rendr -f app", Some("no command rendr")),
        ("say `render --comit` then", Some("no flag --comit")), // typos:ignore
        ("kubectl largescale --namespace web apply --wiat", Some("no flag --wiat")), // typos:ignore
        ("`kubectl largescale inventory adapt`", Some("no command adapt")),
        ("kubectl largescale diff --live | less --quit", None),
        ("`kubectl largescale apply --wait` is `apply`, so to say --really", None),
    ] {
        let found = commands(&cli, text).iter().find_map(|words| takes(&cli, words).err());
        assert_eq!(found.as_deref(), wanted, "{text}");
    }
}

/// Returns the other files that name commands: sources with hints and comments, and examples.
fn others() -> Vec<PathBuf> {
    let mut found = Vec::new();
    for directory in ["src", "platforms", "overlays", "examples", "docs/schema"] {
        walk(&checkout().join(directory), &mut |path| {
            let is_text = path
                .extension()
                .is_some_and(|ending| ["rs", "yaml", "json"].iter().any(|known| ending == *known));
            if is_text {
                found.push(path.to_owned());
            }
        });
    }
    found
}

/// Returns the words after `kubectl largescale`, and those of inline code such as `render --check`, if they are
/// ours.
fn commands(cli: &Command, text: &str) -> Vec<Vec<String>> {
    let names: Vec<&str> = cli.get_subcommands().map(Command::get_name).collect();
    let names = names.join("|");
    // `kubectl largescale` counts where a command begins, not within a sentence. The program's own name counts only
    // before a command. A command alone counts as inline code with something after it.
    let alone = Regex::new(r#"(?m)(?:^|[`$:;&|("'-])[ \t]*kubectl largescale +([a-z-][^`\n]*)"#).unwrap();
    let program = Regex::new(&format!(r"kubectl-largescale +((?:{names}|-)\b[^`\n]*)")).unwrap();
    let short = Regex::new(&format!(r"`((?:{names}) [^`\n]*)`")).unwrap();
    let found = [alone, program, short];
    let found = found.iter().flat_map(|pattern| pattern.captures_iter(text));
    found.map(|found| words(found.get(1).unwrap().as_str())).filter(|words| !words.is_empty()).collect()
}

/// Returns the words before a pipe or another program.
fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    for word in text.split_whitespace() {
        let is_end =
            ["#", "|", "||", "&&", ">", "--", "-->"].contains(&word) || word.starts_with(['>', '#', '(']);
        let bare = word.trim_end_matches([',', '.', ':', ';', '"', '\'', ')', '\\']);
        if is_end {
            break;
        }
        words.push(bare.trim_start_matches('[').trim_end_matches(']').to_owned());
        if bare.len() < word.len() {
            break;
        }
    }
    words
}

fn takes(cli: &Command, words: &[String]) -> Result<(), String> {
    let mut command = cli;
    let mut is_value = false;
    let mut wants_command = true;
    for word in words {
        if std::mem::take(&mut is_value) {
            continue;
        }
        if let Some(flag) = word.strip_prefix('-').filter(|flag| !flag.is_empty()) {
            let (flag, has_value) = flag.split_once('=').map_or((flag, false), |(flag, _)| (flag, true));
            let arg = command
                .get_arguments()
                .find(|arg| is(arg, flag))
                .ok_or_else(|| format!("no flag -{flag}"))?;
            is_value = arg.get_action().takes_values() && !has_value && flag.starts_with('-');
            is_value |= arg.get_action().takes_values() && !has_value && flag.len() == 1;
            continue;
        }
        if !command.has_subcommands() || !wants_command {
            continue;
        }
        match command.find_subcommand(word) {
            Some(found) => command = found,
            // `kubectl largescale COMMAND`, or a sentence that continues after the name of the program.
            None if word.chars().all(|c| c.is_ascii_lowercase() || c == '-') => {
                return Err(format!("no command {word}"));
            }
            None => wants_command = false,
        }
    }
    Ok(())
}

/// Returns whether a flag is this argument: `-` and the long name, or the short name with an optional value.
fn is(arg: &Arg, flag: &str) -> bool {
    match flag.strip_prefix('-') {
        Some(long) => {
            arg.get_long() == Some(long)
                || arg.get_all_aliases().is_some_and(|aliases| aliases.contains(&long))
        }
        None => arg.get_short() == flag.chars().next(),
    }
}
