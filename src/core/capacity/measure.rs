//! Measures the usage of each limit from pools and Services.

use std::collections::BTreeMap;

use crate::core::capacity::remedy::{Choices, remedy};
use crate::core::capacity::{Demand, LimitSubject, OtherServices, Price, Usage};
use crate::core::platform::{Backends, Limit, LimitName, LoadBalancers, OwnLimits, Platform, Relief};
use crate::core::pools::{NodeCount, PoolReport, PoolState};
use crate::core::report::plural::{plural, thousands};

/// The input of a measurement.
#[derive(Clone, Copy, Debug)]
pub struct Situation<'a> {
    /// The platform, with its limits.
    pub platform: &'a Platform,
    /// Limits that the spec overrides.
    pub own: &'a OwnLimits,
    /// Whether each pool has its own workload (`workload.perPool`).
    pub workload_per_pool: bool,
    /// The nodes of the cluster.
    pub nodes: NodeCount,
    /// The pools that are rendered.
    pub pools: &'a [PoolNodes],
    /// The rendered Services; `None` if nothing was rendered, and then only nodes are measured.
    pub services: Option<&'a [Demand]>,
    /// Other Services in the cluster; `None` if they were not read.
    pub other_services: Option<&'a OtherServices>,
}

/// The nodes of one pool.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PoolNodes {
    /// The pool's name.
    pub name: String,
    /// The number of its nodes.
    pub all: usize,
    /// The number of nodes that its load balancer may use.
    pub backends: usize,
    /// The number of nodes of its largest VM set and the limit of such a set, if known.
    pub vm_set: Option<(usize, Limit)>,
}

/// Ports that a message names; the others are counted.
const NAMED_PORTS: usize = 5;

/// Measures the usage of every known limit, and of everything that grows with the number of pools.
pub fn measure(situation: &Situation<'_>) -> Vec<Usage> {
    let mut usages = of_nodes(situation);
    if let Some(services) = situation.services {
        of_load_balancers(situation, services, &mut usages);
        of_services(situation, services, &mut usages);
    }
    // A limit that no source documents is shown only where pools exist because of it.
    usages.retain(|usage| {
        usage.limit.is_some() || usage.name == LimitName::NodesPerLoadBalancer || usage.name.is_price()
    });
    usages.sort_by_key(|usage| usage.name);
    let choices = Choices::of(situation.platform, situation.workload_per_pool);
    for usage in &mut usages {
        usage.remedy = remedy(usage.name, choices);
    }
    usages
}

impl Situation<'_> {
    fn usage(&self, name: LimitName, subject: LimitSubject, used: u64) -> Usage {
        let limit = self.platform.limit(name, self.own);
        Usage { name, subject, used, limit, how: None, basis: None, effect: None, remedy: "" }
    }

    /// Returns the number of nodes behind the load balancer of a pool, and the reason if it is not the pool's own number.
    fn nodes_behind(&self, pool: &PoolNodes) -> (u64, Option<String>) {
        let spec = &self.platform.spec;
        if spec.refused.is_none() {
            return (pool.backends as u64, None);
        }
        let relief = spec.per_pool.as_ref().map_or(Relief::None, |per_pool| per_pool.relieves);
        if self.workload_per_pool && relief == Relief::Full {
            return (pool.backends as u64, None);
        }
        (
            self.nodes.backends as u64,
            Some("all nodes of the cluster: this cloud cannot select nodes".to_owned()),
        )
    }

    /// Returns which ports of a load balancer lack targets, if the controller fills the ports in order until the limit is reached, and
    /// where that is reported.
    fn ports_without_targets(
        &self,
        services: &[&Demand],
        nodes: u64,
        limit: &Limit,
    ) -> Option<(String, String)> {
        let source = self.platform.spec.ports_filled_in_order.as_ref()?;
        let service = services.iter().max_by_key(|demand| demand.ports * demand.families)?;
        let each = nodes * service.families;
        let limit = u64::from(limit.value);
        let (full, rest) = (limit.checked_div(each)?, limit % each);
        let full = usize::try_from(full).ok()?;
        let partly = service.port_numbers.get(full).filter(|_| rest > 0);
        let starved: Vec<String> =
            service.port_numbers.iter().skip(full + usize::from(rest > 0)).map(u16::to_string).collect();
        let shown = &starved[..starved.len().min(NAMED_PORTS)];
        let more = starved.len() - shown.len();
        let text = match (shown, partly) {
            ([], Some(port)) => {
                format!("port {port} gets {} of {} targets", thousands(rest), thousands(each))
            }
            ([], None) => return None,
            ([port], _) => format!("port {port} gets no targets"),
            (ports, _) if more > 0 => format!("ports {} and {more} more get no targets", ports.join(", ")),
            (ports, _) => format!("ports {} get no targets", ports.join(", ")),
        };
        Some((text, source.clone()))
    }
}

fn of_nodes(situation: &Situation<'_>) -> Vec<Usage> {
    let mut usages = Vec::new();
    for pool in situation.pools {
        let subject = || LimitSubject::Pool(pool.name.clone());
        if situation.platform.spec.backends == Backends::Nodes {
            let (behind, how) = situation.nodes_behind(pool);
            usages.push(Usage { how, ..situation.usage(LimitName::NodesPerLoadBalancer, subject(), behind) });
        }
        if situation.platform.limit(LimitName::NodesPerPool, situation.own).is_some() {
            usages.push(situation.usage(LimitName::NodesPerPool, subject(), pool.all as u64));
        }
        if let Some((nodes, takes)) = &pool.vm_set {
            let mut usage = situation.usage(LimitName::NodesPerVmSet, subject(), *nodes as u64);
            usage.limit.get_or_insert_with(|| takes.clone());
            usages.push(usage);
        }
    }
    usages.push(situation.usage(
        LimitName::NodesPerCluster,
        LimitSubject::Cluster,
        situation.nodes.all as u64,
    ));
    usages.push(situation.usage(
        LimitName::PoolsPerCluster,
        LimitSubject::Cluster,
        situation.pools.len() as u64,
    ));
    usages
}

/// How a number came about, if the number does not tell.
type Explanation<'a> = &'a dyn Fn() -> Option<String>;

fn of_load_balancers(situation: &Situation<'_>, services: &[Demand], usages: &mut Vec<Usage>) {
    let sharing = situation.platform.spec.load_balancers;
    let shared = sharing != LoadBalancers::PerService;
    let is_only_one = sharing == LoadBalancers::PerCluster;
    let mut by_pool = of_pools(services);
    // One load balancer has the Services of all pools: the first pool shows it.
    let pools = if is_only_one { situation.pools.get(..1).unwrap_or_default() } else { situation.pools };
    for pool in pools.iter().filter(|_| is_only_one) {
        by_pool.insert(&pool.name, services.iter().collect());
    }
    let others = of_pools(situation.other_services.map_or(&[][..], |others| &others.on_pools));
    let mut load_balancers = 0;
    for pool in pools {
        let Some(own) = by_pool.get(pool.name.as_str()) else { continue };
        let others = others.get(pool.name.as_str()).map_or(&[][..], Vec::as_slice);
        // The Services of other apps add to a load balancer that all Services of a pool share.
        let with_others: Vec<&Demand> = own.iter().chain(others).copied().collect();
        let services = if shared { &with_others } else { own };
        let (behind, _) = situation.nodes_behind(pool);
        let rules = |demand: &&Demand| demand.ports * demand.families;
        let all: u64 = with_others.iter().map(rules).sum();
        let most = services.iter().map(rules).max().unwrap_or_default();
        let front = services.iter().map(|demand| demand.ports).max().unwrap_or_default();
        let families: u64 = services.iter().map(|demand| demand.families).sum();
        let (ports, front_ends) = if shared {
            (all, families)
        } else {
            (most, services.iter().map(|demand| demand.families).max().unwrap_or_default())
        };
        let backend_pools = if shared {
            backend_pools(services)
        } else {
            services.iter().map(|demand| demand.families).max().unwrap_or_default()
        };
        load_balancers += if shared { 1 } else { own.len() as u64 };
        let product =
            |ports: u64| Some(format!("{} x {}", plural_of(behind, "node"), plural_of(ports, "port")));
        let of_others = || {
            (!others.is_empty()).then(|| {
                format!(
                    "{} of this app, {} of other apps",
                    plural_of(own.len() as u64, "Service"),
                    thousands(others.len() as u64)
                )
            })
        };
        let shared_with = || of_others().filter(|_| shared);
        let in_pools =
            || Some(format!("{} x {}", plural_of(behind, "node"), plural_of(backend_pools, "backend pool")));
        let all_of_these: [(LimitName, u64, Explanation<'_>); 6] = [
            (LimitName::TargetsPerFrontend, behind * front, &|| product(front)),
            (LimitName::TargetsPerLoadBalancer, behind * ports, &|| product(ports)),
            (LimitName::IpConfigurationsPerLoadBalancer, behind * backend_pools, &in_pools),
            (LimitName::PortsPerLoadBalancer, ports, &shared_with),
            (LimitName::FrontendsPerLoadBalancer, front_ends, &shared_with),
            (LimitName::RulesPerNetworkCard, all, &of_others),
        ];
        for (name, used, how) in all_of_these {
            // A large cluster has thousands of these, and few platforms have every limit.
            let limit = situation.platform.limit(name, situation.own);
            if limit.is_some() {
                let of_pool = || LimitSubject::Pool(pool.name.clone());
                let subject = if is_only_one { LimitSubject::Cluster } else { of_pool() };
                let exceeded = limit
                    .as_ref()
                    .filter(|limit| name == LimitName::TargetsPerLoadBalancer && used > limit.value.into());
                let (effect, basis) = exceeded
                    .and_then(|limit| situation.ports_without_targets(services, behind, limit))
                    .unzip();
                usages.push(Usage { name, subject, used, limit, how: how(), basis, effect, remedy: "" });
            }
        }
    }
    if !shared {
        load_balancers += situation.other_services.map_or(0, |others| others.load_balancers);
    }
    usages.push(situation.usage(LimitName::LoadBalancers, LimitSubject::Cluster, load_balancers));
}

fn of_pools(services: &[Demand]) -> BTreeMap<&str, Vec<&Demand>> {
    let mut by_pool: BTreeMap<&str, Vec<&Demand>> = BTreeMap::new();
    for demand in services {
        by_pool.entry(&demand.pool).or_default().push(demand);
    }
    by_pool
}

/// Returns the number of backend pools of a load balancer that Services share: one for each that is local, and one for all
/// others, in each IP family.
fn backend_pools(services: &[&Demand]) -> u64 {
    let local: u64 = services.iter().filter(|demand| demand.local).map(|demand| demand.families).sum();
    let others = services.iter().filter(|demand| !demand.local).map(|demand| demand.families).max();
    local + others.unwrap_or_default()
}

fn of_services(situation: &Situation<'_>, services: &[Demand], usages: &mut Vec<Usage>) {
    let nothing = OtherServices::default();
    let other_services = situation.other_services.unwrap_or(&nothing);
    let ours = services.len() as u64;
    let others: u64 = other_services.services.values().sum();
    let mut namespaces: BTreeMap<&str, u64> = BTreeMap::new();
    for demand in services {
        *namespaces.entry(&demand.key.0).or_default() += 1;
    }
    let fullest = namespaces
        .iter()
        .map(|(name, count)| count + other_services.services.get(*name).copied().unwrap_or_default())
        .max();
    let counts = match situation.other_services {
        Some(others) if others.is_complete => None,
        Some(_) => Some("the apps of this command"),
        None => Some("this app"),
    };
    let alone = counts.map(|what| {
        format!("counts {what} only; other Services are read together with the nodes of a cluster")
    });
    for (name, used) in [
        (LimitName::LoadBalancerServices, ours + other_services.load_balancers),
        (LimitName::Services, ours + others),
        (LimitName::ServicesPerNamespace, fullest.unwrap_or_default()),
        (
            LimitName::NodePorts,
            services.iter().map(|demand| demand.node_ports).sum::<u64>() + other_services.node_ports,
        ),
    ] {
        usages.push(Usage { how: alone.clone(), ..situation.usage(name, LimitSubject::Cluster, used) });
    }
    of_copies(situation, services, other_services, usages);
}

/// Measures what grows with every copy, also if no limit is known.
fn of_copies(
    situation: &Situation<'_>,
    services: &[Demand],
    other_services: &OtherServices,
    usages: &mut Vec<Usage>,
) {
    let all = || services.iter().chain(&other_services.on_pools);
    let slices = all().map(Demand::slices).fold(0, u64::saturating_add);
    let price = Price::of(all());
    let ours = services.len() as u64;
    let pods = services.iter().map(|demand| demand.pods).max().unwrap_or_default();
    let mut notes = Vec::new();
    if ours > 1 && pods > 0 && !situation.workload_per_pool {
        notes.push(format!(
            "{} over the same pods ({}): each additional pool adds the same number",
            plural_of(ours, "Service"),
            thousands(pods)
        ));
    }
    let without_pods = all().filter(|demand| demand.pods == 0).count() as u64;
    if without_pods > 0 {
        notes.push(format!(
            "the manifests do not show the pods of {}: they are not counted",
            plural_of(without_pods, "Service")
        ));
    }
    let of_pods = (!notes.is_empty()).then(|| notes.join("; "));
    let mut add = |name, used, how, basis: Option<&str>| {
        let basis = basis.map(str::to_owned);
        usages.push(Usage { how, basis, ..situation.usage(name, LimitSubject::Cluster, used) });
    };
    add(
        LimitName::EndpointSlices,
        slices,
        None,
        Some("at most 100 endpoints each, the default of the controller"),
    );
    add(LimitName::Endpoints, price.endpoints, of_pods, None);
    add(LimitName::IptablesRules, price.iptables_rules, None, Some(IPTABLES));
    add(LimitName::NftablesEntries, price.nftables_entries, None, Some(NFTABLES));
    add(LimitName::CiliumMapEntries, price.cilium_entries, None, Some(CILIUM));
    if let Some(serial) = &situation.platform.spec.serial_updates {
        let balancers = ours.saturating_add(other_services.load_balancers);
        let each = u64::from(serial.seconds);
        let all = balancers.saturating_mul(each);
        let total = if all < 60 { String::new() } else { format!(" = {}", duration(all)) };
        let how = format!("{} x {each} s{total}", plural_of(balancers, "Service"));
        add(LimitName::SecondsToLastLoadBalancer, all, Some(how), Some(&serial.source));
    }
}

const IPTABLES: &str = "kube-proxy 1.36 (kubernetes v1.36.4: pkg/proxy/iptables/proxier.go), on a node without pods of these Services";
const NFTABLES: &str = "kube-proxy 1.36 (kubernetes v1.36.4: pkg/proxy/nftables/proxier.go), on a node without pods of these Services";
const CILIUM: &str = "Cilium 1.20 (cilium v1.20.2: pkg/loadbalancer/reconciler/bpf_reconciler.go), the map of one IP family, on a node with one address and without pods of these Services; the map has 65,536 entries by default: compare with `spec.limits.ciliumMapEntries`";

/// Returns a time in hours and minutes, or in minutes and seconds.
fn duration(seconds: u64) -> String {
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, minutes, 0) => format!("{minutes} min"),
        (0, minutes, seconds) => format!("{minutes} min {seconds} s"),
        (hours, minutes, _) => format!("{} h {minutes} min", thousands(hours)),
    }
}

fn plural_of(count: u64, noun: &str) -> String {
    if count == 1 { plural(1, noun) } else { format!("{} {noun}s", thousands(count)) }
}

impl PoolNodes {
    /// Returns the rendered pools with the node counts of the reports.
    pub fn of(reports: &[PoolReport], platform: &Platform) -> Vec<Self> {
        let rules = &platform.spec.vm_sets.rules;
        reports
            .iter()
            .filter(|report| report.state != PoolState::Forgotten)
            .map(|report| {
                let Some(seen) = &report.observed else {
                    return Self { name: report.pool.name.clone(), ..Self::default() };
                };
                let largest = seen.vm_sets.values().max_by_key(|set| set.count);
                let vm_set = largest.and_then(|set| Some((set.count, rules.get(set.rule)?.takes.clone()?)));
                Self { name: report.pool.name.clone(), all: seen.nodes(), backends: seen.backends, vm_set }
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::platform::{OwnLimits, read_builtin};

    /// The third row is the example of aws-load-balancer-controller#4025.
    #[test]
    fn ports_are_filled_in_order() {
        let aws = read_builtin("aws-lbc").unwrap().unwrap();
        let effect_of = |nodes: usize, ports: u16, families| {
            let pools =
                [PoolNodes { name: "a".to_owned(), all: nodes, backends: nodes, ..PoolNodes::default() }];
            let numbers = (1..=ports).collect::<Vec<u16>>().into();
            let demand = Demand {
                pool: "a".to_owned(),
                ports: ports.into(),
                port_numbers: numbers,
                families,
                ..Demand::default()
            };
            let usages = measure(&Situation {
                platform: &aws,
                own: &OwnLimits::default(),
                workload_per_pool: false,
                nodes: NodeCount { all: nodes, backends: nodes },
                pools: &pools,
                services: Some(&[demand]),
                other_services: None,
            });
            usages.into_iter().find_map(|usage| usage.effect)
        };
        for (nodes, ports, families, wanted) in [
            (100, 5, 1, None),
            (101, 5, 1, Some("port 5 gets 96 of 101 targets")),
            (250, 4, 1, Some("ports 3, 4 get no targets")),
            (200, 4, 1, Some("port 4 gets no targets")),
            (250, 8, 1, Some("ports 3, 4, 5, 6, 7 and 1 more get no targets")),
            (250, 2, 2, Some("port 2 gets no targets")),
        ] {
            assert_eq!(effect_of(nodes, ports, families).as_deref(), wanted, "{nodes} nodes, {ports} ports");
        }
    }

    #[test]
    fn durations() {
        for (seconds, wanted) in [(60, "1 min"), (250, "4 min 10 s"), (5_000, "1 h 23 min")] {
            assert_eq!(duration(seconds), wanted);
        }
    }
}
