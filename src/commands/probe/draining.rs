//! Whether DNS of a pool that is left out has run out.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use crate::core::probe::DnsState;
use crate::core::report::pool_words;
use crate::engine::probe::Probed;
use crate::engine::target::Target;

/// When the addresses of each pool were gone from every name server for the first time.
#[derive(Debug, Default)]
pub(super) struct Draining {
    gone: BTreeMap<String, Instant>,
}

impl Draining {
    /// Returns a line for each pool that is left out. A record that left DNS is in caches for up to its TTL, and nothing tells when
    /// it left, so that the time counts from the first probe that did not see it.
    pub(super) fn lines(&mut self, target: &Target, probed: &Probed, now: Instant) -> Vec<String> {
        let Some(dns) = &target.spec.dns else { return Vec::new() };
        let ttl = Duration::from_secs(u64::from(dns.ttl));
        let published: BTreeSet<&str> = pools(probed, |state| matches!(state, DnsState::StillPublished(_)));
        let left_out = pools(probed, |state| matches!(state, DnsState::LeftOut(_)));
        self.gone.retain(|pool, _| left_out.contains(pool.as_str()) && !published.contains(pool.as_str()));
        let mut lines = Vec::new();
        for pool in left_out.difference(&published) {
            let since = *self.gone.entry((*pool).to_owned()).or_insert(now);
            let left = ttl.saturating_sub(now.duration_since(since)).as_secs();
            let pool = pool_words::named(pool);
            lines.push(match left {
                0 => format!("{pool} is left out, and its addresses have run out of DNS and of caches that keep the TTL"),
                _ if now == since => format!(
                    "{pool} is left out, and no name server hands out its addresses; caches may keep them for up to {left} s"
                ),
                // Every second would be a change.
                _ => format!("{pool} is left out, and no name server hands out its addresses; caches may still keep them"),
            });
        }
        lines
    }
}

fn pools(probed: &Probed, is: impl Fn(DnsState) -> bool) -> BTreeSet<&str> {
    probed.rows.iter().filter(|row| is(row.dns)).map(|row| row.pool.as_str()).collect()
}
