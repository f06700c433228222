//! What goes into a cluster and what leaves it: whose set it is, in which order, what is left to others, what stays.

mod apply_set;
mod parent;
mod plan_file;
mod prune;
mod rules;
mod stage;
mod trackers;

pub use apply_set::{
    ApplySet, GroupKind, ID, KINDS, LOCK_ID, NAMESPACES, PARENT_MANAGER, PART_OF, Scope, TOOL, TOOLING,
};
pub use parent::{
    ForeignAnnotation, Owner, Parent, check_lock_id, foreign_annotations, is_ours_to_mend, read_parent,
    salvage_parent, tool_of, undone,
};
pub use plan_file::{Departure, PlanFile, PlannedObject, Terms, departures};
pub use prune::{Candidates, Deletion, Kept, MaxPrune, addresses, candidates};
pub use rules::{Conflict, Verdict, Yielded, conflicts_of, verdict, yielded};
pub use stage::Stage;
pub use trackers::{Tracker, other_set, trackers};
