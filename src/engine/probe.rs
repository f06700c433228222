//! Probes the load balancers of a directory: reads them from the cluster, asks name servers, and connects to every port.

use std::collections::{BTreeSet, HashMap};
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::Value;

use crate::core::dns::{DnsName, RoundRobin};
use crate::core::manifest::Key;
use crate::core::probe::names::{GivenServer, Published};
use crate::core::probe::{
    Answers, End, Facts, Finding, Name, Observed, Partial, Resolved, Row, Settings, connections, end_of,
    findings, hostnames_of_route, unused,
};
use crate::core::report::diagnostic::Diagnostic;
use crate::core::status::{Address, AddressState};
use crate::engine::load_balancers::{LoadBalancers, load_balancers};
use crate::engine::target::Target;
use crate::failure::Failure;
use crate::network;
use crate::network::dns::{Limits, Servers};

/// What the user wants to know.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wanted {
    /// The number of connections to each port, if the user typed one.
    pub(crate) count: Option<u32>,
    /// Only these pools; all if it is empty.
    pub(crate) pools: Vec<String>,
    /// Which name servers to ask.
    pub(crate) names: NameServers,
    /// Requests to the API server at the same time.
    pub(crate) concurrency: usize,
}

/// Which name servers are asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NameServers {
    /// Those of this system.
    pub(crate) system: bool,
    /// Those that have the zone.
    pub(crate) authoritative: bool,
    /// Those that the user named.
    pub(crate) given: Vec<GivenServer>,
}

/// The usual ones.
impl Default for NameServers {
    fn default() -> Self {
        Self { system: true, authoritative: true, given: Vec::new() }
    }
}

impl NameServers {
    /// Asks none, so that DNS is not compared.
    pub(crate) fn none() -> Self {
        Self { system: false, authoritative: false, given: Vec::new() }
    }

    /// Whether none is asked.
    pub(crate) fn is_none(&self) -> bool {
        *self == Self::none()
    }
}

/// One probe of a directory.
pub(crate) struct Probed {
    /// Everything that was seen.
    pub(crate) observed: Observed,
    /// A row for each port of each address.
    pub(crate) rows: Vec<Row>,
    /// The differences.
    pub(crate) findings: Vec<Finding>,
    /// What could not be read from the cluster.
    pub(crate) unseen: Vec<Diagnostic>,
}

/// Probes the load balancers once.
pub(crate) fn probe(target: &Target, wanted: &Wanted) -> Result<Probed, Failure> {
    let round_robin = RoundRobin::of(&target.spec, &target.lock);
    let settings = target.spec.probe.clone().unwrap_or_default();
    let LoadBalancers { report, subjects, hidden } = load_balancers(target, wanted.concurrency)?;
    let mut observed = Observed::default();
    let settings = Settings { probe: &settings, round_robin: round_robin.as_ref(), count: wanted.count };
    let mut by_key: HashMap<Key, &Value> = HashMap::new();
    let mut gateways: HashMap<String, Vec<&Value>> = HashMap::new();
    for object in subjects.iter().map(|subject| &subject.desired) {
        let key = Key::of(object);
        if key.kind == "Gateway" {
            gateways.entry(key.name.clone()).or_default().push(object);
        }
        by_key.insert(key, object);
    }
    for row in report.pools.iter().filter(|row| wanted.pools.is_empty() || wanted.pools.contains(&row.pool)) {
        let Some(object) = by_key.get(&row.service) else { continue };
        let of_source = gateways.get(row.source.as_str()).map_or(&[][..], Vec::as_slice);
        observed.ends.push(end_of(row, object, of_source, settings));
    }
    let servers = servers(&wanted.names)?;
    observed.resolved = resolved(&observed.ends, &servers)?;
    let of_dns = round_robin.as_ref().map(RoundRobin::names).unwrap_or_default();
    let names = names(target, round_robin.as_ref(), &of_dns, &observed);
    observed.partial =
        names.iter().filter_map(|name| Some((name.hostname.to_owned(), partial(*name)?))).collect();
    if !names.is_empty() && !wanted.names.is_none() {
        let hostnames: Vec<String> = names.iter().map(|name| name.hostname.to_owned()).collect();
        observed.published = network::run(network::dns::lookup(&hostnames, &servers, &Limits::default()))?;
    }
    let tried = network::connect_all(connections(&observed.ends, &observed.resolved))?;
    observed.tried = tried.into_iter().collect();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let now = i64::try_from(now).unwrap_or_default();
    let rows = observed.rows();
    let findings = findings(&observed, &rows, Facts { names: &names, now, flags: &target.flags });
    let unused = unused(settings.probe, &observed.ends);
    let unseen =
        hidden.iter().map(|problem| Diagnostic::warning(format!("cannot read everything: {problem}")));
    let unseen = unseen.chain(unused).collect();
    Ok(Probed { observed, rows, findings, unseen })
}

/// Finds the addresses of the name servers that the user named.
fn servers(names: &NameServers) -> Result<Servers, Failure> {
    let mut servers =
        Servers { system: names.system, authoritative: names.authoritative, ..Servers::default() };
    for given in &names.given {
        match network::run(network::dns::resolve(given, &Limits::default()))? {
            // Every address of one name server has the same zone.
            Ok(addresses) => servers.given.extend(addresses.first()),
            Err(problem) => {
                return Err(Diagnostic::error(format!("--dns {given}: {problem}"))
                    .hint("name a server by its address, such as `--dns 1.1.1.1`")
                    .into());
            }
        }
    }
    Ok(servers)
}

/// Finds the addresses of the host names that load balancers have.
fn resolved(ends: &[End], servers: &Servers) -> Result<Resolved, Failure> {
    let names: BTreeSet<String> = ends
        .iter()
        .flat_map(|end| end.state.addresses())
        .filter_map(|address| match address {
            Address::Hostname(name) => Some(name.clone()),
            Address::Ip(_) => None,
        })
        .collect();
    if names.is_empty() {
        return Ok(Resolved::new());
    }
    let addresses = |published: Published| {
        published.result.map(|answer| answer.addresses.into_iter().map(|one| one.address).collect())
    };
    let names: Vec<String> = names.into_iter().collect();
    let limits = Limits::default();
    let found = network::run(network::dns::addresses_of_all(&names, servers, &limits))?;
    Ok(found.into_iter().map(|published| (published.name.clone(), addresses(published))).collect())
}

/// Returns what a name of `spec.dns` has instead of the addresses of all pools.
fn partial(name: Name<'_>) -> Option<Partial> {
    let is_tree = name.ttl.is_some() && name.answers == Answers::OneGroup;
    name.group.map(Partial::Group).or_else(|| is_tree.then_some(Partial::AnyGroup))
}

/// Returns the names of `spec.dns`, and the host names of the routes to Gateways that are split.
fn names<'a>(
    target: &'a Target,
    round_robin: Option<&RoundRobin<'a>>,
    of_dns: &'a [DnsName],
    observed: &Observed,
) -> Vec<Name<'a>> {
    let all = Answers::All;
    let of_dns = round_robin.into_iter().flat_map(|round_robin| {
        let usual = answers(round_robin, observed);
        of_dns.iter().map(move |one| Name {
            hostname: &one.name,
            ttl: Some(round_robin.dns.ttl),
            // The host name with weighted CNAME records.
            answers: if one.is_cname && one.group.is_none() { Answers::OneGroup } else { usual },
            group: one.group,
        })
    });
    let of_dns: Vec<Name<'_>> = of_dns.collect();
    // A Service in front of a fleet has the name of its Gateway as its source.
    let all_gateways = target.items.iter().filter(|item| item.key.kind == "Gateway");
    let all_gateways: BTreeSet<&str> = all_gateways.map(|item| item.key.name.as_str()).collect();
    let of_ends = observed.ends.iter().flat_map(|end| [end.object.name.as_str(), end.source.as_str()]);
    let gateways: BTreeSet<&str> = of_ends.filter(|name| all_gateways.contains(name)).collect();
    let hostnames: BTreeSet<&str> =
        target.items.iter().flat_map(|item| hostnames_of_route(&item.key, &item.wanted, &gateways)).collect();
    let known: BTreeSet<&str> = of_dns.iter().map(|name| name.hostname).collect();
    let of_routes = hostnames.into_iter().filter(|hostname| !known.contains(hostname));
    let of_routes = of_routes.map(|hostname| Name { hostname, ttl: None, answers: all, group: None });
    of_dns.into_iter().chain(of_routes).collect()
}

/// Weighted records give one pool at a time, and so do records that follow the host names of load balancers.
fn answers(round_robin: &RoundRobin<'_>, observed: &Observed) -> Answers {
    let has_hostname = |state: &AddressState| {
        state.addresses().iter().any(|address| matches!(address, Address::Hostname(_)))
    };
    let is_weighted = !round_robin.dns.weights.is_empty();
    if is_weighted || observed.ends.iter().any(|end| has_hostname(&end.state)) {
        return Answers::Some;
    }
    Answers::All
}
