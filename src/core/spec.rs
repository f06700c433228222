//! `largescale.yaml`: the spec that the user writes.

mod alerts;
mod cluster;
mod gateways;
mod in_hints;
mod large_scale;
mod of_service;
mod other_pools;
mod pools_from;
mod shards;

pub use crate::core::spec::alerts::{AlertFormat, Alerts};
pub use crate::core::spec::cluster::SpecCluster;
pub use crate::core::spec::gateways::{GatewayMode, GatewayParameters, GatewaysSpec};
pub use crate::core::spec::large_scale::{
    ConflictAction, ConflictRule, DeclaredPool, LargeScale, Metadata, Pools, Spec, SpecKind, WhenEmpty,
    Workload,
};
pub use crate::core::spec::other_pools::OtherPools;
pub use crate::core::spec::pools_from::{OwnerKind, PoolsFrom};
