//! A pool, and the pools of a cluster.

use crate::core::patch::placeholder::Values;

/// The pools that are rendered, in order of their values.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PoolSet {
    /// The node label whose value is the pool.
    pub label: String,
    /// One Service each.
    pub pools: Vec<Pool>,
}

/// The nodes that share one value of the pool label.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pool {
    /// The value of the pool label.
    pub value: String,
    /// The value as a part of object names.
    pub name: String,
    /// What Azure calls the thing behind it.
    pub vm_set: Option<String>,
    /// Why there is no VM set; shown only where one is needed.
    pub vm_set_problem: String,
    /// The name of its load-balancer configuration, for platforms that have such.
    pub load_balancer: String,
    /// It has no node, and the spec withdraws such pools from the DNS round robin.
    pub withdrawn: bool,
}

impl PoolSet {
    /// The placeholders of a pool.
    pub fn values<'a>(&'a self, pool: &'a Pool) -> Values<'a> {
        Values::default()
            .with("pool.name", Some(&pool.name), "")
            .with("pool.label", Some(&self.label), "")
            .with("pool.value", Some(&pool.value), "")
            .with("pool.vmSet", pool.vm_set.as_deref(), &pool.vm_set_problem)
            .with("pool.loadBalancer", Some(&pool.load_balancer), "")
    }
}
