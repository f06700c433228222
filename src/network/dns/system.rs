//! The name servers of this machine.

use std::fs;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;

use hickory_proto::rr::RecordType;
use resolv_conf::Config;

use crate::core::probe::names::NameProblem;
use crate::core::report::escape;
use crate::network::dns::Limits;
use crate::network::dns::message::Reply;
use crate::network::dns::query::{self, Recursion};

/// The most name servers of the system. The resolver of the C library reads 3.
const MAX_SERVERS: usize = 3;

/// The name servers of this machine.
pub(super) struct System {
    /// The servers, or why there are none.
    servers: Result<Vec<SocketAddr>, String>,
    limits: Limits,
}

impl System {
    /// Reads a `resolv.conf`. Lines that are not understood are ignored, as the C library does.
    pub(super) fn read(path: &Path, port: u16, limits: Limits) -> Self {
        let servers = fs::read(path).map(|text| {
            let (config, _) = Config::parse_with_errors(&text);
            let addresses = config.get_nameservers_or_local().into_iter().take(MAX_SERVERS);
            addresses.map(|address| SocketAddr::new(IpAddr::from(address), port)).collect()
        });
        let servers = servers.map_err(|error| {
            format!("no name servers: {}: {error}", escape::in_comment(&path.display().to_string()))
        });
        Self { servers, limits }
    }

    /// Returns the servers, in the order in which they are asked.
    pub(super) fn addresses(&self) -> Vec<SocketAddr> {
        self.servers.clone().unwrap_or_default()
    }

    /// Returns the problem of a machine without name servers.
    pub(super) fn problem(&self) -> NameProblem {
        let reason = self.servers.as_ref().err().map_or("no name servers", |reason| reason);
        NameProblem::Unreachable { reason: reason.to_owned() }
    }

    /// Asks the servers one after another, until one answers.
    pub(super) async fn ask(&self, name: &str, kind: RecordType) -> Result<Reply, NameProblem> {
        let mut problem = None;
        for server in self.addresses() {
            match query::ask(server, name, kind, Recursion::Desired, self.limits.query).await {
                Ok(reply) => return Ok(reply),
                Err(other) => problem.get_or_insert(other),
            };
        }
        Err(problem.unwrap_or_else(|| self.problem()))
    }
}
