//! `inventory disband`: all members go their own way.

use serde_json::json;

use crate::cluster::{ApiCall, ClusterError, DryRun, ObjectRef};
use crate::commands::inventory::adopt::agree_to;
use crate::commands::inventory::members::{members, patch_all};
use crate::core::apply::{PART_OF, undone};
use crate::core::live::Resource;
use crate::core::report::plural::plural;
use crate::engine::confirm;
use crate::engine::observe::observe;
use crate::engine::results::Results;
use crate::engine::target::{Access, Target, location};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::terminal;
use crate::scope::Scope;

/// Let all members go; the objects stay
///
/// The label leaves every member, and then the parent of the set is deleted. Nothing else changes; the next apply would make
/// the set anew.
#[derive(clap::Args, Debug)]
pub(super) struct Args {
    /// Only say what would be done
    #[arg(long)]
    dry_run: bool,
    /// Do it without asking
    #[arg(short, long)]
    yes: bool,
    /// How many requests at once
    #[arg(long, default_value_t = 16, value_name = "N", value_parser = confirm::concurrency)]
    concurrency: usize,
}

/// Disbands.
pub(super) fn run(scope: &Scope, args: &Args) -> Result<Exit, Failure> {
    let target = Target::open(scope, if args.dry_run { Access::DryRun } else { Access::ReadWrite })?;
    let observation = observe(&target, args.concurrency)?;
    let patches: Vec<_> = members(&target, &observation)
        .into_iter()
        .filter(|member| member.state.is_member())
        .filter_map(|member| {
            let patch = json!({ "metadata": {
                "uid": member.live["metadata"]["uid"],
                "resourceVersion": member.live["metadata"]["resourceVersion"],
                "labels": { PART_OF: null },
            } });
            Some((member.key, member.at?, patch))
        })
        .collect();
    if patches.is_empty() && target.parent_live.is_null() {
        terminal::note("there is no set");
        return Ok(Exit::Success);
    }
    terminal::note(&format!(
        "{} leave the set in {}, and stay where they are",
        plural(patches.len(), "object"),
        location(&target)
    ));
    if args.dry_run {
        return Ok(Exit::Success);
    }
    agree_to(args.yes)?;
    target.cluster.catch_interrupts();
    let mut report = Results::new(None, "");
    patch_all(&target, patches, args.concurrency, &mut report);
    // The parent tells the next run where members are, so it goes last.
    if report.is_complete() && !target.parent_live.is_null() {
        terminal::note(&dissolve(&target)?);
    }
    let interrupted = target.cluster.is_interrupted();
    let exit = report.finish(scope, &location(&target))?;
    Ok(if interrupted { Exit::Interrupted } else { exit })
}

/// Deletes the parent, or takes the set out of it if it holds something else.
fn dissolve(target: &Target) -> Result<String, ClusterError> {
    let text = |field: &str| target.parent_live["metadata"][field].as_str().unwrap_or_default().to_owned();
    let at = ObjectRef { resource: Resource::config_map(), namespace: text("namespace"), name: text("name") };
    let name = format!("configmap/{}/{}", at.namespace, at.name);
    let (call, done) = match undone(&target.parent_live) {
        Some(patch) => (
            ApiCall::Patch { at, patch, dry_run: DryRun::None },
            "has data: it stays, and is no parent any more",
        ),
        None => (
            ApiCall::Delete {
                at,
                uid: text("uid"),
                resource_version: text("resourceVersion"),
                dry_run: DryRun::None,
            },
            "deleted",
        ),
    };
    target.cluster.call(&call)?;
    Ok(format!("{name} {done}"))
}
