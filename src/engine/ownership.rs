//! Ownership checks that run before any change.

use std::collections::{BTreeMap, BTreeSet};

use crate::core::apply::{Step, Tool, Tracker, other_appliers, other_owners};
use crate::core::manifest::Key;
use crate::core::report::diagnostic::{Diagnostic, Severity};
use crate::core::report::plural::plural;
use crate::core::report::shell_quote::word;
use crate::engine::incoming::check_members_of_others;
use crate::engine::live_objects::ManagedObject;
use crate::engine::observe::{Observation, observe};
use crate::engine::rejection::kubectl_name;
use crate::engine::target::Target;
use crate::failure::Failure;
use crate::output::terminal;

/// Tools whose objects are taken over
#[derive(clap::Args, Debug)]
pub(crate) struct TakeOverArgs {
    /// Take over objects that Helm installed, after the steps that release them
    #[arg(long)]
    from_helm: bool,
    /// Take over objects that Argo CD applied, after the steps that release them
    #[arg(long)]
    from_argocd: bool,
    /// Take over objects that Flux applied, after the steps that release them
    #[arg(long)]
    from_flux: bool,
}

/// Flags for objects that another tool has made.
#[derive(clap::Args, Debug)]
pub(crate) struct OwnerArgs {
    #[command(flatten)]
    take_over: TakeOverArgs,
    /// Apply objects that this tool also syncs from the same directory; may be repeated
    #[arg(long, value_enum, value_name = "TOOL")]
    with: Vec<Syncer>,
}

/// A tool that can sync the rendered directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Syncer {
    /// An Application of Argo CD
    Argocd,
    /// A Kustomization of Flux
    Flux,
}

impl TakeOverArgs {
    /// Returns the tools whose objects are taken over.
    pub(crate) fn taken(&self) -> Vec<Tool> {
        let flags =
            [(self.from_argocd, Tool::ArgoCd), (self.from_flux, Tool::Flux), (self.from_helm, Tool::Helm)];
        flags.into_iter().filter(|(is_given, _)| *is_given).map(|(_, tool)| tool).collect()
    }
}

impl OwnerArgs {
    /// Returns the tools whose objects are taken over.
    pub(crate) fn taken(&self) -> Vec<Tool> {
        self.take_over.taken()
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
    let handed_over = check_members_of_others(target, observation)?;
    if newcomers != Newcomers::Nothing {
        for note in &handed_over {
            terminal::note(note);
        }
    }
    if newcomers != Newcomers::Nothing {
        let refusals = refusals(target, observation);
        if newcomers == Newcomers::Refuse && !refusals.is_empty() {
            return Err(refusals.into());
        }
        for refusal in refusals {
            let message = format!("`apply` refuses this: {}", refusal.message);
            terminal::diagnostic(&Diagnostic { message, severity: Severity::Warning, ..refusal });
        }
    }
    if newcomers != Newcomers::Nothing {
        note_other_appliers(target, observation);
    }
    if newcomers != Newcomers::Nothing {
        let live = observation.objects.iter().filter_map(ManagedObject::live);
        let found = live.flat_map(other_owners).map(|tracker| tracker.tool).collect();
        note_unused(&target.taken, &found);
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

/// Prints which tools the user takes over although none of the objects has their marks.
pub(crate) fn note_unused(taken: &[Tool], found: &BTreeSet<Tool>) {
    for tool in taken.iter().filter(|tool| !found.contains(tool)) {
        terminal::note(&format!(
            "--from-{} has no effect: no object has the marks of {}",
            tool.flag(),
            tool.name()
        ));
    }
}

/// Returns why objects of other tools may not become members.
fn refusals(target: &Target, observation: &Observation<'_>) -> Vec<Diagnostic> {
    let mut problems = Vec::new();
    let mut not_taken: BTreeMap<(Tool, String), Vec<&ManagedObject<'_>>> = BTreeMap::new();
    for object in &observation.objects {
        let Some(live) = object.live().filter(|live| !target.set.is_member(live)) else { continue };
        for Tracker { tool, owner, missing_step } in other_owners(live) {
            if target.shared.contains(&tool) {
                continue;
            }
            if !target.taken.contains(&tool) {
                not_taken.entry((tool, owner)).or_default().push(object);
            } else if let Some(Step { annotation, value }) = missing_step {
                let message = format!("{} is not released by {} ({owner})", object.item.key, tool.name());
                let command = annotate(&object.item.key, annotation, value);
                problems.push(Diagnostic::refusal(message).at(object.item.location.clone()).hint(format!(
                    "follow docs/howto/take-over.md until the object has the annotation: {command}"
                )));
            }
        }
    }
    for ((tool, owner), objects) in not_taken {
        let Some((first, others)) = objects.split_first() else { continue };
        let (more, belong) = match others.len() {
            0 => (String::new(), "belongs"),
            count => (format!(" and {}", plural(count, "other object")), "belong"),
        };
        let message = format!(
            "{}{more} {belong} to {} ({owner}), which would revert or delete a change",
            first.item.key,
            tool.name()
        );
        problems
            .push(Diagnostic::refusal(message).at(first.item.location.clone()).hint(not_taken_hint(tool)));
    }
    problems
}

/// Prints which other field managers apply the objects that become members. Nothing shows whether they still do.
fn note_other_appliers(target: &Target, observation: &Observation<'_>) {
    let tools: Vec<&str> = Tool::all().flat_map(|tool| tool.managers().iter().copied()).collect();
    let mut found: BTreeMap<&str, Vec<&Key>> = BTreeMap::new();
    for object in &observation.objects {
        let Some(live) = object.live().filter(|live| !target.set.is_member(live)) else { continue };
        for manager in other_appliers(&object.item.wanted, live, &tools) {
            found.entry(manager).or_default().push(&object.item.key);
        }
    }
    for (manager, keys) in found {
        let more = if keys.len() > 1 { format!(" and {} more", keys.len() - 1) } else { String::new() };
        terminal::note(&format!(
            "{manager} also applies fields of {}{more}; if it no longer does, take them over with `kubectl largescale \
             inventory adopt{} --from {}`",
            keys[0],
            target.flags,
            word(manager)
        ));
    }
}

fn not_taken_hint(tool: Tool) -> String {
    let flag = tool.flag();
    let steps = format!("release the objects as docs/howto/take-over.md describes, then use --from-{flag}");
    match tool {
        Tool::Helm => steps,
        Tool::ArgoCd | Tool::Flux => {
            format!("{steps}; if {} syncs this rendered directory, use --with {flag}", tool.name())
        }
    }
}

/// Returns the command that adds an annotation to an object.
fn annotate(key: &Key, annotation: &str, value: &str) -> String {
    format!("kubectl annotate {} {annotation}={value}", kubectl_name(key))
}
