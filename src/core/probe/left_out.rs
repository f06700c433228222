//! Whether DNS still hands out the addresses of a pool that is left out of the round robin.

use std::collections::BTreeSet;

// Compares addresses only and uses no network; a module of this crate has the same name as the one in std.
use ::core::net::IpAddr;

use crate::core::probe::names::{NameProblem, Published, ServerKind};
use crate::core::report::pool_words;

/// What the name servers say about the addresses of a pool that is left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LeftOut {
    /// A server that has the zone still hands one out.
    Published,
    /// Only a cache still has one, for at most this time in seconds.
    Cached(u32),
    /// No server that answered hands one out.
    Gone,
    /// No server answered.
    Unknown,
}

/// Compares the addresses of a pool with what the name servers answered about one name.
pub fn left_out(addresses: &BTreeSet<IpAddr>, published: &[Published]) -> LeftOut {
    let mut state = LeftOut::Unknown;
    let has_zone =
        published.iter().any(|one| one.server.kind == ServerKind::Authoritative && one.result.is_ok());
    for one in published {
        let answer = match &one.result {
            Ok(answer) => answer,
            Err(NameProblem::NotFound | NameProblem::NoAddresses) => {
                if state == LeftOut::Unknown {
                    state = LeftOut::Gone;
                }
                continue;
            }
            Err(_) => continue,
        };
        let ttl =
            answer.addresses.iter().filter(|one| addresses.contains(&one.address)).map(|one| one.ttl).max();
        state = match (ttl, state) {
            (_, LeftOut::Published) => LeftOut::Published,
            // Without an answer of the zone, nothing shows that the record is only in a cache.
            (Some(_), _) if one.server.kind == ServerKind::Authoritative || !has_zone => LeftOut::Published,
            (Some(ttl), LeftOut::Cached(longest)) => LeftOut::Cached(longest.max(ttl)),
            (Some(ttl), _) => LeftOut::Cached(ttl),
            (None, LeftOut::Unknown) => LeftOut::Gone,
            (None, state) => state,
        };
    }
    state
}

impl LeftOut {
    /// Returns a sentence about the pool. `ttl` is that of the spec in seconds.
    pub fn sentence(&self, pool: &str, why: &str, ttl: u32) -> String {
        let pool = format!("{} is left out of DNS ({why})", pool_words::named(pool));
        match self {
            Self::Published => format!("{pool}, but name servers still hand out its addresses"),
            Self::Cached(left) => format!("{pool}, and caches drop its addresses within {left} s"),
            Self::Gone => {
                format!(
                    "{pool}, and no name server that was asked hands out its addresses; other caches drop them within {ttl} s"
                )
            }
            Self::Unknown => format!("{pool}, but no name server answered: kubectl largescale probe"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::probe::names::{Answer, PublishedAddress, Server};

    #[test]
    fn what_name_servers_say() {
        let answer = |kind, found: Result<&[(&str, u32)], NameProblem>| Published {
            name: "www.example.com".to_owned(),
            server: Server { kind, address: "192.0.2.53:53".parse().unwrap(), name: None },
            result: found.map(|found| Answer {
                aliases: Vec::new(),
                addresses: found
                    .iter()
                    .map(|(address, ttl)| PublishedAddress { address: address.parse().unwrap(), ttl: *ttl })
                    .collect(),
                authoritative: kind == ServerKind::Authoritative,
                over_tcp: false,
                bytes: 100,
            }),
        };
        let (system, zone) = (ServerKind::System, ServerKind::Authoritative);
        let other = [("192.0.2.1", 60)];
        let ours = [("192.0.2.1", 60), ("192.0.2.2", 20)];
        let unreachable = || NameProblem::Unreachable { reason: String::new() };
        let addresses = BTreeSet::from(["192.0.2.2".parse().unwrap()]);
        for (published, expected) in [
            (vec![], LeftOut::Unknown),
            (vec![answer(system, Err(unreachable())), answer(zone, Err(unreachable()))], LeftOut::Unknown),
            (vec![answer(system, Ok(&ours)), answer(zone, Ok(&ours))], LeftOut::Published),
            (vec![answer(system, Ok(&ours)), answer(zone, Ok(&other))], LeftOut::Cached(20)),
            (vec![answer(system, Ok(&ours)), answer(zone, Err(unreachable()))], LeftOut::Published),
            (vec![answer(system, Ok(&other)), answer(zone, Ok(&other))], LeftOut::Gone),
            (vec![answer(system, Err(NameProblem::NotFound))], LeftOut::Gone),
        ] {
            assert_eq!(left_out(&addresses, &published), expected, "{published:?}");
        }
        assert_eq!(
            LeftOut::Cached(20).sentence("b", "drained", 60),
            "pool b is left out of DNS (drained), and caches drop its addresses within 20 s"
        );
    }
}
