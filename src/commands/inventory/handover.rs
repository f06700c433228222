//! `inventory handover`: transfers the ApplySet to kubectl.

use serde_json::json;

use crate::cluster::{ApiCall, ClusterError, DryRun, Force};
use crate::commands::inventory::members::{members, patches};
use crate::core::apply::{MemberScope, Owner, PARENT_MANAGER, TOOL, check_lock_id, read_parent, tool_of};
use crate::core::live::{Entry, migration};
use crate::core::report::diagnostic::Diagnostic;
use crate::core::report::plural::plural;
use crate::core::report::shell_quote::word;
use crate::engine::confirm;
use crate::engine::member_changes::change_members;
use crate::engine::observe::observe;
use crate::engine::results::Results;
use crate::engine::target::{Access, Target, location, parent_at};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::terminal;
use crate::scope::Scope;

/// The field managers of kubectl: for parents, and for members.
const KUBECTL_MANAGERS: (&str, &str) = ("kubectl-applyset", "kubectl");

/// Transfer the ApplySet to kubectl
///
/// Writes the parent and the field managers of the members; no value changes. Afterwards use
/// `KUBECTL_APPLYSET=true kubectl apply --server-side --prune --applyset=configmap/NAME`; apply and prune of this program
/// refuse. To take it back, use `inventory adopt`.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  # Show what would change
  kubectl largescale inventory handover -f app --to kubectl --dry-run

  # Transfer the ApplySet without confirmation
  kubectl largescale inventory handover -f app --to kubectl --yes")]
pub(super) struct Args {
    /// Transfer the ApplySet to this tool
    #[arg(long, value_enum, value_name = "TOOL")]
    to: To,
    /// kubectl version to record in the ApplySet's tooling annotation
    #[arg(long, default_value = "v1.27.0", value_name = "VERSION")]
    kubectl_version: String,
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

/// The tool of `--to`.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum To {
    /// kubectl apply --applyset
    Kubectl,
}

/// Transfers the ApplySet.
pub(super) fn run(scope: &Scope, args: &Args) -> Result<Exit, Failure> {
    let To::Kubectl = args.to;
    let mut target = Target::find(scope, if args.dry_run { Access::DryRun } else { Access::ReadWrite })?;
    let Some(live) = &target.parent_live else {
        return Err(Diagnostic::refusal("ApplySet not found")
            .hint("`kubectl largescale apply` creates it")
            .into());
    };
    // An interrupted handover has already changed the parent.
    let parent = read_parent(&target.set, live, Owner::Anyone)?;
    if ![TOOL, "kubectl"].contains(&tool_of(&parent.tooling)) {
        read_parent(&target.set, live, Owner::Ours)?;
    }
    check_lock_id(&target.set, &parent, target.lock.id.as_ref(), &target.flags)?;
    target.parent = Some(parent);
    let observation = observe(&target, args.concurrency)?;
    let members = members(&target, &observation);
    let members_scope =
        target.set.scope(members.iter().filter(|member| member.state.is_member()).map(|member| &member.key));
    if let Some(other) = members_scope.namespaces.iter().find(|name| **name != target.set.namespace) {
        return Err(Diagnostic::refusal(format!(
            "kubectl supports ApplySets of one namespace only, but there are members in {other} and {}",
            target.set.namespace
        ))
        .hint("write one spec for each namespace")
        .into());
    }
    let is_ours = |entry: &Entry<'_>| entry.is_ours();
    let patches = patches(&members, |_, live| migration(live, is_ours, KUBECTL_MANAGERS.1));
    terminal::note(&format!(
        "transferring the fields of {} to kubectl in {}",
        plural(patches.len(), "object"),
        location(&target)
    ));
    if args.dry_run {
        return Ok(Exit::Success);
    }
    confirm::change(args.yes)?;
    target.cluster.catch_interrupts();
    // Written first, so that prune of this program refuses from now on.
    transfer_parent(&target, &members_scope, &format!("kubectl/{}", args.kubectl_version))?;
    let mut report = Results::new(None, "");
    change_members(&target, patches, args.concurrency, &mut report);
    let interrupted = target.cluster.is_interrupted();
    let exit = report.finish(scope, &location(&target))?;
    terminal::note(&format!(
        "next: KUBECTL_APPLYSET=true kubectl apply --server-side -n {} --prune --applyset=configmap/{} -f DIRECTORY",
        word(&target.set.namespace),
        word(&target.set.name)
    ));
    Ok(if interrupted { Exit::Interrupted } else { exit })
}

/// Writes the parent as kubectl's field manager and gives up our ownership; otherwise each change by kubectl would conflict.
fn transfer_parent(target: &Target, scope: &MemberScope, tooling: &str) -> Result<(), ClusterError> {
    let at = parent_at(&target.set);
    let body = target.set.parent_of(scope, tooling);
    let bare = json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": at.name, "namespace": at.namespace } });
    for (body, manager) in [(body, KUBECTL_MANAGERS.0), (bare, PARENT_MANAGER)] {
        let (at, dry_run) = (at.clone(), DryRun::None);
        target.cluster.call(&ApiCall::Apply { at, body, manager, force: Force::Always, dry_run })?;
    }
    Ok(())
}
