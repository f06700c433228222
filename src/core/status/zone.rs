//! The DNS records of the round robin: the addresses of all pools under one name, or of each group under its name.

// This only parses addresses. The path is absolute because this crate has a module `core`, too.
use ::core::net::IpAddr;

use crate::core::dns::{Cname, RoundRobin, Weighted};
use crate::core::report::diagnostic::Diagnostic;
use crate::core::report::pool_words;
use crate::core::status::Address;
use crate::core::status::report::PoolRow;

/// One DNS record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The name, relative to the zone.
    pub name: String,
    /// `A`, `AAAA` or `CNAME`.
    pub kind: &'static str,
    /// The address, or the target of the CNAME record with a final dot.
    pub data: String,
    /// The name of the pool that has the address; `None` for a CNAME record.
    pub pool: Option<String>,
    /// What tells a CNAME record from others of the same name.
    pub weighted: Option<Weighted>,
}

/// The records of a zone, and the pools that are missing in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Zone {
    /// The TTL of the records, in seconds.
    pub ttl: u32,
    /// The records, sorted by name, then in the order of the pools.
    pub records: Vec<Record>,
    /// The reason for each pool that is not in the zone.
    pub missing: Vec<String>,
    /// Warnings for the user.
    pub warnings: Vec<Diagnostic>,
}

/// Returns the records of the load balancers that are ready. Those of `spec.dns` have the name in the spec, and leave out
/// the pools that are not in the round robin. With groups, an address is under several names.
///
/// If the manifests have one Service, the name is that of the app. With several Services, each has a name below that of
/// the app, because another app may have a Service with the same name.
pub fn zone(app: &str, ttl: u32, round_robin: Option<&RoundRobin<'_>>, rows: &[PoolRow]) -> Zone {
    let mut zone = Zone { ttl, ..Zone::default() };
    let mut hostnames = Vec::new();
    let is_one = rows.windows(2).all(|two| two[0].source == two[1].source);
    for row in rows {
        let round_robin = round_robin.filter(|round_robin| round_robin.is_for(&row.source));
        let names = match round_robin {
            Some(round_robin) => round_robin.names_of(&row.pool).iter().map(|name| absolute(name)).collect(),
            None if is_one => vec![app.to_owned()],
            None => vec![format!("{}.{app}", row.source)],
        };
        let name = names.join(", ");
        if let Some(why) = round_robin.and_then(|round_robin| round_robin.out.get(row.pool.as_str())) {
            zone.missing.push(format!(
                "{name}: {} is left out: {}",
                pool_words::the_pool(&row.pool),
                why.words()
            ));
            continue;
        }
        if !row.state.is_ready() {
            zone.missing.push(format!(
                "{name}: {} has no address: {}",
                pool_words::the_pool(&row.pool),
                row.state.word()
            ));
            continue;
        }
        for address in row.state.addresses() {
            let kind = match (address, address.to_string().parse()) {
                (Address::Ip(_), Ok(IpAddr::V4(_))) => "A",
                (Address::Ip(_), Ok(IpAddr::V6(_))) => "AAAA",
                _ => {
                    zone.missing.push(format!(
                        "{name}: {} has the hostname {address}: {ONE_CNAME}",
                        pool_words::the_pool(&row.pool)
                    ));
                    hostnames.push(row.pool.as_str());
                    continue;
                }
            };
            zone.warnings.extend(round_robin.and_then(|round_robin| not_reserved(round_robin, row, address)));
            zone.records.extend(names.iter().map(|name| Record {
                name: name.clone(),
                kind,
                data: address.to_string(),
                pool: Some(row.pool.clone()),
                weighted: None,
            }));
        }
    }
    let round_robin = round_robin.filter(|it| rows.iter().any(|row| it.is_for(&row.source)));
    let cnames = round_robin.map(|round_robin| round_robin.cnames(app)).unwrap_or_default();
    zone.warnings.extend(several_cnames(&cnames));
    zone.records.extend(cnames.into_iter().map(of_cname));
    zone.records.sort_by(|a, b| a.name.cmp(&b.name));
    if let [first, more @ ..] = hostnames.as_slice() {
        let more = if more.is_empty() { String::new() } else { format!(" and of {} more", more.len()) };
        zone.warnings.push(
            Diagnostic::warning(format!(
                "the load balancer of {}{more} has a hostname instead of an address: {ONE_CNAME}",
                pool_words::the_pool(first)
            ))
            .hint("use records of the DNS provider that resolve hostnames: weighted alias records (Route 53), ANAME or ALIAS"),
        );
    }
    zone
}

/// Makes a name absolute, with a dot at the end.
fn absolute(name: &str) -> String {
    format!("{name}.")
}

fn of_cname(cname: Cname) -> Record {
    let Cname { name, target, weighted, .. } = cname;
    Record { name: absolute(&name), kind: "CNAME", data: absolute(&target), pool: None, weighted }
}

/// Reports CNAME records with weights, which a zone file cannot have.
fn several_cnames(cnames: &[Cname]) -> Option<Diagnostic> {
    let weighted: Vec<&Cname> = cnames.iter().filter(|cname| cname.weighted.is_some()).collect();
    let name = &weighted.first()?.name;
    let warning = Diagnostic::warning(format!(
        "a zone file cannot have the weighted CNAME records of {name} ({}); they are in comments",
        weighted.len()
    ));
    Some(
        warning.hint(
            "Route 53 has them, from external-dns or with the set identifiers and weights of the comments",
        ),
    )
}

/// Reports an address that is not in `spec.dns.reserved`. The DNSEndpoint publishes only reserved addresses.
fn not_reserved(round_robin: &RoundRobin<'_>, row: &PoolRow, address: &Address) -> Option<Diagnostic> {
    let text = address.to_string();
    let reserved = round_robin.reserved.get(row.pool.as_str())?;
    (!reserved.iter().any(|one| text.parse() == Ok(*one))).then(|| {
        Diagnostic::warning(format!(
            "the load balancer of {} has the address {text}, which is not in `spec.dns.reserved`",
            pool_words::the_pool(&row.pool)
        ))
        .hint("external-dns publishes reserved addresses only: assign one to the load balancer, or reserve this address")
    })
}

const ONE_CNAME: &str = "a name can have only one CNAME, so hostnames cannot form a round robin";

impl Zone {
    /// Returns the records in the format of zone files. CNAME records with weights are in comments, because a zone file can have only one
    /// CNAME record of a name.
    pub fn text(&self) -> String {
        let width = self.records.iter().map(|record| record.name.len()).max().unwrap_or_default();
        let records = self.records.iter().map(|record| {
            let Record { name, kind, data, .. } = record;
            match &record.weighted {
                None => format!("{name:width$} {} IN {kind:4} {data}\n", self.ttl),
                Some(Weighted { identifier, weight }) => format!(
                    "; {name} {} IN {kind} {data} with the set identifier {identifier} and the weight {weight}\n",
                    self.ttl
                ),
            }
        });
        // A line break would end the comment.
        let missing = self.missing.iter().map(|why| format!("; {}\n", why.replace(['\n', '\r'], " ")));
        records.chain(missing).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::dns::{Dns, DnsGroups, Exclusion, HostnameRecords};
    use crate::core::status::AddressState;

    fn row(pool: &str, source: &str, state: AddressState) -> PoolRow {
        PoolRow::sample(pool, source, state)
    }

    fn at(addresses: &[&str]) -> AddressState {
        let addresses = addresses.iter().map(|text| Address::Ip((*text).to_owned())).collect();
        AddressState::Ready { addresses }
    }

    #[test]
    fn all_pools_of_one_service_share_a_name() {
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
        assert_eq!((zone.warnings, zone.records[2].pool.as_deref()), (vec![], Some("d")));
    }

    #[test]
    fn several_services_have_different_names() {
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
    fn hostnames_are_not_in_the_round_robin() {
        let named = |name: &str| AddressState::Ready { addresses: vec![Address::Hostname(name.to_owned())] };
        let rows = [row("a", "web", named("a.elb.example")), row("b", "web", named("b.elb.example"))];
        let zone = zone("nginx", 60, None, &rows);
        assert_eq!(
            zone.text(),
            "; nginx: the pool a has the hostname a.elb.example: a name can have only one CNAME, so hostnames cannot form a round robin
; nginx: the pool b has the hostname b.elb.example: a name can have only one CNAME, so hostnames cannot form a round robin
"
        );
        assert_eq!(
            zone.warnings[0].message,
            "the load balancer of the pool a and of 1 more has a hostname instead of an address: a name can have only one CNAME, so hostnames cannot form a round robin"
        );
        // Text in the field of an IP address that is not an address, or worse.
        assert_eq!(
            super::zone("nginx", 60, None, &[row("a", "web", at(&["x\nevil 60 IN A 192.0.2.66"]))])
                .text()
                .lines()
                .count(),
            1
        );
    }

    #[test]
    fn the_name_of_the_spec_has_the_pools_in_the_round_robin() {
        let dns = Dns { service: Some("web".to_owned()), ..Dns::new("www.example.com") };
        let out = [("b", Exclusion::Drained), ("c", Exclusion::Empty)].into();
        let round_robin = RoundRobin { out, ..RoundRobin::new(&dns) };
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
    fn groups_have_the_addresses_of_their_pools() {
        let mut dns = Dns::new("www.example.com");
        let mut groups = DnsGroups::new(2);
        groups.aliases.insert("eu.example.com".to_owned(), 2);
        dns.groups = Some(groups);
        let rows = [
            row("a", "web", at(&["192.0.2.1"])),
            row("b", "web", at(&["192.0.2.2", "2001:db8::2"])),
            row("c", "web", AddressState::Pending { why: None }),
            row("d", "web", at(&["192.0.2.4"])),
        ];
        let text = |dns: &Dns| {
            let groups = [("a", 1), ("b", 2), ("c", 1), ("d", 1)].into();
            let out = [("d", Exclusion::Drained)].into();
            let zone = zone("nginx", 60, Some(&RoundRobin { out, groups, ..RoundRobin::new(dns) }), &rows);
            (zone.text(), zone.warnings.first().map(|warning| warning.message.clone()))
        };
        assert_eq!(
            text(&dns),
            (
                "eu.example.com.    60 IN CNAME www-2.example.com.
www-1.example.com. 60 IN A    192.0.2.1
www-2.example.com. 60 IN A    192.0.2.2
www-2.example.com. 60 IN AAAA 2001:db8::2
www.example.com.   60 IN A    192.0.2.1
www.example.com.   60 IN A    192.0.2.2
www.example.com.   60 IN AAAA 2001:db8::2
; www.example.com., www-1.example.com.: the pool c has no address: pending
; www.example.com., www-1.example.com.: the pool d is left out: drained
"
                .to_owned(),
                None
            )
        );
        dns.groups.as_mut().unwrap().hostname_records = HostnameRecords::WeightedCnames;
        assert_eq!(
            text(&dns),
            (
                "eu.example.com.    60 IN CNAME www-2.example.com.
www-1.example.com. 60 IN A    192.0.2.1
www-2.example.com. 60 IN A    192.0.2.2
www-2.example.com. 60 IN AAAA 2001:db8::2
; www.example.com. 60 IN CNAME www-1.example.com. with the set identifier nginx-group-1 and the weight 2
; www.example.com. 60 IN CNAME www-2.example.com. with the set identifier nginx-group-2 and the weight 1
; www-1.example.com.: the pool c has no address: pending
; www-1.example.com.: the pool d is left out: drained
"
                .to_owned(),
                Some("a zone file cannot have the weighted CNAME records of www.example.com (2); they are in comments".to_owned())
            )
        );
    }

    #[test]
    fn an_address_that_is_not_reserved_is_reported() {
        let dns = Dns::new("www.example.com");
        let reserved =
            [("a", vec!["192.0.2.1".parse().unwrap()]), ("b", vec!["192.0.2.2".parse().unwrap()])].into();
        let round_robin = RoundRobin { reserved, ..RoundRobin::new(&dns) };
        let rows = [row("a", "web", at(&["192.0.2.1"])), row("b", "web", at(&["192.0.2.9"]))];
        let warnings = zone("nginx", 60, Some(&round_robin), &rows).warnings;
        let messages: Vec<&str> = warnings.iter().map(|warning| warning.message.as_str()).collect();
        assert_eq!(
            messages,
            [
                "the load balancer of the pool b has the address 192.0.2.9, which is not in `spec.dns.reserved`"
            ]
        );
    }

    #[test]
    fn no_services_give_an_empty_zone() {
        assert_eq!(zone("nginx", 60, None, &[]).text(), "");
    }
}
