//! Plan files: `diff --live --out` writes one, and `apply PLAN` checks it against the cluster.

use std::path::Path;

use serde_json::Value;

use crate::cluster::Force;
use crate::core::apply::{
    Deviation, MaxPrune, PlanFile, PlanSource, PlannedObject, Salt, Terms, Tool, deviations,
};
use crate::core::live::{LiveObject, changes, cleaned, digest, intended};
use crate::core::manifest::Key;
use crate::core::report::diagnostic::{Checked, Diagnostic};
use crate::core::report::shell_quote;
use crate::directory;
use crate::directory::{Source, read_text_of_user, write_private};
use crate::engine::apply::ApplyJob;
use crate::engine::compare::{Comparison, DiffStrategy, State, compare};
use crate::engine::difference::{Cause, Difference, differences};
use crate::engine::observe::Observation;
use crate::engine::prune::PruneCandidate;
use crate::engine::results::{ObjectAction, Results};
use crate::engine::target::{Item, Target};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::terminal;
use crate::scope::Scope;

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
    source: Option<PlanSource>,
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
        source,
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
    let problems: Vec<(&Key, Diagnostic)> =
        comparisons.iter().filter_map(|comparison| Some((comparison.key(), problem(comparison)?))).collect();
    if !problems.is_empty() {
        for (key, problem) in &problems {
            terminal::problem_of(&key.to_string(), problem);
        }
        terminal::same_of_objects();
        let problem = Diagnostic::error("nothing was changed: the plan cannot be applied completely")
            .hint("fix the problems above, then apply the plan again");
        return Err(Failure { exit: Exit::Incomplete, problems: vec![problem] });
    }
    let max_prune = plan.max_prune()?;
    let now = self::plan(target, &comparisons, prune_candidates, max_prune, force, &plan.terms.salt, None);
    let files = target.items.iter().filter_map(|item| Some((item.key.clone(), file_of(item, target)?)));
    refuse_deviations(&deviations(plan, &now, &files.collect()))?;
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

/// Returns the file of an object, relative to the directory.
fn file_of<'a>(item: &Item, target: &'a Target) -> Option<&'a str> {
    let file = item.location.file.as_str();
    let is_meant = |path: &&String| {
        file.strip_suffix(path.as_str()).is_some_and(|rest| rest.is_empty() || rest.ends_with('/'))
    };
    // A file in a folder of the directory may end in the name of another one.
    target.digests.keys().filter(is_meant).max_by_key(|path| path.len()).map(String::as_str)
}

/// Refuses to apply a plan in a directory without a spec, if the plan was made for a spec that is there.
pub(crate) fn refuse_missing_spec(path: &Path, plan: &PlanFile, scope: &Scope) -> Result<(), Diagnostic> {
    let file = scope.source.file();
    match other_source(path, plan, scope) {
        Some(other) if !file.exists() => Err(Diagnostic::error(format!(
            "{}: not found; the plan was made for {}",
            file.display(),
            other.file().display()
        ))
        .hint(command(path, &other))),
        _ => Ok(()),
    }
}

/// Refuses to apply a plan in the directory of another spec than the plan was made for.
pub(crate) fn refuse_other_spec(
    path: &Path,
    plan: &PlanFile,
    target: &Target,
    scope: &Scope,
) -> Result<(), Diagnostic> {
    if plan.terms.set == target.set.id() {
        return Ok(());
    }
    let Some(other) = other_source(path, plan, scope) else { return Ok(()) };
    let title = |source: &Source| match &source.cluster {
        None => source.file().display().to_string(),
        Some(cluster) => format!("cluster {cluster} of {}", source.file().display()),
    };
    Err(Diagnostic::refusal(format!(
        "the plan was made for {}, but this is {}",
        title(&other),
        title(&scope.source)
    ))
    .hint(command(path, &other)))
}

fn other_source(path: &Path, plan: &PlanFile, scope: &Scope) -> Option<Source> {
    directory::other_source(path, plan.terms.source.as_ref()?, &scope.source)
}

fn command(path: &Path, source: &Source) -> String {
    let flags = source.flags();
    // The command names the spec in any case: the user may have named another one.
    let here = if flags.starts_with(" -f ") { "" } else { " -f ." };
    format!("run `kubectl largescale apply{here}{flags} {}`", shell_quote::path(path))
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
    // Many objects deviate for one reason; its first object shows how.
    let mut alike: Vec<(&str, Vec<&Deviation>)> = Vec::new();
    for deviation in deviations {
        match deviation {
            Deviation::AlreadyDone(key) => terminal::note(&format!("{key}: already done")),
            Deviation::Whole(what) => problems.push(Diagnostic::refusal(what.clone())),
            Deviation::Object { key, what, .. } => {
                let reason = what.strip_prefix(&key.to_string()).unwrap_or(what);
                match alike.iter_mut().find(|(known, _)| *known == reason) {
                    Some((_, group)) => group.push(deviation),
                    None => alike.push((reason, vec![deviation])),
                }
            }
        }
    }
    for (_, group) in &alike {
        let Some(Deviation::Object { what, planned, now, .. }) = group.first() else { continue };
        let shown = |text: &str| if text.is_empty() { "  (nothing)\n".to_owned() } else { text.to_owned() };
        terminal::note(&format!("planned:\n{}now:\n{}", shown(planned), shown(now)));
        let others = group.iter().skip(1).filter_map(|deviation| match deviation {
            Deviation::Object { key, .. } => Some(key.to_string()),
            _ => None,
        });
        let others: Vec<String> = others.collect();
        problems.push(Diagnostic::refusal(match others.len() {
            0 => what.clone(),
            count => format!("{what}; the same for {}: {}", plural_more(count), others.join(", ")),
        }));
    }
    let Some(last) = problems.last_mut() else { return Ok(()) };
    *last = last.clone().hint("nothing was changed; make a new plan (`diff --live --out`) and review it");
    Err(problems.into())
}

fn plural_more(count: usize) -> String {
    format!("{count} more {}", if count == 1 { "object" } else { "objects" })
}
