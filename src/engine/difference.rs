//! The changes that an apply would make, in the form in which they are printed.

use serde_json::{Value, json};

use crate::core::live::cleaned;
use crate::core::manifest::Key;
use crate::core::report::mask::Mask;
use crate::core::yaml;
use crate::engine::compare::{Comparison, DiffSource, State};
use crate::engine::prune::PruneCandidate;
use crate::output::changes::Change;

/// One object that an apply would change.
pub(crate) struct Difference {
    /// Key of the object.
    pub(crate) key: Key,
    /// `created`, `configured` or `pruned`.
    pub(crate) action: &'static str,
    /// The change for output.
    pub(crate) change: Change,
}

/// Returns every object that an apply would change, with secrets masked.
pub(crate) fn differences(
    comparisons: &[Comparison<'_>],
    prune_candidates: &[PruneCandidate],
) -> Vec<Difference> {
    let mut mask = Mask::default();
    let mut shown = |object: &Value| yaml::write_object(&mask.apply(object));
    let mut found = Vec::new();
    for comparison in comparisons {
        let Comparison { item, live, wanted, .. } = comparison;
        let (action, old, new) = match &comparison.state {
            State::Created | State::NoNamespace(_) => ("created", String::new(), shown(wanted)),
            State::Changed(after) => ("configured", shown(&cleaned(live)), shown(&cleaned(after))),
            State::OwnershipChanged => {
                let text = shown(&cleaned(live));
                ("configured", text.clone(), text)
            }
            State::Unchanged | State::Conflicts(_) | State::Failed(_) | State::Leaving | State::Unknown => {
                continue;
            }
        };
        found.push(difference(&item.key, wanted, action, old, new, comparison.source));
    }
    for candidate in prune_candidates {
        let old = shown(&cleaned(&candidate.live));
        let key = &candidate.deletion.key;
        let mut gone = difference(key, &candidate.live, "pruned", old, String::new(), DiffSource::Certain);
        gone.change.more.push(("addresses", json!(candidate.deletion.addresses)));
        found.push(gone);
    }
    found
}

fn difference(
    key: &Key,
    object: &Value,
    action: &'static str,
    old: String,
    new: String,
    source: DiffSource,
) -> Difference {
    let version = object["apiVersion"].as_str().unwrap_or_default().replace('/', ".");
    let mut more = Vec::new();
    if source == DiffSource::Estimate {
        more.push(("estimate", true.into()));
    }
    if action == "configured" && old == new {
        more.push(("managedFieldsOnly", true.into()));
    }
    let change = Change {
        name: key.to_string(),
        // Named as kubectl diff names the files for the external diff program.
        file: format!("{version}.{}.{}.{}", key.kind, key.namespace, key.name),
        action,
        object: Some(key.to_string()),
        old,
        new,
        more,
    };
    Difference { key: key.clone(), action, change }
}
