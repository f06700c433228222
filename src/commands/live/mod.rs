//! What `diff --live`, `apply` and `prune` have in common: the reviewed tree, the cluster, and one against the other.

pub(super) mod agree;
pub(super) mod attempt;
pub(super) mod carry_out;
pub(super) mod compare;
pub(super) mod deletions;
pub(super) mod guards;
pub(super) mod parent;
pub(super) mod planned;
pub(super) mod report;
pub(super) mod review;
pub(super) mod survey;
pub(super) mod target;
pub(super) mod wait;
