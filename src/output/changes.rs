//! Diffs for people and programs: of files that a render would write, and of objects that an apply would change.

use std::io::{self, IsTerminal};

use clap::ValueEnum;
use serde_json::{Value, json};

use crate::cluster::HeldSignals;
use crate::core::json;
use crate::core::report::diagnostic::Diagnostic;
use crate::core::report::escape::in_comment;
use crate::core::report::text_diff::{DiffLine, unified};
use crate::directory::{ExternalDiff, external_diff};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::format::{LineFormat, Separator};
use crate::output::styled::Styled;
use crate::output::{format, terminal};
use crate::scope::Scope;

/// Values of `diff -o`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum DiffFormat {
    /// JSON
    Json,
    /// Names only
    Name,
    /// Markdown for a pull request: tables of pools and addresses, with folded diffs
    Markdown,
}

impl DiffFormat {
    /// Returns the separator between the outputs of several clusters.
    pub(crate) fn separator(self) -> Separator {
        match self {
            // Reviews separate themselves, because those without room are left out.
            Self::Json | Self::Name | Self::Markdown => Separator::Nothing,
        }
    }

    /// Returns the format of the list of changes; `None` if the review contains it.
    pub(crate) fn of_changes(self) -> Option<LineFormat> {
        match self {
            Self::Json => Some(LineFormat::Json),
            Self::Name => Some(LineFormat::Name),
            Self::Markdown => None,
        }
    }
}

/// The old and new state of one file or object, with secrets masked.
pub(crate) struct Change {
    /// Its name in the diff header.
    pub(crate) name: String,
    /// Its file name for `KUBECTL_EXTERNAL_DIFF`.
    pub(crate) file: String,
    /// The action, such as `created`.
    pub(crate) action: &'static str,
    /// The object, if there is one.
    pub(crate) object: Option<String>,
    /// The old text; empty if it does not exist.
    pub(crate) old: String,
    /// The new text; empty if it would be deleted.
    pub(crate) new: String,
    /// Additional fields of `-o json`.
    pub(crate) more: Vec<(&'static str, Value)>,
}

impl Change {
    /// Returns the unified diff.
    pub(crate) fn lines(&self) -> Vec<DiffLine> {
        let side = |letter: &str, text: &str| {
            // A line end in a name would add lines to the diff.
            if text.is_empty() {
                "/dev/null".to_owned()
            } else {
                format!("{letter}/{}", in_comment(&self.name))
            }
        };
        unified(&self.old, &self.new, &side("a", &self.old), &side("b", &self.new))
    }

    /// Returns the unified diff as text.
    pub(crate) fn text(&self) -> String {
        let line = |line: &DiffLine| {
            let text: String = line.parts.iter().map(|(_, text)| text.as_str()).collect();
            format!("{}{text}\n", line.sign())
        };
        self.lines().iter().map(line).collect()
    }
}

/// Prints the changes in the requested format.
pub(crate) fn show(scope: &Scope, changes: &[&Change], format: Option<LineFormat>) -> Result<(), Failure> {
    match format {
        Some(LineFormat::Json) => terminal::data(&format::json(scope, as_json(changes)))?,
        Some(LineFormat::Name) => {
            let name = |change: &&Change| format!("{}\n", change.object.as_ref().unwrap_or(&change.file));
            terminal::data(&changes.iter().map(name).collect::<String>())?;
        }
        None => {
            let texts: Vec<_> = changes
                .iter()
                .map(|change| (change.file.as_str(), change.old.as_str(), change.new.as_str()))
                .collect();
            let shown =
                if changes.is_empty() { ExternalDiff::None } else { external_diff(&texts, hold_signals)? };
            if shown == ExternalDiff::Interrupted {
                let problem = Diagnostic::error("interrupted while KUBECTL_EXTERNAL_DIFF was running");
                return Err(Failure { exit: Exit::Interrupted, problems: vec![problem] });
            }
            if shown == ExternalDiff::None {
                let shown =
                    changes.iter().fold(Styled::default(), |shown, change| shown.diff(&change.lines()));
                terminal::styled(&shown)?;
            }
        }
    }
    Ok(())
}

/// Holds back signals while the external diff runs. At a terminal, SIGINT also reaches that program, which decides whether it
/// ends, as `less` and `vimdiff` do not.
fn hold_signals() -> io::Result<impl Fn() -> bool> {
    let signals = HeldSignals::hold(Exit::Interrupted.code())?;
    Ok(move || signals.must_end() || signals.is_interrupted() && !io::stdin().is_terminal())
}

fn as_json(changes: &[&Change]) -> Value {
    let one = |change: &&Change| {
        let mut item = json!({});
        for (name, value) in &change.more {
            json::put(&mut item, &[name], value.clone());
        }
        json::put(&mut item, &["action"], change.action);
        json::put(&mut item, &["diff"], change.text());
        if let Some(object) = &change.object {
            json::put(&mut item, &["object"], object.as_str());
        }
        item
    };
    let changes: Vec<Value> = changes.iter().map(one).collect();
    json!({ "apiVersion": "largescale.dev/v1alpha1", "kind": "DiffResult", "changes": changes })
}
