//! Pruning: selects, shows, confirms and deletes objects that are no longer rendered.

use std::collections::BTreeSet;

use crate::cluster::{ApiCall, CallOutcome, ClusterError, DryRun, Next, ObjectRef, Problem};
use crate::core::apply::{
    Candidates, Deletion, ForeignAnnotation, Kept, MaxPrune, Stage, candidates, foreign_annotations,
};
use crate::core::live::LiveObject;
use crate::core::lock::RenderedKind;
use crate::core::manifest::Key;
use crate::core::report::diagnostic::Diagnostic;
use crate::core::report::plural::{first_of, plural};
use crate::engine::live_objects::ManagedObject;
use crate::engine::observe::Observation;
use crate::engine::peers;
use crate::engine::peers::leaves;
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
    pub(crate) live: LiveObject,
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
    observation: &Observation<'_>,
    max: MaxPrune,
) -> Result<Vec<PruneCandidate>, Failure> {
    let Candidates { mut delete, kept } = candidates(&target.set, &observation.others, &target.wanted());
    retain_own(target, &mut delete)?;
    for (why, live) in &kept {
        if !matches!(why, Kept::Child(_)) {
            terminal::diagnostic(&Diagnostic::warning(format!(
                "{} is no longer in the tree, but is not pruned: {why}",
                live.key()
            )));
        }
    }
    let present = observation.objects.iter().filter_map(ManagedObject::live);
    let members = delete.len() + present.filter(|live| target.set.is_member(live)).count();
    if !max.allows(delete.len(), members) {
        return Err(Diagnostic::refusal(format!(
            "{} of {} would be deleted, more than --max-prune {max} allows",
            delete.len(),
            plural(members, "member")
        ))
        .hint("check that the directory is complete and current; to proceed, raise --max-prune")
        .into());
    }
    delete.sort_by(|(a, _), (b, _)| {
        let stage = |key: &Key| Stage::of(&key.group, &key.kind);
        stage(&b.key).cmp(&stage(&a.key)).then_with(|| a.key.cmp(&b.key))
    });
    let in_tree: BTreeSet<RenderedKind> =
        target.items.iter().map(|item| RenderedKind::of(&item.key)).collect();
    let candidate = |(deletion, live): (Deletion, &LiveObject)| {
        let record = record(target, &in_tree, &deletion.key);
        let at = observation.reference(&deletion.key)?;
        Some(PruneCandidate { at, deletion, live: live.clone(), record })
    };
    let prune_candidates: Vec<PruneCandidate> = delete.into_iter().filter_map(candidate).collect();
    report_forgeries(target, &prune_candidates);
    Ok(prune_candidates)
}

/// Removes the objects that another directory of the run renders: that one takes them over. Refuses if it is unknown whether
/// one does.
fn retain_own(target: &Target, delete: &mut Vec<(Deletion, &LiveObject)>) -> Result<(), Failure> {
    let mut undecided = None;
    let mut unknown = Vec::new();
    delete.retain(|(deletion, _)| match target.peers.renderer(&target.identity, &deletion.key) {
        Ok(Some(peer)) => {
            terminal::note(&leaves(&deletion.key, peer));
            false
        }
        Ok(None) => true,
        Err(unreadable) => {
            undecided = Some(unreadable);
            unknown.push(deletion.key.clone());
            true
        }
    });
    if let Some(unreadable) = undecided {
        return Err(peers::undecided(&unknown, unreadable).into());
    }
    refuse_moved(target, delete)
}

/// Refuses to delete objects that a directory outside of this run renders for the same cluster: they moved there, and would be created
/// again with other addresses.
fn refuse_moved(target: &Target, delete: &[(Deletion, &LiveObject)]) -> Result<(), Failure> {
    let keys: Vec<Key> = delete.iter().map(|(deletion, _)| deletion.key.clone()).collect();
    let mut problems: Vec<Diagnostic> = Vec::new();
    for peer in target.peers.beside(&target.identity, &keys)? {
        // A copy of this directory is another state of the same app.
        if peer.lock_id.is_some() && peer.lock_id == target.lock.id {
            continue;
        }
        let moved: Vec<String> =
            keys.iter().filter(|key| peer.renders(key)).map(ToString::to_string).collect();
        let shown: Vec<&str> = moved.iter().map(String::as_str).collect();
        let own = if target.flags.is_empty() { " -f ." } else { &target.flags };
        let flags = format!("{own}{}", peer.flags);
        problems.push(
            Diagnostic::refusal(format!(
                "{} would be deleted, but {} renders {} for the same cluster",
                first_of(&shown),
                peer.title,
                if moved.len() == 1 { "it" } else { "them" }
            ))
            .hint(format!(
                "apply both directories in one run, which moves the objects: `kubectl largescale apply{flags} --prune`"
            )),
        );
    }
    if problems.is_empty() { Ok(()) } else { Err(problems.into()) }
}

/// Returns how many members are no longer in the tree, and would be pruned. Members that another directory of the run takes
/// over do not count.
pub(crate) fn left_over(target: &Target, observation: &Observation) -> usize {
    let found = candidates(&target.set, &observation.others, &target.wanted());
    let renderer = |key: &Key| target.peers.renderer(&target.identity, key);
    let stays = |deletion: &Deletion| matches!(renderer(&deletion.key), Ok(Some(_)));
    found.delete.iter().filter(|(deletion, _)| !stays(deletion)).count()
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
    for ForeignAnnotation { key, manager } in target.parent_live.iter().flat_map(foreign_annotations) {
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

/// Describes a deletion for the user to confirm.
pub(crate) fn describe(candidate: &PruneCandidate) -> String {
    let Deletion { key, addresses, .. } = &candidate.deletion;
    if addresses.is_empty() {
        return format!("{key} will be deleted");
    }
    format!("{key} will be deleted, and its address {} will be lost", addresses.join(", "))
}

/// Deletes the objects; `done` is called with the result of each. Returns the results.
pub(crate) fn delete_all<'a>(
    target: &Target,
    prune_candidates: &'a [PruneCandidate],
    concurrency: usize,
    mut done: impl FnMut(&PruneCandidate, &DeleteOutcome),
) -> Vec<(&'a PruneCandidate, DeleteOutcome)> {
    let mut results = Vec::with_capacity(prune_candidates.len());
    let mut round: Vec<_> =
        prune_candidates.iter().map(|candidate| (candidate, candidate.deletion.clone())).collect();
    for try_number in 1..=TRIES {
        let begin = |(candidate, deletion): (&'a PruneCandidate, Deletion)| {
            let call = call(&candidate.at, &deletion);
            // Without an outcome, the object has changed since it was read.
            ((candidate, None), call)
        };
        let calls = round.drain(..).map(begin).collect();
        let fates = target.cluster.change_all(calls, concurrency, |(candidate, end), result| {
            let outcome = match result {
                Ok(_) => DeleteOutcome::Deleted,
                Err(ClusterError::Request { problem: Problem::NotFound, .. }) => DeleteOutcome::Already,
                Err(ClusterError::Request { problem: Problem::Moved(_), .. }) if try_number < TRIES => {
                    return Next::Nothing;
                }
                Err(error) => DeleteOutcome::Failed(error),
            };
            let next = match &outcome {
                DeleteOutcome::Failed(error) if error.is_out_of_reach() => Next::Stop,
                _ => Next::Nothing,
            };
            done(candidate, &outcome);
            *end = Some(outcome);
            next
        });
        for ((candidate, outcome), fate) in fates {
            match (fate, outcome) {
                (CallOutcome::Unknown, _) => results.push((candidate, DeleteOutcome::Unknown)),
                (CallOutcome::NotBegun, _) => results.push((candidate, DeleteOutcome::NotBegun)),
                (CallOutcome::Ended, Some(outcome)) => results.push((candidate, outcome)),
                (CallOutcome::Ended, None) => match checked_again(target, candidate) {
                    Ok(deletion) => round.push((candidate, deletion)),
                    Err(outcome) => {
                        done(candidate, &outcome);
                        results.push((candidate, outcome));
                    }
                },
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
    let answer = target.cluster.call(&ApiCall::Get(candidate.at.clone())).map_err(DeleteOutcome::Failed)?;
    let Some(live) = answer.object() else { return Err(DeleteOutcome::Already) };
    if live.uid() != Some(&candidate.deletion.uid) {
        return Err(DeleteOutcome::Kept("it was deleted and created again".to_owned()));
    }
    if !target.set.is_member(&live) {
        return Err(DeleteOutcome::Kept("it was removed from the ApplySet".to_owned()));
    }
    let Candidates { mut delete, kept } = candidates(&target.set, [&live], &target.wanted());
    match (delete.pop(), kept.into_iter().next()) {
        (Some((deletion, _)), _) if deletion.addresses == candidate.deletion.addresses => Ok(deletion),
        // The user has not agreed to losing this address.
        (Some((deletion, _)), _) => {
            Err(DeleteOutcome::Kept(format!("it now has the address {}", deletion.addresses.join(", "))))
        }
        (None, Some((Kept::Leaving, _))) => Err(DeleteOutcome::Already),
        (None, Some((why, _))) => Err(DeleteOutcome::Kept(why.to_string())),
        (None, None) => Err(DeleteOutcome::Kept("it is no longer a member".to_owned())),
    }
}
