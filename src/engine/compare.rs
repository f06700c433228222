//! Compares the tree with the cluster, object by object: what would an apply do?

use serde_json::Value;

use crate::cluster::{ClusterError, DryRun, Force, Problem};
use crate::core::apply::{Conflict, PART_OF, Yielded, yielded};
use crate::core::json;
use crate::core::live::{Effect, cleaned, effect, entries, is_unchanged, ours, predict};
use crate::engine::observe::{Observation, brings_namespace};
use crate::engine::server_side_apply::{ApplyOptions, ApplyOutcome, ApplyRequest, apply_all};
use crate::engine::target::{Item, Target};

/// How the effect of an apply is determined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DiffStrategy {
    /// From what we read. Needs no right to change anything.
    ClientSide,
    /// From what we read where that is certain, otherwise by the server's dry run.
    Hybrid,
    /// By the server's dry run for every object.
    ServerSide,
}

/// The effect of an apply on one object of the tree.
pub(crate) struct Comparison<'a> {
    /// The object.
    pub(crate) item: &'a Item,
    /// The object that would be sent, without the fields that are left to other managers.
    pub(crate) wanted: Value,
    /// The live object; `null` if it does not exist.
    pub(crate) live: &'a Value,
    /// The effect.
    pub(crate) state: State,
    /// The fields that are left to other managers.
    pub(crate) left: Vec<Yielded>,
    /// Where the effect comes from.
    pub(crate) source: DiffSource,
    /// Why there was no server-side dry run.
    pub(crate) refused: Option<ClusterError>,
}

/// How the effect on an object was determined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DiffSource {
    /// Certain from what we read, or reported by the server.
    Certain,
    /// Estimated from what we read, without the server.
    Estimate,
}

/// The effect of an apply on an object.
pub(crate) enum State {
    /// No change.
    Unchanged,
    /// The object would be created.
    Created,
    /// Values would change; holds the object after the apply.
    Changed(Value),
    /// Only the field manager or the membership in our ApplySet would change.
    OwnershipChanged,
    /// Conflict: other field managers own fields with other values.
    Conflicts(Vec<Conflict>),
    /// The apply would fail.
    Failed(ClusterError),
    /// The namespace does not exist, and the tree does not contain it.
    NoNamespace(String),
    /// The object is being deleted; an apply would have no lasting effect.
    Leaving,
    /// The run was interrupted before this was determined.
    Unknown,
}

/// Compares all objects.
pub(crate) fn compare<'a>(
    target: &'a Target,
    observation: &'a Observation,
    strategy: DiffStrategy,
    force: Force,
    concurrency: usize,
) -> Vec<Comparison<'a>> {
    let mut comparisons: Vec<Comparison<'a>> = Vec::with_capacity(target.items.len());
    let mut doubts = Vec::new();
    for (index, (item, live)) in target.items.iter().zip(&observation.live).enumerate() {
        let (wanted, left) = yielded(&target.rules, &item.wanted, live);
        let state = known(&wanted, live, strategy);
        if state.is_none() {
            doubts.push(index);
        }
        let state = state.unwrap_or(State::Unknown);
        comparisons.push(Comparison {
            item,
            wanted,
            live,
            state,
            left,
            source: DiffSource::Certain,
            refused: None,
        });
    }
    if strategy == DiffStrategy::ClientSide {
        for index in doubts {
            comparisons[index].estimate();
        }
        return comparisons;
    }
    // A dry run fails if the namespace or kind comes with the tree and does not exist yet.
    let (now, later): (Vec<usize>, Vec<usize>) =
        doubts.into_iter().partition(|index| comparisons[*index].item.at.is_some());
    for index in later {
        comparisons[index].estimate();
    }
    let attempts = now
        .iter()
        .filter_map(|index| {
            let Comparison { item, wanted, live, .. } = &comparisons[*index];
            Some(ApplyRequest { at: item.at.clone()?, body: wanted.clone(), live })
        })
        .collect();
    let options = ApplyOptions { dry_run: DryRun::All, force, rules: &target.rules, concurrency };
    for (index, done) in now.into_iter().zip(apply_all(&target.cluster, attempts, options, |_, _| ())) {
        comparisons[index].settle(done, &target.items);
    }
    comparisons
}

/// Returns the effect if it is certain without the server.
fn known(wanted: &Value, live: &Value, strategy: DiffStrategy) -> Option<State> {
    if !live["metadata"]["deletionTimestamp"].is_null() {
        return Some(State::Leaving);
    }
    let is_certain = strategy != DiffStrategy::ServerSide && !live.is_null() && is_unchanged(wanted, live);
    is_certain.then_some(State::Unchanged)
}

impl Comparison<'_> {
    /// Whether an apply would change the object.
    pub(crate) fn is_touched(&self) -> bool {
        matches!(
            self.state,
            State::Created | State::NoNamespace(_) | State::Changed(_) | State::OwnershipChanged
        )
    }

    /// Returns the live object with the label of our ApplySet if another tool applied it so far, such as Argo CD or
    /// Flux. The label is not in the directory, so adding it is not shown as a difference.
    fn joined(&self) -> Value {
        let is_ours = entries(self.live).is_some_and(|entries| ours(&entries).is_some());
        let mut live = self.live.clone();
        if !is_ours && live["metadata"]["labels"][PART_OF].is_null() {
            let label = self.wanted["metadata"]["labels"][PART_OF].clone();
            json::put(&mut live, &["metadata", "labels", PART_OF], label);
        }
        live
    }

    /// Estimates the effect from what we read.
    fn estimate(&mut self) {
        if self.live.is_null() {
            self.state = State::Created;
            return;
        }
        let after = predict(&self.wanted, self.live);
        self.state = if cleaned(&after) == cleaned(self.live) {
            State::Unchanged
        } else if cleaned(&after) == cleaned(&self.joined()) {
            State::OwnershipChanged
        } else {
            State::Changed(after)
        };
        self.source = DiffSource::Estimate;
    }

    /// Takes the effect from the result of the dry run.
    fn settle(&mut self, done: ApplyOutcome, items: &[Item]) {
        self.state = match done {
            ApplyOutcome::Answer(_) if self.live.is_null() => State::Created,
            ApplyOutcome::Answer(after) => match effect(self.live, &after) {
                Effect::None => State::Unchanged,
                Effect::Ownership => State::OwnershipChanged,
                Effect::Values if effect(&self.joined(), &after) != Effect::Values => State::OwnershipChanged,
                Effect::Values => State::Changed(after),
            },
            ApplyOutcome::Conflicts(conflicts) => State::Conflicts(conflicts),
            ApplyOutcome::Failed(ClusterError::Request { problem: Problem::NoNamespace(name), .. }) => {
                if brings_namespace(items, &name) {
                    State::Created
                } else {
                    State::NoNamespace(name)
                }
            }
            ApplyOutcome::Failed(
                error @ ClusterError::Request { problem: Problem::Forbidden { .. }, .. },
            ) => {
                self.estimate();
                self.source = DiffSource::Estimate;
                self.refused = Some(error);
                return;
            }
            ApplyOutcome::Failed(error) => State::Failed(error),
            ApplyOutcome::Unknown | ApplyOutcome::NotBegun => State::Unknown,
        };
    }
}
