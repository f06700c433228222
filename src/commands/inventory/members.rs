//! Members of the ApplySet, and their state compared to the rendered directory.

use serde_json::Value;

use crate::cluster::{ApiCall, CallOutcome, ClusterError, DryRun, Next, ObjectRef, Problem};
use crate::core::apply::{Kept, candidates};
use crate::core::manifest::Key;
use crate::core::report::diagnostic::Diagnostic;
use crate::engine::observe::Observation;
use crate::engine::results::{ObjectAction, Results, failure};
use crate::engine::target::Target;

/// An object with the label of the ApplySet, or an object of the rendered directory.
pub(super) struct Member {
    /// The name of the object.
    pub(super) key: Key,
    /// Its location; `None` if the server does not serve its kind.
    pub(super) at: Option<ObjectRef>,
    /// Its state.
    pub(super) state: MemberState,
    /// The live object; `null` if it does not exist.
    pub(super) live: Value,
}

/// The state of an object compared to the rendered directory.
#[derive(Debug, thiserror::Error)]
pub(super) enum MemberState {
    /// In the directory, and a member.
    #[error("in the directory")]
    InTree,
    /// In the directory and in the cluster, but not a member.
    #[error("in the directory, without the label of the ApplySet")]
    Unlabeled,
    /// In the directory, but not in the cluster.
    #[error("in the directory, not applied yet")]
    NotApplied,
    /// A member that prune deletes.
    #[error("no longer in the directory; prune deletes it")]
    Left,
    /// A member that prune keeps.
    #[error("no longer in the directory; prune keeps it: {0}")]
    Stays(Kept),
    /// An object with a copied label.
    #[error("not a member: {0}")]
    Copy(Kept),
}

impl MemberState {
    /// Returns whether the object is a member; a copied label does not count.
    pub(super) fn is_member(&self) -> bool {
        matches!(self, Self::InTree | Self::Left | Self::Stays(_))
    }
}

/// Returns all members: first those in the directory, then the others.
pub(super) fn members(target: &Target, observation: &Observation) -> Vec<Member> {
    let mut found = Vec::new();
    for (item, live) in target.items.iter().zip(&observation.live) {
        let state = match live {
            Value::Null => MemberState::NotApplied,
            _ if target.set.is_member(live) => MemberState::InTree,
            _ => MemberState::Unlabeled,
        };
        let (key, at) = (item.key.clone(), item.at.clone());
        found.push(Member { key, at, state, live: live.clone() });
    }
    let others = candidates(&target.set, &observation.others, &target.wanted());
    let live = |key: &Key| {
        observation.others.iter().find(|other| Key::of(other) == *key).cloned().unwrap_or_default()
    };
    let at = |key: &Key| {
        let is_of = |kind: &&crate::core::live::Resource| kind.group == key.group && kind.kind == key.kind;
        let resource = observation.resources.iter().find(is_of)?.clone();
        Some(ObjectRef { resource, namespace: key.namespace.clone(), name: key.name.clone() })
    };
    for deletion in others.delete {
        let (at, live) = (at(&deletion.key), live(&deletion.key));
        found.push(Member { key: deletion.key, at, state: MemberState::Left, live });
    }
    for (key, why) in others.kept {
        let is_copy = matches!(why, Kept::Child(_) | Kept::NotOurs);
        let state = if is_copy { MemberState::Copy(why) } else { MemberState::Stays(why) };
        let (at, live) = (at(&key), live(&key));
        found.push(Member { key, at, state, live });
    }
    found
}

/// Patches many objects and reports the outcome of each. Each patch contains its preconditions.
pub(super) fn patch_all(
    target: &Target,
    patches: Vec<(Key, ObjectRef, Value)>,
    concurrency: usize,
    report: &mut Results,
) {
    let keys: Vec<Key> = patches.iter().map(|(key, ..)| key.clone()).collect();
    let call = |(_, at, patch)| ApiCall::Patch { at, patch, dry_run: DryRun::None };
    let calls = patches.into_iter().map(call).collect();
    let outcomes = target.cluster.change_all(calls, concurrency, |index, result| {
        let key = &keys[index];
        let next = match &result {
            Err(error) if error.is_out_of_reach() => Next::Stop,
            _ => Next::Nothing,
        };
        match result {
            Ok(_) => report.say(key, ObjectAction::Configured, None),
            Err(error) => report.say(key, ObjectAction::Failed, Some(why(key, &error))),
        }
        next
    });
    for (key, outcome) in keys.iter().zip(outcomes) {
        match outcome {
            CallOutcome::Ended => {}
            CallOutcome::Unknown => report.say(key, ObjectAction::Unknown, None),
            CallOutcome::NotBegun => report.say(key, ObjectAction::NotApplied, None),
        }
    }
}

fn why(key: &Key, error: &ClusterError) -> Diagnostic {
    match error {
        ClusterError::Request {
            problem: Problem::Moved(_) | Problem::Rejected { code: 422, .. }, ..
        } => Diagnostic::error(format!("conflict: {key} changed in the meantime"))
            .hint("run this command again"),
        error => failure(key, error),
    }
}
