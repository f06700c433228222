//! Ownership checks that run before any change.

use std::collections::BTreeMap;

use crate::core::apply::{other_owners, other_set};
use crate::core::manifest::Key;
use crate::core::report::diagnostic::Diagnostic;
use crate::engine::observe::Observation;
use crate::engine::target::Target;
use crate::failure::Failure;
use crate::output::terminal;

/// How to handle objects that Argo CD, Flux or Helm manage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OwnershipPolicy {
    /// Warn.
    Warn,
    /// Refuse.
    Refuse,
}

/// Refuses members of another ApplySet, and reports objects that another tool applies too.
pub(crate) fn check(
    target: &Target,
    observation: &Observation,
    others: OwnershipPolicy,
) -> Result<(), Failure> {
    let mut problems = Vec::new();
    for (item, live) in target.items.iter().zip(&observation.live) {
        if let Some(set) = other_set(&target.set, live) {
            problems.push(
                Diagnostic::refusal(format!("{} is a member of another ApplySet ({set})", item.key))
                    .at(item.location.clone())
                    .hint("two directories contain the same object; remove it from one of them. `kubectl largescale inventory list` lists the ApplySets"),
            );
        }
    }
    if !problems.is_empty() {
        return Err(problems.into());
    }
    let mut found: BTreeMap<String, Vec<Key>> = BTreeMap::new();
    let here = target.items.iter().map(|item| item.key.clone()).zip(&observation.live);
    let ours = here.chain(observation.others.iter().map(|live| (Key::of(live), live)));
    for (key, live) in ours {
        for tracker in other_owners(live) {
            found.entry(format!("{} ({})", tracker.tool, tracker.owner)).or_default().push(key.clone());
        }
    }
    let say = |who: &String, keys: &Vec<Key>| {
        let more = if keys.len() > 1 { format!(" and {} more", keys.len() - 1) } else { String::new() };
        format!("{who} also applies {}{more}", keys[0])
    };
    let hint = "let one tool apply the object; otherwise each reverts the changes of the other";
    if others == OwnershipPolicy::Refuse && !found.is_empty() {
        let refuse = |(who, keys)| Diagnostic::refusal(say(who, keys)).hint(hint);
        return Err(found.iter().map(refuse).collect::<Vec<_>>().into());
    }
    for (who, keys) in &found {
        terminal::diagnostic(&Diagnostic::warning(say(who, keys)).hint(hint));
    }
    Ok(())
}
