//! The result of a probe: one row for each port of each address.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

// Compares addresses only and uses no network; a module of this crate has the same name as the one in std.
use ::core::net::{IpAddr, Ipv6Addr};

use crate::core::dns::Exclusion;
use crate::core::manifest::Key;
use crate::core::probe::check::{Check, Connection, Tried, Trouble};
use crate::core::probe::names::{NameProblem, Published};
use crate::core::probe::plan::{End, Membership, PortPlan};
use crate::core::probe::ports::Transport;
use crate::core::status::Address;

/// A port of an address.
pub type PortKey = (IpAddr, u16, Transport);

/// The addresses of the host names that load balancers have.
pub type Resolved = BTreeMap<String, Result<Vec<IpAddr>, NameProblem>>;

/// Everything that a probe saw.
#[derive(Clone, Debug, Default)]
pub struct Observed {
    /// The load balancers, sorted by pool.
    pub ends: Vec<End>,
    /// The addresses of their host names.
    pub resolved: Resolved,
    /// What came of the connections.
    pub tried: HashMap<PortKey, Tried>,
    /// What the name servers answered.
    pub published: Vec<Published>,
    /// What the names have that do not have the addresses of all pools.
    pub partial: BTreeMap<String, Partial>,
}

/// What a name has that does not have the addresses of all pools.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Partial {
    /// Those of one group of `spec.dns.groups`.
    Group(u32),
    /// Those of another group in each answer.
    AnyGroup,
}

/// One port of one address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The name of the pool.
    pub pool: String,
    /// The Service or Gateway in the manifests.
    pub source: String,
    /// The Service or Gateway of the pool.
    pub object: Key,
    /// The host name of the load balancer, if it has one instead of an address.
    pub hostname: Option<String>,
    /// The address; `None` if the load balancer has none.
    pub address: Option<IpAddr>,
    /// The port; `None` if no port is known or there is no address.
    pub port: Option<(u16, Transport)>,
    /// How far it was checked: `tcp`, `tls`, `http`, `https` or `udp`.
    pub check: Option<&'static str>,
    /// The result.
    pub verdict: Verdict,
    /// What came of the connections.
    pub tried: Option<Tried>,
    /// What the user should know about it.
    pub note: Option<&'static str>,
    /// Whether DNS has the address.
    pub dns: DnsState,
}

/// The result for a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Every connection succeeded.
    Answers,
    /// Some connections failed, the last one of them like this.
    Partly(Trouble),
    /// Every connection failed, the last one like this.
    Fails(Trouble),
    /// The result proves nothing, for this reason.
    Unknown(String),
    /// The port was not checked, for this reason.
    NotChecked(&'static str),
    /// The load balancer has no address, for this reason.
    NoAddress(String),
}

impl Verdict {
    /// Returns the word in a table and in JSON.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Answers => "answers",
            Self::Partly(_) => "partly",
            Self::Fails(_) => "fails",
            Self::Unknown(_) => "unknown",
            Self::NotChecked(_) => "not-checked",
            Self::NoAddress(_) => "no-address",
        }
    }

    /// Returns why it is not `answers`.
    pub fn reason(&self) -> Option<String> {
        match self {
            Self::Answers => None,
            Self::Partly(trouble) | Self::Fails(trouble) => Some(trouble.to_string()),
            Self::Unknown(why) | Self::NoAddress(why) => Some(why.clone()),
            Self::NotChecked(why) => Some((*why).to_owned()),
        }
    }

    /// Whether it proves that clients are not served.
    pub fn is_failure(&self) -> bool {
        matches!(self, Self::Partly(_) | Self::Fails(_) | Self::NoAddress(_))
    }
}

/// Whether DNS has an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DnsState {
    /// There is no name to compare with, or no name server answered.
    NotCompared,
    /// Every name server that answered has it.
    Published,
    /// Some have it.
    Partly,
    /// None has it, but it belongs there.
    Missing,
    /// It does not belong there, and none has it.
    LeftOut(Exclusion),
    /// It does not belong there, but some have it.
    StillPublished(Exclusion),
}

impl DnsState {
    /// Returns the words in a table and in JSON.
    pub fn word(self) -> &'static str {
        match self {
            Self::NotCompared => "-",
            Self::Published => "published",
            Self::Partly => "partly",
            Self::Missing => "missing",
            Self::LeftOut(_) => "left out",
            Self::StillPublished(_) => "still published",
        }
    }
}

/// Why a result about a private address proves nothing.
pub const PRIVATE: &str = "the address is private and cannot be reached from here";

/// Returns the connections to make. Each port of an address occurs once, also if several pools have it.
pub fn connections(ends: &[End], resolved: &Resolved) -> Vec<(PortKey, Connection)> {
    let mut known = HashSet::new();
    let mut connections = Vec::new();
    for end in ends {
        for (_, address) in addresses(end, resolved) {
            let Some(address) = address else { continue };
            for port in &end.ports {
                let PortPlan::Connect { check, timeout, count } = &port.plan else { continue };
                let key = (address, port.number, port.transport);
                if known.insert(key) {
                    let check = check.clone();
                    let (timeout, count) = (*timeout, *count);
                    connections.push((key, Connection { address, port: port.number, check, timeout, count }));
                }
            }
        }
    }
    connections
}

/// Returns each address of a load balancer, with the host name that leads to it. A host name without an address has `None`.
pub fn addresses<'a>(
    end: &'a End,
    resolved: &'a Resolved,
) -> impl Iterator<Item = (Option<&'a str>, Option<IpAddr>)> {
    end.state.addresses().iter().flat_map(move |address| match address {
        Address::Ip(text) => vec![(None, text.parse().ok())],
        Address::Hostname(name) => match resolved.get(name) {
            Some(Ok(found)) if !found.is_empty() => {
                found.iter().map(|address| (Some(name.as_str()), Some(*address))).collect()
            }
            _ => vec![(Some(name.as_str()), None)],
        },
    })
}

impl Observed {
    /// Returns the rows, in the order of the pools.
    pub fn rows(&self) -> Vec<Row> {
        let groups = self.ends.iter().map(|end| end.group).collect::<BTreeSet<_>>();
        let has_group = |name: &str, group: Option<u32>| match self.partial.get(name) {
            None => true,
            Some(Partial::Group(number)) => group == Some(*number),
            Some(Partial::AnyGroup) => false,
        };
        let of_group = |group| (group, self.servers_by_address(|name| has_group(name, group)));
        let context = Context {
            reaches_private: self.reaches_private(),
            servers: groups.into_iter().map(of_group).collect(),
            all_servers: self.servers_by_address(|_| true),
        };
        self.ends.iter().flat_map(|end| self.rows_of(end, &context)).collect()
    }

    fn rows_of(&self, end: &End, context: &Context) -> Vec<Row> {
        let row = |verdict| Row {
            pool: end.pool.clone(),
            source: end.source.clone(),
            object: end.object.clone(),
            hostname: None,
            address: None,
            port: None,
            check: None,
            verdict,
            tried: None,
            note: None,
            dns: DnsState::NotCompared,
        };
        if end.state.addresses().is_empty() {
            return vec![row(Verdict::NoAddress(end.state.word().to_owned()))];
        }
        let mut rows = Vec::new();
        for (hostname, address) in addresses(end, &self.resolved) {
            let hostname = hostname.map(str::to_owned);
            let Some(address) = address else {
                let verdict = self.without_address(hostname.as_deref());
                rows.push(Row { hostname, ..row(verdict) });
                continue;
            };
            let dns = context.dns_state(end, address);
            if end.ports.is_empty() {
                let verdict = Verdict::NotChecked("no port is known");
                rows.push(Row { hostname: hostname.clone(), address: Some(address), dns, ..row(verdict) });
            }
            for port in &end.ports {
                let tried = self.tried.get(&(address, port.number, port.transport)).cloned();
                let (check, verdict) = match &port.plan {
                    PortPlan::Skip(why) => (None, Verdict::NotChecked(why)),
                    PortPlan::Connect { check, .. } => {
                        (Some(word(check)), context.verdict(address, tried.as_ref()))
                    }
                };
                rows.push(Row {
                    hostname: hostname.clone(),
                    address: Some(address),
                    port: Some((port.number, port.transport)),
                    check,
                    tried,
                    note: port.note,
                    dns,
                    ..row(verdict)
                });
            }
        }
        rows
    }

    fn without_address(&self, hostname: Option<&str>) -> Verdict {
        let Some(hostname) = hostname else {
            return Verdict::NoAddress("the address in its status is not an IP address".to_owned());
        };
        match self.resolved.get(hostname) {
            Some(Err(problem @ NameProblem::Unreachable { .. })) => {
                Verdict::Unknown(format!("{hostname}: {problem}"))
            }
            Some(Err(problem)) => Verdict::NoAddress(format!("{hostname}: {problem}")),
            Some(Ok(_)) => Verdict::NoAddress(format!("{hostname} has no address")),
            None => Verdict::Unknown(format!("{hostname} was not looked up")),
        }
    }

    /// Whether a private address answered, or refused a connection: then the others are reachable from here, too.
    fn reaches_private(&self) -> bool {
        self.tried.iter().any(|((address, ..), tried)| {
            let is_reached = tried.trouble.as_ref().is_none_or(|trouble| !trouble.may_be_the_network());
            is_private(*address) && (is_reached || tried.failed < tried.count)
        })
    }

    /// Returns the number of name servers that have each address, and the number of those that answered, for the names that count.
    fn servers_by_address(&self, counts: impl Fn(&str) -> bool) -> Servers {
        let mut servers: HashMap<IpAddr, usize> = HashMap::new();
        let mut count = 0;
        for published in self.published.iter().filter(|one| counts(&one.name)) {
            let Ok(answer) = &published.result else {
                count += usize::from(published.result == Err(NameProblem::NotFound));
                continue;
            };
            count += 1;
            for address in answer.addresses.iter().map(|one| one.address).collect::<HashSet<_>>() {
                *servers.entry(address).or_default() += 1;
            }
        }
        (servers, count)
    }
}

/// What decides about single rows.
struct Context {
    reaches_private: bool,
    /// By group: for the names that should have the addresses of its pools.
    servers: BTreeMap<Option<u32>, Servers>,
    /// For all names.
    all_servers: Servers,
}

/// The number of name servers that have each address, and the number of those that answered.
type Servers = (HashMap<IpAddr, usize>, usize);

impl Context {
    fn verdict(&self, address: IpAddr, tried: Option<&Tried>) -> Verdict {
        let Some(tried) = tried.filter(|tried| tried.count > 0) else {
            return Verdict::Unknown("it was not tried".to_owned());
        };
        let Some(trouble) = tried.trouble.clone().filter(|_| tried.failed > 0) else {
            return Verdict::Answers;
        };
        if tried.failed < tried.count {
            return Verdict::Partly(trouble);
        }
        match trouble {
            Trouble::NoRoute => Verdict::Unknown(trouble.to_string()),
            _ if is_private(address) && !self.reaches_private && trouble.may_be_the_network() => {
                Verdict::Unknown(PRIVATE.to_owned())
            }
            _ => Verdict::Fails(trouble),
        }
    }

    fn dns_state(&self, end: &End, address: IpAddr) -> DnsState {
        // An address that is left out must be gone from every name.
        let (servers, count) = match (end.membership, self.servers.get(&end.group)) {
            (Membership::In, Some(servers)) => servers,
            _ => &self.all_servers,
        };
        let having = servers.get(&address).copied().unwrap_or_default();
        match end.membership {
            Membership::NoName => DnsState::NotCompared,
            _ if *count == 0 => DnsState::NotCompared,
            Membership::In if having == *count => DnsState::Published,
            Membership::In if having == 0 => DnsState::Missing,
            Membership::In => DnsState::Partly,
            Membership::Out(why) if having == 0 => DnsState::LeftOut(why),
            Membership::Out(why) => DnsState::StillPublished(why),
        }
    }
}

fn word(check: &Check) -> &'static str {
    match check {
        Check::Tcp => "tcp",
        Check::Tls(_) => "tls",
        Check::Http(request) if request.tls.is_some() => "https",
        Check::Http(_) => "http",
        Check::Udp { .. } => "udp",
    }
}

/// Whether an address is reachable only inside of a network: RFC 1918, RFC 6598, RFC 4193, and link-local addresses.
pub fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            let [first, second, ..] = v4.octets();
            v4.is_private() || v4.is_link_local() || (first == 100 && (64..128).contains(&second))
        }
        IpAddr::V6(v6) => is_private_v6(v6),
    }
}

fn is_private_v6(address: Ipv6Addr) -> bool {
    if let Some(v4) = address.to_ipv4_mapped() {
        return is_private(IpAddr::V4(v4));
    }
    let first = address.segments()[0];
    (first & 0xfe00) == 0xfc00 || (first & 0xffc0) == 0xfe80
}

impl Row {
    /// Returns the row without what changes in every probe.
    #[must_use]
    pub fn without_repetition(mut self) -> Self {
        if let Some(tried) = &mut self.tried {
            tried.latency = None;
            tried.failed = tried.failed.min(1);
        }
        self
    }
}
