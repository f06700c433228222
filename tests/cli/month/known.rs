//! The model: the pools that each lock must know, and how git joins them.

use std::collections::BTreeSet;

/// Pairs of the id of a lock and a pool. Every pool that ever had nodes, and was not forgotten, keeps its Services.
pub type Known = BTreeSet<(String, String)>;

/// Joins two branches: a pair that one branch added stays, and a pair that one branch removed is removed.
pub fn join(base: &Known, ours: &Known, theirs: &Known) -> Known {
    let all = ours.union(theirs);
    let stays =
        |pair: &&(String, String)| (ours.contains(*pair) && theirs.contains(*pair)) || !base.contains(*pair);
    all.filter(stays).cloned().collect()
}
