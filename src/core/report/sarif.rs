//! Messages as a log in SARIF 2.1.0, which code scanning reads.
//!
//! Section numbers are those of the SARIF 2.1.0 specification of OASIS. GitHub rejects a log in which a result has no location
//! (github/codeql-action#2459), so a problem without a file gets the file of the spec, or is a notification.

use std::collections::HashSet;
use std::fmt::Write;
use std::path::Path;

use serde_json::{Map, Value, json};

use crate::core::report::escape::in_json;
use crate::core::report::message::{Message, MessageSeverity};
use crate::core::report::repository_path::WorkingDirectory;

/// The kinds of problems: id, level and description.
const RULES: [(&str, &str, &str); 3] = [
    ("error", "error", "The input is invalid, or the command failed."),
    ("refused", "error", "The command was refused, because something would be lost."),
    ("warning", "warning", "The command continued, but something needs attention."),
];

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunEnd {
    /// The exit code.
    pub code: u8,
    /// The exit code in words.
    pub meaning: &'static str,
    /// Whether the command could do its work; the problems that it found do not matter.
    pub finished: Finished,
}

/// Whether a command could do its work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finished {
    /// It checked all of its input.
    Yes,
    /// It failed, or a part of it.
    No,
}

/// Returns the log of a run, as indented JSON with a line end.
pub fn log(messages: &[Message], directory: &WorkingDirectory, end: RunEnd) -> String {
    let mut known = HashSet::new();
    let mut results = Vec::new();
    let mut notifications = Vec::new();
    for message in messages {
        let (list, value) = match result(message, directory) {
            Some(result) => (&mut results, result),
            None => (&mut notifications, notification(message)),
        };
        if known.insert(value.to_string()) {
            list.push(value);
        }
    }
    let mut driver = json!({
        "name": "kubectl-largescale",
        "version": env!("CARGO_PKG_VERSION"),
        "semanticVersion": env!("CARGO_PKG_VERSION"),
        "rules": RULES.map(|(id, level, text)| json!({
            "id": id,
            "shortDescription": { "text": text },
            "defaultConfiguration": { "level": level },
        })),
    });
    let home =
        [env!("CARGO_PKG_HOMEPAGE"), env!("CARGO_PKG_REPOSITORY")].into_iter().find(|url| !url.is_empty());
    if let Some(home) = home {
        driver["informationUri"] = home.into();
    }
    let log = json!({
        "$schema": "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": driver },
            "invocations": [{
                "executionSuccessful": end.finished == Finished::Yes,
                "exitCode": end.code,
                "exitCodeDescription": end.meaning,
                "toolExecutionNotifications": notifications,
            }],
            "results": results,
        }],
    });
    let text = serde_json::to_string_pretty(&log).unwrap_or_default();
    // The line ends between fields stay.
    text.split('\n').map(|line| in_json(line) + "\n").collect()
}

/// Returns a problem with its location; `None` for a note, and if no file is known.
fn result(message: &Message, directory: &WorkingDirectory) -> Option<Value> {
    let rule = match message.severity {
        MessageSeverity::Error if message.refused => 1,
        MessageSeverity::Error => 0,
        MessageSeverity::Warning => 2,
        MessageSeverity::Note => return None,
    };
    let file = message.file.as_ref().or(message.spec.as_ref())?;
    let mut place = json!({ "artifactLocation": artifact(&directory.in_repository(file)) });
    if let Some(line) = message.line {
        place["region"] = json!({ "startLine": line });
    }
    let (id, level, _) = RULES[rule];
    let mut result = json!({
        "ruleId": id,
        "ruleIndex": rule,
        "level": level,
        "message": { "text": plain_text(&message.text()) },
        "locations": [{ "physicalLocation": place }],
    });
    if message.file.is_none() {
        add_scope(&mut result, message);
    }
    Some(result)
}

/// Returns a condition of the run itself (3.58).
fn notification(message: &Message) -> Value {
    let level = match message.severity {
        MessageSeverity::Error => "error",
        MessageSeverity::Warning => "warning",
        MessageSeverity::Note => "note",
    };
    let mut value = json!({ "level": level, "message": { "text": plain_text(&message.text()) } });
    add_scope(&mut value, message);
    value
}

/// Names the app and the cluster. A problem with a file does not depend on them.
fn add_scope(value: &mut Value, message: &Message) {
    let mut properties = Map::new();
    for (key, name) in [("app", &message.app), ("clusterName", &message.cluster_name)] {
        properties.extend(name.iter().map(|name| (key.to_owned(), Value::from(name.as_str()))));
    }
    properties.extend(message.exit_code.map(|code| ("exitCode".to_owned(), code.into())));
    if !properties.is_empty() {
        value["properties"] = properties.into();
    }
}

/// Returns the location of a file (3.4). Viewers resolve a relative one against the repository.
fn artifact(path: &str) -> Value {
    if Path::new(path).is_absolute() {
        // On Windows, a path begins with the letter of its drive.
        return json!({ "uri": format!("file:///{}", uri_path(path.trim_start_matches('/'))) });
    }
    json!({ "uri": uri_path(path), "uriBaseId": "%SRCROOT%" })
}

/// Encodes a path for a URI: everything except `/` and the unreserved characters of RFC 3986.
fn uri_path(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

/// Returns the text of a message: braces would be placeholders (3.11.5), and `[text](target)` a link (3.11.6).
fn plain_text(text: &str) -> String {
    text.replace('{', "{{").replace('}', "}}").replace("](", "\\](")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::report::diagnostic::{Diagnostic, Location};
    use crate::core::report::message::MessageScope;

    const END: RunEnd = RunEnd { code: 3, meaning: "invalid input", finished: Finished::Yes };

    fn run(messages: &[Message]) -> Value {
        let text = log(messages, &WorkingDirectory::new("/repo", "/repo/apps"), END);
        let mut log: Value = serde_json::from_str(&text).unwrap();
        log["runs"][0].take()
    }

    #[test]
    fn problems_are_results_and_notes_are_notifications() {
        let scope = |cluster: &str| MessageScope {
            app: Some("web".to_owned()),
            cluster: Some(cluster.to_owned()),
            spec: "largescale.yaml".to_owned(),
        };
        let at_line =
            Diagnostic::error("unknown field").at(Location { file: "m/ä b:c.yaml".to_owned(), line: 4 });
        let of_cluster = Diagnostic::refusal("would lose").hint("use {x}, [see](http://example.com)");
        let mut messages = Vec::new();
        for cluster in ["west", "north"] {
            messages.push(Message::problem(&at_line, Some(&scope(cluster))));
            messages.push(Message::problem(&of_cluster, Some(&scope(cluster))));
        }
        messages.push(Message::problem(&Diagnostic::warning("no file"), None));
        messages.push(Message::note("done", None));
        let run = run(&messages);
        let at = |index: usize| &run["results"][index];
        assert_eq!(run["results"].as_array().unwrap().len(), 3, "the same line is listed once");
        assert_eq!(
            at(0)["locations"][0]["physicalLocation"],
            json!({
                "artifactLocation": { "uri": "apps/m/%C3%A4%20b%3Ac.yaml", "uriBaseId": "%SRCROOT%" },
                "region": { "startLine": 4 }
            })
        );
        assert_eq!(at(0).get("properties"), None);
        assert_eq!(at(1)["ruleId"], "refused");
        assert_eq!(at(1)["message"]["text"], "would lose\nhint: use {{x}}, [see\\](http://example.com)");
        let place = json!({"artifactLocation": {"uri": "apps/largescale.yaml", "uriBaseId": "%SRCROOT%"}});
        assert_eq!(at(1)["locations"][0]["physicalLocation"], place);
        assert_eq!(at(2)["properties"], json!({"app": "web", "clusterName": "north"}));
        let told = &run["invocations"][0]["toolExecutionNotifications"];
        assert_eq!(told[0], json!({"level": "warning", "message": {"text": "no file"}}));
        assert_eq!(told[1], json!({"level": "note", "message": {"text": "done"}}));
    }

    #[test]
    fn a_run_without_problems_has_an_empty_list() {
        assert_eq!(run(&[])["results"], json!([]));
    }

    #[test]
    fn foreign_text_is_escaped() {
        let foreign = "a\u{85}\u{202e}\u{1b}[2J\n\"";
        let problem = Diagnostic::error(foreign).at(Location::file(format!("/x{foreign}")));
        let messages = [Message::problem(&problem, None)];
        let text = log(&messages, &WorkingDirectory::default(), END);
        assert!(text.is_ascii() && !text.contains('\u{1b}'), "{text}");
        let run = run(&messages);
        assert_eq!(run["results"][0]["message"]["text"], foreign);
        let uri = &run["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"];
        assert_eq!(*uri, json!({ "uri": "file:///xa%C2%85%E2%80%AE%1B%5B2J%0A%22" }));
    }
}
