//! Pruning: selects, shows, confirms and deletes objects that are no longer rendered.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::cluster::{ApiCall, CallOutcome, ClusterError, DryRun, Next, ObjectRef, Problem};
use crate::core::apply::{
    Candidates, Deletion, ForeignAnnotation, Kept, MaxPrune, Stage, candidates, foreign_annotations,
};
use crate::core::live::Resource;
use crate::core::lock::RenderedKind;
use crate::core::manifest::Key;
use crate::core::report::diagnostic::Diagnostic;
use crate::core::report::plural::plural;
use crate::engine::observe::Observation;
use crate::engine::target::{Target, parent_key};
use crate::failure::Failure;
use crate::output::terminal;

/// An object to delete.
pub(crate) struct PruneCandidate {
    /// The deletion.
    pub(crate) deletion: Deletion,
    /// The object's reference.
    pub(crate) at: ObjectRef,
    /// The live object.
    pub(crate) live: Value,
    /// Whether the lock has ever contained its kind in its namespace.
    pub(crate) record: LockRecord,
}

/// Whether the lock has ever contained a kind in a namespace. Unlike a label, this cannot be forged in the cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LockRecord {
    /// The lock or the tree contains it.
    Known,
    /// Neither contains it; the user decides.
    Unknown,
}

/// Result of a deletion.
#[derive(Debug)]
pub(crate) enum DeleteOutcome {
    /// The object is deleted, or being deleted.
    Deleted,
    /// Another client deleted it first.
    Already,
    /// The object changed and is not deleted; holds the reason.
    Kept(String),
    /// The request failed.
    Failed(ClusterError),
    /// The request was sent, but its result is unknown.
    Unknown,
    /// The request was not sent.
    NotBegun,
}

/// How often a deletion is tried again because the object changed.
const TRIES: u32 = 3;

/// Selects the objects to delete, in reverse apply order. Reports objects that left the tree but are kept. Refuses
/// more than `max`.
pub(crate) fn prune_candidates(
    target: &Target,
    observation: &Observation,
    max: MaxPrune,
) -> Result<Vec<PruneCandidate>, Failure> {
    let Candidates { mut delete, kept } = candidates(&target.set, &observation.others, &target.wanted());
    for (key, why) in &kept {
        if !matches!(why, Kept::Child(_)) {
            terminal::diagnostic(&Diagnostic::warning(format!(
                "{key} is no longer in the tree, but is not pruned: {why}"
            )));
        }
    }
    let members = delete.len() + observation.live.iter().filter(|live| target.set.is_member(live)).count();
    if !max.allows(delete.len(), members) {
        return Err(Diagnostic::refusal(format!(
            "{} of {} would be deleted, more than --max-prune {max} allows",
            delete.len(),
            plural(members, "member")
        ))
        .hint("check that the directory is complete and current; to proceed, raise --max-prune")
        .into());
    }
    delete.sort_by(|a, b| {
        let stage = |key: &Key| Stage::of(&key.group, &key.kind);
        stage(&b.key).cmp(&stage(&a.key)).then_with(|| a.key.cmp(&b.key))
    });
    let in_tree: BTreeSet<RenderedKind> =
        target.items.iter().map(|item| RenderedKind::of(&item.key)).collect();
    let candidate = |deletion: Deletion| {
        let live =
            observation.others.iter().find(|other| other["metadata"]["uid"] == deletion.uid.as_str())?;
        let record = record(target, &in_tree, &deletion.key);
        Some(PruneCandidate { at: at(observation, &deletion.key)?, deletion, live: live.clone(), record })
    };
    let prune_candidates: Vec<PruneCandidate> = delete.into_iter().filter_map(candidate).collect();
    report_forgeries(target, &prune_candidates);
    Ok(prune_candidates)
}

/// Returns how many members are no longer in the tree, and would be pruned.
pub(crate) fn left_over(target: &Target, observation: &Observation) -> usize {
    candidates(&target.set, &observation.others, &target.wanted()).delete.len()
}

fn record(target: &Target, in_tree: &BTreeSet<RenderedKind>, key: &Key) -> LockRecord {
    if in_tree.contains(&RenderedKind::of(key)) || target.lock.has_rendered(key, &target.set.namespace) {
        LockRecord::Known
    } else {
        LockRecord::Unknown
    }
}

/// Reports what a user with the right to patch objects could have forged: members of kinds and namespaces that we
/// never rendered, and annotations of the parent that we did not write.
fn report_forgeries(target: &Target, prune_candidates: &[PruneCandidate]) {
    for candidate in prune_candidates.iter().filter(|candidate| candidate.record == LockRecord::Unknown) {
        terminal::diagnostic(&Diagnostic::warning(format!(
            "{}: the lock has never contained a {} {}",
            candidate.deletion.key,
            candidate.deletion.key.kind,
            location(&candidate.deletion.key)
        )));
    }
    if prune_candidates.is_empty() {
        return;
    }
    for ForeignAnnotation { key, manager } in foreign_annotations(&target.parent_live) {
        let manager = manager
            .map_or_else(|| "an unknown field manager".to_owned(), |name| format!("field manager {name}"));
        terminal::diagnostic(
            &Diagnostic::warning(format!(
                "{}: {manager} wrote the annotation {key}",
                parent_key(&target.set)
            ))
            .hint("check the objects to be deleted"),
        );
    }
}

fn location(key: &Key) -> String {
    if key.namespace.is_empty() {
        "in the cluster".to_owned()
    } else {
        format!("in namespace {}", key.namespace)
    }
}

/// Returns the reference of a member, from the list that contained it.
fn at(observation: &Observation, key: &Key) -> Option<ObjectRef> {
    let is_of = |resource: &&Resource| resource.group == key.group && resource.kind == key.kind;
    let resource = observation.resources.iter().find(is_of)?.clone();
    Some(ObjectRef { resource, namespace: key.namespace.clone(), name: key.name.clone() })
}

/// Describes a deletion for the user to confirm.
pub(crate) fn describe(candidate: &PruneCandidate) -> String {
    let Deletion { key, addresses, .. } = &candidate.deletion;
    if addresses.is_empty() {
        return format!("{key} will be deleted");
    }
    format!("{key} will be deleted, and its address {} will be lost", addresses.join(", "))
}

/// Deletes the objects; `done` is called with the result of each.
pub(crate) fn delete_all(
    target: &Target,
    prune_candidates: &[PruneCandidate],
    concurrency: usize,
    mut done: impl FnMut(&PruneCandidate, &DeleteOutcome),
) -> Vec<DeleteOutcome> {
    let mut results: Vec<DeleteOutcome> = prune_candidates.iter().map(|_| DeleteOutcome::NotBegun).collect();
    let mut round: Vec<(usize, Deletion)> =
        prune_candidates.iter().map(|candidate| candidate.deletion.clone()).enumerate().collect();
    for try_number in 1..=TRIES {
        let calls =
            round.iter().map(|(index, deletion)| call(&prune_candidates[*index].at, deletion)).collect();
        let mut moved = Vec::new();
        let fates = target.cluster.change_all(calls, concurrency, |position, result| {
            let index = round[position].0;
            let gone = match result {
                Ok(_) => DeleteOutcome::Deleted,
                Err(ClusterError::Request { problem: Problem::NotFound, .. }) => DeleteOutcome::Already,
                Err(ClusterError::Request { problem: Problem::Moved(_), .. }) if try_number < TRIES => {
                    moved.push(index);
                    return Next::Nothing;
                }
                Err(error) => DeleteOutcome::Failed(error),
            };
            let next = match &gone {
                DeleteOutcome::Failed(error) if error.is_out_of_reach() => Next::Stop,
                _ => Next::Nothing,
            };
            done(&prune_candidates[index], &gone);
            results[index] = gone;
            next
        });
        for ((index, _), fate) in round.iter().zip(fates) {
            if fate == CallOutcome::Unknown {
                results[*index] = DeleteOutcome::Unknown;
            }
        }
        round = Vec::new();
        for index in moved {
            match checked_again(target, &prune_candidates[index]) {
                Ok(deletion) => round.push((index, deletion)),
                Err(gone) => {
                    done(&prune_candidates[index], &gone);
                    results[index] = gone;
                }
            }
        }
        if round.is_empty() {
            break;
        }
    }
    results
}

fn call(at: &ObjectRef, deletion: &Deletion) -> ApiCall {
    ApiCall::Delete {
        at: at.clone(),
        uid: deletion.uid.clone(),
        resource_version: deletion.resource_version.clone(),
        dry_run: DryRun::None,
    }
}

/// Reads an object again after it changed. Deletes it only if all reasons for the deletion still hold.
fn checked_again(target: &Target, candidate: &PruneCandidate) -> Result<Deletion, DeleteOutcome> {
    let live = match target.cluster.call(&ApiCall::Get(candidate.at.clone())) {
        Ok(Value::Null) => return Err(DeleteOutcome::Already),
        Ok(live) => live,
        Err(error) => return Err(DeleteOutcome::Failed(error)),
    };
    if live["metadata"]["uid"] != candidate.deletion.uid.as_str() {
        return Err(DeleteOutcome::Kept("it was deleted and created again".to_owned()));
    }
    if !target.set.is_member(&live) {
        return Err(DeleteOutcome::Kept("it was removed from the ApplySet".to_owned()));
    }
    let Candidates { mut delete, kept } =
        candidates(&target.set, std::slice::from_ref(&live), &target.wanted());
    match (delete.pop(), kept.into_iter().next()) {
        (Some(deletion), _) if deletion.addresses == candidate.deletion.addresses => Ok(deletion),
        // The user has not agreed to losing this address.
        (Some(deletion), _) => {
            Err(DeleteOutcome::Kept(format!("it now has the address {}", deletion.addresses.join(", "))))
        }
        (None, Some((_, Kept::Leaving))) => Err(DeleteOutcome::Already),
        (None, Some((_, why))) => Err(DeleteOutcome::Kept(why.to_string())),
        (None, None) => Err(DeleteOutcome::Kept("it is no longer a member".to_owned())),
    }
}
