//! Rules for `apply` and `prune`: ApplySet membership, apply order, conflicts, ownership and plans.

mod apply_set;
mod conflicts;
mod order;
mod owned_input;
mod owners;
mod parent;
mod peer;
mod plan_file;
mod prune;
mod release;

pub use crate::core::apply::apply_set::{
    ApplySet, GroupKind, ID, KINDS, LOCK_ID, MemberScope, NAMESPACES, PARENT_MANAGER, PART_OF, TOOL, TOOLING,
};
pub use crate::core::apply::conflicts::{
    Conflict, Verdict, Yielded, conflicts_of, other_appliers, verdict, yielded,
};
pub use crate::core::apply::order::Stage;
pub use crate::core::apply::owned_input::{refuse_owned, tools_of};
pub use crate::core::apply::owners::{Step, Tool, Tracker, other_owners, other_set};
pub use crate::core::apply::parent::{
    ForeignAnnotation, Owner, Parent, check_lock_id, foreign_annotations, is_repairable, read_parent,
    removal_patch, salvage_parent, tool_of,
};
pub use crate::core::apply::peer::Peer;
pub use crate::core::apply::plan_file::{
    Deviation, PlanFile, PlanSource, PlannedObject, Salt, Terms, deviations,
};
pub use crate::core::apply::prune::{Candidates, Deletion, Kept, MaxPrune, addresses, candidates};
pub use crate::core::apply::release::Release;
