//! What leaves the cluster because it left the tree: chosen, shown, agreed to, deleted.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::cluster::{At, Call, Certainty, ClusterError, Fate, Next, Problem};
use crate::core::apply::{
    Candidates, Deletion, ForeignAnnotation, Kept, MaxPrune, Stage, candidates, foreign_annotations,
};
use crate::core::live::Resource;
use crate::core::lock::RenderedKind;
use crate::core::manifest::Key;
use crate::core::report::diagnostic::Diagnostic;
use crate::core::report::plural::plural;
use crate::engine::observe::Survey;
use crate::engine::target::{Target, parent_key};
use crate::failure::Failure;
use crate::output::terminal;

/// A deletion, and where.
pub(crate) struct Farewell {
    /// What is deleted.
    pub(crate) deletion: Deletion,
    /// Where it is.
    pub(crate) at: At,
    /// The object.
    pub(crate) live: Value,
    /// Whether the lock knows its kind in its namespace.
    pub(crate) record: Record,
}

/// Whether the lock has ever contained a kind in a namespace. A forged label cannot make it so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Record {
    /// It has, or the tree does.
    Known,
    /// It has not: a person decides.
    Unknown,
}

/// What became of a deletion.
#[derive(Debug)]
pub(crate) enum Gone {
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
pub(crate) fn farewells(target: &Target, survey: &Survey, max: MaxPrune) -> Result<Vec<Farewell>, Failure> {
    let Candidates { mut delete, kept } = candidates(&target.set, &survey.others, &target.wanted());
    for (key, why) in &kept {
        if !matches!(why, Kept::Child(_)) {
            terminal::diagnostic(&Diagnostic::warning(format!("{key} has left the tree and stays: {why}")));
        }
    }
    let members = delete.len() + survey.live.iter().filter(|live| target.set.is_member(live)).count();
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
    let farewell = |deletion: Deletion| {
        let live = survey.others.iter().find(|other| other["metadata"]["uid"] == deletion.uid.as_str())?;
        let record = record(target, &in_tree, &deletion.key);
        Some(Farewell { at: at(survey, &deletion.key)?, deletion, live: live.clone(), record })
    };
    let farewells: Vec<Farewell> = delete.into_iter().filter_map(farewell).collect();
    report_forgeries(target, &farewells);
    Ok(farewells)
}

/// How many members are no longer in the tree, and would be deleted by a prune.
pub(crate) fn left_over(target: &Target, survey: &Survey) -> usize {
    candidates(&target.set, &survey.others, &target.wanted()).delete.len()
}

fn record(target: &Target, in_tree: &BTreeSet<RenderedKind>, key: &Key) -> Record {
    if in_tree.contains(&RenderedKind::of(key)) || target.lock.has_rendered(key, &target.set.namespace) {
        Record::Known
    } else {
        Record::Unknown
    }
}

/// Says what somebody with the right to patch objects could have forged: members of kinds and namespaces that we never
/// rendered, and annotations of the parent that we did not write.
fn report_forgeries(target: &Target, farewells: &[Farewell]) {
    for farewell in farewells.iter().filter(|farewell| farewell.record == Record::Unknown) {
        terminal::diagnostic(&Diagnostic::warning(format!(
            "{}: the lock has never contained a {} {}",
            farewell.deletion.key,
            farewell.deletion.key.kind,
            location(&farewell.deletion.key)
        )));
    }
    if farewells.is_empty() {
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
fn at(survey: &Survey, key: &Key) -> Option<At> {
    let is_of = |resource: &&Resource| resource.group == key.group && resource.kind == key.kind;
    let resource = survey.resources.iter().find(is_of)?.clone();
    Some(At { resource, namespace: key.namespace.clone(), name: key.name.clone() })
}

/// What a person reads before agreeing.
pub(crate) fn describe(farewell: &Farewell) -> String {
    let Deletion { key, addresses, .. } = &farewell.deletion;
    if addresses.is_empty() {
        return format!("{key} will be deleted");
    }
    format!("{key} will be deleted, and its address {} is lost", addresses.join(", "))
}

/// Deletes them; `done` hears of each as it ends.
pub(crate) fn delete_all(
    target: &Target,
    farewells: &[Farewell],
    at_once: usize,
    mut done: impl FnMut(&Farewell, &Gone),
) -> Vec<Gone> {
    let mut results: Vec<Gone> = farewells.iter().map(|_| Gone::NotBegun).collect();
    let mut round: Vec<(usize, Deletion)> =
        farewells.iter().map(|farewell| farewell.deletion.clone()).enumerate().collect();
    for try_number in 1..=TRIES {
        let calls = round.iter().map(|(index, deletion)| call(&farewells[*index].at, deletion)).collect();
        let mut moved = Vec::new();
        let fates = target.cluster.change_all(calls, at_once, |position, result| {
            let index = round[position].0;
            let gone = match result {
                Ok(_) => Gone::Deleted,
                Err(ClusterError::Request { problem: Problem::NotFound, .. }) => Gone::Already,
                Err(ClusterError::Request { problem: Problem::Moved(_), .. }) if try_number < TRIES => {
                    moved.push(index);
                    return Next::Nothing;
                }
                Err(error) => Gone::Failed(error),
            };
            let next = match &gone {
                Gone::Failed(error) if error.is_out_of_reach() => Next::Stop,
                _ => Next::Nothing,
            };
            done(&farewells[index], &gone);
            results[index] = gone;
            next
        });
        for ((index, _), fate) in round.iter().zip(fates) {
            if fate == Fate::Unknown {
                results[*index] = Gone::Unknown;
            }
        }
        round = Vec::new();
        for index in moved {
            match looked_at_again(target, &farewells[index]) {
                Ok(deletion) => round.push((index, deletion)),
                Err(gone) => {
                    done(&farewells[index], &gone);
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

fn call(at: &At, deletion: &Deletion) -> Call {
    Call::Delete {
        at: at.clone(),
        uid: deletion.uid.clone(),
        resource_version: deletion.resource_version.clone(),
        certainty: Certainty::Done,
    }
}

/// Somebody changed the object since it was listed. It is deleted if all the reasons to delete it still hold.
fn looked_at_again(target: &Target, farewell: &Farewell) -> Result<Deletion, Gone> {
    let live = match target.cluster.call(&Call::Get(farewell.at.clone())) {
        Ok(Value::Null) => return Err(Gone::Already),
        Ok(live) => live,
        Err(error) => return Err(Gone::Failed(error)),
    };
    if live["metadata"]["uid"] != farewell.deletion.uid.as_str() {
        return Err(Gone::Kept("somebody has made it anew".to_owned()));
    }
    if !target.set.is_member(&live) {
        return Err(Gone::Kept("somebody has taken it out of the set".to_owned()));
    }
    let Candidates { mut delete, kept } =
        candidates(&target.set, std::slice::from_ref(&live), &target.wanted());
    match (delete.pop(), kept.into_iter().next()) {
        (Some(deletion), _) if deletion.addresses == farewell.deletion.addresses => Ok(deletion),
        // Nobody has agreed to losing that address.
        (Some(deletion), _) => {
            Err(Gone::Kept(format!("it has got the address {} meanwhile", deletion.addresses.join(", "))))
        }
        (None, Some((_, Kept::Leaving))) => Err(Gone::Already),
        (None, Some((_, why))) => Err(Gone::Kept(why.to_string())),
        (None, None) => Err(Gone::Kept("it is not ours any more".to_owned())),
    }
}
