//! `inventory adopt`: what kubectl looked after becomes ours.

use std::fmt;

use crate::commands::inventory::members::{Member, MemberState, members, patch_all};
use crate::core::apply::{Owner, TOOL, check_lock_id, other_set, read_parent, tool_of};
use crate::core::live::{Entry, MANAGER, migration};
use crate::core::lock::LockId;
use crate::core::report::diagnostic::Diagnostic;
use crate::core::report::plural::plural;
use crate::engine::observe::observe;
use crate::engine::results::Results;
use crate::engine::target::{Access, Target, location};
use crate::engine::{apply_set, confirm};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::terminal;
use crate::output::terminal::Answer;
use crate::scope::Scope;

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
    #[arg(long, default_value_t = 16, value_name = "N", value_parser = confirm::concurrency)]
    concurrency: usize,
}

/// Adopts.
pub(super) fn run(scope: &Scope, args: &Args) -> Result<Exit, Failure> {
    let access = if args.dry_run { Access::DryRun } else { Access::ReadWrite };
    let mut target = Target::find(scope, access)?;
    if !target.parent_live.is_null() {
        target.parent = Some(read_parent(&target.set, &target.parent_live, Owner::Anyone)?);
    }
    refuse_lock_without_id(&target)?;
    let observation = observe(&target, args.concurrency)?;
    let members = members(&target, &observation);
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
    let from = From::of(&target);
    terminal::note(&from.to_string());
    if let From::Directory(_) = from {
        let left = members.iter().filter(|member| matches!(member.state, MemberState::Left)).count();
        if left > 0 {
            terminal::diagnostic(
                &Diagnostic::warning(format!(
                    "{} of the set are not in this directory",
                    plural(left, "member")
                ))
                .hint("`kubectl largescale inventory view` lists them; `prune` would delete them"),
            );
        }
    }
    terminal::note(&format!("{} become ours in {}", plural(patches.len(), "object"), location(&target)));
    if args.dry_run || from == From::Ours && patches.is_empty() {
        return Ok(Exit::Success);
    }
    agree_to(args.yes)?;
    target.cluster.catch_interrupts();
    // Told first: whoever prunes by this parent from now on, is us.
    apply_set::write(&target, &apply_set::before(&target))?;
    let mut report = Results::new(None, "");
    patch_all(&target, patches, args.concurrency, &mut report);
    let interrupted = target.cluster.is_interrupted();
    let exit = report.finish(scope, &location(&target))?;
    terminal::note("next: kubectl largescale diff --live shows what apply would change");
    Ok(if interrupted { Exit::Interrupted } else { exit })
}

/// Where a set comes from.
#[derive(Debug, PartialEq, Eq)]
enum From {
    /// There is none.
    Nowhere,
    /// It is ours already.
    Ours,
    /// Another directory has applied it: the id of its lock, if that is an id.
    Directory(Option<LockId>),
    /// Another program has.
    Program(String),
}

impl From {
    fn of(target: &Target) -> Self {
        let Some(parent) = &target.parent else { return Self::Nowhere };
        if tool_of(&parent.tooling) != TOOL {
            return Self::Program(parent.tooling.clone());
        }
        match check_lock_id(&target.set, parent, target.lock.id.as_ref()) {
            Ok(()) => Self::Ours,
            Err(_) => Self::Directory(parent.lock_id.as_deref().and_then(LockId::parse)),
        }
    }
}

impl fmt::Display for From {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nowhere => f.write_str("the set does not exist yet; it will be created"),
            Self::Ours => f.write_str("the set is ours already"),
            Self::Directory(Some(id)) => {
                write!(f, "the set is taken over from the directory with lock id {id}")
            }
            Self::Directory(None) => f.write_str("the set is taken over from another directory"),
            Self::Program(tooling) => write!(f, "the set is taken over from {tooling}"),
        }
    }
}

/// `kubectl apply`, by the server and by the client. What people have edited by hand stays theirs.
fn is_kubectls(entry: &Entry<'_>) -> bool {
    entry.subresource.is_empty()
        && matches!(
            (entry.manager, entry.operation),
            ("kubectl", "Apply") | ("kubectl-client-side-apply" | "kubectl-last-applied", _)
        )
}

/// Without an id of our own the set would keep that of the other directory.
fn refuse_lock_without_id(target: &Target) -> Result<(), Failure> {
    let has_id = target.parent.as_ref().is_some_and(|parent| parent.lock_id.is_some());
    if !has_id || target.lock.id.is_some() {
        return Ok(());
    }
    Err(Diagnostic::refusal("the set has the lock id of another directory, and this lock has no id")
        .hint("`kubectl largescale render --new-id` gives it one; then adopt again")
        .into())
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
    match terminal::ask("go on?") {
        Answer::Yes => Ok(()),
        Answer::No => Err(Diagnostic::refusal("nothing was changed").into()),
        Answer::Nobody => Err(Diagnostic::refusal("there is no terminal to confirm")
            .hint("use --yes to go on without confirmation")
            .into()),
    }
}
