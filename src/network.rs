//! The network shell: asks name servers and connects to load balancers, for `probe`. The only modules beside `cluster` that use tokio.
//!
//! [`run`] is blocking for its caller, as `Cluster` is. Nothing here prints. It changes nothing, follows no redirect and sends no
//! credentials. What comes back is untrusted text.

mod certificate;
mod connect;
pub mod dns;
mod http;
mod outcome;
mod runtime;
mod tls;
mod udp;

use std::io;

use crate::core::probe::check::{Connection, Tried};
pub use crate::network::runtime::run;

/// Makes connections, many at the same time. Every result has the tag of its connections.
///
/// # Errors
/// The system refuses the resources.
pub fn connect_all<T>(connections: Vec<(T, Connection)>) -> io::Result<Vec<(T, Tried)>> {
    run(connect::all(connections, &tls::Client::default()))
}
