//! Ownership checks that run before any change.

use std::collections::BTreeMap;

use crate::core::apply::{Tool, Tracker, other_owners, other_set};
use crate::core::live::LiveObject;
use crate::core::manifest::Key;
use crate::core::report::diagnostic::{Diagnostic, Severity};
use crate::core::report::shell_quote::word;
use crate::engine::live_objects::ManagedObject;
use crate::engine::observe::{Observation, observe};
use crate::engine::target::Target;
use crate::failure::Failure;
use crate::output::terminal;

/// Flags for objects that another tool has made.
#[derive(clap::Args, Debug)]
pub(crate) struct OwnerArgs {
    /// Take over objects that this tool made, after the steps that release them; may be repeated
    #[arg(long, value_enum, value_name = "TOOL")]
    from: Vec<Maker>,
    /// Apply objects that this tool also syncs from the same directory; may be repeated
    #[arg(long, value_enum, value_name = "TOOL")]
    with: Vec<Syncer>,
}

/// A tool whose objects can be taken over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Maker {
    /// Objects of an Application of Argo CD
    Argocd,
    /// Objects of a Kustomization or HelmRelease of Flux
    Flux,
    /// Objects of a release of Helm
    Helm,
}

/// A tool that can sync the rendered directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Syncer {
    /// An Application of Argo CD
    Argocd,
    /// A Kustomization of Flux
    Flux,
}

impl OwnerArgs {
    /// Returns the tools of `--from`.
    pub(crate) fn taken(&self) -> Vec<Tool> {
        let tool = |maker: &Maker| match maker {
            Maker::Argocd => Tool::ArgoCd,
            Maker::Flux => Tool::Flux,
            Maker::Helm => Tool::Helm,
        };
        self.from.iter().map(tool).collect()
    }

    /// Returns the tools of `--with`.
    pub(crate) fn shared(&self) -> Vec<Tool> {
        let tool = |syncer: &Syncer| match syncer {
            Syncer::Argocd => Tool::ArgoCd,
            Syncer::Flux => Tool::Flux,
        };
        self.with.iter().map(tool).collect()
    }
}

/// How to handle members that Argo CD, Flux or Helm also apply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OwnershipPolicy {
    /// Warn.
    Warn,
    /// Refuse.
    Refuse,
}

/// How to handle objects of another tool that would become members.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Newcomers {
    /// Refuse them, as a command that applies them does.
    Refuse,
    /// Warn that an apply refuses them.
    Warn,
    /// No object becomes a member.
    Nothing,
}

impl OwnershipPolicy {
    /// Returns the policy of the flag `--strict`.
    pub(crate) fn of_flag(strict: bool) -> Self {
        if strict { Self::Refuse } else { Self::Warn }
    }
}

/// Reads the cluster, as every command does that changes it or shows a change. Refuses members of another ApplySet,
/// and objects that another tool would delete or revert, and reports members that another tool applies too.
pub(crate) fn observe_own(
    target: &Target,
    others: OwnershipPolicy,
    newcomers: Newcomers,
    concurrency: usize,
) -> Result<Observation<'_>, Failure> {
    let observation = observe(target, concurrency)?;
    check(target, &observation, others, newcomers)?;
    Ok(observation)
}

fn check(
    target: &Target,
    observation: &Observation<'_>,
    others: OwnershipPolicy,
    newcomers: Newcomers,
) -> Result<(), Failure> {
    let mut problems = Vec::new();
    for object in &observation.objects {
        if let Some(set) = object.live().and_then(|live| other_set(&target.set, live)) {
            problems.push(
                Diagnostic::refusal(format!("{} is a member of another ApplySet ({set})", object.item.key))
                    .at(object.item.location.clone())
                    .hint("two directories contain the same object; remove it from one of them. `kubectl largescale inventory list` lists the ApplySets"),
            );
        }
    }
    if !problems.is_empty() {
        return Err(problems.into());
    }
    if newcomers != Newcomers::Nothing {
        let refusals: Vec<Diagnostic> =
            observation.objects.iter().flat_map(|object| refusals(target, object)).collect();
        if newcomers == Newcomers::Refuse && !refusals.is_empty() {
            return Err(refusals.into());
        }
        for refusal in refusals {
            let message = format!("`apply` refuses this: {}", refusal.message);
            terminal::diagnostic(&Diagnostic { message, severity: Severity::Warning, ..refusal });
        }
    }
    let mut found: BTreeMap<String, Vec<Key>> = BTreeMap::new();
    let here = observation.objects.iter().filter_map(ManagedObject::live);
    for live in here.chain(&observation.others) {
        for tracker in other_owners(live) {
            let enters = !target.set.is_member(live);
            let is_released = tracker.missing_step.is_none();
            if !is_released && (!enters || target.shared.contains(&tracker.tool)) {
                let who = format!("{} ({})", tracker.tool.name(), tracker.owner);
                found.entry(who).or_default().push(live.key());
            }
        }
    }
    let say = |who: &String, keys: &Vec<Key>| {
        let more = if keys.len() > 1 { format!(" and {} more", keys.len() - 1) } else { String::new() };
        format!("{who} also applies {}{more}", keys[0])
    };
    let hint = "let one tool apply the object; otherwise each reverts the changes of the other";
    if others == OwnershipPolicy::Refuse && !found.is_empty() {
        let refuse = |(who, keys)| Diagnostic::refusal(say(who, keys)).hint(hint);
        return Err(found.iter().map(refuse).collect::<Vec<_>>().into());
    }
    for (who, keys) in &found {
        terminal::diagnostic(&Diagnostic::warning(say(who, keys)).hint(hint));
    }
    Ok(())
}

/// Returns why an object of another tool may not become a member.
fn refusals(target: &Target, object: &ManagedObject<'_>) -> Vec<Diagnostic> {
    let Some(live) = object.live().filter(|live| !target.set.is_member(live)) else { return Vec::new() };
    let trackers = other_owners(live).into_iter().filter(|tracker| !target.shared.contains(&tracker.tool));
    let refuse = |tracker: Tracker| {
        let (key, tool, owner) = (&object.item.key, tracker.tool, &tracker.owner);
        let problem = match tracker.missing_step {
            step if !target.taken.contains(&tool) => {
                let released = if step.is_none() { "" } else { "make it release the object first, then " };
                Diagnostic::refusal(format!(
                    "{key} belongs to {} ({owner}), which would revert or delete it",
                    tool.name()
                ))
                .hint(format!("{released}use --from {}; docs/howto/take-over.md has the steps", tool.flag()))
            }
            Some(step) => Diagnostic::refusal(format!("{key} is not released by {} ({owner})", tool.name()))
                .hint(format!(
                    "follow docs/howto/take-over.md until the object has the annotation: {}",
                    annotate(live, step.annotation, step.value)
                )),
            None => return None,
        };
        Some(problem.at(object.item.location.clone()))
    };
    trackers.filter_map(refuse).collect()
}

/// Returns the command that adds an annotation to an object.
fn annotate(live: &LiveObject, annotation: &str, value: &str) -> String {
    let group = live.api_version().split_once('/').map(|(group, _)| format!(".{group}")).unwrap_or_default();
    let namespace = match live.namespace() {
        "" => String::new(),
        namespace => format!(" -n {}", word(namespace)),
    };
    let kind = live.kind().to_lowercase();
    format!("kubectl annotate{namespace} {kind}{group} {} {annotation}={value}", word(live.name()))
}
