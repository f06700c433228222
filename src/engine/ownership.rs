//! Who else has a hand on our objects: asked before anything is changed.

use std::collections::BTreeMap;

use crate::core::apply::{other_owners, other_set};
use crate::core::manifest::Key;
use crate::core::report::diagnostic::Diagnostic;
use crate::engine::observe::Observation;
use crate::engine::target::Target;
use crate::failure::Failure;
use crate::output::terminal;

/// What becomes of objects that Argo CD, Flux or Helm look after.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OwnershipPolicy {
    /// It is said.
    Warn,
    /// It is refused.
    Refuse,
}

/// Refuses objects of another set, and says which objects somebody else applies too.
pub(crate) fn check(
    target: &Target,
    observation: &Observation,
    others: OwnershipPolicy,
) -> Result<(), Failure> {
    let mut problems = Vec::new();
    for (item, live) in target.items.iter().zip(&observation.live) {
        if let Some(set) = other_set(&target.set, live) {
            problems.push(
                Diagnostic::refusal(format!("{} is a member of another set ({set})", item.key))
                    .at(item.location.clone())
                    .hint("two directories hold the same object: let one go of it; `kubectl largescale inventory` shows the sets"),
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
        format!("{who} applies {}{more} too", keys[0])
    };
    let hint = "let one of them do it: what the other applies is undone again and again";
    if others == OwnershipPolicy::Refuse && !found.is_empty() {
        let refuse = |(who, keys)| Diagnostic::refusal(say(who, keys)).hint(hint);
        return Err(found.iter().map(refuse).collect::<Vec<_>>().into());
    }
    for (who, keys) in &found {
        terminal::diagnostic(&Diagnostic::warning(say(who, keys)).hint(hint));
    }
    Ok(())
}
