//! The pools of a planned cluster.

use crate::core::capacity::{Demand, Headroom, LimitSubject, PoolNodes, Situation, measure};
use crate::core::platform::Limit;
use crate::core::pools::NodeCount;

/// Splits a number of nodes into pools of at most `per_pool` nodes, each in one VM set that takes `set` nodes. The last pool
/// gets the rest.
pub fn pools_of(nodes: u32, per_pool: u32, set: Option<&Limit>) -> Vec<PoolNodes> {
    let per_pool = per_pool.max(1);
    (0..nodes.div_ceil(per_pool))
        .map(|index| pool_of(&format!("{}", index + 1), per_pool.min(nodes - index * per_pool), set))
        .collect()
}

fn pool_of(name: &str, count: u32, set: Option<&Limit>) -> PoolNodes {
    let count = count as usize;
    let vm_set = set.map(|takes| (count, takes.clone()));
    PoolNodes { name: name.to_owned(), all: count, backends: count, vm_set }
}

/// Returns the largest number of nodes, at most `nodes`, for which no limit of a pool is exceeded; `once` are the Services of one
/// pool, and `others` those of other apps on it. Limits that one node exceeds do not count, because smaller pools do not help. `None` if
/// the size of a pool has no known limit.
pub fn largest_pool(
    situation: &Situation<'_>,
    set: Option<&Limit>,
    once: &dyn Fn(&str) -> Vec<Demand>,
    nodes: u32,
) -> Option<u32> {
    let services = once("1");
    let exceeded = |count: u32| -> Vec<_> {
        let pools = [pool_of("1", count, set)];
        let all = NodeCount { all: count as usize, backends: count as usize };
        let planned = Situation { pools: &pools, nodes: all, services: Some(&services), ..*situation };
        let usages = measure(&planned).into_iter();
        let of_pool = usages.filter(|usage| matches!(usage.subject, LimitSubject::Pool(_)));
        of_pool.filter(|usage| usage.room(100) == Headroom::Over).map(|usage| usage.name).collect()
    };
    let always = exceeded(1);
    let fits = |count: u32| exceeded(count).iter().all(|name| always.contains(name));
    if fits(u32::MAX) {
        return None;
    }
    if fits(nodes) {
        return Some(nodes);
    }
    // The usage grows with the number of nodes: `low` fits, and `high` does not.
    let (mut low, mut high) = (1, nodes);
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        if fits(middle) { low = middle } else { high = middle }
    }
    Some(low)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::platform::{OwnLimits, read_builtin};

    #[test]
    fn full_pools_and_the_rest() {
        for (nodes, per_pool, wanted) in
            [(2500, 100, vec![100; 25]), (250, 100, vec![100, 100, 50]), (1, 100, vec![1]), (0, 100, vec![])]
        {
            let got: Vec<usize> = pools_of(nodes, per_pool, None).iter().map(|pool| pool.all).collect();
            assert_eq!(got, wanted, "{nodes} in pools of {per_pool}");
        }
    }

    /// Whatever is proposed exceeds no limit that depends on the size of a pool, and one node more does.
    #[test]
    fn the_proposal_obeys_every_limit() {
        let set = |value| Limit { value, source: "test".to_owned(), note: None };
        for (platform, set, ports, wanted) in [
            ("azure-basic", None, 1, Some(300)),
            ("azure-basic", Some(set(200)), 1, Some(200)),
            ("azure-basic", Some(set(1000)), 1, Some(300)),
            ("azure-basic", Some(set(200)), 251, Some(200)),
            ("hetzner", None, 1, Some(25)),
            ("hetzner", None, 6, Some(25)),
            ("aws-lbc", None, 1, Some(500)),
            ("aws-lbc", None, 5, Some(100)),
            ("azure-multi-slb", Some(set(1000)), 20, Some(500)),
            ("metallb-l2", None, 1, None),
        ] {
            let platform_spec = read_builtin(platform).unwrap().unwrap();
            let own = OwnLimits::default();
            let situation = Situation {
                platform: &platform_spec,
                own: &own,
                workload_per_pool: false,
                nodes: NodeCount::default(),
                pools: &[],
                services: None,
                other_services: None,
            };
            let once =
                |pool: &str| vec![Demand { pool: pool.to_owned(), ports, families: 1, ..Demand::default() }];
            assert_eq!(
                largest_pool(&situation, set.as_ref(), &once, 10_000),
                wanted,
                "{platform} with {ports} ports and {set:?}"
            );
            assert_eq!(largest_pool(&situation, set.as_ref(), &once, 7), wanted.map(|_| 7));
        }
    }
}
