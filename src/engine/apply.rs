//! Applies the tree in ApplySet order: update the parent, apply each stage, prune, update the parent. If a run
//! stops midway, the parent still covers every member.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::cluster::{ApiCall, ClusterError, ObjectRef, Pause, Problem};
use crate::core::apply::{MemberScope, Release, Stage};
use crate::core::live::{Effect, LiveObject, Resource, effect};
use crate::core::manifest::{Key, set_metadata};
use crate::core::render::pool_of;
use crate::core::report::diagnostic::Diagnostic;
use crate::engine::apply_set;
use crate::engine::apply_set::ParentState;
use crate::engine::cells::Cells;
use crate::engine::live_objects::ManagedObject;
use crate::engine::observe::{Observation, brings_namespace};
use crate::engine::prune::{DeleteOutcome, PruneCandidate, delete_all};
use crate::engine::results::{ObjectAction, Results, apply_failure, conflict, failure};
use crate::engine::served_kinds::group_version;
use crate::engine::server_side_apply::{ApplyOptions, ApplyOutcome, ApplyRequest, apply_all};
use crate::engine::takeover::TakeoverPolicy;
use crate::engine::target::{Item, Target, parent_key};
use crate::failure::Failure;
use crate::output::terminal;

/// How long the API server may take to serve the kinds of a new CustomResourceDefinition.
const ESTABLISHED_WITHIN: Duration = Duration::from_secs(30);

/// One object to apply.
pub(crate) struct ApplyJob<'a> {
    /// The object, with its live state.
    pub(crate) object: &'a ManagedObject<'a>,
    /// The object that is sent.
    pub(crate) body: Value,
}

impl ApplyJob<'_> {
    /// Returns the load balancer that is deleted with the job.
    pub(crate) fn release(&self) -> Option<Release> {
        Release::by(self.object.live()?, &self.body)
    }

    /// Makes the API server refuse the job if the object has changed since it was read.
    pub(crate) fn only_as_read(&mut self) {
        self.only_this_object();
        if let Some(version) = self.object.live().and_then(LiveObject::resource_version) {
            set_metadata(&mut self.body, "resourceVersion", version);
        }
    }

    /// Makes the API server refuse the job if the object was deleted since it was read: it would be created without its
    /// addresses.
    pub(crate) fn only_this_object(&mut self) {
        if let Some(uid) = self.object.live().and_then(LiveObject::uid) {
            set_metadata(&mut self.body, "uid", uid);
        }
    }
}

/// References of objects whose kinds came with the tree.
type NewRefs = BTreeMap<Key, ObjectRef>;

/// Applies all jobs, prunes, and reports the result of each object. With `cells`, one pool comes after the other. Returns an error
/// only if nothing was started.
pub(crate) fn apply_in_order(
    target: &Target,
    observation: &Observation<'_>,
    jobs: Vec<ApplyJob<'_>>,
    prune_candidates: &[PruneCandidate],
    options: ApplyOptions<'_>,
    mut cells: Option<&mut Cells>,
    report: &mut Results,
) -> Result<(), Failure> {
    let scope = apply_set::before(target);
    let mut parent = ParentState::found(target);
    // The tree may contain the namespace of the parent. If that exists, the parent comes before the first member.
    if !brings_namespace(&target.items, &target.set.namespace)
        || observation.has_namespace(&target.set.namespace)
    {
        parent.widen(target, &scope)?;
    }
    let mut new_refs = None;
    let mut groups = in_order(jobs, cells.as_deref()).into_iter();
    for (place, mut stages) in groups.by_ref() {
        if place.deletes && !report.is_complete() {
            terminal::diagnostic(&Diagnostic::warning(
                "skipping the deletion of load balancers because some objects were not applied",
            ));
            for jobs in stages.into_values() {
                skip(&jobs, report);
            }
            break;
        }
        let mut flow = ControlFlow::Continue(());
        while let Some((stage, jobs)) = stages.pop_first() {
            if stage > Stage::Groundwork && new_refs.is_none() && flow.is_continue() {
                match ready_for_members(target, &mut parent, &scope) {
                    Ok(refs) => new_refs = Some(refs),
                    Err(failure) => {
                        terminal::problems(&failure.problems);
                        flow = ControlFlow::Break(());
                    }
                }
            }
            if flow.is_continue() && !target.cluster.is_interrupted() {
                flow = apply_stage(target, jobs, new_refs.as_ref(), options, report);
            } else {
                skip(&jobs, report);
            }
        }
        if let Some(cells) = cells.as_deref_mut().filter(|_| flow.is_continue() && !place.deletes) {
            flow = cells.after(target, place.pool.as_deref(), report);
        }
        if flow.is_break() {
            break;
        }
    }
    // Some stages ran; report the objects of the others.
    groups.flat_map(|(_, stages)| stages.into_values()).for_each(|jobs| skip(&jobs, report));
    let is_stopped = cells.is_some_and(|cells| cells.is_stopped());
    if !report.is_complete() || is_stopped || target.cluster.is_interrupted() {
        for candidate in prune_candidates {
            report.say(&candidate.deletion.key, ObjectAction::NotApplied, None);
        }
        if !prune_candidates.is_empty() {
            terminal::diagnostic(&Diagnostic::warning(
                "skipping prune because some objects were not applied",
            ));
        }
        return Ok(());
    }
    let gone = prune(target, prune_candidates, options.concurrency, report);
    narrow(target, observation, &gone, parent, report);
    Ok(())
}

/// When a job runs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    /// Load balancers are deleted after everything else is applied, as pruned objects are.
    deletes: bool,
    /// The pool; what all pools share comes before them.
    pool: Option<String>,
}

/// Groups the jobs by the time at which they run. Every pool has a group, also one without a job: it is waited for, too.
fn in_order<'a>(
    jobs: Vec<ApplyJob<'a>>,
    cells: Option<&Cells>,
) -> BTreeMap<Place, BTreeMap<Stage, Vec<ApplyJob<'a>>>> {
    let mut groups: BTreeMap<Place, BTreeMap<Stage, Vec<ApplyJob<'_>>>> = BTreeMap::new();
    let pools = cells.into_iter().flat_map(Cells::pools).cloned().map(Some);
    for pool in pools.chain([None]) {
        groups.entry(Place { deletes: false, pool }).or_default();
    }
    for job in jobs {
        let key = &job.object.item.key;
        let stage = Stage::of(&key.group, &key.kind);
        let pool = cells.and_then(|_| pool_of(&job.object.item.wanted)).map(str::to_owned);
        let place = Place { deletes: job.release().is_some(), pool };
        groups.entry(place).or_default().entry(stage).or_default().push(job);
    }
    groups
}

/// Prepares for the first member: the parent must cover it, and the server must serve its kind.
fn ready_for_members(
    target: &Target,
    parent: &mut ParentState,
    scope: &MemberScope,
) -> Result<NewRefs, Failure> {
    if !target.cluster.is_interrupted() {
        parent.widen(target, scope)?;
    }
    Ok(refs_of_new_kinds(target)?)
}

fn skip(jobs: &[ApplyJob<'_>], report: &mut Results) {
    for job in jobs {
        report.say(&job.object.item.key, ObjectAction::NotApplied, None);
    }
}

/// Narrows the parent to the remaining members when everything succeeded.
pub(crate) fn narrow(
    target: &Target,
    observation: &Observation<'_>,
    gone: &[&Key],
    mut parent: ParentState,
    report: &mut Results,
) {
    if !report.is_complete() {
        return;
    }
    let Err(failure) = parent.narrow(target, apply_set::after(target, observation, gone)) else { return };
    let key = parent_key(&target.set);
    let mut problems = failure.problems.into_iter().map(|problem| {
        let message = format!("{key}: the inventory still lists deleted objects: {}", problem.message);
        Diagnostic { message, ..problem }
    });
    report.say(&key, ObjectAction::Failed, problems.next());
}

/// Deletes the objects that are no longer in the tree and reports them. Returns the keys of the deleted ones.
pub(crate) fn prune<'a>(
    target: &Target,
    prune_candidates: &'a [PruneCandidate],
    concurrency: usize,
    report: &mut Results,
) -> Vec<&'a Key> {
    let mut gone = Vec::new();
    let results = delete_all(target, prune_candidates, concurrency, |candidate, what| {
        let key = &candidate.deletion.key;
        match what {
            DeleteOutcome::Deleted | DeleteOutcome::Already => report.say(key, ObjectAction::Pruned, None),
            DeleteOutcome::Kept(why) => report.say(
                key,
                ObjectAction::NotApplied,
                Some(
                    Diagnostic::warning(format!("{key} was not deleted: {why}"))
                        .hint("check the object, then prune again"),
                ),
            ),
            DeleteOutcome::Failed(error) => report.say(key, ObjectAction::Failed, Some(failure(key, error))),
            DeleteOutcome::Unknown | DeleteOutcome::NotBegun => {}
        }
    });
    for (candidate, what) in results {
        let key = &candidate.deletion.key;
        match what {
            DeleteOutcome::Deleted | DeleteOutcome::Already => gone.push(key),
            DeleteOutcome::Unknown => report.say(key, ObjectAction::Unknown, Some(unknown(key))),
            DeleteOutcome::NotBegun => report.say(key, ObjectAction::NotApplied, None),
            DeleteOutcome::Kept(_) | DeleteOutcome::Failed(_) => {}
        }
    }
    gone
}

/// Applies the jobs of one stage. Returns `Break` if the server is out of reach.
fn apply_stage(
    target: &Target,
    jobs: Vec<ApplyJob<'_>>,
    new_refs: Option<&NewRefs>,
    options: ApplyOptions<'_>,
    report: &mut Results,
) -> ControlFlow<()> {
    let policy = TakeoverPolicy::of(target);
    let mut requests = Vec::with_capacity(jobs.len());
    for ApplyJob { object, body } in jobs {
        let item = object.item;
        let Some(at) = item.at.as_ref().or_else(|| new_refs?.get(&item.key)) else {
            let version = body["apiVersion"].as_str().unwrap_or_default();
            let problem =
                Diagnostic::error(format!("{}: the cluster does not serve {version} yet", item.key)).hint(
                    "the rendered directory contains its CustomResourceDefinition; apply again when that is established",
                );
            report.say(&item.key, ObjectAction::Failed, Some(problem));
            continue;
        };
        requests.push((
            object,
            ApplyRequest { at: at.clone(), body, live: object.live(), takeover: Some(&policy), moves: None },
        ));
    }
    let results = apply_all(&target.cluster, requests, options, |object, done| {
        say(report, object, &policy, done);
    });
    let mut flow = ControlFlow::Continue(());
    for (ManagedObject { item, .. }, done) in results {
        match done {
            ApplyOutcome::Unknown => report.say(&item.key, ObjectAction::Unknown, Some(unknown(&item.key))),
            ApplyOutcome::NotBegun => report.say(&item.key, ObjectAction::NotApplied, None),
            ApplyOutcome::Failed(error) if error.is_out_of_reach() => flow = ControlFlow::Break(()),
            _ => {}
        }
    }
    flow
}

fn say(report: &mut Results, object: &ManagedObject<'_>, policy: &TakeoverPolicy, done: &ApplyOutcome) {
    let key = &object.item.key;
    match done {
        ApplyOutcome::Answer(after) => report.say(key, action(object.live(), after), None),
        ApplyOutcome::Conflicts(conflicts) => {
            report.say(key, ObjectAction::Failed, Some(conflict(key, conflicts)));
        }
        ApplyOutcome::Failed(error) => {
            report.say(key, ObjectAction::Failed, Some(apply_failure(object, Some(policy), error)));
        }
        ApplyOutcome::Unknown | ApplyOutcome::NotBegun => {}
    }
}

fn action(before: Option<&LiveObject>, after: &LiveObject) -> ObjectAction {
    match before {
        // Another client may have deleted the object after we read it.
        Some(before) if before.uid() == after.uid() => {
            let is_same = before.resource_version() == after.resource_version();
            if is_same || effect(before, after) == Effect::None {
                ObjectAction::Unchanged
            } else {
                ObjectAction::Configured
            }
        }
        _ => ObjectAction::Created,
    }
}

fn unknown(key: &Key) -> Diagnostic {
    Diagnostic::warning(format!("{key}: the request was sent, but its result is unknown"))
        .hint("run the command again; it skips what is already done")
}

/// Waits until the server serves the kinds that the tree defines. Returns the references of their objects.
fn refs_of_new_kinds(target: &Target) -> Result<NewRefs, ClusterError> {
    let mut refs = NewRefs::new();
    let mut missing: Vec<&Item> = target.items.iter().filter(|item| item.at.is_none()).collect();
    if missing.is_empty() {
        return Ok(refs);
    }
    let began = Instant::now();
    let mut served: Vec<Resource> = Vec::new();
    while !missing.is_empty() && began.elapsed() < ESTABLISHED_WITHIN {
        for item in &missing {
            let (group, version) = group_version(&item.wanted);
            let list = target.cluster.call(&ApiCall::Resources { group, version })?;
            for resource in list.kinds() {
                if !served.contains(&resource) && is_served(target, &resource)? {
                    served.push(resource);
                }
            }
        }
        missing.retain(|item| !served.iter().any(|resource| is_of(item, resource)));
        if !missing.is_empty() && target.cluster.pause(Duration::from_millis(200)) == Pause::Interrupted {
            break;
        }
    }
    for item in target.items.iter().filter(|item| item.at.is_none()) {
        if let Some(resource) = served.iter().find(|resource| is_of(item, resource)) {
            let (namespace, name) = (item.key.namespace.clone(), item.key.name.clone());
            refs.insert(item.key.clone(), ObjectRef { resource: resource.clone(), namespace, name });
        }
    }
    Ok(refs)
}

fn is_of(item: &Item, resource: &Resource) -> bool {
    item.key.kind == resource.kind && item.wanted["apiVersion"] == resource.api_version()
}

/// Returns whether the server serves a kind: discovery lists it a moment earlier.
fn is_served(target: &Target, resource: &Resource) -> Result<bool, ClusterError> {
    let missing = |problem: &Problem| {
        matches!(problem, Problem::NotFound | Problem::NotServed | Problem::NotJson { code: 404, .. })
    };
    match target.cluster.call(&ApiCall::list(resource.clone(), None, Some(target.set.selector()))) {
        Err(ClusterError::Request { problem, .. }) if missing(&problem) => Ok(false),
        // A user may be allowed to apply without being allowed to list in all namespaces.
        Ok(_) | Err(ClusterError::Request { problem: Problem::Forbidden { .. }, .. }) => Ok(true),
        Err(error) => Err(error),
    }
}
