//! `largescale.yaml`: what the user writes.

mod cluster;
mod large_scale;

pub use cluster::SpecCluster;
pub use large_scale::{
    ConflictAction, ConflictRule, DeclaredPool, LargeScale, Metadata, Pools, Spec, SpecKind, WhenEmpty,
    Workload,
};
