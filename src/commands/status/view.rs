//! One look at an app, as it is shown.

use crate::core::dns::RoundRobin;
use crate::core::report::diagnostic::Diagnostic;
use crate::core::status::{Report, Zone, zone};
use crate::scope::Scope;

/// What is to be shown.
pub(super) struct Shown<'a> {
    /// The name of the app.
    pub app: &'a str,
    /// What became of it.
    pub report: &'a Report,
    /// What was shown before, without repetitions.
    pub before: Option<&'a Report>,
    /// What could not be seen.
    pub unseen: &'a [Diagnostic],
    /// Of which app, in which cluster.
    pub scope: &'a Scope,
    /// For DNS records, in seconds.
    pub ttl: u32,
    /// What the spec says of DNS.
    pub round_robin: Option<&'a RoundRobin<'a>>,
    /// In seconds since 1970.
    pub now: i64,
}

impl Shown<'_> {
    /// What DNS should hold.
    pub fn zone(&self) -> Zone {
        zone(self.app, self.ttl, self.round_robin, &self.report.pools)
    }
}
