//! The pools of a planned cluster.

use crate::core::capacity::PoolNodes;

/// Splits a number of nodes into pools of at most `per_pool` nodes. The last pool gets the rest.
pub fn pools_of(nodes: u32, per_pool: u32) -> Vec<PoolNodes> {
    let per_pool = per_pool.max(1);
    (0..nodes.div_ceil(per_pool))
        .map(|index| {
            let count = per_pool.min(nodes - index * per_pool) as usize;
            PoolNodes { name: format!("{}", index + 1), all: count, backends: count, vm_set: None }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn full_pools_and_the_rest() {
        for (nodes, per_pool, wanted) in
            [(2500, 100, vec![100; 25]), (250, 100, vec![100, 100, 50]), (1, 100, vec![1]), (0, 100, vec![])]
        {
            let got: Vec<usize> = pools_of(nodes, per_pool).iter().map(|pool| pool.all).collect();
            assert_eq!(got, wanted, "{nodes} in pools of {per_pool}");
        }
    }
}
