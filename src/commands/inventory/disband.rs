//! `inventory disband`: removes the ApplySet and its labels.

use serde_json::json;

use crate::cluster::{ApiCall, ClusterError, DryRun};
use crate::commands::inventory::adopt::confirm_change;
use crate::commands::inventory::members::{members, patch_all, patches};
use crate::core::apply::{PART_OF, removal_patch};
use crate::core::live::LiveObject;
use crate::core::report::plural::plural;
use crate::engine::confirm;
use crate::engine::observe::observe;
use crate::engine::results::Results;
use crate::engine::target::{Access, Target, location, parent_at};
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
        let labels = json!({ PART_OF: null });
        let (uid, version) = (live.uid(), live.resource_version());
        let metadata = json!({ "uid": uid, "resourceVersion": version, "labels": labels });
        member.state.is_member().then(|| json!({ "metadata": metadata }))
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
    confirm_change(args.yes)?;
    target.cluster.catch_interrupts();
    let mut report = Results::new(None, "");
    patch_all(&target, patches, args.concurrency, &mut report);
    // The next run finds members through the parent, so the parent is deleted last.
    if let (true, Some(live)) = (report.is_complete(), &target.parent_live) {
        terminal::note(&dissolve(&target, live)?);
    }
    let interrupted = target.cluster.is_interrupted();
    let exit = report.finish(scope, &location(&target))?;
    Ok(if interrupted { Exit::Interrupted } else { exit })
}

/// Deletes the parent, or removes the ApplySet from it if it contains other data.
fn dissolve(target: &Target, live: &LiveObject) -> Result<String, ClusterError> {
    let at = parent_at(&target.set);
    let name = format!("configmap/{}/{}", at.namespace, at.name);
    let (call, done) = match removal_patch(live) {
        Some(patch) => (
            ApiCall::Patch { at, patch, dry_run: DryRun::None },
            "stays because it contains data, but no longer is a parent",
        ),
        None => (
            ApiCall::Delete {
                at,
                uid: live.uid().unwrap_or_default().to_owned(),
                resource_version: live.resource_version().unwrap_or_default().to_owned(),
                dry_run: DryRun::None,
            },
            "deleted",
        ),
    };
    target.cluster.call(&call)?;
    Ok(format!("{name} {done}"))
}
