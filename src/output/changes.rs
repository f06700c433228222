//! Differences for people and programs: of files that a render would write, of objects that an apply would change.

use clap::ValueEnum;
use serde_json::{Value, json};

use crate::core::report::text_diff::{DiffLine, unified};
use crate::directory::external_diff;
use crate::failure::Failure;
use crate::output::format::{LineFormat, Separator};
use crate::output::{format, terminal};
use crate::scope::Scope;

/// What `diff -o` takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum DiffFormat {
    /// JSON
    Json,
    /// Names only
    Name,
    /// Markdown for a pull request: tables of pools and addresses, the diffs folded
    Markdown,
}

impl DiffFormat {
    /// What stands between the outputs of several clusters.
    pub(crate) fn separator(self) -> Separator {
        match self {
            Self::Json | Self::Name => Separator::Nothing,
            Self::Markdown => Separator::Lines,
        }
    }

    /// The format of the changes themselves; `None` where the review says it all.
    pub(crate) fn of_changes(self) -> Option<LineFormat> {
        match self {
            Self::Json => Some(LineFormat::Json),
            Self::Name => Some(LineFormat::Name),
            Self::Markdown => None,
        }
    }
}

/// One thing as it is and as it would be, secrets masked.
pub(crate) struct Change {
    /// Its name in the header of a diff.
    pub(crate) name: String,
    /// Its name as a file, for `KUBECTL_EXTERNAL_DIFF`.
    pub(crate) file: String,
    /// What happens to it, in a word.
    pub(crate) action: &'static str,
    /// The object, where there is one.
    pub(crate) object: Option<String>,
    /// As it is; empty where it is not there.
    pub(crate) old: String,
    /// As it would be; empty where it would be gone.
    pub(crate) new: String,
    /// What else `-o json` says.
    pub(crate) more: Vec<(&'static str, Value)>,
}

impl Change {
    /// The unified diff.
    pub(crate) fn lines(&self) -> Vec<DiffLine> {
        let side = |letter: &str, text: &str| {
            if text.is_empty() { "/dev/null".to_owned() } else { format!("{letter}/{}", self.name) }
        };
        unified(&self.old, &self.new, &side("a", &self.old), &side("b", &self.new))
    }

    /// The same as a text.
    pub(crate) fn text(&self) -> String {
        let line = |line: &DiffLine| {
            let text: String = line.parts.iter().map(|(_, text)| text.as_str()).collect();
            format!("{}{text}\n", line.sign())
        };
        self.lines().iter().map(line).collect()
    }
}

/// Shows them as the user asked for.
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
            if changes.is_empty() || !external_diff(&texts)? {
                let shown: String = changes.iter().map(|change| terminal::diff(&change.lines())).collect();
                terminal::data(&shown)?;
            }
        }
    }
    Ok(())
}

fn as_json(changes: &[&Change]) -> Value {
    let one = |change: &&Change| {
        let mut item = json!({});
        for (name, value) in &change.more {
            item[name] = value.clone();
        }
        item["action"] = change.action.into();
        item["diff"] = change.text().into();
        if let Some(object) = &change.object {
            item["object"] = object.as_str().into();
        }
        item
    };
    let changes: Vec<Value> = changes.iter().map(one).collect();
    json!({ "apiVersion": "largescale.dev/v1alpha1", "kind": "DiffResult", "changes": changes })
}
