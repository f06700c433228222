//! Messages as workflow commands of GitHub Actions, which shows them on the line of the file.
//!
//! The runner reads the commands from both output streams of a step (actions/runner,
//! `src/Runner.Worker/Handlers/ScriptHandler.cs`). `src/Runner.Common/ActionCommand.cs` has the syntax: a command begins with
//! `::` at the start of a line, after white space, or with `##[` anywhere in a line, and lists the characters to escape.

use crate::core::report::escape::in_message;
use crate::core::report::message::{Message, MessageSeverity};
use crate::core::report::repository_path::WorkingDirectory;

/// The title of an annotation.
const TITLE: &str = "kubectl largescale";

/// Returns a problem as one `::error` or `::warning` command. Notes are lines of the log, since GitHub shows only a few
/// annotations for each step.
pub fn workflow_command(message: &Message, directory: &WorkingDirectory) -> String {
    let command = match message.severity {
        MessageSeverity::Error => "error",
        MessageSeverity::Warning => "warning",
        MessageSeverity::Note => return log_line(&message.text()),
    };
    let mut properties = Vec::new();
    if let Some(file) = &message.file {
        properties.push(format!("file={}", property(&directory.in_repository(file))));
    }
    if let Some(line) = message.line {
        properties.push(format!("line={line}"));
    }
    properties.push(format!("title={}", property(&title(message))));
    format!("::{command} {}::{}", properties.join(","), data(&message.text()))
}

/// Returns text that is not a problem. No line of it is a command.
pub fn log_line(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for (index, line) in text.split('\n').enumerate() {
        if index > 0 {
            out.push('\n');
        }
        let line = in_message(line).replace("##[", "##%5B");
        // .NET trims what Unicode calls white space.
        if line.trim_start().starts_with("::") {
            out.push_str(&line.replacen("::", "%3A:", 1));
        } else {
            out.push_str(&line);
        }
    }
    out
}

/// A problem with a line is the same for each cluster; another one names its app and its cluster.
fn title(message: &Message) -> String {
    match (&message.file, &message.app, &message.cluster_name) {
        (None, Some(app), Some(cluster)) => format!("{TITLE}: {app}, cluster {cluster}"),
        (None, Some(app), None) => format!("{TITLE}: {app}"),
        _ => TITLE.to_owned(),
    }
}

fn data(text: &str) -> String {
    // A carriage return is already encoded as text.
    in_message(text).replace('%', "%25").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::report::diagnostic::{Diagnostic, Location};
    use crate::core::report::message::MessageScope;

    fn command(diagnostic: &Diagnostic, scope: Option<&MessageScope>) -> String {
        let directory = WorkingDirectory::new("/repo", "/repo/apps");
        workflow_command(&Message::problem(diagnostic, scope), &directory)
    }

    #[test]
    fn a_problem_is_a_command_with_its_place() {
        let problem = Diagnostic::warning("50 % used: a, b")
            .at(Location { file: "web/50%,a:b.yaml".to_owned(), line: 7 })
            .hint("see x::y");
        assert_eq!(
            command(&problem, None),
            "::warning file=apps/web/50%25%2Ca%3Ab.yaml,line=7,title=kubectl largescale::\
             50 %25 used: a, b%0Ahint: see x::y"
        );
        let scope = MessageScope {
            app: Some("web".to_owned()),
            cluster: Some("west".to_owned()),
            spec: "largescale.yaml".to_owned(),
        };
        assert_eq!(
            command(&Diagnostic::refusal("no"), Some(&scope)),
            "::error title=kubectl largescale%3A web%2C cluster west::no"
        );
        let whole_file = Diagnostic::error("no").at(Location::file("../a.yaml"));
        assert_eq!(command(&whole_file, Some(&scope)), "::error file=a.yaml,title=kubectl largescale::no");
    }

    #[test]
    fn foreign_text_starts_no_command() {
        let foreign = "a\n::stop-commands::x\r\n ::error::y\n##[error]z\u{85}\u{2028}\u{202e}\u{1b}[2J";
        let problem = Diagnostic::error(foreign).at(Location::file(foreign)).hint(foreign);
        let shown = command(&problem, None);
        assert_eq!(shown.lines().count(), 1);
        assert!(shown.starts_with("::error file=apps/a%0A%3A%3Astop-commands"), "{shown}");
        assert!(!shown.contains(['\r', '\u{85}', '\u{2028}', '\u{202e}', '\u{1b}']));

        let lines = log_line(&format!("\u{a0}\u{2003}::a::b\n{foreign}"));
        for line in lines.lines() {
            assert!(!line.trim_start().starts_with("::") && !line.contains("##["), "{line}");
        }
        assert_eq!(log_line("\na: b::c\n  d"), "\na: b::c\n  d");
    }
}
