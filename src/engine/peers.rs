//! The other directories of a run with several `-f`, or with `-R`: which objects they render, and which ApplySets they
//! own. They are read only if an object leaves a set or belongs to another one.

use std::sync::Arc;

use crate::cluster::ApiCall;
use crate::core::apply::{Owner, Peer, check_lock_id, read_parent};
use crate::core::manifest::Key;
use crate::core::report::diagnostic::Diagnostic;
use crate::engine::target::{Target, parent_at};
use crate::failure::Failure;
use crate::scope::{Companion, Scope, Unreadable};

/// The directories of a run.
#[derive(Default)]
pub(crate) struct Peers {
    members: Arc<Vec<Companion>>,
    /// The position of the directory that is applied now.
    own: usize,
}

impl Peers {
    /// Returns the other directories of a run.
    pub(crate) fn of(scope: &Scope) -> Self {
        Self { members: Arc::clone(&scope.companions), own: scope.index }
    }

    /// Returns the directories that may use this cluster. The clusters of one spec always differ.
    fn on<'a>(&'a self, cluster: &'a str) -> impl Iterator<Item = &'a Companion> {
        let own = self.members.get(self.own);
        let is_other = move |member: &&Companion| own.is_some_and(|own| !member.is_of_the_spec_of(own));
        let may_use = move |member: &&Companion| {
            cluster.is_empty() || member.identity().is_none_or(|other| other == cluster)
        };
        self.members.iter().filter(is_other).filter(may_use)
    }
}

/// Returns the other directory of the run that renders an object, if there is one. Returns an error if it is not known
/// whether there is one.
pub(crate) fn renderer<'a>(target: &'a Target, key: &Key) -> Result<Option<&'a Peer>, Unreadable<'a>> {
    let mut unreadable = None;
    for member in target.peers.on(&target.identity) {
        match member.content() {
            Ok(peer) if peer.renders(key) => return Ok(Some(peer)),
            Ok(_) => {}
            Err(problem) => unreadable = Some(problem),
        }
    }
    unreadable.map_or(Ok(None), Err)
}

/// Returns the other directory of the run that owns an ApplySet. Refuses a parent that belongs to a third directory.
pub(crate) fn owner_of<'a>(target: &'a Target, id: &str) -> Result<Option<&'a Peer>, Failure> {
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

/// Describes an object that another directory of the run takes over.
pub(crate) fn leaves(key: &Key, peer: &Peer) -> String {
    format!("{key} moves to {}, which this run applies too; it is not deleted", peer.title)
}

/// Returns why an object is not deleted while another directory cannot be read.
pub(crate) fn undecided(keys: &[Key], unreadable: Unreadable<'_>) -> Diagnostic {
    let first = keys.first().map(ToString::to_string).unwrap_or_default();
    let more = if keys.len() > 1 { format!(" and {} more", keys.len() - 1) } else { String::new() };
    Diagnostic::refusal(format!(
        "{first}{more} would be deleted, but {} of this run cannot be read, and may contain it",
        unreadable.title
    ))
    .hint("fix the problems of that directory, or run the command without it; nothing was changed here")
}
