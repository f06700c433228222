//! What DNS should hold for the round robin: the addresses of all pools behind one name.

// Parses addresses and knows no network; the crate's own module of this name is in the way.
use ::core::net::IpAddr;

use crate::core::dns::RoundRobin;
use crate::core::report::diagnostic::Diagnostic;
use crate::core::status::Address;
use crate::core::status::report::PoolRow;

/// One record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Its name, relative to the zone.
    pub name: String,
    /// `A` or `AAAA`.
    pub kind: &'static str,
    /// The address.
    pub address: String,
    /// The name of the pool that it is of.
    pub pool: String,
}

/// What the zone should hold, and what it cannot.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Zone {
    /// How long the records may be remembered, in seconds.
    pub ttl: u32,
    /// By their names, in the order of the pools.
    pub records: Vec<Record>,
    /// For each pool that is not in it, why.
    pub missing: Vec<String>,
    /// What the user should know.
    pub warnings: Vec<Diagnostic>,
}

/// The records for the load balancers of an app that are ready: those of `spec.dns` under the name that it says, and
/// without the pools that are not in it.
///
/// One name is enough as long as the manifests hold one Service: that of the app. Several Services are several things
/// to reach, so each has a name of its own, below that of the app: another app may have a Service of the same name.
pub fn zone(app: &str, ttl: u32, round_robin: Option<&RoundRobin<'_>>, rows: &[PoolRow]) -> Zone {
    let mut zone = Zone { ttl, ..Zone::default() };
    let mut hostnames = Vec::new();
    let is_one = rows.windows(2).all(|two| two[0].source == two[1].source);
    for row in rows {
        let round_robin = round_robin.filter(|round_robin| round_robin.is_for(&row.source));
        let name = match round_robin {
            // The dot: it is no name below that of the zone.
            Some(RoundRobin { dns, .. }) => format!("{}.", dns.hostname),
            None if is_one => app.to_owned(),
            None => format!("{}.{app}", row.source),
        };
        if let Some(why) = round_robin.and_then(|round_robin| round_robin.out.get(row.pool.as_str())) {
            zone.missing.push(format!("{name}: the pool {} is left out: {}", row.pool, why.words()));
            continue;
        }
        if !row.state.is_ready() {
            zone.missing.push(format!("{name}: the pool {} has no address: {}", row.pool, row.state.word()));
            continue;
        }
        for address in row.state.addresses() {
            let kind = match (address, address.to_string().parse()) {
                (Address::Ip(_), Ok(IpAddr::V4(_))) => "A",
                (Address::Ip(_), Ok(IpAddr::V6(_))) => "AAAA",
                _ => {
                    zone.missing
                        .push(format!("{name}: the pool {} has the name {address}: {ONE_CNAME}", row.pool));
                    hostnames.push(row.pool.as_str());
                    continue;
                }
            };
            zone.warnings.extend(round_robin.and_then(|round_robin| not_reserved(round_robin, row, address)));
            let (address, pool) = (address.to_string(), row.pool.clone());
            zone.records.push(Record { name: name.clone(), kind, address, pool });
        }
    }
    zone.records.sort_by(|a, b| a.name.cmp(&b.name));
    if let [first, more @ ..] = hostnames.as_slice() {
        let more = if more.is_empty() { String::new() } else { format!(" and of {} more", more.len()) };
        zone.warnings.push(
            Diagnostic::warning(format!(
                "the load balancer of the pool {first}{more} has a name instead of an address: {ONE_CNAME}"
            ))
            .hint("let the DNS provider follow the names: alias records with weights (Route 53), ANAME or ALIAS"),
        );
    }
    zone
}

/// The DNSEndpoint holds what is reserved, whatever the load balancer answers at.
fn not_reserved(round_robin: &RoundRobin<'_>, row: &PoolRow, address: &Address) -> Option<Diagnostic> {
    let text = address.to_string();
    let reserved = round_robin.reserved.get(row.pool.as_str())?;
    (!reserved.iter().any(|one| text.parse() == Ok(*one))).then(|| {
        Diagnostic::warning(format!(
            "the load balancer of the pool {} answers at {text}, which `spec.dns.reserved` does not hold",
            row.pool
        ))
        .hint("external-dns publishes what is reserved: give the load balancer that address, or reserve this one")
    })
}

const ONE_CNAME: &str = "a name can have one CNAME only, so no round robin is made of them";

impl Zone {
    /// The records in the form of zone files.
    pub fn text(&self) -> String {
        let width = self.records.iter().map(|record| record.name.len()).max().unwrap_or_default();
        let records = self.records.iter().map(|record| {
            let Record { name, kind, address, .. } = record;
            format!("{name:width$} {} IN {kind:4} {address}\n", self.ttl)
        });
        // A line break would end the comment.
        let missing = self.missing.iter().map(|why| format!("; {}\n", why.replace(['\n', '\r'], " ")));
        records.chain(missing).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::core::dns::{Dns, Out};
    use crate::core::manifest::Key;
    use crate::core::status::AddressState;

    fn row(pool: &str, source: &str, state: AddressState) -> PoolRow {
        let service = Key {
            group: String::new(),
            kind: "Service".to_owned(),
            namespace: "web".to_owned(),
            name: format!("{source}-{pool}"),
        };
        PoolRow {
            pool: pool.to_owned(),
            source: source.to_owned(),
            service,
            nodes: None,
            created: None,
            ports: String::new(),
            state,
        }
    }

    fn at(addresses: &[&str]) -> AddressState {
        let addresses = addresses.iter().map(|text| Address::Ip((*text).to_owned())).collect();
        AddressState::Ready { addresses }
    }

    #[test]
    fn one_name_for_all_pools() {
        let leaving = AddressState::Leaving { addresses: vec![Address::Ip("192.0.2.9".to_owned())] };
        let rows = [
            row("a", "web", at(&["192.0.2.1", "2001:db8::1"])),
            row("b", "web", AddressState::Pending { why: None }),
            row("c", "web", leaving),
            row("d", "web", at(&["192.0.2.4"])),
        ];
        let zone = zone("nginx", 60, None, &rows);
        assert_eq!(
            zone.text(),
            "nginx 60 IN A    192.0.2.1
nginx 60 IN AAAA 2001:db8::1
nginx 60 IN A    192.0.2.4
; nginx: the pool b has no address: pending
; nginx: the pool c has no address: leaving
"
        );
        assert_eq!((zone.warnings, zone.records[2].pool.as_str()), (vec![], "d"));
    }

    #[test]
    fn several_services_are_several_names() {
        let rows = [
            row("a", "web", at(&["192.0.2.1"])),
            row("a", "dns", at(&["192.0.2.2"])),
            row("b", "web", at(&["192.0.2.3"])),
        ];
        let text = zone("nginx", 300, None, &rows).text();
        assert_eq!(
            text,
            "dns.nginx 300 IN A    192.0.2.2\nweb.nginx 300 IN A    192.0.2.1\nweb.nginx 300 IN A    192.0.2.3\n"
        );
    }

    #[test]
    fn names_are_no_round_robin() {
        let named = |name: &str| AddressState::Ready { addresses: vec![Address::Hostname(name.to_owned())] };
        let rows = [row("a", "web", named("a.elb.example")), row("b", "web", named("b.elb.example"))];
        let zone = zone("nginx", 60, None, &rows);
        assert_eq!(
            zone.text(),
            "; nginx: the pool a has the name a.elb.example: a name can have one CNAME only, so no round robin is made of them
; nginx: the pool b has the name b.elb.example: a name can have one CNAME only, so no round robin is made of them
"
        );
        assert_eq!(
            zone.warnings[0].message,
            "the load balancer of the pool a and of 1 more has a name instead of an address: a name can have one CNAME only, so no round robin is made of them"
        );
        // What calls itself an address and is none, or worse.
        assert_eq!(
            super::zone("nginx", 60, None, &[row("a", "web", at(&["x\nevil 60 IN A 192.0.2.66"]))])
                .text()
                .lines()
                .count(),
            1
        );
    }

    #[test]
    fn the_name_of_the_spec_and_the_pools_that_are_in() {
        let dns = Dns { service: Some("web".to_owned()), ..Dns::new("www.example.com") };
        let out = [("b", Out::Drained), ("c", Out::Empty)].into();
        let round_robin = RoundRobin { dns: &dns, out, reserved: BTreeMap::new() };
        let rows = [
            row("a", "web", at(&["192.0.2.1"])),
            row("b", "web", at(&["192.0.2.2"])),
            row("b", "dns", at(&["192.0.2.3"])),
            row("c", "web", AddressState::Pending { why: None }),
        ];
        assert_eq!(
            zone("nginx", 60, Some(&round_robin), &rows).text(),
            "dns.nginx        60 IN A    192.0.2.3
www.example.com. 60 IN A    192.0.2.1
; www.example.com.: the pool b is left out: drained
; www.example.com.: the pool c is left out: no node
"
        );
    }

    #[test]
    fn what_is_reserved_is_what_is_published() {
        let dns = Dns::new("www.example.com");
        let reserved =
            [("a", vec!["192.0.2.1".parse().unwrap()]), ("b", vec!["192.0.2.2".parse().unwrap()])].into();
        let round_robin = RoundRobin { dns: &dns, out: BTreeMap::new(), reserved };
        let rows = [row("a", "web", at(&["192.0.2.1"])), row("b", "web", at(&["192.0.2.9"]))];
        let warnings = zone("nginx", 60, Some(&round_robin), &rows).warnings;
        let said: Vec<&str> = warnings.iter().map(|warning| warning.message.as_str()).collect();
        assert_eq!(
            said,
            ["the load balancer of the pool b answers at 192.0.2.9, which `spec.dns.reserved` does not hold"]
        );
    }

    #[test]
    fn nothing_is_an_empty_zone() {
        assert_eq!(zone("nginx", 60, None, &[]).text(), "");
    }
}
