//! DNS round robin: one name that resolves to the addresses of all pools, or names for groups of them.

mod annotations;
mod answer_size;
mod assign;
mod cnames;
mod endpoint;
mod groups;
mod hostname;
mod names;
mod round_robin;
mod spec;

pub use crate::core::dns::annotations::{PREFIXES, annotation};
pub use crate::core::dns::answer_size::{AnswerSize, EDNS_UDP, GroupAnswer, PLAIN_UDP};
pub use crate::core::dns::cnames::{Cname, Weighted};
pub use crate::core::dns::endpoint::endpoint;
pub use crate::core::dns::groups::{DnsGroups, HostnameRecords, MAX_GROUPS};
pub use crate::core::dns::round_robin::{Candidate, DnsName, Exclusion, RoundRobin};
pub use crate::core::dns::spec::{AnnotationPrefix, Dns, DnsProvider};
