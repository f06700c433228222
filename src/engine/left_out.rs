//! Asks name servers whether they still hand out the addresses of pools that are left out of the round robin.

use std::collections::BTreeSet;
use std::io;
use std::net::IpAddr;
use std::time::Duration;

use crate::core::dns::{Exclusion, RoundRobin};
use crate::core::probe::left_out;
use crate::core::status::PoolRow;
use crate::network;
use crate::network::dns::{Limits, Servers};

/// `status` is a quick look, so name servers that do not answer must not delay it for long.
const LIMITS: Limits = Limits { query: Duration::from_secs(1), name: Duration::from_secs(2), concurrency: 8 };

/// Returns a sentence for each pool that is left out and has an address. Asks nothing if there is none.
pub(crate) fn sentences(round_robin: Option<&RoundRobin<'_>>, rows: &[PoolRow]) -> io::Result<Vec<String>> {
    let Some(round_robin) = round_robin.filter(|round_robin| !round_robin.out.is_empty()) else {
        return Ok(Vec::new());
    };
    let of_pool = |pool: &str| -> BTreeSet<IpAddr> {
        let rows = rows.iter().filter(|row| row.pool == pool && round_robin.is_for(&row.source));
        rows.flat_map(|row| row.state.addresses()).filter_map(|one| one.to_string().parse().ok()).collect()
    };
    let pools = round_robin.out.iter().map(|(pool, why)| (*pool, *why, of_pool(pool)));
    let pools: Vec<_> = pools.filter(|(_, _, addresses)| !addresses.is_empty()).collect();
    if pools.is_empty() {
        return Ok(Vec::new());
    }
    // An alias has the addresses of its group.
    let names = round_robin.names().into_iter().filter(|name| !name.is_cname).map(|name| name.name);
    let names: Vec<String> = names.collect();
    let published = network::run(network::dns::lookup(&names, &Servers::default(), &LIMITS))?;
    let sentence = |(pool, why, addresses): (&str, Exclusion, BTreeSet<IpAddr>)| {
        left_out(&addresses, &published).sentence(pool, why.words(), round_robin.dns.ttl)
    };
    Ok(pools.into_iter().map(sentence).collect())
}
