//! `inventory verify`: checks that prune finds every member and nothing else.

use crate::commands::inventory::members::{Member, MemberState, members};
use crate::core::apply::{Kept, Owner, PART_OF, check_lock_id, is_repairable, read_parent, salvage_parent};
use crate::core::report::diagnostic::Diagnostic;
use crate::engine::observe::observe;
use crate::engine::rejection::kubectl_name;
use crate::engine::target::{Access, Target};
use crate::engine::{apply_set, confirm};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::terminal;
use crate::scope::Scope;

/// Find problems of the ApplySet, and with --fix repair its parent
///
/// Compares the parent with the rendered directory and with the labels in the cluster. Without --fix it writes nothing, and
/// exits with 1 if it finds a problem.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  # Find problems
  kubectl largescale inventory verify -f app

  # Repair the parent, then the labels
  kubectl largescale inventory verify -f app --fix
  kubectl largescale apply -f app")]
pub(super) struct Args {
    /// Write the parent again, from the rendered directory and the labels of the members
    #[arg(long)]
    fix: bool,
    /// Send at most this number of requests at the same time
    #[arg(long, default_value_t = 16, value_name = "N", value_parser = confirm::concurrency)]
    concurrency: usize,
}

/// Checks the ApplySet, and repairs its parent.
pub(super) fn run(scope: &Scope, args: &Args) -> Result<Exit, Failure> {
    let mut target = Target::find(scope, if args.fix { Access::ReadWrite } else { Access::ReadOnly })?;
    let mut found = Vec::new();
    let parent = format!("configmap/{}/{}", target.set.namespace, target.set.name);
    let mut is_valid = false;
    if let Some(live) = &target.parent_live {
        let read = match read_parent(&target.set, live, Owner::Ours) {
            Ok(read) => {
                is_valid = true;
                read
            }
            Err(problem) if is_repairable(live) => {
                found.push(Diagnostic::warning(problem.message));
                salvage_parent(&target.set, live)
            }
            Err(problem) => return Err(problem.into()),
        };
        check_lock_id(&target.set, &read, target.lock.id.as_ref(), &target.flags)?;
        target.parent = Some(read);
    } else {
        found.push(Diagnostic::warning(format!("{parent}, the parent of the ApplySet, not found")));
    }
    let observation = observe(&target, args.concurrency)?;
    let members = members(&target, &observation);
    let actual =
        target.set.scope(members.iter().filter(|member| member.state.is_member()).map(|member| &member.key));
    if let Some(read) = &target.parent {
        for kind in actual.kinds.difference(&read.scope.kinds) {
            found.push(Diagnostic::warning(format!(
                "{parent} does not list kind {kind}, but there are members of it"
            )));
        }
        for namespace in actual.namespaces.difference(&read.scope.namespaces) {
            found.push(Diagnostic::warning(format!(
                "{parent} does not list namespace {namespace}, but there are members in it"
            )));
        }
    }
    found.extend(members.iter().filter_map(problem_of));
    found.iter().for_each(terminal::diagnostic);
    if !args.fix {
        terminal::note(&format!("{} found", crate::core::report::plural::plural(found.len(), "problem")));
        return Ok(if found.is_empty() { Exit::Success } else { Exit::Different });
    }
    let known = target.parent.as_ref().map(|parent| parent.scope.clone()).unwrap_or_default();
    let scope = known.union(&actual).union(&apply_set::before(&target));
    if !is_valid || target.parent.as_ref().is_none_or(|parent| parent.scope != scope) {
        apply_set::write(&target, &scope)?;
        terminal::note(&format!("{parent} written"));
    }
    terminal::note("next: kubectl largescale apply, which adds missing labels");
    Ok(Exit::Success)
}

fn problem_of(member: &Member<'_>) -> Option<Diagnostic> {
    let warning = |text: &str| Diagnostic::warning(format!("{}: {text}", member.key));
    match &member.state {
        MemberState::Unlabeled => Some(
            warning("in the rendered directory, but without the label of the ApplySet")
                .hint("`kubectl largescale apply` adds the label"),
        ),
        MemberState::Copy(Kept::NotOurs) => Some(warning(&member.state.to_string()).hint(format!(
            "prune keeps the object; if the label is a mistake, remove it: `kubectl label {} {PART_OF}-`",
            kubectl_name(&member.key)
        ))),
        _ => None,
    }
}
