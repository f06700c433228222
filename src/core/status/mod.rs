//! What became of the directory in a cluster: addresses of load balancers, rollouts of workloads, drift, DNS records.
//!
//! Plain functions of live objects; who asks for those, and who waits, is elsewhere.

mod address;
mod age;
mod drift;
mod event;
mod report;
mod workload;
mod zone;

pub use address::{Address, AddressState, address_state, ports};
pub use age::{age, seconds};
pub use drift::{Drift, Subject, drift};
pub use event::{Event, last_event};
pub use report::{NodeCount, PoolRow, Report, WorkloadRow, report};
pub use workload::{Rollout, is_workload, rollout};
pub use zone::{Record, Zone, zone};
