//! Plan files: `diff --live --out` writes one, and `apply PLAN` checks it against the cluster.

use std::path::Path;

use serde_json::Value;

use crate::cluster::Force;
use crate::core::apply::{Deviation, MaxPrune, PlanFile, PlannedObject, Salt, Terms, Tool, deviations};
use crate::core::live::{LiveObject, changes, cleaned, digest, intended};
use crate::core::manifest::Key;
use crate::core::report::diagnostic::{Checked, Diagnostic};
use crate::directory::{read_text_of_user, write_private};
use crate::engine::apply::ApplyJob;
use crate::engine::compare::{Comparison, DiffStrategy, State, compare};
use crate::engine::difference::{Cause, Difference, differences};
use crate::engine::observe::Observation;
use crate::engine::prune::PruneCandidate;
use crate::engine::results::{ObjectAction, Results};
use crate::engine::target::Target;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::terminal;

/// Reads a plan file.
pub(crate) fn read(path: &Path) -> Checked<PlanFile> {
    let shown = path.display().to_string();
    let text = read_text_of_user(path, &shown)?;
    PlanFile::read(&shown, &text)
}

/// Writes a plan file that only its owner may read, because it shows the content of a cluster.
pub(crate) fn write(path: &Path, plan: &PlanFile) -> Result<(), Diagnostic> {
    write_private(path, &plan.write())
}

/// Returns the plan: every object that would change, with the digest of its changes.
pub(crate) fn plan(
    target: &Target,
    comparisons: &[Comparison<'_>],
    prune_candidates: &[PruneCandidate],
    prune: Option<MaxPrune>,
    force: Force,
    salt: &Salt,
) -> PlanFile {
    let planned = |Difference { key, action, change: shown, cause }| {
        let (live, change) = match cause {
            Cause::Apply(comparison) => (comparison.object.live(), change_of(comparison, salt)),
            // The object is deleted whatever else changes in it; the user agreed to losing this address.
            Cause::Prune(candidate) => (Some(&candidate.live), candidate.deletion.addresses.join(",")),
        };
        let Key { group, kind, namespace, name } = key.clone();
        PlannedObject {
            group,
            kind,
            namespace,
            name,
            action: action.to_owned(),
            uid: live.and_then(LiveObject::uid).map(str::to_owned),
            change,
            diff: shown.text(),
        }
    };
    let objects = differences(comparisons, prune_candidates).into_iter().map(planned);
    let terms = Terms {
        cluster: target.identity.clone(),
        namespace: target.set.namespace.clone(),
        set: target.set.id(),
        tree: salt.salted(&target.digests),
        salt: salt.clone(),
        prune: prune.map(|max| max.to_string()),
        force_conflicts: force == Force::Always,
        from: target.taken.iter().map(|tool| tool.flag().to_owned()).collect(),
        with: target.shared.iter().map(|tool| tool.flag().to_owned()).collect(),
    };
    PlanFile::new(terms, objects.collect())
}

/// Returns the tools that a plan takes over, and those of `--with`.
pub(crate) fn owners(plan: &PlanFile) -> Result<(Vec<Tool>, Vec<Tool>), Diagnostic> {
    let tools = |names: &[String]| -> Result<Vec<Tool>, Diagnostic> {
        let tool = |name: &String| {
            Tool::all().find(|tool| tool.flag() == name.as_str()).ok_or_else(|| {
                Diagnostic::error("the plan names an unknown tool")
                    .hint("`kubectl largescale diff --live --out FILE` writes a plan")
            })
        };
        names.iter().map(tool).collect()
    };
    Ok((tools(&plan.terms.from)?, tools(&plan.terms.with)?))
}

/// Returns the objects to apply for a plan, if the plan still matches what would be done. An object is changed only
/// at the resourceVersion that was just read.
pub(crate) fn jobs<'a>(
    plan: &PlanFile,
    target: &'a Target,
    observation: &'a Observation<'a>,
    prune_candidates: &[PruneCandidate],
    concurrency: usize,
    report: &mut Results,
) -> Result<Vec<ApplyJob<'a>>, Failure> {
    let force = if plan.terms.force_conflicts { Force::Always } else { Force::Never };
    let comparisons = compare(target, observation, DiffStrategy::Hybrid, force, concurrency);
    // A plan is applied completely or not at all: a user who may not run the dry run may not apply.
    let refused = |comparison: &Comparison<'_>| {
        Some(crate::engine::results::failure(comparison.key(), comparison.refused.as_ref()?))
    };
    let problem = |comparison| crate::engine::results::problem(comparison).or_else(|| refused(comparison));
    let problems: Vec<Diagnostic> = comparisons.iter().filter_map(problem).collect();
    if !problems.is_empty() {
        return Err(Failure { exit: Exit::Incomplete, problems });
    }
    let now = self::plan(target, &comparisons, prune_candidates, plan.max_prune()?, force, &plan.terms.salt);
    refuse_deviations(&deviations(plan, &now))?;
    let mut jobs = Vec::new();
    for comparison in comparisons {
        if !comparison.is_touched() {
            report.say(comparison.key(), ObjectAction::Unchanged, None);
            continue;
        }
        let Comparison { object, wanted: body, .. } = comparison;
        let mut job = ApplyJob { object, body };
        job.only_as_read();
        jobs.push(job);
    }
    Ok(jobs)
}

/// Returns the digest of the changes that the directory makes to an object, and the addresses that it loses.
fn change_of(comparison: &Comparison<'_>, salt: &Salt) -> String {
    let Comparison { object, wanted, state, takeover, .. } = comparison;
    let changes = match state {
        State::Changed(after) => {
            let before = object.live().map_or(Value::Null, |live| cleaned(live.value()));
            intended(changes(&before, &cleaned(after)), wanted)
        }
        State::OwnershipChanged => Vec::new(),
        _ => changes(&Value::Null, wanted),
    };
    let mut change = digest(salt.as_str(), &changes);
    if let Some(release) = comparison.release() {
        change.push_str(&format!(" {}", release.addresses.join(",")));
    }
    if let Some(takeover) = takeover {
        change.push_str(&format!(" taking over {}", takeover.digest(salt.as_str())));
    }
    change
}

fn refuse_deviations(deviations: &[Deviation]) -> Result<(), Failure> {
    let mut problems = Vec::new();
    for deviation in deviations {
        match deviation {
            Deviation::AlreadyDone(key) => terminal::note(&format!("{key}: already done")),
            Deviation::Whole(what) => problems.push(Diagnostic::refusal(what.clone())),
            Deviation::Object { what, planned, now, .. } => {
                let shown =
                    |text: &str| if text.is_empty() { "  (nothing)\n".to_owned() } else { text.to_owned() };
                terminal::note(&format!("planned:\n{}now:\n{}", shown(planned), shown(now)));
                problems.push(Diagnostic::refusal(what.clone()));
            }
        }
    }
    let Some(last) = problems.last_mut() else { return Ok(()) };
    *last = last.clone().hint("nothing was changed; make a new plan (`diff --live --out`) and review it");
    Err(problems.into())
}
