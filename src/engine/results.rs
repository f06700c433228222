//! What is said of each object, and the total.

use std::collections::BTreeMap;
use std::io;

use serde_json::{Value, json};

use crate::cluster::{ClusterError, Problem};
use crate::core::apply::{Conflict, Yielded};
use crate::core::manifest::Key;
use crate::core::report::diagnostic::Diagnostic;
use crate::core::report::plural::plural;
use crate::engine::compare::{Comparison, State};
use crate::exit::Exit;
use crate::output::format::LineFormat;
use crate::output::{format, terminal};
use crate::scope::Scope;

/// What became of an object, in a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum ObjectAction {
    /// It is new.
    Created,
    /// It changed.
    Configured,
    /// It is as it was.
    Unchanged,
    /// It is deleted.
    Pruned,
    /// It is not as the directory says.
    Failed,
    /// Nobody knows.
    Unknown,
    /// Nothing was done about it.
    NotApplied,
}

impl ObjectAction {
    fn text(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Configured => "configured",
            Self::Unchanged => "unchanged",
            Self::Pruned => "pruned",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
            Self::NotApplied => "not applied",
        }
    }

    fn is_done(self) -> bool {
        matches!(self, Self::Created | Self::Configured | Self::Unchanged | Self::Pruned)
    }
}

/// Collects what became of everything, and says it as it comes.
pub(crate) struct Results {
    format: Option<LineFormat>,
    /// Behind each word: ` (dry run)`, or nothing.
    suffix: &'static str,
    words: BTreeMap<String, (ObjectAction, Option<String>)>,
    closed: Option<io::Error>,
}

impl Results {
    /// An empty one.
    pub(crate) fn new(format: Option<LineFormat>, suffix: &'static str) -> Self {
        Self { format, suffix, words: BTreeMap::new(), closed: None }
    }

    /// Says what became of an object; `why` for what is not as it should be.
    pub(crate) fn say(&mut self, key: &Key, word: ObjectAction, why: Option<Diagnostic>) {
        let object = key.to_string();
        let line = match self.format {
            _ if !word.is_done() => None,
            None => Some(format!("{object} {}{}\n", terminal::action(word.text()), self.suffix)),
            Some(LineFormat::Name) => Some(format!("{object}\n")),
            Some(LineFormat::Json) => None,
        };
        // A reader that has gone away does not stop what has begun.
        if let Some(Err(error)) = line.map(|line| terminal::data(&line)) {
            self.closed.get_or_insert(error);
        }
        if let Some(why) = &why {
            terminal::diagnostic(why);
        }
        self.words.insert(object, (word, why.map(|why| why.message)));
    }

    /// How many objects have this word.
    pub(crate) fn count(&self, word: ObjectAction) -> usize {
        self.words.values().filter(|(known, _)| *known == word).count()
    }

    /// Whether everything that was to be done is.
    pub(crate) fn is_complete(&self) -> bool {
        self.words.values().all(|(word, _)| word.is_done())
    }

    /// The total, and how the program ends.
    pub(crate) fn finish(self, scope: &Scope, cluster: &str) -> Result<Exit, io::Error> {
        let counts: Vec<String> = [
            ObjectAction::Created,
            ObjectAction::Configured,
            ObjectAction::Unchanged,
            ObjectAction::Pruned,
            ObjectAction::Failed,
            ObjectAction::Unknown,
            ObjectAction::NotApplied,
        ]
        .into_iter()
        .filter(|word| self.count(*word) > 0)
        .map(|word| format!("{} {}", self.count(word), word.text()))
        .collect();
        let exit = if self.is_complete() { Exit::Success } else { Exit::Incomplete };
        let left: Vec<&str> = self
            .words
            .iter()
            .filter(|(_, (word, _))| *word == ObjectAction::NotApplied)
            .map(|(object, _)| object.as_str())
            .collect();
        if !left.is_empty() {
            terminal::note(&format!("not applied: {}", left.join(", ")));
        }
        let total = if counts.is_empty() { "nothing to do".to_owned() } else { counts.join(", ") };
        terminal::note(&format!("{total}{} in {cluster}", self.suffix));
        if self.format == Some(LineFormat::Json) {
            terminal::data(&format::json(scope, self.json(cluster)))?;
        }
        self.closed.map_or(Ok(exit), Err)
    }

    fn json(&self, cluster: &str) -> Value {
        let objects: Vec<Value> = self
            .words
            .iter()
            .map(|(object, (word, why))| {
                let mut item = json!({ "object": object, "action": word.text() });
                if let Some(why) = why {
                    item["message"] = why.as_str().into();
                }
                item
            })
            .collect();
        json!({ "apiVersion": "largescale.dev/v1alpha1", "kind": "ApplyResult", "place": cluster,
            "dryRun": !self.suffix.is_empty(), "objects": objects })
    }
}

/// Why an object could not be applied.
pub(crate) fn failure(key: &Key, error: &ClusterError) -> Diagnostic {
    let mut problem = Diagnostic::error(match error {
        ClusterError::Request { problem, .. } => format!("{key}: {problem}"),
        error => format!("{key}: {error}"),
    });
    problem.hint = if error.is_uncertain() {
        Some(
            "it may have been done all the same; run it again: what is done already is left alone".to_owned(),
        )
    } else {
        error.hint().or_else(|| rejected(error))
    };
    problem
}

/// What to do about an object that is refused although the directory is right.
fn rejected(error: &ClusterError) -> Option<String> {
    let ClusterError::Request { problem, .. } = error else { return None };
    if problem.is_of_admission() {
        return Some(
            "the cluster's admission (a policy or a webhook) keeps it out: change the manifests, or ask who runs it"
                .to_owned(),
        );
    }
    let Problem::Rejected { code: 422, message, .. } = problem else { return None };
    let hint = if message.contains("immutable") || message.contains("may not change") {
        "this cannot be changed in place: delete the object by hand, then apply; a load balancer loses its address by that"
    } else {
        "if somebody has edited it, a list in it may hold their items beside ours (two ports without a name, say): `kubectl edit` takes them out"
    };
    Some(hint.to_owned())
}

/// Why an object that is being deleted is not applied.
pub(crate) fn leaving(key: &Key) -> Diagnostic {
    Diagnostic::error(format!("{key} is being deleted, and what is applied to it now goes with it")).hint(
        "wait until it is gone, then apply again; a finalizer may keep it: `kubectl get -o yaml` shows it",
    )
}

/// Why an object would not be applied.
pub(crate) fn no_namespace(key: &Key, namespace: &str) -> Diagnostic {
    Diagnostic::error(format!("{key}: there is no namespace `{namespace}`"))
        .hint(format!("create it (`kubectl create namespace {namespace}`), or add it to the manifests"))
}

/// The fields that others hold, as a table below the sentence.
pub(crate) fn conflict(key: &Key, conflicts: &[Conflict]) -> Diagnostic {
    let secret = key.kind == "Secret" && key.group.is_empty();
    let value = |value: &Option<Value>| match value {
        _ if secret => "<not shown>".to_owned(),
        None => "<none>".to_owned(),
        Some(Value::String(text)) => shortened(text),
        Some(value) => shortened(&value.to_string()),
    };
    let rows: Vec<Vec<String>> = conflicts
        .iter()
        .map(|conflict| {
            let manager = if conflict.subresource.is_empty() {
                conflict.manager.clone()
            } else {
                format!("{} ({})", conflict.manager, conflict.subresource)
            };
            vec![conflict.field.clone(), manager, value(&conflict.theirs), value(&conflict.ours)]
        })
        .collect();
    let table = terminal::table(&["FIELD", "MANAGER", "THEIRS", "OURS"], &rows);
    let rows = table.trim_end().replace('\n', "\n  ");
    Diagnostic::error(format!("{key}: others hold {} with other values\n  {rows}", plural(conflicts.len(), "field")))
        .hint("--force-conflicts takes them; `spec.conflicts` says it field by field (take, yield); or take the field out of the manifests")
}

/// Why an object could not be compared, if it could not.
pub(crate) fn problem(comparison: &Comparison<'_>) -> Option<Diagnostic> {
    let key = &comparison.item.key;
    match &comparison.state {
        State::Conflicts(conflicts) => Some(conflict(key, conflicts)),
        State::Failed(error) => Some(failure(key, error)),
        State::Leaving => Some(leaving(key)),
        State::Unknown => Some(Diagnostic::error(format!("{key} was not compared"))),
        State::NoNamespace(_)
        | State::OwnershipChanged
        | State::Unchanged
        | State::Created
        | State::Changed(_) => None,
    }
}

/// A note for each field that is left to somebody else.
pub(crate) fn yields(key: &Key, left: &[Yielded]) {
    for Yielded { field, manager } in left {
        terminal::note(&format!("{key}: {field} is left to {manager}"));
    }
}

fn shortened(text: &str) -> String {
    const SHOWN: usize = 40;
    let line = text.replace('\n', " ");
    if line.chars().count() <= SHOWN { line } else { line.chars().take(SHOWN - 1).chain(['…']).collect() }
}
