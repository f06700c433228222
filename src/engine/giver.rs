//! The ApplySet that gives members to the one of this directory: verified before any of its objects is touched.

use crate::cluster::ApiCall;
use crate::core::apply::{
    ApplySet, Candidates, Kept, Owner, Parent, Peer, candidates, check_lock_id, read_parent,
};
use crate::core::live::LiveObject;
use crate::core::lock::LockId;
use crate::core::manifest::Key;
use crate::core::report::diagnostic::Diagnostic;
use crate::directory::{Source, read_peer, specs_of_lock};
use crate::engine::observe::{Observation, SetView, observe_set};
use crate::engine::target::{Target, parent_at};
use crate::failure::Failure;

/// An ApplySet that gives members away.
pub(crate) struct Giver {
    /// The ApplySet.
    pub(crate) set: ApplySet,
    /// Its parent as read; `None` if it does not exist.
    pub(crate) live: Option<LiveObject>,
    parent: Option<Parent>,
    /// Which of its members move.
    pub(crate) kind: GiverKind,
}

/// Whose ApplySet it is.
pub(crate) enum GiverKind {
    /// That of this directory, before its app or namespace was renamed: all members move.
    Former,
    /// That of another app: only the objects of this directory move. Holds the directories that have its lock.
    Other(Vec<Peer>),
}

/// The members that move.
pub(crate) struct Moving<'a> {
    /// The members, sorted by key.
    pub(crate) members: Vec<(Key, &'a LiveObject)>,
    /// How many members the other ApplySet keeps.
    pub(crate) staying: usize,
}

impl Giver {
    /// Returns the ApplySet that the directory had according to its lock.
    pub(crate) fn former(target: &Target, set: ApplySet) -> Result<Self, Failure> {
        let live = target.cluster.call(&ApiCall::Get(parent_at(&set)))?.object();
        let read = |live: &LiveObject| {
            let parent = read_parent(&set, live, Owner::Ours)?;
            check_lock_id(&set, &parent, target.lock.id.as_ref(), &target.flags)?;
            Ok::<_, Diagnostic>(parent)
        };
        let parent = live.as_ref().map(read).transpose()?;
        Ok(Self { set, live, parent, kind: GiverKind::Former })
    }

    /// Returns the ApplySet of another app. Its lock ID must be that of a directory at hand, or the one that the user names.
    pub(crate) fn other(
        target: &Target,
        source: &Source,
        set: ApplySet,
        named: Option<&LockId>,
    ) -> Result<Self, Failure> {
        let name = format!("configmap/{}/{}", set.namespace, set.name);
        let Some(live) = target.cluster.call(&ApiCall::Get(parent_at(&set)))?.object() else {
            return Err(Diagnostic::refusal(format!("{name}, the parent of the ApplySet, not found"))
                .hint("`kubectl largescale inventory list -A` lists the ApplySets")
                .into());
        };
        let parent = read_parent(&set, &live, Owner::Ours)?;
        let Some(id) = parent.lock_id.as_deref().and_then(LockId::parse) else {
            return Err(Diagnostic::refusal(format!(
                "{name}: the ApplySet has no valid lock ID, so its directory cannot be verified"
            ))
            .hint("run `kubectl largescale apply` in its directory once, which adds the ID")
            .into());
        };
        if let Some(named) = named.filter(|named| **named != id) {
            return Err(Diagnostic::refusal(format!(
                "{name}: the ApplySet belongs to another directory: its lock ID is {id}, not {named}"
            ))
            .hint(
                "compare both with the lock file of the app; `git log --all -- '*.lock'` finds a removed one",
            )
            .into());
        }
        // The lock names the new ApplySet already, but the objects have not moved in this cluster.
        if target.lock.id.as_ref() == Some(&id) {
            return Ok(Self { set, live: Some(live), parent: Some(parent), kind: GiverKind::Former });
        }
        let mut peers = Vec::new();
        for found in specs_of_lock(source, &id)? {
            let title = found.path.display().to_string();
            let peer = read_peer(&found, title, Some(&set.namespace));
            peers.push(peer.map_err(|mut problems| {
                problems.push(Diagnostic::refusal(format!(
                    "{} owns {name}, and its rendered directory cannot be read",
                    found.file().display()
                )));
                problems
            })?);
        }
        if peers.is_empty() && named.is_none() {
            return Err(Diagnostic::refusal(format!(
                "{name} belongs to a directory with lock ID {id}, which is not in this repository"
            ))
            .hint(format!(
                "run this in the repository of that directory. If it was removed, compare the ID with its last lock file, then add --from-id {id}"
            ))
            .into());
        }
        Ok(Self { set, live: Some(live), parent: Some(parent), kind: GiverKind::Other(peers) })
    }

    /// Reads the members, and the objects of the directory.
    pub(crate) fn observe<'a>(
        &'a self,
        target: &'a Target,
        concurrency: usize,
    ) -> Result<Observation<'a>, Failure> {
        let Target { cluster, items, .. } = target;
        observe_set(SetView { cluster, set: &self.set, parent: self.parent.as_ref(), items }, concurrency)
    }

    /// Returns the members that move. Refuses objects that the other directory still contains.
    pub(crate) fn moving<'a>(
        &self,
        target: &Target,
        observation: &'a Observation<'_>,
    ) -> Result<Moving<'a>, Failure> {
        let wanted = target.wanted();
        let here = observation.objects.iter().filter_map(|object| object.live());
        let here = here.filter(|live| self.set.is_member(live) && !live.is_being_deleted());
        let mut members: Vec<(Key, &LiveObject)> = here.map(|live| (live.key(), live)).collect();
        let Candidates { delete, kept } = candidates(&self.set, &observation.others, &wanted);
        let is_member = |why: &Kept| !matches!(why, Kept::Child(_) | Kept::NotOurs | Kept::Leaving);
        let kept = kept.into_iter().filter(|(why, _)| is_member(why)).map(|(_, live)| live);
        let others = delete.into_iter().map(|(_, live)| live).chain(kept);
        let others: Vec<(Key, &LiveObject)> = others.map(|live| (live.key(), live)).collect();
        let mut staying = 0;
        match &self.kind {
            GiverKind::Former => members.extend(others),
            GiverKind::Other(peers) => {
                staying = others.len();
                refuse_claimed(target, &members, peers, self.parent.as_ref())?;
            }
        }
        members.sort_by(|(a, _), (b, _)| a.cmp(b));
        Ok(Moving { members, staying })
    }

    /// Returns whether a directory of this ApplySet is at hand.
    pub(crate) fn has_directory(&self) -> bool {
        matches!(&self.kind, GiverKind::Other(peers) if !peers.is_empty())
    }
}

/// Both directories would take the object from each other.
fn refuse_claimed(
    target: &Target,
    members: &[(Key, &LiveObject)],
    peers: &[Peer],
    parent: Option<&Parent>,
) -> Result<(), Failure> {
    let id = parent.and_then(|parent| LockId::parse(parent.lock_id.as_deref()?));
    let joined = id.map(|id| {
        format!("; if all of its objects have moved, remove that directory, and add --from-id {id}")
    });
    let joined = joined.unwrap_or_default();
    let claimed = |(key, _): &(Key, &LiveObject)| {
        let peer = peers.iter().find(|peer| peer.renders(key))?;
        Some(
            Diagnostic::refusal(format!("{key} is in both directories, this one and that of {}", peer.title))
                .hint(format!(
                    "remove it from the manifests of one of them and render that one (`kubectl largescale render{}` or `kubectl largescale render{}`){joined}",
                    peer.flags, target.flags
                )),
        )
    };
    let problems: Vec<Diagnostic> = members.iter().filter_map(claimed).collect();
    if problems.is_empty() { Ok(()) } else { Err(problems.into()) }
}
