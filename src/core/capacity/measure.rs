//! From pools and Services to gauges.

use std::collections::BTreeMap;

use crate::core::capacity::{Demand, Gauge, Subject};
use crate::core::platform::{Limit, LimitName, LoadBalancers, OwnLimits, Platform, Relief};
use crate::core::pools::{NodeCount, PoolReport, PoolState};
use crate::core::report::plural::{plural, thousands};

/// All that is measured.
#[derive(Clone, Copy, Debug)]
pub struct Situation<'a> {
    /// The platform, with its limits.
    pub platform: &'a Platform,
    /// What the user knows better.
    pub own: &'a OwnLimits,
    /// Whether each pool has its own workload (`workload.perPool`).
    pub workload_per_pool: bool,
    /// The nodes of the cluster.
    pub nodes: NodeCount,
    /// The pools that are rendered.
    pub pools: &'a [PoolNodes],
    /// The rendered Services; `None` if nothing was rendered, and then only nodes are measured.
    pub services: Option<&'a [Demand]>,
    /// What else is in the cluster, if it was asked.
    pub elsewhere: Option<&'a Elsewhere>,
}

/// The nodes of one pool.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PoolNodes {
    /// The pool's name.
    pub name: String,
    /// All its nodes.
    pub all: usize,
    /// Those that its load balancer may use.
    pub backends: usize,
    /// The nodes of its largest VM set, and how many such a set takes, where that is known.
    pub vm_set: Option<(usize, Limit)>,
}

/// What the cluster holds beside the rendered Services.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Elsewhere {
    /// Other Services, by namespace.
    pub services: BTreeMap<String, u64>,
    /// Those of them of type LoadBalancer.
    pub load_balancers: u64,
    /// Their node ports.
    pub node_ports: u64,
}

/// Measures every limit that is known, and what grows with the number of pools.
pub fn measure(situation: &Situation<'_>) -> Vec<Gauge> {
    let mut gauges = of_nodes(situation);
    if let Some(services) = situation.services {
        of_load_balancers(situation, services, &mut gauges);
        of_services(situation, services, &mut gauges);
    }
    // Whose limit nobody has published is of interest only where it is what pools are for.
    gauges.retain(|gauge| {
        gauge.limit.is_some()
            || matches!(gauge.name, LimitName::NodesPerLoadBalancer | LimitName::EndpointSlices)
    });
    gauges.sort_by_key(|gauge| gauge.name);
    gauges
}

impl Situation<'_> {
    fn gauge(&self, name: LimitName, subject: Subject, used: u64) -> Gauge {
        Gauge { name, subject, used, limit: self.platform.limit(name, self.own), how: None }
    }

    /// The nodes behind the load balancer of a pool, and why these.
    fn behind(&self, pool: &PoolNodes) -> (u64, Option<String>) {
        let spec = &self.platform.spec;
        if spec.refused.is_none() {
            return (pool.backends as u64, None);
        }
        let relief = spec.per_pool.as_ref().map_or(Relief::None, |said| said.relieves);
        if self.workload_per_pool && relief == Relief::Full {
            return (pool.backends as u64, None);
        }
        (self.nodes.backends as u64, Some("all of the cluster: this cloud cannot choose nodes".to_owned()))
    }
}

fn of_nodes(situation: &Situation<'_>) -> Vec<Gauge> {
    let mut gauges = Vec::new();
    for pool in situation.pools {
        let subject = || Subject::Pool(pool.name.clone());
        let (behind, how) = situation.behind(pool);
        gauges.push(Gauge { how, ..situation.gauge(LimitName::NodesPerLoadBalancer, subject(), behind) });
        gauges.push(situation.gauge(LimitName::NodesPerPool, subject(), pool.all as u64));
        if let Some((nodes, takes)) = &pool.vm_set {
            let mut gauge = situation.gauge(LimitName::NodesPerVmSet, subject(), *nodes as u64);
            gauge.limit.get_or_insert_with(|| takes.clone());
            gauges.push(gauge);
        }
    }
    gauges.push(situation.gauge(LimitName::NodesPerCluster, Subject::Cluster, situation.nodes.all as u64));
    gauges.push(situation.gauge(LimitName::PoolsPerCluster, Subject::Cluster, situation.pools.len() as u64));
    gauges
}

fn of_load_balancers(situation: &Situation<'_>, services: &[Demand], gauges: &mut Vec<Gauge>) {
    let shared = situation.platform.spec.load_balancers == LoadBalancers::PerPool;
    let mut by_pool: BTreeMap<&str, Vec<&Demand>> = BTreeMap::new();
    for demand in services {
        by_pool.entry(&demand.pool).or_default().push(demand);
    }
    let mut load_balancers = 0;
    for pool in situation.pools {
        let Some(services) = by_pool.get(pool.name.as_str()) else { continue };
        let (behind, _) = situation.behind(pool);
        let rules = |demand: &&Demand| demand.ports * demand.families;
        let all: u64 = services.iter().map(rules).sum();
        let most = services.iter().map(rules).max().unwrap_or_default();
        let front = services.iter().map(|demand| demand.ports).max().unwrap_or_default();
        let families: u64 = services.iter().map(|demand| demand.families).sum();
        let (ports, front_ends) = if shared {
            (all, families)
        } else {
            (most, services.iter().map(|demand| demand.families).max().unwrap_or_default())
        };
        load_balancers += if shared { 1 } else { services.len() as u64 };
        let product =
            |ports: u64| Some(format!("{} x {}", plural_of(behind, "node"), plural_of(ports, "port")));
        for (name, used, how) in [
            (LimitName::TargetsPerFrontend, behind * front, product(front)),
            (LimitName::TargetsPerLoadBalancer, behind * ports, product(ports)),
            (LimitName::PortsPerLoadBalancer, ports, None),
            (LimitName::FrontendsPerLoadBalancer, front_ends, None),
            (LimitName::RulesPerNetworkCard, all, None),
        ] {
            gauges.push(Gauge { how, ..situation.gauge(name, Subject::Pool(pool.name.clone()), used) });
        }
    }
    gauges.push(situation.gauge(LimitName::LoadBalancers, Subject::Cluster, load_balancers));
}

fn of_services(situation: &Situation<'_>, services: &[Demand], gauges: &mut Vec<Gauge>) {
    let nothing = Elsewhere::default();
    let elsewhere = situation.elsewhere.unwrap_or(&nothing);
    let ours = services.len() as u64;
    let others: u64 = elsewhere.services.values().sum();
    let mut namespaces: BTreeMap<&str, u64> = BTreeMap::new();
    for demand in services {
        *namespaces.entry(&demand.key.0).or_default() += 1;
    }
    let fullest = namespaces
        .iter()
        .map(|(name, count)| count + elsewhere.services.get(*name).copied().unwrap_or_default())
        .max();
    let alone = match situation.elsewhere {
        Some(_) => None,
        None => Some("of this app alone; those of others are seen with the nodes of a cluster".to_owned()),
    };
    for (name, used) in [
        (LimitName::LoadBalancerServices, ours + elsewhere.load_balancers),
        (LimitName::Services, ours + others),
        (LimitName::ServicesPerNamespace, fullest.unwrap_or_default()),
        (
            LimitName::NodePorts,
            services.iter().map(|demand| demand.node_ports).sum::<u64>() + elsewhere.node_ports,
        ),
    ] {
        gauges.push(Gauge { how: alone.clone(), ..situation.gauge(name, Subject::Cluster, used) });
    }
    let slices: u64 = services.iter().map(Demand::slices).sum();
    let endpoints: u64 = services.iter().map(|demand| demand.pods * demand.families).sum();
    let pods = services.iter().map(|demand| demand.pods).max().unwrap_or_default();
    let mut gauge = situation.gauge(LimitName::EndpointSlices, Subject::Cluster, slices);
    gauge.how = Some(match (ours, situation.workload_per_pool) {
        (0 | 1, _) | (_, true) => plural_of(endpoints, "endpoint"),
        (_, false) => format!(
            "{} of {} over the same pods ({}): each pool more adds as many",
            plural_of(endpoints, "endpoint"),
            plural_of(ours, "Service"),
            thousands(pods)
        ),
    });
    gauges.push(gauge);
}

fn plural_of(count: u64, noun: &str) -> String {
    if count == 1 { plural(1, noun) } else { format!("{} {noun}s", thousands(count)) }
}

impl PoolNodes {
    /// The pools that are rendered, as far as their nodes were seen.
    pub fn of(reports: &[PoolReport], platform: &Platform) -> Vec<Self> {
        let rules = &platform.spec.vm_sets.rules;
        reports
            .iter()
            .filter(|report| report.state != PoolState::Forgotten)
            .map(|report| {
                let Some(seen) = &report.observed else {
                    return Self { name: report.pool.name.clone(), ..Self::default() };
                };
                let largest = seen.vm_sets.iter().max_by_key(|(_, nodes)| **nodes);
                let vm_set = largest.and_then(|(name, nodes)| {
                    let rule = rules.get(*seen.rules.get(name)?)?;
                    Some((*nodes, rule.takes.clone()?))
                });
                Self { name: report.pool.name.clone(), all: seen.nodes(), backends: seen.backends, vm_set }
            })
            .collect()
    }
}
