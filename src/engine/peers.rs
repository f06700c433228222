//! The other directories of a run with several `-f`, or with `-R`: which objects they render, and which ApplySets they
//! own. They are read only if an object leaves a set or belongs to another one.

use std::fs;
use std::sync::Arc;

use crate::core::apply::Peer;
use crate::core::lock::LockId;
use crate::core::manifest::Key;
use crate::core::report::diagnostic::Diagnostic;
use crate::directory::{Source, read_peer, specs_of_lock, specs_with_files};
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
    pub(crate) fn on<'a>(&'a self, cluster: &'a str) -> impl Iterator<Item = &'a Companion> {
        let own = self.members.get(self.own);
        let is_other = move |member: &&Companion| own.is_some_and(|own| !member.is_of_the_spec_of(own));
        let may_use = move |member: &&Companion| {
            cluster.is_empty() || member.identity().is_none_or(|other| other == cluster)
        };
        self.members.iter().filter(is_other).filter(may_use)
    }

    /// Returns the other directory on this cluster that renders an object, if there is one. Returns an error if it is not
    /// known whether there is one.
    pub(crate) fn renderer<'a>(
        &'a self,
        cluster: &'a str,
        key: &Key,
    ) -> Result<Option<&'a Peer>, Unreadable<'a>> {
        let mut unreadable = None;
        for member in self.on(cluster) {
            match member.content() {
                Ok(peer) if peer.renders(key) => return Ok(Some(peer)),
                Ok(_) => {}
                Err(problem) => unreadable = Some(problem),
            }
        }
        unreadable.map_or(Ok(None), Err)
    }
}

impl Peers {
    /// Returns the directories of the same repository that are not part of the run, are for the same cluster, and render one of these
    /// objects. Directories that cannot be read, or do not know their cluster, are left out.
    pub(crate) fn beside(&self, cluster: &str, keys: &[Key]) -> Result<Vec<Peer>, Diagnostic> {
        let Some(own) = self.members.get(self.own).filter(|_| !cluster.is_empty() && !keys.is_empty()) else {
            return Ok(Vec::new());
        };
        let beginnings: Vec<String> =
            keys.iter().map(|key| format!("{}-{}", key.kind.to_lowercase(), key.name)).collect();
        let file = |source: &Source| fs::canonicalize(source.file()).ok();
        let known: Vec<_> = self.members.iter().map(|member| file(member.source())).collect();
        let mut found = Vec::new();
        for source in specs_with_files(own.source(), &beginnings)? {
            if known.contains(&file(&source)) {
                continue;
            }
            let title = source.path.display().to_string();
            let Ok(peer) = read_peer(&source, title, None) else { continue };
            if peer.cluster.as_deref() == Some(cluster) && keys.iter().any(|key| peer.renders(key)) {
                found.push(peer);
            }
        }
        Ok(found)
    }

    /// Returns the directories of the same repository with this lock ID, as far as they can be read. It is only for hints.
    pub(crate) fn with_lock(&self, id: &LockId) -> Vec<Peer> {
        let Some(own) = self.members.get(self.own) else { return Vec::new() };
        let peer = |source: Source| {
            let title = source.path.display().to_string();
            read_peer(&source, title, None).ok()
        };
        specs_of_lock(own.source(), id).unwrap_or_default().into_iter().filter_map(peer).collect()
    }
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
