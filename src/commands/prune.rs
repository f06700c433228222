//! `prune`: deletes objects that are no longer in the rendered directory.

use crate::commands::for_each::MultiTarget;
use crate::core::report::diagnostic::Diagnostic;
use crate::core::report::plural::plural;
use crate::engine::apply::{narrow, prune};
use crate::engine::apply_set::ParentState;
use crate::engine::confirm;
use crate::engine::live_objects::ManagedObject;
use crate::engine::observe::Observation;
use crate::engine::ownership::{Newcomers, OwnershipPolicy, observe_own};
use crate::engine::prune::{describe, prune_candidates};
use crate::engine::results::{ObjectAction, Results};
use crate::engine::target::{Access, Target, location};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::format::{LineFormat, Separator};
use crate::scope::Scope;

/// Delete objects from the cluster that are no longer in the rendered directory
///
/// Reads the rendered directory and the lock file. Deletes only members of the ApplySet, and only if every object of the
/// directory is applied. Shows each deletion first; for a load balancer also the address that is lost.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  # Show what would be deleted
  kubectl largescale prune -f app --dry-run

  # Delete after confirmation
  kubectl largescale prune -f app

  # Delete at most two objects, without confirmation
  kubectl largescale prune -f app --yes --max-prune 2")]
pub struct Args {
    #[command(flatten)]
    agreement: confirm::ConfirmArgs,
    /// Print what would be deleted, and delete nothing
    #[arg(long)]
    dry_run: bool,
    /// Refuse if Argo CD, Flux or Helm also apply some of the objects
    #[arg(long)]
    strict: bool,
    /// Send at most this number of requests at the same time
    #[arg(long, default_value_t = 16, value_name = "N", value_parser = confirm::concurrency)]
    concurrency: usize,
    /// Output format [default: one line per object]
    #[arg(short, long, value_enum, value_name = "FORMAT")]
    output: Option<LineFormat>,
}

impl MultiTarget for Args {
    fn separator(&self) -> Separator {
        self.output.map_or(Separator::Headings, LineFormat::separator)
    }
}

/// Deletes the objects.
pub fn run(scope: &Scope, args: &Args) -> Result<Exit, Failure> {
    let access = if args.dry_run { Access::DryRun } else { Access::ReadWrite };
    let target = Target::open(scope, access)?;
    let observation =
        observe_own(&target, OwnershipPolicy::of_flag(args.strict), Newcomers::Nothing, args.concurrency)?;
    refuse_unapplied(&target, &observation)?;
    let prune_candidates = prune_candidates(&target, &observation, args.agreement.max_prune)?;
    let cluster = location(&target);
    let suffix = if args.dry_run { " (dry run)" } else { "" };
    let mut report = Results::new(args.output, suffix);
    if args.dry_run {
        for candidate in &prune_candidates {
            crate::output::terminal::note(&describe(candidate));
        }
        for candidate in &prune_candidates {
            report.say(&candidate.deletion.key, ObjectAction::Pruned, None);
        }
        return Ok(report.finish(scope, &cluster)?);
    }
    confirm::to(&prune_candidates, &[], &args.agreement, &cluster)?;
    target.cluster.catch_interrupts();
    let gone = prune(&target, &prune_candidates, args.concurrency, &mut report);
    if target.parent.is_some() {
        narrow(&target, &observation, &gone, ParentState::found(&target), &mut report);
    }
    let interrupted = target.cluster.is_interrupted();
    let exit = report.finish(scope, &cluster)?;
    Ok(if interrupted { Exit::Interrupted } else { exit })
}

/// The replacement of a load balancer must exist before the old one is deleted.
fn refuse_unapplied(target: &Target, observation: &Observation<'_>) -> Result<(), Failure> {
    let is_member =
        |object: &&ManagedObject<'_>| object.live().is_some_and(|live| target.set.is_member(live));
    let missing = observation.objects.iter().filter(|object| !is_member(object));
    let missing: Vec<String> = missing.map(|object| object.item.key.to_string()).collect();
    let Some(first) = missing.first() else { return Ok(()) };
    Err(Diagnostic::refusal(format!(
        "{} of the rendered directory {} not applied yet, such as {first}",
        plural(missing.len(), "object"),
        if missing.len() == 1 { "is" } else { "are" }
    ))
    .hint("run `kubectl largescale apply` first, or `kubectl largescale apply --prune` for both")
    .into())
}
