//! `inventory adopt`: what kubectl looked after becomes ours.

use super::members::{Member, members, patch_all};
use crate::cli::Global;
use crate::commands::apply::place;
use crate::commands::live::agree;
use crate::commands::live::parent;
use crate::commands::live::report::Report;
use crate::commands::live::survey::survey;
use crate::commands::live::target::{Purpose, Target};
use crate::core::apply::{Owner, TOOL, other_set, read_parent, tool_of};
use crate::core::diagnostic::Diagnostic;
use crate::core::live::{Entry, MANAGER, migration};
use crate::core::plural::plural;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::ui::{self, Answer};

/// Take over a set, or objects without one, from kubectl
///
/// The set is told that it is ours, and what kubectl has applied of its members becomes applied by us, so that fields that
/// leave the directory leave the objects. No value changes.
#[derive(clap::Args, Debug)]
pub(super) struct Args {
    /// Field managers whose fields become ours, besides kubectl's (repeatable)
    #[arg(long, value_name = "MANAGER")]
    from: Vec<String>,
    /// Only say what would be done
    #[arg(long)]
    dry_run: bool,
    /// Do it without asking
    #[arg(short, long)]
    yes: bool,
    /// How many requests at once
    #[arg(long, default_value_t = 16, value_name = "N", value_parser = agree::at_once)]
    concurrency: usize,
}

/// Adopts.
pub(super) fn run(global: &Global, args: &Args) -> Result<Exit, Failure> {
    let purpose = if args.dry_run { Purpose::Look } else { Purpose::Change };
    let mut target = Target::find(global, purpose)?;
    if !target.parent_live.is_null() {
        target.parent = Some(read_parent(&target.set, &target.parent_live, Owner::Anyone)?);
    }
    let survey = survey(&target, args.concurrency)?;
    let members = members(&target, &survey);
    refuse_members_of_others(&target, &members)?;
    let is_from =
        |entry: &Entry<'_>| is_kubectls(entry) || args.from.iter().any(|name| name == entry.manager);
    let patches: Vec<_> = members
        .iter()
        .filter_map(|member| {
            let patch = migration(&member.live, is_from, MANAGER)?;
            Some((member.key.clone(), member.at.clone()?, patch))
        })
        .collect();
    let owner = target.parent.as_ref().map(|parent| parent.tooling.clone());
    let is_ours = owner.as_ref().is_some_and(|tooling| tool_of(tooling) == TOOL);
    match &owner {
        None => ui::note("there is no set yet: it is made"),
        Some(_) if is_ours => ui::note("the set is ours already"),
        Some(tooling) => ui::note(&format!("the set is taken over from {tooling}")),
    }
    ui::note(&format!("{} become ours in {}", plural(patches.len(), "object"), place(&target)));
    if args.dry_run || is_ours && patches.is_empty() {
        return Ok(Exit::Success);
    }
    agree_to(args.yes)?;
    target.cluster.catch_interrupts();
    // Told first: whoever prunes by this parent from now on, is us.
    parent::write(&target, &parent::before(&target))?;
    let mut report = Report::new(None, "");
    patch_all(&target, patches, args.concurrency, &mut report);
    let interrupted = target.cluster.is_interrupted();
    let exit = report.finish(global, &place(&target))?;
    ui::note("next: kubectl largescale diff --live shows what apply would change");
    Ok(if interrupted { Exit::Interrupted } else { exit })
}

/// `kubectl apply`, by the server and by the client. What people have edited by hand stays theirs.
fn is_kubectls(entry: &Entry<'_>) -> bool {
    entry.subresource.is_empty()
        && matches!(
            (entry.manager, entry.operation),
            ("kubectl", "Apply") | ("kubectl-client-side-apply" | "kubectl-last-applied", _)
        )
}

fn refuse_members_of_others(target: &Target, members: &[Member]) -> Result<(), Failure> {
    let refuse = |member: &Member| {
        let set = other_set(&target.set, &member.live)?;
        Some(
            Diagnostic::refusal(format!("{} is a member of another set ({set})", member.key)).hint(
                "only a set whose parent is the ConfigMap of this name can be taken over; take the label off first",
            ),
        )
    };
    let problems: Vec<Diagnostic> = members.iter().filter_map(refuse).collect();
    if problems.is_empty() { Ok(()) } else { Err(problems.into()) }
}

/// Asks; where nobody is there to be asked, only `--yes` is an answer.
pub(super) fn agree_to(yes: bool) -> Result<(), Failure> {
    if yes {
        return Ok(());
    }
    match ui::ask("go on?") {
        Answer::Yes => Ok(()),
        Answer::No => Err(Diagnostic::refusal("nothing was changed").into()),
        Answer::Nobody => Err(Diagnostic::refusal("nobody is there to agree").hint("say --yes").into()),
    }
}
