//! `inventory handover`: what we looked after becomes kubectl's.

use serde_json::json;

use crate::cluster::{ApiCall, ClusterError, DryRun, Force, ObjectRef};
use crate::commands::inventory::adopt::agree_to;
use crate::commands::inventory::members::{members, patch_all};
use crate::core::apply::{MemberScope, Owner, PARENT_MANAGER, TOOL, check_lock_id, read_parent, tool_of};
use crate::core::live::{Entry, Resource, migration};
use crate::core::report::diagnostic::Diagnostic;
use crate::core::report::plural::plural;
use crate::engine::confirm;
use crate::engine::observe::observe;
use crate::engine::results::Results;
use crate::engine::target::{Access, Target, location};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::terminal;
use crate::scope::Scope;

/// In whose name kubectl writes parents, and applies.
const KUBECTLS: (&str, &str) = ("kubectl-applyset", "kubectl");

/// Give the set to kubectl
///
/// Afterwards `KUBECTL_APPLYSET=true kubectl apply --server-side --prune --applyset=configmap/NAME` goes on with it, and our own
/// apply and prune refuse. `inventory adopt` takes it back. No value changes.
#[derive(clap::Args, Debug)]
pub(super) struct Args {
    /// The program that gets it
    #[arg(long, value_enum, value_name = "PROGRAM")]
    to: To,
    /// The version that the set says it is looked after by; the first kubectl that knows sets is enough
    #[arg(long, default_value = "v1.27.0", value_name = "VERSION")]
    kubectl_version: String,
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

/// Who can take over.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum To {
    /// kubectl apply --applyset
    Kubectl,
}

/// Hands over.
pub(super) fn run(scope: &Scope, args: &Args) -> Result<Exit, Failure> {
    let To::Kubectl = args.to;
    let mut target = Target::find(scope, if args.dry_run { Access::DryRun } else { Access::ReadWrite })?;
    if target.parent_live.is_null() {
        return Err(Diagnostic::refusal("there is no set to hand over")
            .hint("`kubectl largescale apply` makes it")
            .into());
    }
    // A handover that was interrupted has told the parent already.
    let parent = read_parent(&target.set, &target.parent_live, Owner::Anyone)?;
    if ![TOOL, "kubectl"].contains(&tool_of(&parent.tooling)) {
        read_parent(&target.set, &target.parent_live, Owner::Ours)?;
    }
    check_lock_id(&target.set, &parent, target.lock.id.as_ref())?;
    target.parent = Some(parent);
    let observation = observe(&target, args.concurrency)?;
    let members = members(&target, &observation);
    let members_scope =
        target.set.scope(members.iter().filter(|member| member.state.is_member()).map(|member| &member.key));
    if let Some(other) = members_scope.namespaces.iter().find(|name| **name != target.set.namespace) {
        return Err(Diagnostic::refusal(format!(
            "kubectl takes sets of one namespace only, and there are members in {other} besides {}",
            target.set.namespace
        ))
        .hint("give each namespace a spec of its own")
        .into());
    }
    let is_ours = |entry: &Entry<'_>| entry.is_ours();
    let patches: Vec<_> = members
        .iter()
        .filter_map(|member| {
            let patch = migration(&member.live, is_ours, KUBECTLS.1)?;
            Some((member.key.clone(), member.at.clone()?, patch))
        })
        .collect();
    terminal::note(&format!("{} become kubectl's in {}", plural(patches.len(), "object"), location(&target)));
    if args.dry_run {
        return Ok(Exit::Success);
    }
    agree_to(args.yes)?;
    target.cluster.catch_interrupts();
    // Told first: from now on our own prune refuses.
    give_parent(&target, &members_scope, &format!("kubectl/{}", args.kubectl_version))?;
    let mut report = Results::new(None, "");
    patch_all(&target, patches, args.concurrency, &mut report);
    let interrupted = target.cluster.is_interrupted();
    let exit = report.finish(scope, &location(&target))?;
    terminal::note(&format!(
        "next: KUBECTL_APPLYSET=true kubectl apply --server-side -n {} --prune --applyset=configmap/{} -f DIRECTORY",
        target.set.namespace, target.set.name
    ));
    Ok(if interrupted { Exit::Interrupted } else { exit })
}

/// Writes the parent in kubectl's name, and lets go of it in ours: kubectl would find a conflict at every change of it.
fn give_parent(target: &Target, scope: &MemberScope, tooling: &str) -> Result<(), ClusterError> {
    let at = ObjectRef {
        resource: Resource::config_map(),
        namespace: target.set.namespace.clone(),
        name: target.set.name.clone(),
    };
    let body = target.set.parent_of(scope, tooling);
    let bare = json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": at.name, "namespace": at.namespace } });
    for (body, manager) in [(body, KUBECTLS.0), (bare, PARENT_MANAGER)] {
        let (at, dry_run) = (at.clone(), DryRun::None);
        target.cluster.call(&ApiCall::Apply { at, body, manager, force: Force::Always, dry_run })?;
    }
    Ok(())
}
