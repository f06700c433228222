//! Compares the tree with the cluster, object by object: what would an apply do?

use serde_json::Value;

use crate::cluster::{Cluster, ClusterError, DryRun, Force, Problem};
use crate::core::apply::{Conflict, PART_OF, Release, Yielded, yielded};
use crate::core::live::{
    Effect, LiveObject, Outlook, Takeover, effect, entries, is_unchanged, ours, predict,
};
use crate::core::manifest::{Key, label};
use crate::core::spec::ConflictRule;
use crate::engine::live_objects::ManagedObject;
use crate::engine::observe::{Observation, brings_namespace};
use crate::engine::server_side_apply::{ApplyOptions, ApplyOutcome, ApplyRequest, apply_all};
use crate::engine::takeover::TakeoverPolicy;
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
    /// The object, with its live state.
    pub(crate) object: &'a ManagedObject<'a>,
    /// The object that would be sent, without the fields that are left to other managers.
    pub(crate) wanted: Value,
    /// The effect.
    pub(crate) state: State,
    /// The fields that are left to other managers.
    pub(crate) left: Vec<Yielded>,
    /// Whose fields an apply takes over.
    pub(crate) policy: Option<TakeoverPolicy>,
    /// The fields that move to this program before the apply.
    pub(crate) takeover: Option<Takeover>,
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
    /// Only the server knows whether values would change, and it was not asked or refused to say.
    NotCertain,
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

/// How objects are compared with a cluster.
pub(crate) struct Comparer<'a> {
    /// The cluster that runs the dry runs.
    pub(crate) cluster: &'a Cluster,
    /// The spec's rules for fields of other managers.
    pub(crate) rules: &'a [ConflictRule],
    /// All objects of the tree; one of them may be the namespace of another.
    pub(crate) items: &'a [Item],
    /// How the effect is determined.
    pub(crate) strategy: DiffStrategy,
    /// `--force-conflicts`.
    pub(crate) force: Force,
    /// Maximum number of concurrent requests.
    pub(crate) concurrency: usize,
    /// Whose fields an apply takes over; `None` to compare values only.
    pub(crate) takeover: Option<TakeoverPolicy>,
}

/// Compares all objects of a directory.
pub(crate) fn compare<'a>(
    target: &'a Target,
    observation: &'a Observation<'a>,
    strategy: DiffStrategy,
    force: Force,
    concurrency: usize,
) -> Vec<Comparison<'a>> {
    let Target { cluster, rules, items, .. } = target;
    let takeover = Some(TakeoverPolicy::of(target));
    let comparer = Comparer { cluster, rules, items, strategy, force, concurrency, takeover };
    compare_objects(&comparer, &observation.objects)
}

/// Compares objects.
pub(crate) fn compare_objects<'a>(
    comparer: &Comparer<'_>,
    objects: &'a [ManagedObject<'a>],
) -> Vec<Comparison<'a>> {
    let Comparer { cluster, rules, items, strategy, force, concurrency, ref takeover } = *comparer;
    let begin = |object| Comparison::certain(rules, object, strategy, takeover.as_ref());
    let mut comparisons: Vec<Comparison<'a>> = objects.iter().map(begin).collect();
    let mut requests = Vec::new();
    for comparison in comparisons.iter_mut().filter(|comparison| matches!(comparison.state, State::Unknown)) {
        let object = comparison.object;
        match &object.item.at {
            Some(at) if strategy != DiffStrategy::ClientSide => {
                let (at, body) = (at.clone(), comparison.wanted.clone());
                let moves = comparison.takeover.clone();
                let request = ApplyRequest { at, body, live: object.live(), takeover: None, moves };
                requests.push((comparison, request));
            }
            // A dry run fails if the kind comes with the tree and does not exist yet.
            _ => comparison.estimate(),
        }
    }
    let options = ApplyOptions { dry_run: DryRun::All, force, rules, concurrency };
    for (comparison, outcome) in apply_all(cluster, requests, options, |_, _| ()) {
        comparison.settle(outcome, items);
    }
    comparisons
}

/// Returns the fields that move before objects are applied.
pub(crate) fn takeovers<'a>(
    comparisons: &'a [Comparison<'_>],
) -> impl Iterator<Item = (&'a Key, &'a Takeover)> {
    let touched = comparisons.iter().filter(|comparison| comparison.is_touched());
    touched.filter_map(|comparison| Some((comparison.key(), comparison.takeover.as_ref()?)))
}

impl<'a> Comparison<'a> {
    /// Compares as far as the effect is certain without the server; otherwise it is unknown.
    fn certain(
        rules: &[ConflictRule],
        object: &'a ManagedObject<'a>,
        strategy: DiffStrategy,
        policy: Option<&TakeoverPolicy>,
    ) -> Self {
        let (wanted, left) = yielded(rules, &object.item.wanted, object.live());
        let takeover = object.live().and_then(|live| policy?.takeover(&wanted, live));
        let state = match object.live() {
            Some(live) if live.is_being_deleted() => State::Leaving,
            Some(live)
                if strategy != DiffStrategy::ServerSide
                    && takeover.is_none()
                    && is_unchanged(&wanted, live) =>
            {
                State::Unchanged
            }
            _ => State::Unknown,
        };
        Self {
            object,
            wanted,
            state,
            left,
            policy: policy.cloned(),
            takeover,
            source: DiffSource::Certain,
            refused: None,
        }
    }

    /// Returns the key of the object.
    pub(crate) fn key(&self) -> &'a Key {
        &self.object.item.key
    }

    /// Returns the load balancer that an apply would delete.
    pub(crate) fn release(&self) -> Option<Release> {
        let State::Changed(after) = &self.state else { return None };
        Release::of(self.object.live()?, after)
    }

    /// Whether an apply would change values; `None` if the object does not exist or could not be compared.
    pub(crate) fn outlook(&self) -> Option<Outlook> {
        match &self.state {
            State::Unchanged | State::OwnershipChanged => Some(Outlook::Same),
            State::Changed(_) | State::Conflicts(_) => Some(Outlook::Changed),
            State::NotCertain => Some(Outlook::NotCertain),
            State::Created | State::Failed(_) | State::NoNamespace(_) | State::Leaving | State::Unknown => {
                None
            }
        }
    }

    /// Whether an apply would change the object.
    pub(crate) fn is_touched(&self) -> bool {
        matches!(
            self.state,
            State::Created | State::NoNamespace(_) | State::Changed(_) | State::OwnershipChanged
        )
    }

    /// Returns the live object with the label of our ApplySet if another tool applied it so far, such as Argo CD or
    /// Flux. The label is not in the directory, so adding it is not shown as a difference.
    fn joined(&self, live: &LiveObject, before: &LiveObject) -> LiveObject {
        let is_ours = entries(live).is_some_and(|entries| ours(&entries).is_some());
        match label(&self.wanted, PART_OF) {
            Some(id) if !is_ours => before.with_label(PART_OF, id),
            _ => before.clone(),
        }
    }

    /// Estimates the effect from what we read.
    fn estimate(&mut self) {
        let Some(live) = self.object.live() else {
            self.state = State::Created;
            return;
        };
        self.state = self.predicted(live);
        self.source = DiffSource::Estimate;
    }

    /// Predicts the effect of an apply to the live object that we read.
    fn predicted(&self, live: &LiveObject) -> State {
        let before = self.takeover.as_ref().map_or(live, |takeover| &takeover.after);
        let prediction = predict(&self.wanted, before);
        let joined = predict(&self.wanted, &self.joined(live, before)).outlook;
        match (prediction.outlook, joined) {
            (Outlook::Same, _) if self.takeover.is_some() => State::OwnershipChanged,
            (Outlook::Same, _) => State::Unchanged,
            (Outlook::Changed, Outlook::Same) => State::OwnershipChanged,
            (Outlook::Changed, Outlook::Changed) => State::Changed(prediction.after),
            (Outlook::NotCertain, _) | (_, Outlook::NotCertain) => State::NotCertain,
        }
    }

    /// Takes the effect from the result of the dry run. A dry run cannot cover a move of fields together with an apply that
    /// changes or removes them, so the result is then an estimate; the dry run still finds other conflicts.
    fn settle(&mut self, outcome: ApplyOutcome, items: &[Item]) {
        if self.takeover.as_ref().is_some_and(|takeover| !takeover.is_neutral) {
            let is_rejected = |error: &ClusterError| {
                matches!(error, ClusterError::Request { problem: Problem::Rejected { code: 422, .. }, .. })
            };
            match &outcome {
                ApplyOutcome::Answer(_) => return self.estimate(),
                ApplyOutcome::Failed(error) if is_rejected(error) => return self.estimate(),
                _ => {}
            }
        }
        self.state = match outcome {
            ApplyOutcome::Answer(after) => match self.object.live() {
                None => State::Created,
                Some(live) => match effect(live, &after) {
                    Effect::None if self.takeover.is_some() => State::OwnershipChanged,
                    Effect::None => State::Unchanged,
                    Effect::Ownership => State::OwnershipChanged,
                    Effect::Values if effect(&self.joined(live, live), &after) != Effect::Values => {
                        State::OwnershipChanged
                    }
                    // Another client changed the object after we read it: its values are not ours.
                    Effect::Values if is_newer(&after, live) => match self.predicted(live) {
                        State::NotCertain => State::Changed(after.into_value()),
                        certain => certain,
                    },
                    Effect::Values => State::Changed(after.into_value()),
                },
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

/// Whether the result of a dry run comes from a later version of the object than the one that we read.
fn is_newer(after: &LiveObject, live: &LiveObject) -> bool {
    after.resource_version() != live.resource_version()
}
