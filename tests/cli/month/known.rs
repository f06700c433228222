//! The model: the pools that each lock must know, and how git joins them.

use std::collections::BTreeSet;

/// Pairs of the id of a lock and a pool. Every pool that ever had nodes, and was not forgotten, keeps its Services.
pub type Known = BTreeSet<(String, String)>;

/// Joins two branches: a pair that one branch added stays, and a pair that one branch removed is removed. A lock that one branch removed
/// is removed with the pools that the other one added to it: git can take another lock for it, and then reports no conflict.
pub fn join(base: &Known, ours: &Known, theirs: &Known) -> Known {
    let all = ours.union(theirs);
    let has_lock = |known: &Known, id: &String| known.iter().any(|(known, _)| known == id);
    let is_removed = |id: &String| has_lock(base, id) && !(has_lock(ours, id) && has_lock(theirs, id));
    let stays = |pair: &&(String, String)| {
        (ours.contains(*pair) && theirs.contains(*pair)) || !(base.contains(*pair) || is_removed(&pair.0))
    };
    all.filter(stays).cloned().collect()
}
