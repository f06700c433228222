//! The members of the set, and what each is to the directory.

use serde_json::Value;

use crate::cluster::{ApiCall, CallOutcome, ClusterError, DryRun, Next, ObjectRef, Problem};
use crate::core::apply::{Kept, candidates};
use crate::core::manifest::Key;
use crate::core::report::diagnostic::Diagnostic;
use crate::engine::observe::Observation;
use crate::engine::results::{ObjectAction, Results, failure};
use crate::engine::target::Target;

/// One object with the label of the set, or one of the tree.
pub(super) struct Member {
    /// Which.
    pub(super) key: Key,
    /// Where; `None` if the server does not know its kind.
    pub(super) at: Option<ObjectRef>,
    /// What it is to the directory.
    pub(super) state: MemberState,
    /// As it is; `null` if it is not there.
    pub(super) live: Value,
}

/// What an object is to the directory.
#[derive(Debug, thiserror::Error)]
pub(super) enum MemberState {
    /// The tree holds it, and it is a member.
    #[error("in the tree")]
    InTree,
    /// The tree holds it, and it is there, and is no member.
    #[error("in the tree, without the label of the set")]
    Unlabelled,
    /// The tree holds it, and it is not there.
    #[error("in the tree, not applied yet")]
    NotApplied,
    /// It goes when somebody prunes.
    #[error("left the tree; prune deletes it")]
    Left,
    /// It is a member that stays.
    #[error("left the tree and stays: {0}")]
    Stays(Kept),
    /// It has a copy of the label.
    #[error("no member: {0}")]
    Copy(Kept),
}

impl MemberState {
    /// Whether it is a member and no copy of the label on something else.
    pub(super) fn is_member(&self) -> bool {
        matches!(self, Self::InTree | Self::Left | Self::Stays(_))
    }
}

/// All of them: the tree first, then what is not in it.
pub(super) fn members(target: &Target, observation: &Observation) -> Vec<Member> {
    let mut found = Vec::new();
    for (item, live) in target.items.iter().zip(&observation.live) {
        let state = match live {
            Value::Null => MemberState::NotApplied,
            _ if target.set.is_member(live) => MemberState::InTree,
            _ => MemberState::Unlabelled,
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

/// Patches many objects, and says of each what became of it. Patches carry their own preconditions.
pub(super) fn patch_all(
    target: &Target,
    patches: Vec<(Key, ObjectRef, Value)>,
    concurrency: usize,
    report: &mut Results,
) {
    let keys: Vec<Key> = patches.iter().map(|(key, ..)| key.clone()).collect();
    let call = |(_, at, patch)| ApiCall::Patch { at, patch, dry_run: DryRun::None };
    let calls = patches.into_iter().map(call).collect();
    let fates = target.cluster.change_all(calls, concurrency, |index, result| {
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
    for (key, fate) in keys.iter().zip(fates) {
        match fate {
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
        } => Diagnostic::error(format!("{key} has changed while it was looked at")).hint("run it again"),
        error => failure(key, error),
    }
}
