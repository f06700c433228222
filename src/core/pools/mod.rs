//! Pools: found among the nodes, remembered by the lock, chosen by the spec.

mod backend;
mod label;
mod merge;
mod pool;
mod survey;

pub use backend::no_backend;
pub use merge::{MergeOptions, Merged, PoolReport, PoolState, Shrink, merge, merge_locked};
pub use pool::{Pool, PoolSet};
pub use survey::{NodeCount, Observed, Survey, survey};
