//! The commands of printed hints.

use crate::month::desk::Said;

/// Words that begin a command in a hint; other text in backticks names a field or a value.
const COMMANDS: [&str; 5] = ["kubectl", "git", "mv", "rm", "cp"];

/// Returns the first command in the hint of the first error.
pub fn hinted(said: &Said) -> Option<String> {
    let mut lines = said.err.lines().skip_while(|line| !line.starts_with("error: "));
    let hint = lines.find_map(|line| line.strip_prefix("  hint: "))?;
    command_in(hint)
}

/// Returns the first command in a hint that changes something.
fn command_in(hint: &str) -> Option<String> {
    let quoted = hint.split('`').skip(1).step_by(2);
    let is_command = |text: &&str| {
        text.split_once(' ').is_some_and(|(first, _)| COMMANDS.contains(&first))
            && *text != "git diff"
            && !text.starts_with("kubectl largescale diff")
    };
    quoted.into_iter().find(is_command).map(str::to_owned)
}

/// Returns an error without the names in it.
pub fn kind_of(error: &str) -> String {
    let message = error.strip_prefix("error: ").unwrap_or(error);
    let message = message.split_once(".yaml: ").or(message.split_once(".lock: ")).map_or(message, |it| it.1);
    let message = match (message.split_once(" ("), message.rsplit_once(')')) {
        (Some((start, _)), Some((_, end))) => &format!("{start}{end}"),
        _ => message,
    };
    let is_word = |word: &&str| word.chars().all(|c| c.is_ascii_lowercase() || "`,:;-".contains(c));
    message.split(' ').filter(is_word).take(12).collect::<Vec<_>>().join(" ")
}
