//! Asks name servers for the addresses of names: those of the system, given ones, and those of the zone.

mod authority;
mod message;
mod query;
mod system;
mod walk;

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use futures_util::stream::{self, StreamExt};
use tokio::time;

use crate::core::probe::names::{DNS_PORT, GivenServer, NameProblem, Published, Server, ServerKind};
use crate::core::report::escape;
use crate::network::dns::authority::Authority;
use crate::network::dns::system::System;
use crate::network::dns::walk::Walk;

/// The most authoritative servers that are asked for the addresses of a load balancer.
const MAX_AUTHORITIES: usize = 4;

/// The name servers that are asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Servers {
    /// Whether the name servers of this machine are asked. They are needed for `authoritative`, too.
    pub system: bool,
    /// The name servers that the user gave.
    pub given: Vec<SocketAddr>,
    /// Whether the name servers of each name's zone are asked.
    pub authoritative: bool,
    /// The file that lists the name servers of this machine. Windows has none, so only given servers are asked there.
    pub resolv_conf: PathBuf,
    /// The port of the system's and the authoritative servers. Only tests use another one than 53.
    pub port: u16,
}

/// The system and the authoritative servers.
impl Default for Servers {
    fn default() -> Self {
        Self {
            system: true,
            given: Vec::new(),
            authoritative: true,
            resolv_conf: PathBuf::from("/etc/resolv.conf"),
            port: DNS_PORT,
        }
    }
}

/// How long and how much is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How long one query may take. Over UDP it is sent again after half of that time.
    pub query: Duration,
    /// How long all queries to one server about one name may take, with those for the targets of its aliases.
    pub name: Duration,
    /// The most pairs of a name and a server that are asked at the same time.
    pub concurrency: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { query: Duration::from_secs(3), name: Duration::from_secs(10), concurrency: 32 }
    }
}

/// Asks each server for the addresses of each name. The result has a row for each name and server, in the order of the names,
/// and for each name first the system, then the given servers, then the authoritative ones.
///
/// Of several name servers of the system, the row has the first one that answers. If the system or the authoritative servers
/// are wanted and there are none, a row has the reason, with [`Server::missing`].
pub async fn lookup(names: &[String], servers: &Servers, limits: &Limits) -> Vec<Published> {
    let names: Vec<&str> = unique(names);
    let system = System::read(&servers.resolv_conf, servers.port, *limits);
    let known = names.iter().flat_map(|name| {
        let given = servers.given.iter().map(|address| Asked::Server(given(*address), None));
        servers.system.then_some(Asked::System).into_iter().chain(given).map(|asked| (*name, asked))
    });
    // Finding the authoritative servers can take long, so the others do not wait for it.
    let authoritative = async {
        if !servers.authoritative {
            return Vec::new();
        }
        let zones = authority::of_names(&names, &system, limits).await;
        rows(zones.into_iter().flat_map(|(name, found)| of_zone(name, found)), &system, limits).await
    };
    let (mut found, authoritative) = futures_util::join!(rows(known, &system, limits), authoritative);
    found.extend(authoritative);
    let order: BTreeMap<&str, usize> = names.iter().enumerate().map(|(index, name)| (*name, index)).collect();
    found.sort_by_key(|row| order.get(row.name.as_str()).copied());
    found
}

/// Finds the addresses of a load balancer that has a host name. See [`addresses_of_all`].
pub async fn addresses_of(host: &str, servers: &Servers, limits: &Limits) -> Published {
    let found = addresses_of_all(&[host.to_owned()], servers, limits).await;
    found.into_iter().next().unwrap_or_else(|| Published {
        name: host.to_owned(),
        server: Server::missing(ServerKind::System),
        result: Err(NameProblem::NotFound),
    })
}

/// Finds the addresses of load balancers that have host names, each with the server that knew it. Repeated names have one row.
///
/// The servers of a name's zone are asked first: if a resolver is asked before the name exists, it remembers for minutes that
/// there is none. The system is asked if none of them says whether the name exists.
pub async fn addresses_of_all(hosts: &[String], servers: &Servers, limits: &Limits) -> Vec<Published> {
    let system = &System::read(&servers.resolv_conf, servers.port, *limits);
    // A query for the name servers of the host itself would make the resolver remember that it does not exist. The hosts of one
    // cloud have few parents.
    let parent = |host: &str| host.split_once('.').map_or_else(String::new, |(_, parent)| parent.to_owned());
    let parents: Vec<String> = hosts.iter().map(|host| parent(host)).collect();
    let zones = authority::of_names(&unique(&parents), system, limits).await;
    let zones: &BTreeMap<&str, _> = &zones.into_iter().collect();
    let rows = unique(hosts).into_iter().map(|host| async move {
        match zones.get(parent(host).as_str()) {
            Some(Ok(authority)) => of_authority(host, authority, system, limits).await,
            _ => of_system(host, system, limits).await,
        }
    });
    stream::iter(rows).buffered(limits.concurrency.max(1)).collect().await
}

async fn of_authority(host: &str, authority: &Authority, system: &System, limits: &Limits) -> Published {
    let zone = Some(authority.zone.as_str());
    let asked = authority.servers.iter().take(MAX_AUTHORITIES);
    let asked = asked.map(|server| of_server(host, server.clone(), zone, system, limits));
    let mut asked = stream::iter(asked).buffered(MAX_AUTHORITIES);
    while let Some(row) = asked.next().await {
        if is_conclusive(&row) {
            return row;
        }
    }
    of_system(host, system, limits).await
}

/// Returns the addresses of a server that `--dns` gives, with the hosts file and the resolver of the operating system.
pub async fn resolve(server: &GivenServer, limits: &Limits) -> Result<Vec<SocketAddr>, NameProblem> {
    let (name, port) = match server {
        GivenServer::Address(address) => return Ok(vec![*address]),
        GivenServer::Host { name, port } => (name.as_str(), *port),
    };
    let unreachable = |reason: String| NameProblem::Unreachable { reason };
    match time::timeout(limits.name, tokio::net::lookup_host((name, port))).await {
        Ok(Ok(found)) => {
            let mut addresses: Vec<_> = found.collect();
            addresses.sort_unstable();
            addresses.dedup();
            if addresses.is_empty() { Err(NameProblem::NoAddresses) } else { Ok(addresses) }
        }
        Ok(Err(error)) => Err(unreachable(escape::in_comment(&error.to_string()))),
        Err(_) => Err(unreachable(format!("no answer within {:?}", limits.name))),
    }
}

/// What one row is about.
enum Asked {
    System,
    /// A server, and the zone that names it as its authority.
    Server(Server, Option<String>),
    /// The authoritative servers were not found.
    Unknown(NameProblem),
}

/// Returns the names without repetitions, in the order in which they first appear.
fn unique(names: &[String]) -> Vec<&str> {
    let mut seen = BTreeSet::new();
    names.iter().map(String::as_str).filter(|name| seen.insert(*name)).collect()
}

fn of_zone(name: &str, found: Result<Authority, NameProblem>) -> Vec<(&str, Asked)> {
    match found {
        Ok(Authority { zone, servers }) => {
            servers.into_iter().map(|server| (name, Asked::Server(server, Some(zone.clone())))).collect()
        }
        Err(problem) => {
            let reason = format!("the name servers of its zone were not found: {problem}");
            vec![(name, Asked::Unknown(NameProblem::Unreachable { reason }))]
        }
    }
}

async fn rows<'a>(
    asked: impl Iterator<Item = (&'a str, Asked)>,
    system: &System,
    limits: &Limits,
) -> Vec<Published> {
    let rows = asked.map(|(name, asked)| async move {
        match asked {
            Asked::System => of_system(name, system, limits).await,
            Asked::Server(server, zone) => of_server(name, server, zone.as_deref(), system, limits).await,
            Asked::Unknown(problem) => Published {
                name: name.to_owned(),
                server: Server::missing(ServerKind::Authoritative),
                result: Err(problem),
            },
        }
    });
    stream::iter(rows).buffered(limits.concurrency.max(1)).collect().await
}

fn is_conclusive(row: &Published) -> bool {
    row.result.as_ref().map_or_else(NameProblem::is_conclusive, |_| true)
}

fn given(address: SocketAddr) -> Server {
    Server { kind: ServerKind::Given, address, name: None }
}

async fn of_system(name: &str, system: &System, limits: &Limits) -> Published {
    let server = |address| Server { kind: ServerKind::System, address, name: None };
    let mut last = None;
    for address in system.addresses() {
        let row = of_server(name, server(address), None, system, limits).await;
        if is_conclusive(&row) {
            return row;
        }
        // If no server knows the name, the row has the first one.
        last.get_or_insert(row);
    }
    last.unwrap_or_else(|| Published {
        name: name.to_owned(),
        server: Server::missing(ServerKind::System),
        result: Err(system.problem()),
    })
}

async fn of_server(
    name: &str,
    server: Server,
    zone: Option<&str>,
    system: &System,
    limits: &Limits,
) -> Published {
    let walk = Walk { name, server: &server, zone, system, limits };
    let result = time::timeout(limits.name, walk.addresses()).await.unwrap_or_else(|_| {
        Err(NameProblem::Unreachable { reason: format!("no answer within {:?}", limits.name) })
    });
    Published { name: name.to_owned(), server, result }
}
