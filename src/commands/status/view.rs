//! One refresh of an app, ready to print.

use crate::core::dns::RoundRobin;
use crate::core::report::diagnostic::Diagnostic;
use crate::core::status::{AddressList, Report, Zone, addresses, zone};
use crate::scope::Scope;

/// Everything that is printed.
pub(super) struct Shown<'a> {
    /// The name of the app.
    pub app: &'a str,
    /// Its status.
    pub report: &'a Report,
    /// The previous report, without counts of repeated events.
    pub before: Option<&'a Report>,
    /// Warnings about objects that could not be read.
    pub unseen: &'a [Diagnostic],
    /// The app and its cluster.
    pub scope: &'a Scope,
    /// TTL of DNS records, in seconds.
    pub ttl: u32,
    /// The DNS settings of the spec.
    pub round_robin: Option<&'a RoundRobin<'a>>,
    /// What name servers hand out for pools that are left out of the round robin.
    pub left_out: &'a [String],
    /// The current time in seconds since 1970.
    pub now: i64,
}

impl Shown<'_> {
    /// Returns the addresses for firewalls.
    pub fn addresses(&self) -> AddressList {
        addresses(self.round_robin, &self.report.pools)
    }

    /// Returns the DNS records to create.
    pub fn zone(&self) -> Zone {
        zone(self.app, self.ttl, self.round_robin, &self.report.pools)
    }
}
