//! Carrying out: the parent is told, stage after stage is applied, what has left the tree is deleted, the parent is
//! told again. The order is that of the ApplySet protocol: whenever it stops, nothing of ours is out of its sight.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::cluster::{At, Call, ClusterError, Pause, Problem};
use crate::core::apply::{Scope, Stage};
use crate::core::live::{Effect, Resource, effect};
use crate::core::manifest::Key;
use crate::core::report::diagnostic::Diagnostic;
use crate::engine::apply_set;
use crate::engine::apply_set::Standing;
use crate::engine::observe::{Survey, brings_namespace};
use crate::engine::prune::{Farewell, Gone, delete_all};
use crate::engine::results::{Report, Word, conflict, failure};
use crate::engine::server_side_apply::{Attempt, Done, Manner, apply_all};
use crate::engine::target::{Item, Target, group_version, parent_key};
use crate::failure::Failure;
use crate::output::terminal;

/// How long the kinds of a CustomResourceDefinition may take to be served.
const ESTABLISHED_WITHIN: Duration = Duration::from_secs(30);

/// One object to apply.
pub(crate) struct Job {
    /// Which of the tree.
    pub(crate) index: usize,
    /// What is sent.
    pub(crate) body: Value,
}

/// Does it all, and says what became of each object. An error is one that kept everything from being begun.
pub(crate) fn carry_out(
    target: &Target,
    survey: &Survey,
    jobs: Vec<Job>,
    farewells: &[Farewell],
    manner: Manner<'_>,
    report: &mut Report,
) -> Result<(), Failure> {
    let mut stages: BTreeMap<Stage, Vec<Job>> = BTreeMap::new();
    for job in jobs {
        let key = &target.items[job.index].key;
        stages.entry(Stage::of(&key.group, &key.kind)).or_default().push(job);
    }
    let scope = apply_set::before(target);
    let mut standing = Standing::found(target);
    // The parent's own namespace may come with the tree.
    if !brings_namespace(&target.items, &target.set.namespace) {
        standing.widen(target, &scope)?;
    }
    let mut late = None;
    let mut stages = stages.into_iter();
    for (stage, jobs) in stages.by_ref() {
        let mut flow = ControlFlow::Continue(());
        if stage > Stage::Groundwork && late.is_none() {
            match ready_for_members(target, &mut standing, &scope) {
                Ok(places) => late = Some(places),
                Err(failure) => {
                    failure.problems.iter().for_each(terminal::diagnostic);
                    flow = ControlFlow::Break(());
                }
            }
        }
        if flow.is_continue() && !target.cluster.is_interrupted() {
            flow = apply_stage(target, survey, jobs, late.as_ref(), manner, report);
        } else {
            leave(target, jobs, report);
        }
        if flow.is_break() {
            break;
        }
    }
    // Something of it is done, and what is not has to be told.
    stages.for_each(|(_, jobs)| leave(target, jobs, report));
    if !report.is_complete() || target.cluster.is_interrupted() {
        for farewell in farewells {
            report.say(&farewell.deletion.key, Word::NotApplied, None);
        }
        if !farewells.is_empty() {
            terminal::diagnostic(&Diagnostic::warning(
                "nothing is pruned, because not everything was applied",
            ));
        }
        return Ok(());
    }
    let gone = prune(target, farewells, manner.at_once, report);
    narrow(target, survey, &gone, standing, report);
    Ok(())
}

/// What has to be there before the first member: the parent that names it, and its kind.
fn ready_for_members(
    target: &Target,
    standing: &mut Standing,
    scope: &Scope,
) -> Result<BTreeMap<usize, At>, Failure> {
    if !target.cluster.is_interrupted() {
        standing.widen(target, scope)?;
    }
    Ok(places_of_new_kinds(target)?)
}

fn leave(target: &Target, jobs: Vec<Job>, report: &mut Report) {
    for Job { index, .. } in jobs {
        report.say(&target.items[index].key, Word::NotApplied, None);
    }
}

/// When all is done the parent names what is left and nothing else.
pub(crate) fn narrow(
    target: &Target,
    survey: &Survey,
    gone: &[&Key],
    mut standing: Standing,
    report: &mut Report,
) {
    if !report.is_complete() {
        return;
    }
    let Err(failure) = standing.narrow(target, apply_set::after(target, survey, gone)) else { return };
    let key = parent_key(&target.set);
    let mut said = failure.problems.into_iter().map(|problem| {
        let message = format!("{key}: the inventory still names what is gone: {}", problem.message);
        Diagnostic { message, ..problem }
    });
    report.say(&key, Word::Failed, said.next());
}

/// Deletes what has left the tree, and says it; returns what is gone.
pub(crate) fn prune<'a>(
    target: &Target,
    farewells: &'a [Farewell],
    at_once: usize,
    report: &mut Report,
) -> Vec<&'a Key> {
    let mut gone = Vec::new();
    let results = delete_all(target, farewells, at_once, |farewell, what| {
        let key = &farewell.deletion.key;
        match what {
            Gone::Deleted | Gone::Already => report.say(key, Word::Pruned, None),
            Gone::Kept(why) => report.say(
                key,
                Word::NotApplied,
                Some(Diagnostic::warning(format!("{key} stays: {why}")).hint("look at it, then prune again")),
            ),
            Gone::Failed(error) => report.say(key, Word::Failed, Some(failure(key, error))),
            Gone::Unknown | Gone::NotBegun => {}
        }
    });
    for (farewell, what) in farewells.iter().zip(results) {
        let key = &farewell.deletion.key;
        match what {
            Gone::Deleted | Gone::Already => gone.push(key),
            Gone::Unknown => report.say(key, Word::Unknown, Some(unknown(key))),
            Gone::NotBegun => report.say(key, Word::NotApplied, None),
            Gone::Kept(_) | Gone::Failed(_) => {}
        }
    }
    gone
}

/// Applies what belongs to one stage. It is the last one if the server cannot be reached any more.
fn apply_stage(
    target: &Target,
    survey: &Survey,
    jobs: Vec<Job>,
    late: Option<&BTreeMap<usize, At>>,
    manner: Manner<'_>,
    report: &mut Report,
) -> ControlFlow<()> {
    let mut indices = Vec::with_capacity(jobs.len());
    let mut attempts = Vec::with_capacity(jobs.len());
    for Job { index, body } in jobs {
        let item = &target.items[index];
        let Some(at) = item.at.as_ref().or_else(|| late?.get(&index)) else {
            let version = body["apiVersion"].as_str().unwrap_or_default();
            let problem =
                Diagnostic::error(format!("{}: the cluster does not serve {version} yet", item.key)).hint(
                    "its CustomResourceDefinition comes with the tree: apply again when it is established",
                );
            report.say(&item.key, Word::Failed, Some(problem));
            continue;
        };
        indices.push(index);
        attempts.push(Attempt { at: at.clone(), body, live: &survey.live[index] });
    }
    let results = apply_all(&target.cluster, attempts, manner, |position, done| {
        let index = indices[position];
        say(report, &target.items[index], &survey.live[index], done);
    });
    let mut flow = ControlFlow::Continue(());
    for (index, done) in indices.iter().zip(results) {
        let item = &target.items[*index];
        match done {
            Done::Unknown => report.say(&item.key, Word::Unknown, Some(unknown(&item.key))),
            Done::NotBegun => report.say(&item.key, Word::NotApplied, None),
            Done::Failed(error) if error.is_out_of_reach() => flow = ControlFlow::Break(()),
            _ => {}
        }
    }
    flow
}

fn say(report: &mut Report, item: &Item, before: &Value, done: &Done) {
    let key = &item.key;
    match done {
        // Also where somebody has deleted it since it was looked at.
        Done::Answer(after) if before["metadata"]["uid"] != after["metadata"]["uid"] => {
            report.say(key, Word::Created, None);
        }
        Done::Answer(after) => {
            let is_same = before["metadata"]["resourceVersion"] == after["metadata"]["resourceVersion"]
                || effect(before, after) == Effect::None;
            report.say(key, if is_same { Word::Unchanged } else { Word::Configured }, None);
        }
        Done::Conflicts(conflicts) => report.say(key, Word::Failed, Some(conflict(key, conflicts))),
        Done::Failed(error) => report.say(key, Word::Failed, Some(failure(key, error))),
        Done::Unknown | Done::NotBegun => {}
    }
}

fn unknown(key: &Key) -> Diagnostic {
    Diagnostic::warning(format!("{key}: it was sent, and nobody waited for the answer"))
        .hint("run it again: what is done already is left alone")
}

/// Where objects go whose kinds came with the tree: waits until the server has them.
fn places_of_new_kinds(target: &Target) -> Result<BTreeMap<usize, At>, ClusterError> {
    let mut places = BTreeMap::new();
    let mut missing: Vec<&Item> = target.items.iter().filter(|item| item.at.is_none()).collect();
    if missing.is_empty() {
        return Ok(places);
    }
    let began = Instant::now();
    let mut served: Vec<Resource> = Vec::new();
    while !missing.is_empty() && began.elapsed() < ESTABLISHED_WITHIN {
        for item in &missing {
            let (group, version) = group_version(&item.wanted);
            let list = target.cluster.call(&Call::Resources { group, version })?;
            for resource in Resource::all_of(&list) {
                if !served.contains(&resource) && answers(target, &resource)? {
                    served.push(resource);
                }
            }
        }
        missing.retain(|item| !served.iter().any(|resource| is_of(item, resource)));
        if !missing.is_empty() && target.cluster.pause(Duration::from_millis(200)) == Pause::Interrupted {
            break;
        }
    }
    for (index, item) in target.items.iter().enumerate().filter(|(_, item)| item.at.is_none()) {
        if let Some(resource) = served.iter().find(|resource| is_of(item, resource)) {
            let (namespace, name) = (item.key.namespace.clone(), item.key.name.clone());
            places.insert(index, At { resource: resource.clone(), namespace, name });
        }
    }
    Ok(places)
}

fn is_of(item: &Item, resource: &Resource) -> bool {
    item.key.kind == resource.kind && item.wanted["apiVersion"] == resource.api_version()
}

/// A kind is announced a moment before it is served.
fn answers(target: &Target, resource: &Resource) -> Result<bool, ClusterError> {
    let missing = |problem: &Problem| {
        matches!(problem, Problem::NotFound | Problem::NotServed | Problem::NotJson { code: 404, .. })
    };
    match target.cluster.call(&Call::list(resource.clone(), None, Some(target.set.selector()))) {
        Err(ClusterError::Request { problem, .. }) if missing(&problem) => Ok(false),
        // Who may not list in all namespaces may still apply.
        Ok(_) | Err(ClusterError::Request { problem: Problem::Forbidden { .. }, .. }) => Ok(true),
        Err(error) => Err(error),
    }
}
