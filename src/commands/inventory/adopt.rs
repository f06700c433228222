//! `inventory adopt`: takes over an ApplySet or objects from another tool.

use std::fmt;

use crate::commands::inventory::members::{Member, MemberState, members, patches};
use crate::core::apply::{Owner, TOOL, check_lock_id, other_set, read_parent, tool_of};
use crate::core::live::{Entry, MANAGER, managers_of, migration_of_fields};
use crate::core::lock::LockId;
use crate::core::report::diagnostic::Diagnostic;
use crate::core::report::plural::plural;
use crate::core::report::shell_quote::word;
use crate::engine::member_changes::change_members;
use crate::engine::observe::observe;
use crate::engine::results::Results;
use crate::engine::target::{Access, Target, location};
use crate::engine::{apply_set, confirm};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::terminal;
use crate::scope::Scope;

/// Take over an ApplySet, or objects without one, from kubectl
///
/// Writes the parent of the ApplySet, and makes kubectl-largescale the field manager of the fields that kubectl applied, so
/// that a later apply removes fields that are no longer in the directory. No value changes.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  # Show what would be taken over
  kubectl largescale inventory adopt -f app --dry-run

  # Take over fields of another field manager too
  kubectl largescale inventory adopt -f app --from helm")]
pub(super) struct Args {
    /// Also take over the fields of this field manager; may be repeated
    #[arg(long, value_name = "MANAGER")]
    from: Vec<String>,
    /// Take over only this field, such as `.spec.ports[port=99,protocol="TCP"]`; may be repeated
    #[arg(long, value_name = "PATH")]
    field: Vec<String>,
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

/// Takes over the ApplySet.
pub(super) fn run(scope: &Scope, args: &Args) -> Result<Exit, Failure> {
    check_paths(&args.field)?;
    let access = if args.dry_run { Access::DryRun } else { Access::ReadWrite };
    let mut target = Target::find(scope, access)?;
    if let Some(live) = &target.parent_live {
        target.parent = Some(read_parent(&target.set, live, Owner::Anyone)?);
    }
    refuse_lock_without_id(&target)?;
    let observation = observe(&target, args.concurrency)?;
    let members = members(&target, &observation);
    refuse_members_of_others(&target, &members)?;
    let is_from =
        |entry: &Entry<'_>| is_kubectls(entry) || args.from.iter().any(|name| name == entry.manager);
    let patches = patches(&members, |_, live| migration_of_fields(live, is_from, &args.field, MANAGER));
    if patches.is_empty() && !args.field.is_empty() {
        return Err(no_field(&members, &args.field).into());
    }
    let owner = PreviousOwner::of(&target);
    terminal::note(&owner.to_string());
    if let PreviousOwner::Directory(_) = owner {
        let left = members.iter().filter(|member| matches!(member.state, MemberState::Left)).count();
        if left > 0 {
            terminal::diagnostic(
                &Diagnostic::warning(format!(
                    "{} of the ApplySet are not in this directory",
                    plural(left, "member")
                ))
                .hint("`kubectl largescale inventory view` lists them; `prune` would delete them"),
            );
        }
    }
    terminal::note(&format!(
        "taking over the fields of {} in {}",
        plural(patches.len(), "object"),
        location(&target)
    ));
    if args.dry_run || owner == PreviousOwner::Ours && patches.is_empty() {
        return Ok(Exit::Success);
    }
    confirm::change(args.yes)?;
    target.cluster.catch_interrupts();
    // Written first, so that from now on only this program prunes by the parent.
    apply_set::write(&target, &apply_set::before(&target))?;
    let mut report = Results::new(None, "");
    change_members(&target, patches, args.concurrency, &mut report);
    let interrupted = target.cluster.is_interrupted();
    let exit = report.finish(scope, &location(&target))?;
    terminal::note("next: kubectl largescale diff --live shows what apply would change");
    Ok(if interrupted { Exit::Interrupted } else { exit })
}

/// Refuses paths that no field can have.
fn check_paths(paths: &[String]) -> Result<(), Vec<Diagnostic>> {
    let wrong = paths.iter().filter(|path| !path.starts_with('.'));
    let problems: Vec<Diagnostic> = wrong
        .map(|path| {
            Diagnostic::error(format!("invalid --field `{path}`: a path begins with a dot"))
                .hint(format!("use --field {}", word(&format!(".{path}"))))
        })
        .collect();
    if problems.is_empty() { Ok(()) } else { Err(problems) }
}

/// Returns the error for fields that the chosen field managers do not have; it names the field managers that have them.
fn no_field(members: &[Member<'_>], paths: &[String]) -> Diagnostic {
    let shown = paths.join(", ");
    let live = || members.iter().filter_map(|member| Some((&member.key, member.live?)));
    let owners: Vec<_> = live()
        .map(|(key, live)| (key, managers_of(live, paths)))
        .filter(|(_, owners)| !owners.is_empty())
        .collect();
    let others = owners
        .iter()
        .find_map(|(key, owners)| Some((key, owners.iter().find(|owner| owner.as_str() != MANAGER)?)));
    match (others, owners.first()) {
        (Some((key, manager)), _) => Diagnostic::error(format!(
            "the field manager of {shown} of {key} is {manager}, which --from does not name"
        ))
        .hint(format!("add --from {}", word(manager))),
        (None, Some((key, _))) => Diagnostic::error(format!("{MANAGER} already manages {shown} of {key}"))
            .hint("there is nothing to take over; `apply` can change and remove the field"),
        (None, None) => {
            Diagnostic::error(format!("no object of the directory has the managed field {shown}"))
                .hint("copy the path from the message of `apply`")
        }
    }
}

/// The previous owner of an ApplySet.
#[derive(Debug, PartialEq, Eq)]
enum PreviousOwner {
    /// The ApplySet does not exist.
    Nowhere,
    /// This directory owns it already.
    Ours,
    /// Another directory, with the id of its lock file if that id is valid.
    Directory(Option<LockId>),
    /// Another tool.
    Program(String),
}

impl PreviousOwner {
    fn of(target: &Target) -> Self {
        let Some(parent) = &target.parent else { return Self::Nowhere };
        if tool_of(&parent.tooling) != TOOL {
            return Self::Program(parent.tooling.clone());
        }
        match check_lock_id(&target.set, parent, target.lock.id.as_ref(), &target.flags) {
            Ok(()) => Self::Ours,
            Err(_) => Self::Directory(parent.lock_id.as_deref().and_then(LockId::parse)),
        }
    }
}

impl fmt::Display for PreviousOwner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nowhere => f.write_str("the ApplySet does not exist yet; it will be created"),
            Self::Ours => f.write_str("this directory already owns the ApplySet"),
            Self::Directory(Some(id)) => {
                write!(f, "the ApplySet is taken over from the directory with lock id {id}")
            }
            Self::Directory(None) => f.write_str("the ApplySet is taken over from another directory"),
            Self::Program(tooling) => write!(f, "the ApplySet is taken over from {tooling}"),
        }
    }
}

/// Returns whether `kubectl apply` (server-side or client-side) wrote the entry. Fields that users edited stay theirs.
fn is_kubectls(entry: &Entry<'_>) -> bool {
    entry.subresource.is_empty()
        && matches!(
            (entry.manager, entry.operation),
            ("kubectl", "Apply") | ("kubectl-client-side-apply" | "kubectl-last-applied", _)
        )
}

/// Without its own id, this directory would leave the id of the other directory in the ApplySet.
fn refuse_lock_without_id(target: &Target) -> Result<(), Failure> {
    let has_id = target.parent.as_ref().is_some_and(|parent| parent.lock_id.is_some());
    if !has_id || target.lock.id.is_some() {
        return Ok(());
    }
    let flags = &target.flags;
    Err(Diagnostic::refusal(
        "the ApplySet has the lock id of another directory, and this lock file has no id",
    )
    .hint(format!("run `kubectl largescale render{flags} --new-id`, then adopt again"))
    .into())
}

fn refuse_members_of_others(target: &Target, members: &[Member<'_>]) -> Result<(), Failure> {
    let refuse = |member: &Member<'_>| {
        let set = other_set(&target.set, member.live?)?;
        Some(
            Diagnostic::refusal(format!("{} is a member of another ApplySet ({set})", member.key)).hint(
                "adopt works only if the parent is the ConfigMap with the name of the app; remove the label from the object first",
            ),
        )
    };
    let problems: Vec<Diagnostic> = members.iter().filter_map(refuse).collect();
    if problems.is_empty() { Ok(()) } else { Err(problems.into()) }
}
