//! `inventory verify`: whether prune would see every member, and nothing else.

use crate::commands::inventory::members::{Member, MemberState, members};
use crate::core::apply::{Kept, Owner, check_lock_id, is_ours_to_mend, read_parent, salvage_parent};
use crate::core::report::diagnostic::Diagnostic;
use crate::engine::observe::observe;
use crate::engine::target::{Access, Target};
use crate::engine::{apply_set, confirm};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::terminal;
use crate::scope::Scope;

/// Find what is wrong with the set, and with --fix mend it
///
/// Exits with 0 if all is well, with 1 if something was found.
#[derive(clap::Args, Debug)]
pub(super) struct Args {
    /// Write the parent of the set anew, from the tree and from the labels of the members
    #[arg(long)]
    fix: bool,
    /// How many requests at once
    #[arg(long, default_value_t = 16, value_name = "N", value_parser = confirm::concurrency)]
    concurrency: usize,
}

/// Verifies.
pub(super) fn run(scope: &Scope, args: &Args) -> Result<Exit, Failure> {
    let mut target = Target::find(scope, if args.fix { Access::ReadWrite } else { Access::ReadOnly })?;
    let mut found = Vec::new();
    let parent = format!("configmap/{}/{}", target.set.namespace, target.set.name);
    let mut is_valid = false;
    if target.parent_live.is_null() {
        found.push(Diagnostic::warning(format!("{parent}, the parent of the set, is not there")));
    } else {
        let read = match read_parent(&target.set, &target.parent_live, Owner::Ours) {
            Ok(read) => {
                is_valid = true;
                read
            }
            Err(problem) if is_ours_to_mend(&target.parent_live) => {
                found.push(Diagnostic::warning(problem.message));
                salvage_parent(&target.set, &target.parent_live)
            }
            Err(problem) => return Err(problem.into()),
        };
        check_lock_id(&target.set, &read, target.lock.id.as_ref())?;
        target.parent = Some(read);
    }
    let observation = observe(&target, args.concurrency)?;
    let members = members(&target, &observation);
    let here =
        target.set.scope(members.iter().filter(|member| member.state.is_member()).map(|member| &member.key));
    if let Some(read) = &target.parent {
        for kind in here.kinds.difference(&read.scope.kinds) {
            found.push(Diagnostic::warning(format!(
                "{parent} does not say that there are members of kind {kind}"
            )));
        }
        for namespace in here.namespaces.difference(&read.scope.namespaces) {
            found.push(Diagnostic::warning(format!(
                "{parent} does not say that there are members in namespace {namespace}"
            )));
        }
    }
    found.extend(members.iter().filter_map(wrong));
    found.iter().for_each(terminal::diagnostic);
    if !args.fix {
        terminal::note(&format!("{} found", crate::core::report::plural::plural(found.len(), "problem")));
        return Ok(if found.is_empty() { Exit::Success } else { Exit::Different });
    }
    let known = target.parent.as_ref().map(|parent| parent.scope.clone()).unwrap_or_default();
    let scope = known.union(&here).union(&apply_set::before(&target));
    if !is_valid || target.parent.as_ref().is_none_or(|parent| parent.scope != scope) {
        apply_set::write(&target, &scope)?;
        terminal::note(&format!("{parent} written"));
    }
    terminal::note("next: kubectl largescale apply puts the label on what the tree holds");
    Ok(Exit::Success)
}

fn wrong(member: &Member) -> Option<Diagnostic> {
    let warning = |text: &str| Diagnostic::warning(format!("{}: {text}", member.key));
    match &member.state {
        MemberState::Unlabelled => Some(
            warning("in the tree, and without the label of the set")
                .hint("`kubectl largescale apply` puts it on"),
        ),
        MemberState::Copy(Kept::NotOurs) => Some(
            warning(&member.state.to_string())
                .hint("prune leaves it alone; take the label off if it is not meant to be there"),
        ),
        _ => None,
    }
}
