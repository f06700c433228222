//! DNS round robin: one name with the addresses of all pools behind it.

mod annotations;
mod endpoint;
mod hostname;
mod round_robin;
mod spec;

pub use annotations::{PREFIXES, annotation};
pub use endpoint::endpoint;
pub use round_robin::{Candidate, Out, RoundRobin};
pub use spec::{AnnotationPrefix, Dns, DnsProvider};
