//! The result of each object, and the total.

use std::collections::BTreeMap;
use std::io;

use serde_json::{Value, json};

use crate::cluster::{ClusterError, Problem};
use crate::core::apply::{Conflict, Yielded};
use crate::core::json;
use crate::core::live::is_of_user;
use crate::core::manifest::Key;
use crate::core::report::diagnostic::Diagnostic;
use crate::core::report::mask::is_secret_kind;
use crate::core::report::shell_quote::word;
use crate::engine::compare::{Comparison, State};
use crate::engine::live_objects::ManagedObject;
use crate::engine::rejection;
use crate::engine::takeover::TakeoverPolicy;
use crate::exit::Exit;
use crate::output::format::LineFormat;
use crate::output::styled::Styled;
use crate::output::{format, terminal};
use crate::scope::Scope;

/// The hint if the response to a change was lost.
const UNCERTAIN: &str = "the change may have been made; run the command again, it skips what is already done";

/// Result of one object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum ObjectAction {
    /// It was created.
    Created,
    /// It was changed.
    Configured,
    /// It did not change.
    Unchanged,
    /// Only the API server knows whether it would change.
    NotCertain,
    /// It was deleted.
    Pruned,
    /// The request failed.
    Failed,
    /// The request was sent, but its result is unknown.
    Unknown,
    /// No request was sent.
    NotApplied,
}

impl ObjectAction {
    fn text(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Configured => "configured",
            Self::Unchanged => "unchanged",
            Self::NotCertain => "not certain",
            Self::Pruned => "pruned",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
            Self::NotApplied => "not applied",
        }
    }

    fn is_done(self) -> bool {
        matches!(self, Self::Created | Self::Configured | Self::Unchanged | Self::NotCertain | Self::Pruned)
    }
}

/// Collects the results, and prints each as it arrives.
pub(crate) struct Results {
    format: Option<LineFormat>,
    /// Printed after each result: ` (dry run)`, or nothing.
    suffix: &'static str,
    words: BTreeMap<String, (ObjectAction, Option<String>)>,
    closed: Option<io::Error>,
}

impl Results {
    /// Returns an empty collection.
    pub(crate) fn new(format: Option<LineFormat>, suffix: &'static str) -> Self {
        Self { format, suffix, words: BTreeMap::new(), closed: None }
    }

    /// Records and prints the result of an object; `why` is given for failures.
    pub(crate) fn say(&mut self, key: &Key, word: ObjectAction, why: Option<Diagnostic>) {
        let object = key.to_string();
        let line = match self.format {
            _ if !word.is_done() => None,
            None => {
                let line = Styled::default().text(&format!("{object} ")).action(word.text());
                Some(line.text(&format!("{}\n", self.suffix)))
            }
            Some(LineFormat::Name) => Some(Styled::default().text(&format!("{object}\n"))),
            Some(LineFormat::Json) => None,
        };
        // A closed standard output does not stop an apply that has started.
        if let Some(Err(error)) = line.map(|line| terminal::styled(&line)) {
            self.closed.get_or_insert(error);
        }
        match &why {
            // Whether the change was made is a question about this object.
            Some(why) if why.hint.as_deref() == Some(UNCERTAIN) => terminal::diagnostic(why),
            Some(why) => terminal::problem_of(&object, why),
            None => {}
        }
        self.words.insert(object, (word, why.map(|why| why.message)));
    }

    /// Returns how many objects have this result.
    pub(crate) fn count(&self, word: ObjectAction) -> usize {
        self.words.values().filter(|(known, _)| *known == word).count()
    }

    /// Whether an object was created or changed.
    pub(crate) fn has_changed(&self, key: &Key) -> bool {
        let word = self.words.get(&key.to_string()).map(|(word, _)| *word);
        matches!(word, Some(ObjectAction::Created | ObjectAction::Configured))
    }

    /// Returns how many objects have a result.
    pub(crate) fn total(&self) -> usize {
        self.words.len()
    }

    /// Whether every object succeeded.
    pub(crate) fn is_complete(&self) -> bool {
        self.words.values().all(|(word, _)| word.is_done())
    }

    /// Prints the total, and returns the exit code.
    pub(crate) fn finish(self, scope: &Scope, cluster: &str) -> Result<Exit, io::Error> {
        terminal::same_of_objects();
        let counts: Vec<String> = [
            ObjectAction::Created,
            ObjectAction::Configured,
            ObjectAction::Unchanged,
            ObjectAction::NotCertain,
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
                    json::put(&mut item, &["message"], why.as_str());
                }
                item
            })
            .collect();
        json!({ "apiVersion": "largescale.dev/v1alpha1", "kind": "ApplyResult", "place": cluster,
            "dryRun": !self.suffix.is_empty(), "objects": objects })
    }
}

/// Returns the error for a request about an object.
pub(crate) fn failure(key: &Key, error: &ClusterError) -> Diagnostic {
    let admission = |problem: &Problem| problem.is_of_admission().then(|| rejection::admission(problem));
    let rejected = || match error {
        ClusterError::Request { problem, .. } => admission(problem),
        _ => None,
    };
    described(key, error, rejected)
}

/// Returns the error for an object that could not be applied.
pub(crate) fn apply_failure(
    object: &ManagedObject<'_>,
    policy: Option<&TakeoverPolicy>,
    error: &ClusterError,
) -> Diagnostic {
    rejection::renumbered(object, policy, error)
        .unwrap_or_else(|| described(&object.item.key, error, || rejection::hint(object, policy, error)))
}

fn described(key: &Key, error: &ClusterError, rejected: impl FnOnce() -> Option<String>) -> Diagnostic {
    let mut problem = Diagnostic::error(match error {
        ClusterError::Request { problem, .. } => format!("{key}: {problem}"),
        error => format!("{key}: {error}"),
    });
    problem.hint =
        if error.is_uncertain() { Some(UNCERTAIN.to_owned()) } else { error.hint().or_else(rejected) };
    problem
}

/// Returns the error for an object that is being deleted.
pub(crate) fn leaving(key: &Key) -> Diagnostic {
    Diagnostic::error(format!("{key} is being deleted; a change would be lost with it")).hint(
        "wait until it is deleted, then apply again; a finalizer may delay it, see `kubectl get -o yaml`",
    )
}

/// Returns the error for an object whose namespace does not exist.
pub(crate) fn no_namespace(key: &Key, namespace: &str) -> Diagnostic {
    Diagnostic::error(format!("{key}: namespace `{namespace}` not found")).hint(format!(
        "create it (`kubectl create namespace {}`), or add it to the manifests",
        word(namespace)
    ))
}

/// Returns the error for a conflict, with a table of the fields that other managers own.
pub(crate) fn conflict(key: &Key, conflicts: &[Conflict]) -> Diagnostic {
    let secret = is_secret_kind(&key.kind);
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
    let fields = match conflicts.len() {
        1 => "1 field is".to_owned(),
        count => format!("{count} fields are"),
    };
    let hint = if conflicts.iter().all(|conflict| is_of_user(&conflict.manager)) {
        "users changed them with kubectl: put THEIRS into the manifests and render to keep the values, or use --force-conflicts to overwrite them"
    } else {
        "use --force-conflicts to overwrite them, set `spec.conflicts` for each field (take, yield), or remove the fields from the manifests"
    };
    Diagnostic::error(format!("{key}: conflict: {fields} managed by other field managers\n  {rows}"))
        .hint(hint)
}

/// Returns why an object could not be compared, or `None` if it was.
pub(crate) fn problem(comparison: &Comparison<'_>) -> Option<Diagnostic> {
    let key = comparison.key();
    match &comparison.state {
        State::Conflicts(conflicts) => Some(conflict(key, conflicts)),
        State::Failed(error) => Some(apply_failure(comparison.object, comparison.policy.as_ref(), error)),
        State::Leaving => Some(leaving(key)),
        State::Unknown => Some(Diagnostic::error(format!("{key} was not compared"))),
        State::NoNamespace(_)
        | State::OwnershipChanged
        | State::Unchanged
        | State::NotCertain
        | State::Created
        | State::Changed(_) => None,
    }
}

/// Prints a note for each field that is left to another manager.
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
