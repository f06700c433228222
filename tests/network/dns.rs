//! Tests of the answers of name servers, correct and not.

mod answer_size;
mod answers;
mod authorities;
mod faults;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use largescale::core::probe::names::{NameProblem, Published};
use largescale::network::dns::{Limits, Servers, lookup};
use largescale::network::run;
use tempfile::NamedTempFile;

use crate::name_server::NameServer;

/// Short waits: a server on loopback answers in less than a millisecond.
pub(super) fn short() -> Limits {
    Limits { query: Duration::from_millis(400), name: Duration::from_secs(3), concurrency: 8 }
}

/// Asks only this server.
pub(super) fn only(server: &NameServer) -> Servers {
    Servers { given: vec![server.address], ..none() }
}

/// Asks no server, and knows none of the system.
pub(super) fn none() -> Servers {
    Servers {
        system: false,
        given: Vec::new(),
        authoritative: false,
        resolv_conf: PathBuf::from("/nonexistent/resolv.conf"),
        port: 53,
    }
}

/// Writes a file that names these servers as those of the system.
pub(super) fn resolv_conf(addresses: &[SocketAddr]) -> NamedTempFile {
    let file = NamedTempFile::new().unwrap();
    let lines: String = addresses.iter().map(|address| format!("nameserver {}\n", address.ip())).collect();
    std::fs::write(file.path(), format!("# a comment\noptions unknown-option\nsearch example.org\n{lines}"))
        .unwrap();
    file
}

/// Asks for one name, and returns the rows.
pub(super) fn rows(name: &str, servers: &Servers) -> Vec<Published> {
    run(lookup(&[name.to_owned()], servers, &short())).unwrap()
}

/// Asks one server for one name.
pub(super) fn row(name: &str, server: &NameServer) -> Published {
    let rows = rows(name, &only(server));
    let [row] = <[Published; 1]>::try_from(rows).unwrap();
    assert_eq!(row.name, name);
    row
}

/// Asks one server for one name, and returns the addresses with their TTL.
pub(super) fn addresses(published: &Published) -> Vec<String> {
    let answer = published.result.as_ref().unwrap();
    answer.addresses.iter().map(|found| format!("{} {}", found.address, found.ttl)).collect()
}

/// Returns the problem of a server with one name.
pub(super) fn problem(name: &str, server: &NameServer) -> NameProblem {
    row(name, server).result.unwrap_err()
}
