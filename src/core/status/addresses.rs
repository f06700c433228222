//! The list of addresses that customers put into their firewalls.

use std::collections::BTreeMap;

// Sorts addresses only and uses no network; a module of this crate has the same name as the one in std.
use ::core::net::IpAddr;

use crate::core::dns::RoundRobin;
use crate::core::report::diagnostic::Diagnostic;
use crate::core::report::pool_words;
use crate::core::status::{Address, PoolRow};

/// An address of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// The address.
    pub address: IpAddr,
    /// The pools that have it or for which it is reserved, sorted.
    pub pools: Vec<String>,
    /// Whether a load balancer has it now.
    pub is_given: bool,
    /// Whether `spec.dns.reserved` has it.
    pub is_reserved: bool,
}

/// The list, and what it lacks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AddressList {
    /// The addresses: IPv4 before IPv6, each in numerical order.
    pub addresses: Vec<Listed>,
    /// Warnings about load balancers that are not in the list.
    pub warnings: Vec<Diagnostic>,
}

/// Returns the addresses of the load balancers and the reserved ones. The list is the same for as long as they are.
pub fn addresses(round_robin: Option<&RoundRobin<'_>>, rows: &[PoolRow]) -> AddressList {
    let mut list: BTreeMap<IpAddr, Listed> = BTreeMap::new();
    let mut warnings = Vec::new();
    for row in rows {
        let found = row.state.addresses();
        if found.is_empty() {
            warnings.push(Diagnostic::warning(format!(
                "{} of {} has no address and is not in the list: {}",
                row.service,
                pool_words::the_pool(&row.pool),
                row.state.word()
            )));
        }
        for address in found {
            match (address, address.to_string().parse()) {
                (Address::Ip(_), Ok(address)) => add(&mut list, address, &row.pool).is_given = true,
                _ => warnings.push(
                    Diagnostic::warning(format!(
                        "the load balancer of {} has the host name {address} and is not in the list",
                        pool_words::the_pool(&row.pool)
                    ))
                    .hint("its addresses may change; use the host name in the firewall, or static addresses"),
                ),
            }
        }
    }
    for (pool, reserved) in round_robin.into_iter().flat_map(|round_robin| &round_robin.reserved) {
        for address in reserved {
            add(&mut list, *address, pool).is_reserved = true;
        }
    }
    AddressList { addresses: list.into_values().collect(), warnings }
}

fn add<'a>(list: &'a mut BTreeMap<IpAddr, Listed>, address: IpAddr, pool: &str) -> &'a mut Listed {
    let new = || Listed { address, pools: Vec::new(), is_given: false, is_reserved: false };
    let listed = list.entry(address).or_insert_with(new);
    if !listed.pools.iter().any(|known| known == pool) {
        listed.pools.push(pool.to_owned());
        listed.pools.sort_unstable();
    }
    listed
}

impl AddressList {
    /// Returns one address on each line.
    pub fn text(&self) -> String {
        self.addresses.iter().map(|listed| format!("{}\n", listed.address)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::dns::Dns;
    use crate::core::status::AddressState;

    fn row(pool: &str, addresses: &[&str]) -> PoolRow {
        let address = |text: &&str| match text.parse::<IpAddr>() {
            Ok(_) => Address::Ip((*text).to_owned()),
            Err(_) => Address::Hostname((*text).to_owned()),
        };
        let state = match addresses {
            [] => AddressState::Pending { why: None },
            _ => AddressState::Ready { addresses: addresses.iter().map(address).collect() },
        };
        PoolRow::sample(pool, "web", state)
    }

    #[test]
    fn given_and_reserved_addresses_in_numerical_order() {
        let dns = Dns::new("www.example.com");
        let reserved = [("a", vec!["192.0.2.10".parse().unwrap(), "192.0.2.9".parse().unwrap()])].into();
        let round_robin = RoundRobin { reserved, ..RoundRobin::new(&dns) };
        let rows = [
            row("b", &["2001:db8::2", "192.0.2.100"]),
            row("a", &["192.0.2.9"]),
            row("c", &[]),
            row("d", &["d.elb.example.com"]),
            row("e", &["192.0.2.9"]),
        ];
        let list = addresses(Some(&round_robin), &rows);
        assert_eq!(list.text(), "192.0.2.9\n192.0.2.10\n192.0.2.100\n2001:db8::2\n");
        let first = &list.addresses[0];
        assert_eq!(
            (first.pools.join(","), first.is_given, first.is_reserved),
            ("a,e".to_owned(), true, true)
        );
        let second = &list.addresses[1];
        assert_eq!((second.is_given, second.is_reserved), (false, true));
        let messages: Vec<&str> = list.warnings.iter().map(|warning| warning.message.as_str()).collect();
        assert_eq!(
            messages,
            [
                "service/web/web-c of the pool c has no address and is not in the list: pending",
                "the load balancer of the pool d has the host name d.elb.example.com and is not in the list",
            ]
        );
        assert_eq!(addresses(None, &[]).text(), "");
    }
}
