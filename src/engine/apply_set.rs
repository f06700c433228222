//! The parent of the ApplySet: widened before members are applied, narrowed after members are deleted.

use crate::cluster::{Answer, ApiCall, Cluster, ClusterError, DryRun, Force, Problem};
use crate::core::apply::{ApplySet, Kept, MemberScope, PARENT_MANAGER, Parent, candidates, removal_patch};
use crate::core::live::LiveObject;
use crate::core::manifest::{Key, set_metadata};
use crate::core::report::diagnostic::Diagnostic;
use crate::engine::observe::Observation;
use crate::engine::target::{Target, parent_at, parent_key};
use crate::failure::Failure;
use crate::output::terminal;

/// Returns the scope that the parent needs before the apply: the members of the tree and those it already covers.
pub(crate) fn before(target: &Target) -> MemberScope {
    let wanted = target.set.scope(target.items.iter().map(|item| &item.key));
    match &target.parent {
        Some(parent) => parent.scope.union(&wanted),
        None => wanted,
    }
}

/// Returns the scope after the apply: the tree, and the members that left it but still exist. Objects that
/// controllers made with a copy of our label do not count.
pub(crate) fn after(target: &Target, observation: &Observation<'_>, gone: &[&Key]) -> MemberScope {
    let kept = candidates(&target.set, &observation.others, &target.wanted());
    let is_member = |why: &Kept| !matches!(why, Kept::Child(_) | Kept::NotOurs | Kept::Leaving);
    let members = kept.kept.iter().filter(|(why, _)| is_member(why)).map(|(_, live)| live.key());
    let left = kept.delete.iter().map(|(deletion, _)| deletion.key.clone()).chain(members);
    let left: Vec<Key> = left.filter(|key| !gone.contains(&key)).collect();
    target.set.scope(target.items.iter().map(|item| &item.key).chain(&left))
}

/// The parent as last read or written. Another run of this program may write it at the same time, for another state
/// of the tree. We never remove what that run added, because a member that the parent does not cover is not found
/// again.
pub(crate) struct ParentState {
    scope: Option<MemberScope>,
    /// Whether the parent has the id of our lock.
    id: LockIdState,
    /// The resourceVersion of that state; `None` if there was no parent.
    version: Option<String>,
    /// Whether another client wrote the parent after we read the cluster. Then we do not know all members.
    is_shared: bool,
}

/// How often we read the parent again because another client wrote it.
const TRIES: u32 = 5;

impl ParentState {
    /// Returns the parent as `target` found it.
    pub(crate) fn found(target: &Target) -> Self {
        let scope = target.parent.as_ref().map(|parent| parent.scope.clone());
        let id = LockIdState::of(target, target.parent.as_ref());
        Self { scope, id, version: version_of(target.parent_live.as_ref()), is_shared: false }
    }

    /// Extends the parent to cover `wanted`, before members are applied.
    pub(crate) fn widen(&mut self, target: &Target, wanted: &MemberScope) -> Result<(), Failure> {
        for _ in 0..TRIES {
            let is_wide_enough = self.scope.as_ref().is_some_and(|scope| scope.covers(wanted));
            if is_wide_enough && self.id == LockIdState::Settled {
                return Ok(());
            }
            let union = self.scope.as_ref().map_or_else(|| wanted.clone(), |scope| scope.union(wanted));
            if self.write(target, union)? == Outcome::Written {
                return Ok(());
            }
        }
        Err(Diagnostic::error(format!(
            "{}: another client keeps changing the inventory",
            parent_key(&target.set)
        ))
        .hint("wait until the other run ends, then run the command again")
        .into())
    }

    /// Reduces the parent to `exact`, after members are deleted. It stays as it is if another client wrote it
    /// meanwhile: a scope that is too wide does no harm, and the next run narrows it.
    pub(crate) fn narrow(&mut self, target: &Target, exact: MemberScope) -> Result<(), Failure> {
        if self.scope.as_ref() == Some(&exact) {
            return Ok(());
        }
        if !self.is_shared {
            self.write(target, exact.clone())?;
        }
        if self.scope != Some(exact) {
            terminal::note(&format!(
                "{}: another run changed the inventory at the same time; it was not narrowed",
                parent_key(&target.set)
            ));
        }
        Ok(())
    }

    /// Writes the parent if it has not changed; otherwise reads its new state.
    fn write(&mut self, target: &Target, scope: MemberScope) -> Result<Outcome, Failure> {
        match apply(target, &scope, self.version.as_deref()) {
            Ok(live) => {
                if self.id == LockIdState::Missing {
                    terminal::note(&format!(
                        "{}: added the id of this lock to the ApplySet",
                        parent_key(&target.set)
                    ));
                }
                self.scope = Some(scope);
                self.id = LockIdState::Settled;
                self.version = version_of(live.as_ref());
                Ok(Outcome::Written)
            }
            Err(ClusterError::Request { problem: Problem::Moved(_), .. }) => {
                let live = target.cluster.call(&ApiCall::Get(parent_at(&target.set)))?.object();
                let parent = live.as_ref().map(|live| target.own_parent(live)).transpose()?;
                let id = LockIdState::of(target, parent.as_ref());
                let found = parent.map(|parent| parent.scope);
                // If an earlier response was lost, the change that we find may be our own.
                let is_shared = self.is_shared || found.as_ref() != Some(&scope);
                *self = Self { scope: found, id, version: version_of(live.as_ref()), is_shared };
                Ok(Outcome::Moved)
            }
            Err(error) => Err(error.into()),
        }
    }
}

/// Whether the parent has the id of our lock. A parent with another id was refused when it was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum LockIdState {
    /// It has, or there is no parent yet, or the lock has no id.
    Settled,
    /// An older version of this program wrote the parent.
    Missing,
}

impl LockIdState {
    fn of(target: &Target, parent: Option<&Parent>) -> Self {
        let is_missing = parent.is_some_and(|parent| parent.lock_id.is_none()) && target.lock.id.is_some();
        if is_missing { Self::Missing } else { Self::Settled }
    }
}

/// Result of a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Written,
    Moved,
}

/// Writes the parent without checking its resourceVersion.
pub(crate) fn write(target: &Target, scope: &MemberScope) -> Result<(), ClusterError> {
    apply(target, scope, None).map(drop)
}

/// Applies the parent. Like kubectl, takes fields from other managers: the ApplySet protocol owns them.
fn apply(
    target: &Target,
    scope: &MemberScope,
    version: Option<&str>,
) -> Result<Option<LiveObject>, ClusterError> {
    let mut body = target.set.parent(scope, target.lock.id.as_ref());
    if let Some(version) = version {
        set_metadata(&mut body, "resourceVersion", version);
    }
    let call = |force| ApiCall::Apply {
        at: parent_at(&target.set),
        body: body.clone(),
        manager: PARENT_MANAGER,
        force,
        dry_run: DryRun::None,
    };
    let answer = match target.cluster.call(&call(Force::Never)) {
        Err(ClusterError::Request { problem: Problem::Conflicts(_), .. }) => {
            terminal::diagnostic(&Diagnostic::warning(format!(
                "{}: another field manager changed the inventory; overwriting its changes",
                parent_key(&target.set)
            )));
            target.cluster.call(&call(Force::Always))
        }
        answer => answer,
    };
    answer.map(Answer::object)
}

/// Deletes the parent, or removes the ApplySet from it if it contains other data.
pub(crate) fn dissolve(cluster: &Cluster, set: &ApplySet, live: &LiveObject) -> Result<String, ClusterError> {
    let at = parent_at(set);
    let name = format!("configmap/{}/{}", at.namespace, at.name);
    let (call, done) = match removal_patch(live) {
        Some(patch) => (
            ApiCall::Patch { at, patch, dry_run: DryRun::None },
            "stays because it contains data, but no longer is a parent",
        ),
        None => (
            ApiCall::Delete {
                at,
                uid: live.uid().unwrap_or_default().to_owned(),
                resource_version: live.resource_version().unwrap_or_default().to_owned(),
                dry_run: DryRun::None,
            },
            "deleted",
        ),
    };
    cluster.call(&call)?;
    Ok(format!("{name} {done}"))
}

fn version_of(live: Option<&LiveObject>) -> Option<String> {
    live?.resource_version().map(str::to_owned)
}
