//! Objects of the directory that are members of another ApplySet. If another directory of the run owns that set and no
//! longer renders the object, the object is handed over: the apply of the object also changes its label.

use std::collections::BTreeMap;

use crate::cluster::ApiCall;
use crate::core::apply::{ApplySet, ID, Owner, Peer, check_lock_id, other_set, read_parent};
use crate::core::live::{LiveObject, Resource};
use crate::core::lock::LockId;
use crate::core::report::diagnostic::{Diagnostic, Location};
use crate::core::report::shell_quote::word;
use crate::engine::live_objects::ManagedObject;
use crate::engine::observe::Observation;
use crate::engine::target::{Target, parent_at};
use crate::failure::Failure;

/// Returns a note for each object that is handed over. Refuses members of sets that no other directory of the run owns, and objects that
/// both directories render.
pub(crate) fn check_members_of_others(
    target: &Target,
    observation: &Observation<'_>,
) -> Result<Vec<String>, Failure> {
    let mut by_set: BTreeMap<String, Vec<(&ManagedObject<'_>, &LiveObject)>> = BTreeMap::new();
    for object in &observation.objects {
        let Some(live) = object.live() else { continue };
        if let Some(id) = other_set(&target.set, live) {
            by_set.entry(id).or_default().push((object, live));
        }
    }
    let (mut notes, mut problems) = (Vec::new(), Vec::new());
    for (id, objects) in by_set {
        let Some(peer) = owner_of(target, &id)? else {
            problems.extend(unknown_owner(target, &id, &objects));
            continue;
        };
        for (object, live) in objects {
            let key = &object.item.key;
            if peer.renders(&live.key()) {
                let message =
                    format!("{key} is in the directory of {} too, and a member of its ApplySet", peer.title);
                let refusal = Diagnostic::refusal(message).at(object.item.location.clone());
                problems.push(refusal.hint(in_both(target, peer)));
            } else {
                notes.push(format!(
                    "{key} moves from the ApplySet of {} to this one; the object stays",
                    peer.title
                ));
            }
        }
    }
    if problems.is_empty() { Ok(notes) } else { Err(problems.into()) }
}

/// Returns a refusal for each member of a set that no directory of the run owns. The last one has the hint.
fn unknown_owner(
    target: &Target,
    id: &str,
    objects: &[(&ManagedObject<'_>, &LiveObject)],
) -> Vec<Diagnostic> {
    let parent = objects.first().and_then(|(_, live)| parent_of(target, id, live));
    let (owner, from) = match &parent {
        Some(Found { namespace, name, .. }) => {
            (format!("{name} in namespace {namespace}, {id}"), from(target, namespace, name))
        }
        None => (id.to_owned(), "NAME".to_owned()),
    };
    let flags = &target.flags;
    let beside = parent.and_then(|parent| parent.lock_id).map(|id| target.peers.with_lock(&id));
    let hint = match beside.unwrap_or_default().as_slice() {
        [peer] if objects.iter().any(|(_, live)| peer.renders(&live.key())) => in_both(target, peer),
        [peer] => format!(
            "if the objects move from there, apply both directories in one run: `kubectl largescale apply{}{}`",
            peer.flags,
            if flags.is_empty() { " -f ." } else { flags }
        ),
        _ => format!(
            "if another directory also contains the objects, remove them from one of them. If the objects move from there, move them with `kubectl largescale move{flags} --from {from}`, or apply both directories in one run with -f for each"
        ),
    };
    let refusal = |(object, _): &(&ManagedObject<'_>, &LiveObject)| {
        let location: Location = object.item.location.clone();
        Diagnostic::refusal(format!("{} is a member of another ApplySet ({owner})", object.item.key))
            .at(location)
    };
    let mut problems: Vec<Diagnostic> = objects.iter().map(refusal).collect();
    if let Some(last) = problems.last_mut() {
        last.hint = Some(hint);
    }
    problems
}

/// Returns the hint for an object that this directory and another one render.
fn in_both(target: &Target, peer: &Peer) -> String {
    format!(
        "remove it from the manifests of one of them and render that one (`kubectl largescale render{}` or `kubectl largescale render{}`)",
        peer.flags, target.flags
    )
}

/// Returns the value of `--from` that names an app.
pub(crate) fn from(target: &Target, namespace: &str, name: &str) -> String {
    if namespace == target.set.namespace { word(name) } else { word(&format!("{namespace}/{name}")) }
}

/// The parent of a set.
struct Found {
    namespace: String,
    name: String,
    lock_id: Option<LockId>,
}

/// Looks for the parent of a set where it probably is, to name it in a hint.
fn parent_of(target: &Target, id: &str, live: &LiveObject) -> Option<Found> {
    let mut namespaces = vec![target.set.namespace.as_str()];
    if !live.namespace().is_empty() && live.namespace() != target.set.namespace {
        namespaces.push(live.namespace());
    }
    namespaces.into_iter().find_map(|namespace| {
        let list =
            ApiCall::list(Resource::config_map(), Some(namespace.to_owned()), Some(format!("{ID}={id}")));
        // It only improves a message; the user may not be allowed to list.
        let found = target.cluster.call(&list).ok()?.objects().into_iter().next()?;
        let set = ApplySet { name: found.name().to_owned(), namespace: found.namespace().to_owned() };
        let lock_id = read_parent(&set, &found, Owner::Ours).ok().and_then(|parent| parent.lock_id);
        let lock_id = lock_id.as_deref().and_then(LockId::parse);
        Some(Found { namespace: set.namespace, name: set.name, lock_id })
    })
}

/// Returns the other directory of the run that owns an ApplySet. Refuses a parent that belongs to a third directory.
fn owner_of<'a>(target: &'a Target, id: &str) -> Result<Option<&'a Peer>, Failure> {
    for member in target.peers.on(&target.identity) {
        let Ok(peer) = member.content() else { continue };
        let Some(set) = peer.set().filter(|set| set.id() == id) else { continue };
        if let Some(live) = target.cluster.call(&ApiCall::Get(parent_at(&set)))?.object() {
            let parent = read_parent(&set, &live, Owner::Ours)?;
            check_lock_id(&set, &parent, peer.lock_id.as_ref(), &peer.flags)?;
        }
        return Ok(Some(peer));
    }
    Ok(None)
}
