//! Pools: discovered from the nodes, recorded in the lock file, selected by the spec.

mod adopted_pools;
mod backend;
mod discover;
mod label;
mod merge;
mod pool;
mod pool_names;

pub use crate::core::pools::adopted_pools::with_pools_of;
pub use crate::core::pools::backend::no_backend;
pub use crate::core::pools::discover::{Discovered, NodeCount, Observed, discover_pools};
pub use crate::core::pools::merge::{
    MergeOptions, Merged, PoolReport, PoolState, Shrink, merge, merge_locked,
};
pub use crate::core::pools::pool::{Pool, PoolSet, VmSetEvidence};
