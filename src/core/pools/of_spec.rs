//! The pools or the shards of a spec: decides which of both the spec has.

use std::collections::BTreeSet;

use crate::core::kubernetes::node::Node;
use crate::core::lock::Lock;
use crate::core::platform::Platform;
use crate::core::pools::OwnerList;
use crate::core::pools::discover::Discovered;
use crate::core::pools::merge::{self, MergeOptions, Merged, finish};
use crate::core::pools::owners::discover_owned_pools;
use crate::core::pools::shards::{discover_shards, merge_locked_shards, merge_shards, shards_in_lock};
use crate::core::report::diagnostic::Checked;
use crate::core::spec::Spec;

/// Discovers the pools or shards of a spec. `label` is the user's choice. The label in the lock is kept until the user chooses another.
pub fn discover_for_spec(
    spec: &Spec,
    (nodes, owners): (&[Node], &[OwnerList]),
    platform: &Platform,
    label: Option<&str>,
    lock: Option<&Lock>,
) -> Checked<Discovered> {
    match spec.shards {
        Some(count) => discover_shards(nodes, platform, count),
        None => discover_owned_pools((nodes, owners), platform, label, spec, lock),
    }
}

/// Merges the discovered pools or shards with those in the lock.
pub fn merge(
    spec: &Spec,
    discovered: &Discovered,
    lock: Option<&Lock>,
    options: &MergeOptions,
) -> Checked<Merged> {
    if let Some(count) = spec.shards {
        return finish(spec, merge_shards(count, discovered, lock, options)?, &BTreeSet::new());
    }
    match shards_in_lock(lock, &options.forget) {
        Some(problem) => Err(problem.into()),
        None => merge::merge(spec, discovered, lock, options),
    }
}

/// Returns the pools or shards in the lock, without reading nodes.
pub fn merge_locked(spec: &Spec, lock: &Lock) -> Checked<Merged> {
    if let Some(count) = spec.shards {
        return finish(spec, merge_locked_shards(count, lock)?, &BTreeSet::new());
    }
    match shards_in_lock(Some(lock), &[]) {
        Some(problem) => Err(problem.into()),
        None => merge::merge_locked(spec, lock),
    }
}
