//! `probe`: compares the load balancers that are wanted, given, published and answering. The network shell asks; this decides.

pub mod check;
mod findings;
mod left_out;
pub mod names;
mod plan;
mod ports;
mod rows;
mod settings;
mod status_ranges;
#[cfg(test)]
mod tests;

pub use crate::core::probe::findings::{Answers, Facts, Finding, Name, Weight, findings};
pub use crate::core::probe::left_out::{LeftOut, left_out};
pub use crate::core::probe::plan::{End, Membership, PlannedPort, PortPlan, Settings, end_of, unused};
pub use crate::core::probe::ports::{Transport, hostnames_of_route};
pub use crate::core::probe::rows::{
    DnsState, Observed, PRIVATE, Partial, PortKey, Resolved, Row, Verdict, addresses, connections, is_private,
};
pub use crate::core::probe::settings::{
    CheckKind, DEFAULT_TIMEOUT, MAX_COUNT, PortName, Probe, ProbePort, TlsMode,
};
pub use crate::core::probe::status_ranges::StatusRanges;
