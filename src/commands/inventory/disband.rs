//! `inventory disband`: removes the ApplySet and its labels.

use crate::commands::inventory::members::{members, patches};
use crate::core::apply::PART_OF;
use crate::core::live::label_patch;
use crate::core::report::plural::plural;
use crate::engine::member_changes::change_members;
use crate::engine::observe::observe;
use crate::engine::results::Results;
use crate::engine::target::{Access, Target, location};
use crate::engine::{apply_set, confirm};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::terminal;
use crate::scope::Scope;

/// Delete the ApplySet but keep its objects
///
/// Removes the label from each member, then deletes the parent. Nothing else changes. The next apply creates the ApplySet
/// again.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  # Show what would change
  kubectl largescale inventory disband -f app --dry-run

  # Delete the ApplySet without confirmation
  kubectl largescale inventory disband -f app --yes")]
pub(super) struct Args {
    /// Print what would be done, and change nothing
    #[arg(long)]
    dry_run: bool,
    /// Continue without confirmation
    #[arg(short, long)]
    yes: bool,
    /// Send at most this number of requests at the same time
    #[arg(long, default_value_t = 16, value_name = "N", value_parser = confirm::concurrency)]
    concurrency: usize,
}

/// Deletes the ApplySet.
pub(super) fn run(scope: &Scope, args: &Args) -> Result<Exit, Failure> {
    let target = Target::open(scope, if args.dry_run { Access::DryRun } else { Access::ReadWrite })?;
    let observation = observe(&target, args.concurrency)?;
    let patches = patches(&members(&target, &observation), |member, live| {
        member.state.is_member().then(|| label_patch(live, PART_OF, None))
    });
    if patches.is_empty() && target.parent_live.is_none() {
        terminal::note("ApplySet not found; nothing to do");
        return Ok(Exit::Success);
    }
    terminal::note(&format!(
        "removing {} from the ApplySet in {}; the objects stay in the cluster",
        plural(patches.len(), "object"),
        location(&target)
    ));
    if args.dry_run {
        return Ok(Exit::Success);
    }
    confirm::change(args.yes)?;
    target.cluster.catch_interrupts();
    let mut report = Results::new(None, "");
    change_members(&target, patches, args.concurrency, &mut report);
    // The next run finds members through the parent, so the parent is deleted last.
    if let (true, Some(live)) = (report.is_complete(), &target.parent_live) {
        terminal::note(&apply_set::dissolve(&target.cluster, &target.set, live)?);
    }
    let interrupted = target.cluster.is_interrupted();
    let exit = report.finish(scope, &location(&target))?;
    Ok(if interrupted { Exit::Interrupted } else { exit })
}
