//! `move`: moves members from one ApplySet to another, without deleting an object.

use serde_json::Value;

use crate::cluster::{ApiCall, DryRun, Force};
use crate::commands::for_each::MultiTarget;
use crate::core::apply::{ApplySet, PART_OF, addresses};
use crate::core::kubernetes::name_rules::{is_label, is_subdomain};
use crate::core::live::{LiveObject, MANAGER, applied_configuration, label_patch};
use crate::core::lock::{Lock, LockId, RenderedKind, SetName};
use crate::core::manifest::{Key, set_label, set_metadata};
use crate::core::report::diagnostic::Diagnostic;
use crate::core::report::plural::plural;
use crate::core::report::shell_quote::word;
use crate::directory::{RunLock, replace_lock};
use crate::engine::apply_set::ParentState;
use crate::engine::cluster_identity::named;
use crate::engine::giver::{Giver, GiverKind, Moving};
use crate::engine::member_changes::change_members;
use crate::engine::observe::Observation;
use crate::engine::results::Results;
use crate::engine::target::{Access, Target, location};
use crate::engine::{apply_set, confirm};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::terminal;
use crate::scope::Scope;

/// Move objects to the ApplySet of this app, from its former name or from another app
///
/// Without --from, moves all members from the ApplySet that the lock file names to the one that the spec names, after
/// metadata.name or metadata.namespace has changed, and records the new name in the lock file. With --from, moves the objects of
/// this directory from the ApplySet of another app. Changes only the label of each object: addresses stay.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  # Show what would move after metadata.name has changed
  kubectl largescale move -f app --dry-run

  # Move all objects to the ApplySet of the new name
  kubectl largescale move -f app

  # Take over the objects of this directory that are in the ApplySet of app web
  kubectl largescale move -f app --from web")]
pub struct Args {
    /// Move the objects of this directory from the ApplySet of this app: NAME, or NAMESPACE/NAME [default: the app in the lock file]
    #[arg(long, value_name = "APP", value_parser = app)]
    from: Option<App>,
    /// Accept the ApplySet with this lock ID, if the directory of the other app was removed
    #[arg(long, value_name = "ID", requires = "from", value_parser = lock_id)]
    from_id: Option<LockId>,
    /// Print what would move, and change nothing
    #[arg(long)]
    dry_run: bool,
    /// Move without confirmation
    #[arg(short, long)]
    yes: bool,
    /// Send at most this number of requests at the same time
    #[arg(long, default_value_t = 16, value_name = "N", value_parser = confirm::concurrency)]
    concurrency: usize,
}

impl MultiTarget for Args {}

/// The value of `--from`.
#[derive(Clone, Debug)]
struct App {
    name: String,
    /// The default is the namespace of this app.
    namespace: Option<String>,
}

fn app(text: &str) -> Result<App, String> {
    let (namespace, name) = match text.split_once('/') {
        Some((namespace, name)) => (Some(namespace), name),
        None => (None, text),
    };
    if !is_subdomain(name) || namespace.is_some_and(|namespace| !is_label(namespace)) {
        return Err(format!("`{text}` is not the name of an app; use NAME or NAMESPACE/NAME"));
    }
    Ok(App { name: name.to_owned(), namespace: namespace.map(str::to_owned) })
}

fn lock_id(text: &str) -> Result<LockId, String> {
    let problem = || format!("`{text}` is not a lock ID; a lock file has its ID in the line `id:`");
    LockId::parse(text).ok_or_else(problem)
}

/// Moves the members.
pub fn run(scope: &Scope, args: &Args) -> Result<Exit, Failure> {
    let access = if args.dry_run { Access::DryRun } else { Access::ReadWrite };
    // The lock file is written at the end.
    let _run_lock = if args.dry_run { None } else { Some(RunLock::take(&scope.source)?) };
    let target = Target::open_moved(scope, access)?;
    let Some(giver) = giver(scope, &target, args)? else {
        terminal::note(&format!(
            "nothing to move: the lock file and the spec name {}; `--from APP` moves objects from another app",
            target.set.name_and_namespace()
        ));
        return Ok(Exit::Success);
    };
    let observation = giver.observe(&target, args.concurrency)?;
    let moving = giver.moving(&target, &observation)?;
    let count = moving.members.len();
    say(&target, &giver, &moving);
    if args.dry_run {
        return Ok(Exit::Success);
    }
    let is_former = matches!(giver.kind, GiverKind::Former);
    if count == 0 && !is_former {
        return Ok(Exit::Success);
    }
    if count > 0 || giver.live.is_some() {
        confirm::change(args.yes)?;
    }
    target.cluster.catch_interrupts();
    let mut report = Results::new(None, "");
    if count > 0 {
        // The new parent covers the members before the first label changes, and the old one until the last has changed.
        let keys = moving.members.iter().map(|(key, _)| key);
        let scope = apply_set::before(&target).union(&target.set.scope(keys));
        ParentState::found(&target)
            .widen(&target, &scope)
            .map_err(|failure| no_namespace(&target, failure))?;
        change_members(&target, changes(&target, &observation, &moving), args.concurrency, &mut report);
    }
    let is_complete = report.is_complete() && report.total() == count && !target.cluster.is_interrupted();
    if let (true, Some(live)) = (is_complete && moving.staying == 0 && !giver.has_directory(), &giver.live) {
        terminal::note(&apply_set::dissolve(&target.cluster, &giver.set, live)?);
    }
    let interrupted = target.cluster.is_interrupted();
    let exit = report.finish(scope, &location(&target))?;
    if is_complete && is_former {
        let lock = renamed(&target, &giver.set);
        if lock != target.lock {
            replace_lock(&scope.source, &lock)?;
            terminal::note(&format!(
                "the lock file now names {}; commit it together with the spec",
                target.set.name_and_namespace()
            ));
        }
    }
    if is_complete {
        terminal::note(&format!("next: kubectl largescale diff{flags} --live", flags = target.flags));
    }
    Ok(if interrupted { Exit::Interrupted } else { exit })
}

/// Returns the ApplySet that the objects move from; `None` if the app was not renamed.
fn giver(scope: &Scope, target: &Target, args: &Args) -> Result<Option<Giver>, Failure> {
    let namespace = &target.set.namespace;
    if let Some(App { name, namespace: other }) = &args.from {
        let set = ApplySet { name: name.clone(), namespace: other.as_ref().unwrap_or(namespace).clone() };
        if set == target.set {
            return Err(Failure::usage(
                Diagnostic::error(format!(
                    "--from names the ApplySet of this app ({})",
                    set.name_and_namespace()
                ))
                .hint("name the app that the objects come from"),
            ));
        }
        return Giver::other(target, &scope.source, set, args.from_id.as_ref()).map(Some);
    }
    let former = target.lock.set.as_ref().map(|SetName { name, namespace: other }| ApplySet {
        name: name.clone(),
        namespace: other.as_ref().unwrap_or(namespace).clone(),
    });
    former.filter(|former| *former != target.set).map(|former| Giver::former(target, former)).transpose()
}

fn say(target: &Target, giver: &Giver, moving: &Moving<'_>) {
    // Only the namespaces differ if the namespace has changed.
    let (old, new) = if giver.set.name == target.set.name {
        (giver.set.namespaced_name(), target.set.namespaced_name())
    } else {
        (giver.set.name.clone(), target.set.name.clone())
    };
    for (key, live) in &moving.members {
        let addresses = addresses(live);
        let kept = if addresses.is_empty() {
            String::new()
        } else {
            format!(", and keeps {}", addresses.join(", "))
        };
        terminal::note(&format!("{key} moves from {old} to {new}{kept}"));
    }
    let staying = match moving.staying {
        0 => String::new(),
        1 => "; 1 object is not in this directory, and stays there".to_owned(),
        count => format!("; {count} objects are not in this directory, and stay there"),
    };
    terminal::note(&format!(
        "moving {} from the ApplySet {} to {}, {}{staying}",
        plural(moving.members.len(), "object"),
        giver.set.name_and_namespace(),
        target.set.name_and_namespace(),
        named(target.cluster.context())
    ));
    let elsewhere = moving.members.iter().filter(|(key, _)| !target.wanted().contains(key)).count();
    if giver.set.namespace != target.set.namespace && elsewhere > 0 {
        terminal::note(&format!(
            "{} in namespace {}: `kubectl largescale apply{flags} --wait address` creates new objects with new addresses in {}; change DNS before `kubectl largescale prune{flags}` deletes the old ones",
            if elsewhere == 1 { "1 object stays".to_owned() } else { format!("{elsewhere} objects stay") },
            giver.set.namespace,
            target.set.namespace,
            flags = target.flags
        ));
    }
}

/// `apply` can create a namespace of the manifests before the parent; here the parent comes first.
fn no_namespace(target: &Target, mut failure: Failure) -> Failure {
    let namespace = &target.set.namespace;
    let missing = format!("namespace `{namespace}` not found");
    for problem in failure.problems.iter_mut().filter(|problem| problem.message.ends_with(&missing)) {
        problem.hint = Some(format!(
            "create it (`kubectl create namespace {}`), then run this command again",
            word(namespace)
        ));
    }
    failure
}

/// Returns one request for each member, which changes its label.
fn changes(target: &Target, observation: &Observation<'_>, moving: &Moving<'_>) -> Vec<(Key, ApiCall)> {
    let change = |(key, live): &(Key, &LiveObject)| {
        let at = observation.reference(key)?;
        let call = match relabeled(&target.set, live) {
            Some(body) => {
                ApiCall::Apply { at, body, manager: MANAGER, force: Force::Always, dry_run: DryRun::None }
            }
            None => ApiCall::Patch {
                at,
                patch: label_patch(live, PART_OF, Some(&target.set.id())),
                dry_run: DryRun::None,
            },
        };
        Some((key.clone(), call))
    };
    moving.members.iter().filter_map(change).collect()
}

/// Returns what this program applied last with the label of another ApplySet, so that it stays the owner of the label. The
/// server refuses it if the object has changed since it was read.
fn relabeled(set: &ApplySet, live: &LiveObject) -> Option<Value> {
    let mut body = applied_configuration(live)?;
    set_label(&mut body, PART_OF, &set.id());
    set_metadata(&mut body, "uid", live.uid()?);
    set_metadata(&mut body, "resourceVersion", live.resource_version()?);
    Some(body)
}

/// Returns the lock with the new name. Objects that named no namespace are now known by the old one, so that a prune still finds
/// their record.
fn renamed(target: &Target, former: &ApplySet) -> Lock {
    let mut lock = target.lock.clone();
    let unnamed = lock.set.as_ref().is_some_and(|set| set.namespace.is_none());
    let namespace =
        Some(target.set.namespace.clone()).filter(|namespace| !unnamed || *namespace != former.namespace);
    lock.set = Some(SetName { name: target.set.name.clone(), namespace });
    if former.namespace != target.set.namespace {
        let old: Vec<RenderedKind> = lock
            .rendered
            .iter()
            .filter(|kind| kind.namespace.is_empty())
            .map(|kind| RenderedKind { namespace: former.namespace.clone(), ..kind.clone() })
            .collect();
        lock.rendered.extend(old);
    }
    lock
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn apps_are_named_as_kubectl_names_objects() {
        let read = |text: &str| app(text).map(|app| (app.namespace, app.name));
        assert_eq!(read("web"), Ok((None, "web".to_owned())));
        assert_eq!(read("prod/web"), Ok((Some("prod".to_owned()), "web".to_owned())));
        for wrong in ["", "/", "prod/", "/web", "Web", "a/b/c", "a b", "../x"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
        assert!(lock_id("abc").is_err() && lock_id("0123456789abcdef0123456789abcdef").is_ok());
    }
}
