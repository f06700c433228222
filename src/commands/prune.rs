//! `prune`: what has left the tree leaves the cluster.

use crate::commands::for_each::MultiTarget;
use crate::core::report::diagnostic::Diagnostic;
use crate::core::report::plural::plural;
use crate::engine::apply::{narrow, prune};
use crate::engine::apply_set::ParentState;
use crate::engine::observe::{Observation, observe};
use crate::engine::ownership::OwnershipPolicy;
use crate::engine::prune::{describe, prune_candidates};
use crate::engine::results::{ObjectAction, Results};
use crate::engine::target::{Access, Target, location};
use crate::engine::{confirm, ownership};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::format::{LineFormat, Separator};
use crate::scope::Scope;

/// Delete from the cluster what has left the tree
///
/// Only members of our own set are deleted, and only when everything that the tree holds is there. Each deletion is
/// shown before; of a load balancer with the address that is lost.
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(flatten)]
    agreement: confirm::ConfirmArgs,
    /// Only say what would be deleted
    #[arg(long)]
    dry_run: bool,
    /// Refuse if Argo CD, Flux or Helm apply some of the objects too
    #[arg(long)]
    strict: bool,
    /// How many requests at once
    #[arg(long, default_value_t = 16, value_name = "N", value_parser = confirm::concurrency)]
    concurrency: usize,
    /// Output format; default: a line an object
    #[arg(short, long, value_enum, value_name = "FORMAT")]
    output: Option<LineFormat>,
}

impl MultiTarget for Args {
    fn separator(&self) -> Separator {
        self.output.map_or(Separator::Headings, LineFormat::separator)
    }
}

/// Prunes.
pub fn run(scope: &Scope, args: &Args) -> Result<Exit, Failure> {
    let access = if args.dry_run { Access::DryRun } else { Access::ReadWrite };
    let target = Target::open(scope, access)?;
    let observation = observe(&target, args.concurrency)?;
    ownership::check(
        &target,
        &observation,
        if args.strict { OwnershipPolicy::Refuse } else { OwnershipPolicy::Warn },
    )?;
    check_that_the_rest_is_there(&target, &observation)?;
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
    confirm::to(&prune_candidates, &args.agreement, &cluster)?;
    target.cluster.catch_interrupts();
    let gone = prune(&target, &prune_candidates, args.concurrency, &mut report);
    if target.parent.is_some() {
        narrow(&target, &observation, &gone, ParentState::found(&target), &mut report);
    }
    let interrupted = target.cluster.is_interrupted();
    let exit = report.finish(scope, &cluster)?;
    Ok(if interrupted { Exit::Interrupted } else { exit })
}

/// What replaces a load balancer has to be there before the old one goes.
fn check_that_the_rest_is_there(target: &Target, observation: &Observation) -> Result<(), Failure> {
    let missing: Vec<String> = target
        .items
        .iter()
        .zip(&observation.live)
        .filter(|(_, live)| !target.set.is_member(live))
        .map(|(item, _)| item.key.to_string())
        .collect();
    let Some(first) = missing.first() else { return Ok(()) };
    Err(Diagnostic::refusal(format!(
        "{} of the tree {} not applied yet, such as {first}",
        plural(missing.len(), "object"),
        if missing.len() == 1 { "is" } else { "are" }
    ))
    .hint("`kubectl largescale apply` first, or `apply --prune` for both")
    .into())
}
