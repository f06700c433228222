//! A pool, and the set of pools that is rendered.

use crate::core::lock::PoolKind;
use crate::core::patch::placeholder::Values;

/// The pools that are rendered, sorted by value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PoolSet {
    /// The node label whose value identifies the pool.
    pub label: String,
    /// Whether these are pools or shards.
    pub kind: PoolKind,
    /// The pools; each gets a Service.
    pub pools: Vec<Pool>,
}

/// The nodes with the same value of the pool label.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pool {
    /// The value of the pool label.
    pub value: String,
    /// The value in the form for object names.
    pub name: String,
    /// The availability set or scale set of the pool, on Azure.
    pub vm_set: Option<String>,
    /// What the nodes show of the VM set.
    pub vm_set_evidence: VmSetEvidence,
    /// The reason if the VM set is unknown; shown only if the platform needs it.
    pub vm_set_problem: String,
    /// What to do about it.
    pub vm_set_hint: String,
    /// Whether the lock has the pool, so that it may have addresses.
    pub is_locked: bool,
    /// The name of its load-balancer configuration, on platforms that have them.
    pub load_balancer: String,
    /// Whether the pool is removed from the DNS round robin, because it has no nodes and the spec requests this.
    pub withdrawn: bool,
}

/// What the nodes of a pool show of its VM set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum VmSetEvidence {
    /// Nothing certain: no node was read, or no verified rule of the platform matches. The machines may be in no VM set.
    #[default]
    None,
    /// All nodes are in one VM set.
    Shown,
    /// The nodes contradict each other, or their pool label.
    Unclear,
}

/// The placeholder with the name of a shard.
const SHARD_NAME: &str = "shard.name";

/// Why a placeholder of pools has no value.
const NO_POOLS: &str = "`spec.shards` renders Services without pools; use `${shard.name}`";

impl Pool {
    /// Returns how messages name it: `the pool a`, or `shard-1`.
    pub fn called(&self, kind: PoolKind) -> String {
        match kind {
            PoolKind::Nodes => format!("the pool {}", self.value),
            PoolKind::Shard => self.value.clone(),
        }
    }
}

impl PoolSet {
    /// Returns the placeholders of a pool.
    pub fn values<'a>(&'a self, pool: &'a Pool) -> Values<'a> {
        if self.kind == PoolKind::Shard {
            let of_pools = ["pool.name", "pool.label", "pool.value", "pool.vmSet", "pool.loadBalancer"];
            let values = Values::default().with(SHARD_NAME, Some(&pool.name), "");
            return of_pools.into_iter().fold(values, |values, name| values.with(name, None, NO_POOLS));
        }
        Values::default()
            .with("pool.name", Some(&pool.name), "")
            .with("pool.label", Some(&self.label), "")
            .with("pool.value", Some(&pool.value), "")
            .with("pool.vmSet", pool.vm_set.as_deref(), &pool.vm_set_problem)
            .with("pool.loadBalancer", Some(&pool.load_balancer), "")
            .with(SHARD_NAME, None, "`spec.shards` is not set")
    }
}
