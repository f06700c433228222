//! The program accepts every command line in the documentation, in its hints and in its help.

use std::fs;
use std::path::{Path, PathBuf};

use clap::{Arg, Command, CommandFactory};
use largescale::cli::{Cli, OPTIONS_HINT};
use largescale::exit::Exit;
use largescale::scope::SharedFlags;
use regex_lite::Regex;

use crate::docs::markdown;
use crate::environment::{Environment, checkout, walk};

#[test]
fn documented_commands_are_accepted() {
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
            if let Err(why) = accepts(&cli, &words) {
                wrong.push(format!("{name}: `{}`: {why}", words.join(" ")));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(count > 200, "found only {count} commands");
}

#[test]
fn wrong_commands_are_found() {
    let mut cli = Cli::command();
    cli.build();
    for (text, wanted) in [
        ("$ kubectl largescale rerender -f app", Some("no command rerender")),
        ("say `render --commits` then", Some("no flag --commits")),
        ("kubectl largescale --namespace web apply --nowait", Some("no flag --nowait")),
        ("`kubectl largescale inventory adapt`", Some("no command adapt")),
        ("kubectl largescale init -f app", Some("flag -f has no effect on init")),
        ("kubectl largescale schema --context west", Some("flag --context has no effect on schema")),
        ("kubectl largescale diff --live | less --quit", None),
        ("`kubectl largescale apply --wait` is `apply`, so to say --really", None),
    ] {
        let found = commands(&cli, text).iter().find_map(|words| accepts(&cli, words).err());
        assert_eq!(found.as_deref(), wanted, "{text}");
    }
}

#[test]
fn every_help_has_a_verb_a_paragraph_and_examples() {
    let mut cli = Cli::command();
    cli.build();
    let mut wrong = Vec::new();
    for (words, command) in all_commands(&cli) {
        let name = words.join(" ");
        let about = command.get_about().unwrap().to_string();
        let verb = about.split([' ', ',']).next().unwrap();
        if !VERBS.contains(&verb) {
            wrong.push(format!("{name}: `{verb}` is not a known verb"));
        }
        if command.get_before_help().is_none() {
            wrong.push(format!("{name}: no paragraph about input and output"));
        }
        let notes = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        let examples = examples(&notes);
        if !(2..=5).contains(&examples.len()) {
            wrong.push(format!("{name}: {} examples", examples.len()));
        }
        for (comment, lines) in examples {
            if !comment.starts_with("# ") || lines.is_empty() {
                wrong.push(format!("{name}: `{comment}` is not a comment above a command"));
            }
            wrong.extend(lines.iter().filter_map(|line| Some(format!("{name}: {line}: {}", refused(line)?))));
        }
        let connects = SharedFlags::of(words[0]).unused().iter().all(|flag| flag.get_id() != "context");
        if notes.ends_with(OPTIONS_HINT) != connects {
            wrong.push(format!("{name}: the sentence about options is missing or wrong"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_help_fits_on_two_screens() {
    let mut cli = Cli::command();
    cli.build();
    let environment = Environment::with(Path::new("/nonexistent"));
    let commands = all_commands(&cli).into_iter().map(|(words, _)| words);
    for words in commands.chain([Vec::new()]) {
        let help = |flag: &'static str| {
            String::from_utf8(environment.program(&[&words[..], &[flag]].concat()).stdout).unwrap()
        };
        let long = help("--help");
        assert!((10..=80).contains(&long.lines().count()), "{words:?}: {} lines", long.lines().count());
        assert_eq!(long, help("-h"), "{words:?}");
        assert!(!long.contains("--kubeconfig"), "{words:?}: connection flags belong to `options`");
    }
}

#[test]
fn flags_without_effect_are_refused() {
    let environment = Environment::with(Path::new("/nonexistent"));
    for (line, flag) in [
        ("init -f /nowhere -R --only zz app", "--file <PATH>"),
        ("-f /nowhere init app", "--file <PATH>"),
        ("init --filename=/nowhere app", "--file <PATH>"),
        ("init app --recursive", "--recursive"),
        ("--only west init app", "--only <CLUSTER>"),
        ("schema -f app", "--file <PATH>"),
        ("completion --token secret bash", "--token <TOKEN>"),
        ("--cache-dir /tmp completion bash", "--cache-dir <DIR>"),
        ("options --context west", "--context <NAME>"),
        ("model grow model.json --nodes 3 -n web", "--namespace <NAME>"),
        ("schema --insecure-skip-tls-verify", "--insecure-skip-tls-verify[=<BOOL>]"),
    ] {
        let output = environment.program(&line.split(' ').collect::<Vec<_>>());
        let message = String::from_utf8(output.stderr).unwrap();
        let wanted = format!("error: the argument '{flag}' cannot be used with '");
        assert!(message.starts_with(&wanted), "{line}: {message}");
        assert_eq!(output.status.code(), Some(Exit::Usage.code().into()), "{line}");
        assert!(output.stdout.is_empty(), "{line}");
    }
}

#[test]
fn commands_that_connect_accept_kubectls_flags() {
    let mut cli = Cli::command();
    cli.build();
    for (words, command) in all_commands(&cli) {
        let needs_more =
            command.has_subcommands() || !SharedFlags::of(words[0]).unused().is_empty() && words[0] != "init";
        if needs_more {
            continue;
        }
        let mut line = words.clone();
        line.extend([
            "--cache-dir",
            "/tmp",
            "--context=west",
            "-n",
            "web",
            "--as-group",
            "a",
            "--color",
            "never",
        ]);
        if words == ["inventory", "handover"] {
            line.extend(["--to", "kubectl"]);
        }
        assert_eq!(refused(&format!("kubectl largescale {}", line.join(" "))), None);
        let before = format!("kubectl largescale --cache-dir /tmp -s https://a {}", line.join(" "));
        assert_eq!(refused(&before), None);
    }
    assert_eq!(refused("kubectl largescale -f x render"), None);
}

#[test]
fn completion_offers_the_flags_that_have_an_effect() {
    let environment = Environment::with(Path::new("/nonexistent"));
    for (line, offered, missing) in [
        ("render --", &["--context", "--cache-dir", "--file", "--locked"][..], &[][..]),
        ("render --con", &["--context"], &[]),
        ("init --", &["--context", "--from"], &["--file", "--only", "--recursive"]),
        ("init --fi", &[], &["--file"]),
        ("schema --", &["--color"], &["--token", "--file"]),
        ("completion --tok", &[], &["--token"]),
        ("--tok", &["--token"], &[]),
        ("render --file x --frobnicate --con", &["--context"], &[]),
    ] {
        let words: Vec<&str> = std::iter::once("__complete").chain(line.split(' ')).collect();
        let output = environment.program(&words);
        assert_eq!(output.status.code(), Some(0), "{line}");
        let text = String::from_utf8(output.stdout).unwrap();
        let names: Vec<&str> = text.lines().map(|line| line.split('\t').next().unwrap()).collect();
        assert!(offered.iter().all(|flag| names.contains(flag)), "{line}: {text}");
        assert!(!missing.iter().any(|flag| names.contains(flag)), "{line}: {text}");
    }
}

/// Verbs that start the description of a command.
const VERBS: [&str; 14] = [
    "Write", "Show", "Apply", "Delete", "Inspect", "Grow", "Add", "Check", "Print", "List", "Find", "Take",
    "Transfer", "Move",
];

/// Returns each command with its words, subcommands included.
fn all_commands(cli: &Command) -> Vec<(Vec<&str>, &Command)> {
    let mut found = Vec::new();
    for command in cli.get_subcommands() {
        found.push((vec![command.get_name()], command));
        for below in command.get_subcommands() {
            found.push((vec![command.get_name(), below.get_name()], below));
        }
    }
    found
}

/// Returns the examples of a help: the comment, and the command lines below it.
fn examples(notes: &str) -> Vec<(&str, Vec<&str>)> {
    let Some((_, text)) = notes.split_once("Examples:\n") else { return Vec::new() };
    let groups = text.split("\n\n").take_while(|group| group.starts_with("  "));
    groups
        .map(|group| {
            let mut lines = group.lines().map(str::trim);
            (lines.next().unwrap_or_default(), lines.collect())
        })
        .collect()
}

/// Parses a command line and returns why the program refuses it.
fn refused(line: &str) -> Option<String> {
    let words = line.strip_prefix("kubectl largescale ")?;
    let words = words.split(' ').take_while(|word| *word != ">").map(Into::into);
    let words = std::iter::once("kubectl-largescale".into()).chain(words).collect();
    Cli::parse_arguments(words).err().map(|error| error.to_string())
}

/// Returns other files that name commands: source code, and YAML files that users copy.
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

/// Returns the words after `kubectl largescale`, and the words of code such as `render --check`.
fn commands(cli: &Command, text: &str) -> Vec<Vec<String>> {
    let names: Vec<&str> = cli.get_subcommands().map(Command::get_name).collect();
    let names = names.join("|");
    // `kubectl largescale` at the start of a command, not as a name in a sentence; the program's own name only with a
    // command after it; and a command alone as code, with an argument.
    let alone = Regex::new(r#"(?m)(?:^|[`$:;&|("'-])[ \t]*kubectl largescale +([a-z-][^`\n]*)"#).unwrap();
    let program = Regex::new(&format!(r"kubectl-largescale +((?:{names}|-)\b[^`\n]*)")).unwrap();
    let short = Regex::new(&format!(r"`((?:{names}) [^`\n]*)`")).unwrap();
    let found = [alone, program, short];
    let found = found.iter().flat_map(|pattern| pattern.captures_iter(text));
    found.map(|found| words(found.get(1).unwrap().as_str())).filter(|words| !words.is_empty()).collect()
}

/// Returns the words up to a comment or the next program.
fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    for word in text.split_whitespace() {
        let is_end =
            ["#", "|", "||", "&&", ">", "--", "-->"].contains(&word) || word.starts_with(['>', '#', '(']);
        let bare = word.trim_end_matches([',', '.', ':', ';', '"', '\'', ')', ']', '\\']);
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

fn accepts(cli: &Command, words: &[String]) -> Result<(), String> {
    let mut command = cli;
    let mut is_value = false;
    let mut wants_command = true;
    let mut name = "";
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
            if SharedFlags::of(name).unused().iter().any(|unused| unused.get_id() == arg.get_id()) {
                return Err(format!("flag -{flag} has no effect on {name}"));
            }
            is_value = arg.get_action().takes_values() && !has_value && flag.starts_with('-');
            is_value |= arg.get_action().takes_values() && !has_value && flag.len() == 1;
            continue;
        }
        if !command.has_subcommands() || !wants_command {
            continue;
        }
        match command.find_subcommand(word) {
            Some(found) => {
                name = if name.is_empty() { found.get_name() } else { name };
                command = found;
            }
            None if word.chars().all(|c| c.is_ascii_lowercase() || c == '-') => {
                return Err(format!("no command {word}"));
            }
            None => wants_command = false,
        }
    }
    Ok(())
}

/// Compares with `-` and the long name, or with the short name, which its value may follow directly.
fn is(arg: &Arg, flag: &str) -> bool {
    match flag.strip_prefix('-') {
        Some(long) => {
            arg.get_long() == Some(long)
                || arg.get_all_aliases().is_some_and(|aliases| aliases.contains(&long))
        }
        None => arg.get_short() == flag.chars().next(),
    }
}
