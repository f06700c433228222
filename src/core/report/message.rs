//! Messages for programs: errors, warnings and notes as `--message-format json` prints them, one JSON object per line.

use schemars::JsonSchema;
use serde::Serialize;

use crate::core::report::diagnostic::{Diagnostic, Severity};
use crate::core::report::escape::in_json;
use crate::core::schema::read;

/// One line of `--message-format json`: an error, a warning or a note. Later versions may add fields.
///
/// A field without a value is left out; no field is null.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Message {
    /// How severe the message is.
    pub severity: MessageSeverity,
    /// Whether the error is a refusal: the input may be valid, but something would be lost. Absent if it is not.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[schemars(default)]
    pub refused: bool,
    /// The problem, as one sentence, or the text of a note. Quoted text can have several lines.
    pub message: String,
    /// What to do next.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String", default)]
    pub hint: Option<String>,
    /// The file that has the problem, as the user wrote its path.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String", default)]
    pub file: Option<String>,
    /// The line in the file, starting at 1. Absent if the problem is about the whole file.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "u32", default, range(min = 1))]
    pub line: Option<u32>,
    /// The app that the command worked on: `metadata.name` of the spec.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String", default)]
    pub app: Option<String>,
    /// The cluster that the command worked on, by its name in `spec.clusters`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String", default)]
    pub cluster_name: Option<String>,
    /// The exit code of one spec or cluster among several. Only the notes at the end of a run have it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "u8", default)]
    pub exit_code: Option<u8>,
    /// The file of the spec that the command worked on.
    #[serde(skip)]
    pub spec: Option<String>,
}

impl read::Described for Message {
    const SCHEMA: &str = include_str!("../../../docs/schema/message.json");
}

/// How severe a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum MessageSeverity {
    /// The command failed, or a part of it.
    Error,
    /// The command continued.
    Warning,
    /// Progress or a result.
    Note,
}

/// The spec and the cluster that a command works on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MessageScope {
    /// The name of the workload; `None` if the spec cannot be read.
    pub app: Option<String>,
    /// The name of the cluster; `None` if the spec names none.
    pub cluster: Option<String>,
    /// The path of the spec.
    pub spec: String,
}

impl Message {
    /// Returns the message of a problem.
    pub fn problem(diagnostic: &Diagnostic, scope: Option<&MessageScope>) -> Self {
        let severity = match diagnostic.severity {
            Severity::Warning => MessageSeverity::Warning,
            Severity::Error | Severity::Refusal => MessageSeverity::Error,
        };
        let location = diagnostic.location.as_ref();
        Self {
            refused: diagnostic.severity == Severity::Refusal,
            hint: diagnostic.hint.clone(),
            file: location.map(|location| location.file.clone()),
            line: location.map(|location| location.line).filter(|line| *line > 0),
            ..Self::of(severity, &diagnostic.message, scope)
        }
    }

    /// Returns the message of a note. Empty lines around the text separate it from other output only.
    pub fn note(text: &str, scope: Option<&MessageScope>) -> Self {
        Self::of(MessageSeverity::Note, text.trim_matches('\n'), scope)
    }

    fn of(severity: MessageSeverity, message: &str, scope: Option<&MessageScope>) -> Self {
        Self {
            severity,
            refused: false,
            message: message.to_owned(),
            hint: None,
            file: None,
            line: None,
            app: scope.and_then(|scope| scope.app.clone()),
            cluster_name: scope.and_then(|scope| scope.cluster.clone()),
            exit_code: None,
            spec: scope.map(|scope| scope.spec.clone()),
        }
    }

    /// Returns the message as one line of JSON, without a line end.
    pub fn json(&self) -> String {
        in_json(&serde_json::to_string(self).unwrap_or_default())
    }

    /// Returns the sentence and the hint below it.
    pub fn text(&self) -> String {
        match &self.hint {
            Some(hint) => format!("{}\nhint: {hint}", self.message),
            None => self.message.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::report::diagnostic::Location;

    #[test]
    fn a_message_is_one_line_of_json() {
        let problem = Diagnostic::refusal("would\n\"lose\" \u{1b}]0;x\u{7}\u{85}\u{202e}\u{2028}é")
            .at(Location { file: "m/a\nerror: b\u{9f}.yaml".to_owned(), line: 4 })
            .hint("a\r\nb");
        let scope = MessageScope {
            app: Some("web".to_owned()),
            cluster: Some("west".to_owned()),
            spec: "largescale.yaml".to_owned(),
        };
        let line = Message::problem(&problem, Some(&scope)).json();
        assert_eq!(
            line,
            "{\"severity\":\"error\",\"refused\":true,\
             \"message\":\"would\\n\\\"lose\\\" \\u001b]0;x\\u0007\\u0085\\u202e\\u2028é\",\
             \"hint\":\"a\\r\\nb\",\"file\":\"m/a\\nerror: b\\u009f.yaml\",\"line\":4,\
             \"app\":\"web\",\"clusterName\":\"west\"}"
        );
        // A reader gets the text back, character by character.
        let read: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!(read["message"], problem.message);
        assert_eq!(read["file"], problem.location.unwrap().file);
    }

    #[test]
    fn absent_fields_are_left_out() {
        let whole_file = Diagnostic::warning("the file is empty").at(Location::file("web.yaml"));
        assert_eq!(
            Message::problem(&whole_file, None).json(),
            r#"{"severity":"warning","message":"the file is empty","file":"web.yaml"}"#
        );
        assert_eq!(Message::note("\ndone\n", None).json(), r#"{"severity":"note","message":"done"}"#);
    }
}
