//! The tree against the cluster, object by object: what an apply would do.

use serde_json::{Value, json};

use crate::cluster::{Certainty, ClusterError, Force, Problem};
use crate::core::apply::{Conflict, PART_OF, Yielded, yielded};
use crate::core::live::{Effect, cleaned, effect, entries, is_unchanged, ours, predict};
use crate::engine::observe::{Survey, brings_namespace};
use crate::engine::server_side_apply::{Attempt, Done, Manner, apply_all};
use crate::engine::target::{Item, Target};

/// Who decides what an apply would do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Judge {
    /// We, from what we read; nothing is asked that needs the right to change something.
    Reading,
    /// We where it is certain, the server's dry run where it is not.
    Doubt,
    /// The server's dry run, for every object.
    Server,
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
    pub(crate) source: Source,
    /// Why the server's dry run could not be had.
    pub(crate) refused: Option<ClusterError>,
}

/// Who said what would become of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
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
    TakenOver,
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
    survey: &'a Survey,
    judge: Judge,
    force: Force,
    at_once: usize,
) -> Vec<Comparison<'a>> {
    let mut comparisons: Vec<Comparison<'a>> = Vec::with_capacity(target.items.len());
    let mut doubts = Vec::new();
    for (index, (item, live)) in target.items.iter().zip(&survey.live).enumerate() {
        let (wanted, left) = yielded(&target.rules, &item.wanted, live);
        let state = known(&wanted, live, judge);
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
            source: Source::Certain,
            refused: None,
        });
    }
    if judge == Judge::Reading {
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
            Some(Attempt { at: item.at.clone()?, body: wanted.clone(), live })
        })
        .collect();
    let manner = Manner { certainty: Certainty::DryRun, force, rules: &target.rules, at_once };
    for (index, done) in now.into_iter().zip(apply_all(&target.cluster, attempts, manner, |_, _| ())) {
        comparisons[index].settle(done, &target.items);
    }
    comparisons
}

/// What can be told without the server.
fn known(wanted: &Value, live: &Value, judge: Judge) -> Option<State> {
    if !live["metadata"]["deletionTimestamp"].is_null() {
        return Some(State::Leaving);
    }
    let is_certain = judge != Judge::Server && !live.is_null() && is_unchanged(wanted, live);
    is_certain.then_some(State::Unchanged)
}

impl Comparison<'_> {
    /// Whether an apply would change it.
    pub(crate) fn is_touched(&self) -> bool {
        matches!(self.state, State::Created | State::NoNamespace(_) | State::Changed(_) | State::TakenOver)
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
            State::TakenOver
        } else {
            State::Changed(after)
        };
        self.source = Source::Estimate;
    }

    /// What the dry run told.
    fn settle(&mut self, done: Done, items: &[Item]) {
        self.state = match done {
            Done::Answer(_) if self.live.is_null() => State::Created,
            Done::Answer(after) => match effect(self.live, &after) {
                Effect::None => State::Unchanged,
                Effect::Ownership => State::TakenOver,
                Effect::Values if effect(&self.joined(), &after) != Effect::Values => State::TakenOver,
                Effect::Values => State::Changed(after),
            },
            Done::Conflicts(conflicts) => State::Conflicts(conflicts),
            Done::Failed(ClusterError::Request { problem: Problem::NoNamespace(name), .. }) => {
                if brings_namespace(items, &name) {
                    State::Created
                } else {
                    State::NoNamespace(name)
                }
            }
            Done::Failed(error @ ClusterError::Request { problem: Problem::Forbidden { .. }, .. }) => {
                self.estimate();
                self.source = Source::Estimate;
                self.refused = Some(error);
                return;
            }
            Done::Failed(error) => State::Failed(error),
            Done::Unknown | Done::NotBegun => State::Unknown,
        };
    }
}
