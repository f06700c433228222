//! Ownership checks that run before any change.

use std::collections::BTreeMap;

use crate::core::apply::{other_owners, other_set};
use crate::core::manifest::Key;
use crate::core::report::diagnostic::Diagnostic;
use crate::engine::live_objects::ManagedObject;
use crate::engine::observe::{Observation, observe};
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

impl OwnershipPolicy {
    /// Returns the policy of the flag `--strict`.
    pub(crate) fn of_flag(strict: bool) -> Self {
        if strict { Self::Refuse } else { Self::Warn }
    }
}

/// Reads the cluster, as every command does that changes it or shows a change. Refuses members of another ApplySet,
/// and reports objects that another tool applies too.
pub(crate) fn observe_own(
    target: &Target,
    others: OwnershipPolicy,
    concurrency: usize,
) -> Result<Observation<'_>, Failure> {
    let observation = observe(target, concurrency)?;
    check(target, &observation, others)?;
    Ok(observation)
}

fn check(target: &Target, observation: &Observation<'_>, others: OwnershipPolicy) -> Result<(), Failure> {
    let mut problems = Vec::new();
    for object in &observation.objects {
        if let Some(set) = object.live().and_then(|live| other_set(&target.set, live)) {
            problems.push(
                Diagnostic::refusal(format!("{} is a member of another ApplySet ({set})", object.item.key))
                    .at(object.item.location.clone())
                    .hint("two directories contain the same object; remove it from one of them. `kubectl largescale inventory list` lists the ApplySets"),
            );
        }
    }
    if !problems.is_empty() {
        return Err(problems.into());
    }
    let mut found: BTreeMap<String, Vec<Key>> = BTreeMap::new();
    let here = observation.objects.iter().filter_map(ManagedObject::live);
    for live in here.chain(&observation.others) {
        for tracker in other_owners(live) {
            found.entry(format!("{} ({})", tracker.tool, tracker.owner)).or_default().push(live.key());
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
