//! Members of the ApplySet, and their state compared to the rendered directory.

use serde_json::Value;

use crate::cluster::{ApiCall, DryRun, ObjectRef};
use crate::core::apply::{Kept, candidates};
use crate::core::live::LiveObject;
use crate::core::manifest::Key;
use crate::engine::live_objects::ManagedObject;
use crate::engine::observe::Observation;
use crate::engine::target::Target;

/// An object with the label of the ApplySet, or an object of the rendered directory.
pub(super) struct Member<'a> {
    /// The name of the object.
    pub(super) key: Key,
    /// Its location; `None` if the server does not serve its kind.
    pub(super) at: Option<ObjectRef>,
    /// Its state.
    pub(super) state: MemberState,
    /// The live object, if it exists.
    pub(super) live: Option<&'a LiveObject>,
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
pub(super) fn members<'a>(target: &Target, observation: &'a Observation<'_>) -> Vec<Member<'a>> {
    let in_tree = |object: &'a ManagedObject<'_>| {
        let state = match object.live() {
            None => MemberState::NotApplied,
            Some(live) if target.set.is_member(live) => MemberState::InTree,
            Some(_) => MemberState::Unlabeled,
        };
        Member { key: object.item.key.clone(), at: object.item.at.clone(), state, live: object.live() }
    };
    let other = |live: &'a LiveObject, state| {
        let key = live.key();
        Member { at: observation.reference(&key), key, state, live: Some(live) }
    };
    let mut found: Vec<_> = observation.objects.iter().map(in_tree).collect();
    let others = candidates(&target.set, &observation.others, &target.wanted());
    found.extend(others.delete.into_iter().map(|(_, live)| other(live, MemberState::Left)));
    found.extend(others.kept.into_iter().map(|(why, live)| {
        let is_copy = matches!(why, Kept::Child(_) | Kept::NotOurs);
        other(live, if is_copy { MemberState::Copy(why) } else { MemberState::Stays(why) })
    }));
    found
}

/// Returns the patch of each member that has one.
pub(super) fn patches(
    members: &[Member<'_>],
    patch: impl Fn(&Member<'_>, &LiveObject) -> Option<Value>,
) -> Vec<(Key, ApiCall)> {
    let call = |member: &Member<'_>| {
        let patch = patch(member, member.live?)?;
        Some((member.key.clone(), ApiCall::Patch { at: member.at.clone()?, patch, dry_run: DryRun::None }))
    };
    members.iter().filter_map(call).collect()
}
