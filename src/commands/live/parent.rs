//! The parent of our set: told of more before members come, and of less when they are gone.

use super::survey::Survey;
use super::target::{Target, parent_key};
use crate::cluster::{At, Call, Certainty, ClusterError, Force, Problem};
use crate::core::apply::{Kept, PARENT_MANAGER, Scope, candidates};
use crate::core::diagnostic::Diagnostic;
use crate::core::live::Resource;
use crate::core::manifest::Key;
use crate::ui;

/// Where members are when everything is applied: what the parent has to know before.
pub(in crate::commands) fn before(target: &Target) -> Scope {
    let wanted = target.set.scope(target.items.iter().map(|item| &item.key));
    match &target.parent {
        Some(parent) => parent.scope.union(&wanted),
        None => wanted,
    }
}

/// Where members are afterwards: the tree, and what has left the tree and is still there. Copies of our label on what
/// controllers made are none.
pub(in crate::commands) fn after(target: &Target, survey: &Survey, gone: &[&Key]) -> Scope {
    let kept = candidates(&target.set, &survey.others, &target.wanted());
    let members =
        kept.kept.iter().filter(|(_, why)| !matches!(why, Kept::Child(_) | Kept::NotOurs | Kept::Leaving));
    let left: Vec<Key> = kept
        .delete
        .iter()
        .map(|deletion| &deletion.key)
        .chain(members.map(|(key, _)| key))
        .filter(|key| !gone.contains(key))
        .cloned()
        .collect();
    target.set.scope(target.items.iter().map(|item| &item.key).chain(&left))
}

/// Writes the parent. Fields that somebody else holds there are taken, as by kubectl: they are the protocol's.
pub(in crate::commands) fn write(target: &Target, scope: &Scope) -> Result<(), ClusterError> {
    let key = parent_key(&target.set);
    let call = |force| Call::Apply {
        at: At { resource: Resource::config_map(), namespace: key.namespace.clone(), name: key.name.clone() },
        body: target.set.parent(scope),
        manager: PARENT_MANAGER,
        force,
        certainty: Certainty::Done,
    };
    match target.cluster.call(&call(Force::Never)) {
        Err(ClusterError::Request { problem: Problem::Conflicts(_), .. }) => {
            ui::diagnostic(&Diagnostic::warning(format!(
                "{key}: others have written the inventory; it is put right"
            )));
            target.cluster.call(&call(Force::Always)).map(drop)
        }
        answer => answer.map(drop),
    }
}
