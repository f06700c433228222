//! Pools: discovered from the nodes, recorded in the lock file, selected by the spec.

mod adopted_pools;
mod backend;
mod discover;
mod label;
mod merge;
mod mislabeled;
mod new_pool;
mod of_spec;
mod owner;
mod owner_clusters;
mod owners;
mod pool;
mod pool_names;
mod pool_source;
mod shards;
mod shrink;
mod wrong_platform;

pub use crate::core::pools::adopted_pools::with_pools_of;
pub use crate::core::pools::backend::{EXCLUDE, no_backend};
pub use crate::core::pools::discover::{Discovered, NodeCount, Observed, VmSetNodes, discover_pools};
pub use crate::core::pools::merge::{Lookalikes, MergeOptions, Merged, PoolReport, PoolState, Shrink};
pub use crate::core::pools::of_spec::{discover_for_spec, merge, merge_locked};
pub use crate::core::pools::owner::{Owner, OwnerList, read_owners};
pub use crate::core::pools::owners::discover_owned_pools;
pub use crate::core::pools::pool::{Pool, PoolSet, VmSetEvidence};
pub use crate::core::pools::shards::shard_names;
pub use crate::core::pools::wrong_platform::wrong_platform;
