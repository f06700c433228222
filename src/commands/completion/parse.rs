//! The words typed so far, and the flags that determine the candidates.

use std::ffi::OsString;

use clap::{Arg, ArgMatches, Command, CommandFactory, FromArgMatches};

use crate::cli::Cli;
use crate::scope::{GlobalArgs, SharedFlags};

/// A command line to complete.
pub(super) struct CommandLine {
    /// The shared flags, as far as they can be parsed.
    pub(super) scope: Option<GlobalArgs>,
    /// Whether the word to complete starts with `-`.
    pub(super) at_flag: bool,
    /// Shared flags that have no effect on the command, so they are not offered.
    pub(super) unused: Vec<Arg>,
    /// All words: the program first, the word to complete last.
    pub(super) words: Vec<OsString>,
}

impl CommandLine {
    /// Reads the words after the program's name.
    pub(super) fn read(words: Vec<OsString>) -> Self {
        let mut words: Vec<OsString> = std::iter::once("kubectl-largescale".into()).chain(words).collect();
        if words.len() == 1 {
            words.push(OsString::new());
        }
        let last = words.last().map(OsString::as_os_str).unwrap_or_default();
        let at_flag = last.as_encoded_bytes().starts_with(b"-");
        let before = &words[..words.len() - 1];
        // Required arguments may be missing and others incomplete, so errors are ignored.
        let matches = Cli::command().ignore_errors(true).try_get_matches_from(before);
        let matches = matches.ok();
        let command = matches.as_ref().and_then(ArgMatches::subcommand_name).unwrap_or_default();
        let unused = SharedFlags::of(command).unused();
        let scope = matches.as_ref().and_then(|matches| GlobalArgs::from_arg_matches(matches).ok());
        hide_commands_among_values(&mut words);
        Self { scope, at_flag, unused, words }
    }
}

/// Replaces values with the name of a command: clap's engine would take the `diff` of `--context diff` for the command.
fn hide_commands_among_values(words: &mut [OsString]) {
    let mut command = Cli::command();
    command.build();
    let mut current = &command;
    let end = words.len() - 1;
    let mut index = 1;
    while index < end {
        let word = words[index].to_string_lossy().into_owned();
        if takes_value(current, &word) {
            index += 1;
            if index < end && current.find_subcommand(&words[index]).is_some() {
                words[index] = OsString::from("value");
            }
        } else if let Some(next) = current.find_subcommand(&word) {
            current = next;
        }
        index += 1;
    }
}

/// Returns whether the next word is the value of this flag.
fn takes_value(command: &Command, word: &str) -> bool {
    command.get_arguments().any(|argument| {
        let by_name = argument.get_long().is_some_and(|long| word.strip_prefix("--") == Some(long))
            || argument.get_short().is_some_and(|short| word == format!("-{short}"));
        by_name
            && argument.get_action().takes_values()
            && argument.get_num_args().is_some_and(|count| count.min_values() > 0)
    })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn line(words: &[&str]) -> CommandLine {
        CommandLine::read(words.iter().map(OsString::from).collect())
    }

    #[test]
    fn flags_are_read_at_any_position() {
        for words in [
            &["-f", "app", "render", "--context", "a b:c", "--forget", ""][..],
            &["render", "-fapp", "--context=a b:c", "--forget", ""],
            &["render", "--file", "app", "--forget", "x", "--context", "a b:c", "--frobnicate", ""],
            &["completion", "-f", "app", "--context", "a b:c", ""],
            &["inventory", "adopt", "-f", "app", "--context", "a b:c", "-"],
        ] {
            let scope = line(words).scope.unwrap_or_else(|| panic!("{words:?}"));
            assert_eq!(scope.specs.files, [Path::new("app")], "{words:?}");
            assert_eq!(scope.cluster.context.as_deref(), Some("a b:c"), "{words:?}");
        }
        assert_eq!(line(&[]).scope.unwrap().specs.files, [Path::new(".")]);
    }

    #[test]
    fn flags_without_effect_are_known() {
        let unused = |words: &[&str]| line(words).unused.iter().any(|flag| flag.get_id() == "files");
        assert!(unused(&["init", "--f"]));
        assert!(unused(&["--context", "render", "schema", "--f"]));
        assert!(!unused(&["render", "--f"]));
        assert!(!unused(&["--f"]));
    }

    #[test]
    fn a_value_is_not_a_command() {
        let words = line(&["-n", "diff", "render", "--context", "pools", "re"]).words;
        assert_eq!(words, ["kubectl-largescale", "-n", "value", "render", "--context", "pools", "re"]);
    }

    #[test]
    fn a_flag_is_distinguished_from_a_value() {
        assert!(line(&["render", "--f"]).at_flag);
        assert!(!line(&["render", "--forget", "f"]).at_flag);
        assert!(!line(&["render", ""]).at_flag);
    }
}
