//! What leaves the cluster because it left the tree: chosen, shown, agreed to, deleted.

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

/// A deletion, and where.
pub(crate) struct PruneCandidate {
    /// What is deleted.
    pub(crate) deletion: Deletion,
    /// Where it is.
    pub(crate) at: ObjectRef,
    /// The object.
    pub(crate) live: Value,
    /// Whether the lock knows its kind in its namespace.
    pub(crate) record: LockRecord,
}

/// Whether the lock has ever contained a kind in a namespace. A forged label cannot make it so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LockRecord {
    /// It has, or the tree does.
    Known,
    /// It has not: a person decides.
    Unknown,
}

/// What became of a deletion.
#[derive(Debug)]
pub(crate) enum DeleteOutcome {
    /// It is deleted, or on its way out.
    Deleted,
    /// Somebody else did it.
    Already,
    /// It has become something that is not deleted.
    Kept(String),
    /// It could not be deleted.
    Failed(ClusterError),
    /// It was sent, and nobody knows what became of it.
    Unknown,
    /// It was not begun.
    NotBegun,
}

/// How often a deletion is tried anew because the object changed while we looked.
const TRIES: u32 = 3;

/// Chooses what leaves, in the reverse of the order in which things are applied; what stays although it left the tree
/// is said. More than `max` is refused.
pub(crate) fn prune_candidates(
    target: &Target,
    observation: &Observation,
    max: MaxPrune,
) -> Result<Vec<PruneCandidate>, Failure> {
    let Candidates { mut delete, kept } = candidates(&target.set, &observation.others, &target.wanted());
    for (key, why) in &kept {
        if !matches!(why, Kept::Child(_)) {
            terminal::diagnostic(&Diagnostic::warning(format!("{key} has left the tree and stays: {why}")));
        }
    }
    let members = delete.len() + observation.live.iter().filter(|live| target.set.is_member(live)).count();
    if !max.allows(delete.len(), members) {
        return Err(Diagnostic::refusal(format!(
            "{} of {} would be deleted, more than --max-prune {max} allows",
            delete.len(),
            plural(members, "member")
        ))
        .hint("is this the right directory, whole and up to date? If it is, say --max-prune with a number or a percentage")
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

/// How many members are no longer in the tree, and would be deleted by a prune.
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

/// Says what somebody with the right to patch objects could have forged: members of kinds and namespaces that we never
/// rendered, and annotations of the parent that we did not write.
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
            .hint("check the objects that are about to be deleted"),
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

/// Where a member is: its list came from there.
fn at(observation: &Observation, key: &Key) -> Option<ObjectRef> {
    let is_of = |resource: &&Resource| resource.group == key.group && resource.kind == key.kind;
    let resource = observation.resources.iter().find(is_of)?.clone();
    Some(ObjectRef { resource, namespace: key.namespace.clone(), name: key.name.clone() })
}

/// What a person reads before agreeing.
pub(crate) fn describe(candidate: &PruneCandidate) -> String {
    let Deletion { key, addresses, .. } = &candidate.deletion;
    if addresses.is_empty() {
        return format!("{key} will be deleted");
    }
    format!("{key} will be deleted, and its address {} is lost", addresses.join(", "))
}

/// Deletes them; `done` hears of each as it ends.
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
            match looked_at_again(target, &prune_candidates[index]) {
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

/// Somebody changed the object since it was listed. It is deleted if all the reasons to delete it still hold.
fn looked_at_again(target: &Target, candidate: &PruneCandidate) -> Result<Deletion, DeleteOutcome> {
    let live = match target.cluster.call(&ApiCall::Get(candidate.at.clone())) {
        Ok(Value::Null) => return Err(DeleteOutcome::Already),
        Ok(live) => live,
        Err(error) => return Err(DeleteOutcome::Failed(error)),
    };
    if live["metadata"]["uid"] != candidate.deletion.uid.as_str() {
        return Err(DeleteOutcome::Kept("somebody has made it anew".to_owned()));
    }
    if !target.set.is_member(&live) {
        return Err(DeleteOutcome::Kept("somebody has taken it out of the set".to_owned()));
    }
    let Candidates { mut delete, kept } =
        candidates(&target.set, std::slice::from_ref(&live), &target.wanted());
    match (delete.pop(), kept.into_iter().next()) {
        (Some(deletion), _) if deletion.addresses == candidate.deletion.addresses => Ok(deletion),
        // Nobody has agreed to losing that address.
        (Some(deletion), _) => Err(DeleteOutcome::Kept(format!(
            "it has got the address {} meanwhile",
            deletion.addresses.join(", ")
        ))),
        (None, Some((_, Kept::Leaving))) => Err(DeleteOutcome::Already),
        (None, Some((_, why))) => Err(DeleteOutcome::Kept(why.to_string())),
        (None, None) => Err(DeleteOutcome::Kept("it is not ours any more".to_owned())),
    }
}
