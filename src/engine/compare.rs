//! The tree against the cluster, object by object: what an apply would do.

use serde_json::{Value, json};

use crate::cluster::{ClusterError, DryRun, Force, Problem};
use crate::core::apply::{Conflict, PART_OF, Yielded, yielded};
use crate::core::live::{Effect, cleaned, effect, entries, is_unchanged, ours, predict};
use crate::engine::observe::{Observation, brings_namespace};
use crate::engine::server_side_apply::{ApplyOptions, ApplyOutcome, ApplyRequest, apply_all};
use crate::engine::target::{Item, Target};

/// Who decides what an apply would do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DiffStrategy {
    /// We, from what we read; nothing is asked that needs the right to change something.
    ClientSide,
    /// We where it is certain, the server's dry run where it is not.
    Hybrid,
    /// The server's dry run, for every object.
    ServerSide,
}

/// What an apply would do to one object of the tree.
pub(crate) struct Comparison<'a> {
    /// The object.
    pub(crate) item: &'a Item,
    /// What would be sent: without the fields that are left to others.
    pub(crate) wanted: Value,
    /// The object as it is; `null` if it is not there.
    pub(crate) live: &'a Value,
    /// What would become of it.
    pub(crate) state: State,
    /// The fields that are left to others.
    pub(crate) left: Vec<Yielded>,
    /// Who said so.
    pub(crate) source: DiffSource,
    /// Why the server's dry run could not be had.
    pub(crate) refused: Option<ClusterError>,
}

/// Who said what would become of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DiffSource {
    /// It is certain from what was read, or the server said it.
    Certain,
    /// It was worked out from what was read, without the server.
    Estimate,
}

/// What would become of an object.
pub(crate) enum State {
    /// Nothing.
    Unchanged,
    /// It would be made.
    Created,
    /// Its values would change; the object as it would be.
    Changed(Value),
    /// Only its manager would, and that it is a member of our set.
    OwnershipChanged,
    /// Others hold fields with other values.
    Conflicts(Vec<Conflict>),
    /// The apply would fail.
    Failed(ClusterError),
    /// Its namespace is not there, and does not come with the tree.
    NoNamespace(String),
    /// It is on its way out, and what is applied now goes with it.
    Leaving,
    /// Somebody wanted the program to end before this was known.
    Unknown,
}

/// Compares everything.
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
    // What comes with the tree itself cannot be tried before it is there.
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

/// What can be told without the server.
fn known(wanted: &Value, live: &Value, strategy: DiffStrategy) -> Option<State> {
    if !live["metadata"]["deletionTimestamp"].is_null() {
        return Some(State::Leaving);
    }
    let is_certain = strategy != DiffStrategy::ServerSide && !live.is_null() && is_unchanged(wanted, live);
    is_certain.then_some(State::Unchanged)
}

impl Comparison<'_> {
    /// Whether an apply would change it.
    pub(crate) fn is_touched(&self) -> bool {
        matches!(
            self.state,
            State::Created | State::NoNamespace(_) | State::Changed(_) | State::OwnershipChanged
        )
    }

    /// The object as it is, with the label of our set if it is others who applied it so far, such as Argo CD or Flux.
    /// The label is not in the directory: that it comes is no difference to it.
    fn joined(&self) -> Value {
        let is_ours = entries(self.live).is_some_and(|entries| ours(&entries).is_some());
        let mut live = self.live.clone();
        if !is_ours
            && live["metadata"]["labels"][PART_OF].is_null()
            && let Some(metadata) = live["metadata"].as_object_mut()
        {
            let labels = metadata.entry("labels").or_insert_with(|| json!({}));
            labels[PART_OF] = self.wanted["metadata"]["labels"][PART_OF].clone();
        }
        live
    }

    /// What can be told by reading alone.
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

    /// What the dry run told.
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
