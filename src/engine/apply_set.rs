//! The parent of our set: told of more before members come, and of less when they are gone.

use serde_json::Value;

use crate::cluster::{ApiCall, ClusterError, DryRun, Force, ObjectRef, Problem};
use crate::core::apply::{Kept, MemberScope, PARENT_MANAGER, Parent, candidates};
use crate::core::live::Resource;
use crate::core::manifest::Key;
use crate::core::report::diagnostic::Diagnostic;
use crate::engine::observe::Observation;
use crate::engine::target::{Target, parent_key};
use crate::failure::Failure;
use crate::output::terminal;

/// Where members are when everything is applied: what the parent has to know before.
pub(crate) fn before(target: &Target) -> MemberScope {
    let wanted = target.set.scope(target.items.iter().map(|item| &item.key));
    match &target.parent {
        Some(parent) => parent.scope.union(&wanted),
        None => wanted,
    }
}

/// Where members are afterwards: the tree, and what has left the tree and is still there. Copies of our label on what
/// controllers made are none.
pub(crate) fn after(target: &Target, observation: &Observation, gone: &[&Key]) -> MemberScope {
    let kept = candidates(&target.set, &observation.others, &target.wanted());
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

/// The parent while we work. Another run of ours may write it at the same time, for another state of the tree: what
/// that one has added is never taken away, for what the parent does not name is never found again.
pub(crate) struct ParentState {
    scope: Option<MemberScope>,
    /// Whether it carries the id of our lock.
    id: LockIdState,
    /// The resourceVersion at which it says so; `None` where there was none.
    version: Option<String>,
    /// Whether others have written it since we looked at the cluster: then we do not know all members.
    is_shared: bool,
}

/// How often the parent is read anew because others write it.
const TRIES: u32 = 5;

impl ParentState {
    /// As it was found.
    pub(crate) fn found(target: &Target) -> Self {
        let scope = target.parent.as_ref().map(|parent| parent.scope.clone());
        let id = LockIdState::of(target, target.parent.as_ref());
        Self { scope, id, version: version_of(&target.parent_live), is_shared: false }
    }

    /// Makes it name all of this before members come.
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
            "{}: others write the inventory again and again",
            parent_key(&target.set)
        ))
        .hint("wait until they are done, then run it again")
        .into())
    }

    /// Makes it name only this when members are gone. Where others have written it meanwhile it is left as it is: too
    /// much in it does no harm, and the next run puts it right.
    pub(crate) fn narrow(&mut self, target: &Target, exact: MemberScope) -> Result<(), Failure> {
        if self.scope.as_ref() == Some(&exact) {
            return Ok(());
        }
        if !self.is_shared {
            self.write(target, exact.clone())?;
        }
        if self.scope != Some(exact) {
            terminal::note(&format!(
                "{}: another run has written the inventory meanwhile, and it stays so",
                parent_key(&target.set)
            ));
        }
        Ok(())
    }

    /// Writes it if it is still what we know; else learns what it is now.
    fn write(&mut self, target: &Target, scope: MemberScope) -> Result<Outcome, Failure> {
        match apply(target, &scope, self.version.as_deref()) {
            Ok(live) => {
                if self.id == LockIdState::Missing {
                    terminal::note(&format!(
                        "{}: the set now carries the id of this lock",
                        parent_key(&target.set)
                    ));
                }
                self.scope = Some(scope);
                self.id = LockIdState::Settled;
                self.version = version_of(&live);
                Ok(Outcome::Written)
            }
            Err(ClusterError::Request { problem: Problem::Moved(_), .. }) => {
                let live = target.cluster.call(&ApiCall::Get(location(target)))?;
                let parent = if live.is_null() { None } else { Some(target.own_parent(&live)?) };
                let id = LockIdState::of(target, parent.as_ref());
                let found = parent.map(|parent| parent.scope);
                // After an answer that was lost it may be our own write that is met.
                let is_shared = self.is_shared || found.as_ref() != Some(&scope);
                *self = Self { scope: found, id, version: version_of(&live), is_shared };
                Ok(Outcome::Moved)
            }
            Err(error) => Err(error.into()),
        }
    }
}

/// Whether the parent carries the id of our lock. One with another id was refused when it was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum LockIdState {
    /// It does, or there is no parent yet, or the lock has no id.
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

/// What became of a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Written,
    Moved,
}

/// Writes the parent, whatever it is.
pub(crate) fn write(target: &Target, scope: &MemberScope) -> Result<(), ClusterError> {
    apply(target, scope, None).map(drop)
}

/// Fields that somebody else holds there are taken, as by kubectl: they are the protocol's.
fn apply(target: &Target, scope: &MemberScope, version: Option<&str>) -> Result<Value, ClusterError> {
    let mut body = target.set.parent(scope, target.lock.id.as_ref());
    if let Some(version) = version {
        body["metadata"]["resourceVersion"] = version.into();
    }
    let call = |force| ApiCall::Apply {
        at: location(target),
        body: body.clone(),
        manager: PARENT_MANAGER,
        force,
        dry_run: DryRun::None,
    };
    match target.cluster.call(&call(Force::Never)) {
        Err(ClusterError::Request { problem: Problem::Conflicts(_), .. }) => {
            terminal::diagnostic(&Diagnostic::warning(format!(
                "{}: others have written the inventory; it is put right",
                parent_key(&target.set)
            )));
            target.cluster.call(&call(Force::Always))
        }
        answer => answer,
    }
}

fn location(target: &Target) -> ObjectRef {
    let key = parent_key(&target.set);
    ObjectRef { resource: Resource::config_map(), namespace: key.namespace, name: key.name }
}

fn version_of(live: &Value) -> Option<String> {
    live["metadata"]["resourceVersion"].as_str().map(str::to_owned)
}
