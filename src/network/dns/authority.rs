//! Finds the name servers of the zone of a name.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

use futures_util::stream::{self, StreamExt};
use hickory_proto::rr::RecordType;

use crate::core::probe::names::{NameProblem, Server, ServerKind};
use crate::network::dns::Limits;
use crate::network::dns::system::System;
use crate::network::dns::walk::Walk;

/// The most addresses of name servers of one zone that are asked. The root zone has 26.
const MAX_SERVERS: usize = 32;

/// A zone with its name servers.
#[derive(Clone, Debug)]
pub(super) struct Authority {
    pub(super) zone: String,
    /// One for each address of each name server, sorted.
    pub(super) servers: Vec<Server>,
}

/// Finds the zones of several names, in their order.
pub(super) async fn of_names<'a>(
    names: &[&'a str],
    system: &System,
    limits: &Limits,
) -> Vec<(&'a str, Result<Authority, NameProblem>)> {
    let zones = names.iter().map(|name| async move { (*name, zone(name, system).await) });
    let zones: Vec<_> = stream::iter(zones).buffered(limits.concurrency.max(1)).collect().await;
    let unique: BTreeSet<&Zone> = zones.iter().filter_map(|(_, zone)| zone.as_ref().ok()).collect();
    let asked = unique.into_iter().map(|zone| async move { (zone, servers(zone, system, limits).await) });
    let asked: BTreeMap<_, _> = stream::iter(asked).buffered(limits.concurrency.max(1)).collect().await;
    let authority =
        |zone: &Zone| asked.get(zone).map_or(Err(NameProblem::NoAddresses), Result::<_, _>::clone);
    zones
        .iter()
        .map(|(name, zone)| (*name, zone.as_ref().map_err(NameProblem::clone).and_then(authority)))
        .collect()
}

/// A zone with the names of its name servers.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Zone {
    name: String,
    hosts: Vec<String>,
}

/// Asks the system for the NS records of the name, then of the names above it.
async fn zone(name: &str, system: &System) -> Result<Zone, NameProblem> {
    let mut current = name.strip_prefix("*.").unwrap_or(name).to_ascii_lowercase();
    while !current.is_empty() {
        let reply = system.ask(&current, RecordType::NS).await?;
        let own = reply.name_servers.into_iter().filter(|(zone, _)| *zone == current);
        let mut hosts: Vec<String> = own.map(|(_, host)| host).collect();
        if !hosts.is_empty() {
            hosts.sort_unstable();
            hosts.dedup();
            return Ok(Zone { name: current, hosts });
        }
        // The SOA record of a negative answer names the zone, so the names between need no query. If the name is an alias, the
        // zone may be that of its target.
        current = match reply.zone {
            Some(zone) if reply.records.is_empty() && current.ends_with(&format!(".{zone}")) => zone,
            _ => current.split_once('.').map_or_else(String::new, |(_, parent)| parent.to_owned()),
        };
    }
    Err(NameProblem::NotFound)
}

async fn servers(zone: &Zone, system: &System, limits: &Limits) -> Result<Authority, NameProblem> {
    let mut found = BTreeSet::new();
    let mut problem = NameProblem::NoAddresses;
    let asked = zone
        .hosts
        .iter()
        .take(MAX_SERVERS)
        .map(|host| async move { (host, addresses(host, system, limits).await) });
    let asked: Vec<_> = stream::iter(asked).buffered(limits.concurrency.max(1)).collect().await;
    for (host, result) in asked {
        match result {
            Ok(addresses) => found.extend(addresses.into_iter().map(|address| Server {
                kind: ServerKind::Authoritative,
                address,
                name: Some(host.clone()),
            })),
            Err(other) => problem = other,
        }
    }
    if found.is_empty() {
        return Err(problem);
    }
    let mut servers: Vec<_> = found.into_iter().take(MAX_SERVERS).collect();
    servers.sort_by(|one, other| (&one.name, one.address).cmp(&(&other.name, other.address)));
    Ok(Authority { zone: zone.name.clone(), servers })
}

/// Asks the system for the addresses of a name server.
async fn addresses(host: &str, system: &System, limits: &Limits) -> Result<Vec<SocketAddr>, NameProblem> {
    let mut problem = system.problem();
    for address in system.addresses() {
        let server = Server { kind: ServerKind::System, address, name: None };
        let walk = Walk { name: host, server: &server, zone: None, system, limits };
        match walk.addresses().await {
            Ok(answer) => {
                let port = address.port();
                return Ok(answer
                    .addresses
                    .iter()
                    .map(|found| SocketAddr::new(found.address, port))
                    .collect());
            }
            Err(other) => problem = other,
        }
    }
    Err(problem)
}
