//! The limits of load balancers that grow with the nodes of a pool, from the same measurement as `capacity`.

use std::collections::{BTreeMap, BTreeSet};

use crate::core::capacity::{Demand, LimitSubject, PoolNodes, Situation, measure};
use crate::core::lock::PoolKind;
use crate::core::platform::LimitName;
use crate::core::pools::NodeCount;
use crate::core::render::draft::Input;
use crate::core::report::diagnostic::Diagnostic;

/// A limit, and the pools that it applies to in the same way.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct PoolLimit {
    /// Its name.
    pub(super) name: LimitName,
    /// How much of it one node uses.
    pub(super) per_node: u64,
    /// The maximum.
    pub(super) value: u32,
    /// Where it is documented.
    pub(super) source: String,
    /// The values of the pools; `None` for all that have a load balancer.
    pub(super) pools: Option<BTreeSet<String>>,
}

/// The limits of a load balancer that each node of its pool uses.
const OF_NODES: [LimitName; 4] = [
    LimitName::NodesPerLoadBalancer,
    LimitName::TargetsPerFrontend,
    LimitName::TargetsPerLoadBalancer,
    LimitName::IpConfigurationsPerLoadBalancer,
];

/// The limits, and what to say if there are none.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// The limits.
    pub(super) limits: Vec<PoolLimit>,
    /// Limits that no rule compares with a pool.
    pub(super) warnings: Vec<Diagnostic>,
    /// That there is no limit.
    pub(super) note: Option<String>,
}

/// Returns the limits of the load balancers of the pools.
pub(super) fn of_pools(input: Input<'_>, demands: &[Demand]) -> Found {
    if input.pools.kind == PoolKind::Shard {
        let note = "no rule is about nodes, because every node is behind each shard; `kubectl largescale capacity` compares them with the limits";
        return Found { note: Some(note.to_owned()), ..Found::default() };
    }
    let with_service: BTreeSet<&str> = demands.iter().map(|demand| demand.pool.as_str()).collect();
    // With one node in each pool, the measurement shows what each node uses.
    let one = |name: &String| PoolNodes { name: name.clone(), all: 1, backends: 1, vm_set: None };
    let pools: Vec<PoolNodes> = input.pools.pools.iter().map(|pool| one(&pool.name)).collect();
    let usages = measure(&Situation {
        platform: input.platform,
        own: &input.spec.spec.limits,
        workload_per_pool: input.spec.spec.workload.per_pool,
        nodes: NodeCount::default(),
        pools: &pools,
        services: Some(demands),
        other_services: None,
    });
    let values: BTreeMap<&str, &str> =
        input.pools.pools.iter().map(|pool| (pool.name.as_str(), pool.value.as_str())).collect();
    let mut found: BTreeMap<(LimitName, u64, u32), (String, BTreeSet<String>)> = BTreeMap::new();
    let mut of_cluster = BTreeSet::new();
    for usage in usages.iter().filter(|usage| OF_NODES.contains(&usage.name)) {
        let (LimitSubject::Pool(pool), Some(limit)) = (&usage.subject, &usage.limit) else { continue };
        if !with_service.contains(pool.as_str()) {
            continue;
        }
        // The load balancer has the nodes of the whole cluster, which has none here.
        if usage.used == 0 {
            of_cluster.insert(usage.name);
            continue;
        }
        let entry = found.entry((usage.name, usage.used, limit.value));
        let (_, pools) = entry.or_insert_with(|| (limit.source.clone(), BTreeSet::new()));
        pools.extend(values.get(pool.as_str()).map(|value| (*value).to_owned()));
    }
    let all = with_service.len();
    let limits: Vec<PoolLimit> = found
        .into_iter()
        .map(|((name, per_node, value), (source, pools))| {
            let pools = (pools.len() < all).then_some(pools);
            PoolLimit { name, per_node, value, source, pools }
        })
        .collect();
    let mut found = Found::default();
    let platform = &input.platform.name;
    if !of_cluster.is_empty() {
        let names: Vec<String> =
            of_cluster.iter().map(|name: &LimitName| format!("`{}`", name.key())).collect();
        found.warnings.push(
            Diagnostic::warning(format!(
                "no rule compares a pool with {}: each load balancer of platform {platform} has all nodes of the cluster",
                names.join(", ")
            ))
            .at(input.document.location("/spec/alerts")),
        );
    } else if limits.is_empty() {
        found.note = Some(format!(
            "no rule reports a full load balancer: platform {platform} has no limit that grows with the nodes of a pool; `spec.limits.nodesPerLoadBalancer` sets one"
        ));
    }
    Found { limits, ..found }
}
