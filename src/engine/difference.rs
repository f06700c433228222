//! The changes that an apply would make, in the form in which they are printed.

use serde_json::{Value, json};

use crate::core::live::{LeftField, LiveObject, cleaned};
use crate::core::manifest::Key;
use crate::core::report::mask::Mask;
use crate::core::yaml;
use crate::engine::compare::{Comparison, DiffSource, State};
use crate::engine::prune::PruneCandidate;
use crate::output::changes::Change;

/// One object that an apply would change.
pub(crate) struct Difference<'a> {
    /// Key of the object.
    pub(crate) key: &'a Key,
    /// `created`, `configured` or `pruned`.
    pub(crate) action: &'static str,
    /// The change for output.
    pub(crate) change: Change,
    /// The comparison or deletion that it comes from.
    pub(crate) cause: Cause<'a>,
}

/// What an apply with prune would do with an object.
#[derive(Clone, Copy)]
pub(crate) enum Cause<'a> {
    /// Apply it.
    Apply(&'a Comparison<'a>),
    /// Delete it.
    Prune(&'a PruneCandidate),
}

/// Returns every object that an apply would change, with secrets masked.
pub(crate) fn differences<'a>(
    comparisons: &'a [Comparison<'a>],
    prune_candidates: &'a [PruneCandidate],
) -> Vec<Difference<'a>> {
    let mut mask = Mask::default();
    learn(&mut mask, comparisons, prune_candidates);
    let mut shown = |object: &Value| yaml::write_object(&mask.apply(object));
    let mut found = Vec::new();
    for comparison in comparisons {
        let Comparison { object, wanted, .. } = comparison;
        let live = || object.live().map_or(Value::Null, |live| cleaned(live.value()));
        let (action, old, new) = match &comparison.state {
            State::Created | State::NoNamespace(_) => ("created", String::new(), shown(wanted)),
            State::Changed(after) => ("configured", shown(&live()), shown(&cleaned(after))),
            State::OwnershipChanged => {
                let text = shown(&live());
                ("configured", text.clone(), text)
            }
            State::Unchanged
            | State::NotCertain
            | State::Conflicts(_)
            | State::Failed(_)
            | State::Leaving
            | State::Unknown => {
                continue;
            }
        };
        let mut change = change(comparison.key(), wanted, action, old, new, comparison.source);
        if let Some(release) = comparison.release() {
            change.more.push(("addresses", json!(release.addresses)));
        }
        if let Some(takeover) = &comparison.takeover {
            let field = |left: &LeftField| json!({ "field": left.field, "manager": left.manager });
            let left: Vec<Value> = takeover.left.iter().map(field).collect();
            change.more.push((
                "takesOver",
                json!({ "from": takeover.from, "fields": takeover.moved, "left": left }),
            ));
        }
        found.push(Difference { key: comparison.key(), action, change, cause: Cause::Apply(comparison) });
    }
    for candidate in prune_candidates {
        let (key, live) = (&candidate.deletion.key, candidate.live.value());
        let mut change =
            change(key, live, "pruned", shown(&cleaned(live)), String::new(), DiffSource::Certain);
        change.more.push(("addresses", json!(candidate.deletion.addresses)));
        found.push(Difference { key, action: "pruned", change, cause: Cause::Prune(candidate) });
    }
    found
}

/// Learns the values of all Secrets first: an object that is shown earlier may contain them, too.
fn learn(mask: &mut Mask, comparisons: &[Comparison<'_>], prune_candidates: &[PruneCandidate]) {
    for Comparison { object, wanted, state, .. } in comparisons {
        let live = object.live().map(LiveObject::value);
        let after = if let State::Changed(after) = state { Some(after) } else { None };
        let of_object = live.into_iter().chain([wanted]).chain(after);
        of_object.for_each(|value| mask.learn_from(value));
    }
    for candidate in prune_candidates {
        mask.learn_from(candidate.live.value());
    }
}

fn change(
    key: &Key,
    object: &Value,
    action: &'static str,
    old: String,
    new: String,
    source: DiffSource,
) -> Change {
    let version = object["apiVersion"].as_str().unwrap_or_default().replace('/', ".");
    let mut more = Vec::new();
    if source == DiffSource::Estimate {
        more.push(("estimate", true.into()));
    }
    if action == "configured" && old == new {
        more.push(("managedFieldsOnly", true.into()));
    }
    Change {
        name: key.to_string(),
        // Named as kubectl diff names the files for the external diff program.
        file: format!("{version}.{}.{}.{}", key.kind, key.namespace, key.name),
        action,
        object: Some(key.to_string()),
        old,
        new,
        more,
    }
}
