//! Steps shared by `diff --live`, `apply` and `prune`: read the reviewed directory, read the cluster, compare the
//! two.

pub(crate) mod adoptable;
mod adoptable_gateways;
pub(crate) mod adoption;
pub(crate) mod apply;
pub(crate) mod apply_set;
pub mod cluster_identity;
pub(crate) mod compare;
pub(crate) mod confirm;
pub(crate) mod difference;
pub mod discover;
pub(crate) mod events;
pub(crate) mod gateway_classes;
pub(crate) mod gateway_services;
pub(crate) mod giver;
pub(crate) mod incoming;
pub(crate) mod interrupts;
pub(crate) mod live_objects;
pub(crate) mod live_review;
pub(crate) mod load_balancers;
pub(crate) mod member_changes;
pub(crate) mod observe;
pub(crate) mod ownership;
pub(crate) mod peers;
pub(crate) mod plan;
pub(crate) mod probe;
pub(crate) mod prune;
pub(crate) mod rejection;
pub(crate) mod results;
pub(crate) mod served_kinds;
pub(crate) mod server_side_apply;
pub mod set_name;
pub(crate) mod takeover;
pub(crate) mod target;
pub mod tree_review;
pub(crate) mod wait;
