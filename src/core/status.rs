//! The state of the directory in a cluster: addresses of load balancers, rollouts of workloads, drift, DNS records.
//!
//! All functions are pure functions of live objects; other modules read these and wait for changes.

mod address;
mod addresses;
mod age;
mod drift;
mod event;
mod gateway;
mod report;
mod workload;
mod zone;

pub use crate::core::status::address::{Address, AddressState, address_state, ports};
pub use crate::core::status::addresses::{AddressList, Listed, addresses};
pub use crate::core::status::age::{age, seconds};
pub use crate::core::status::drift::{Drift, DriftSubject, drift};
pub use crate::core::status::event::{Event, last_event, unresolved_warning};
pub use crate::core::status::gateway::{
    MadeServices, RefusedRoute, addresses as gateway_addresses, is_pool_gateway,
};
pub use crate::core::status::report::{
    Binding, NodeCount, PoolRow, Report, WorkloadRow, report, report_with_gateways,
};
pub use crate::core::status::workload::{Rollout, is_workload, rollout};
pub use crate::core::status::zone::{Record, Zone, zone};
