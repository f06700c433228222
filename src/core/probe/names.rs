//! What name servers publish for a name: its addresses with their TTL, or why there are none.
//!
//! Names are in lower case, without the final dot. A byte that is not a letter, digit, dash or underscore is escaped as in
//! a zone file, so a name has only printable ASCII characters.

mod chain;
mod merge;
mod server;

use std::fmt;

use ::core::net::{IpAddr, SocketAddr};

pub use crate::core::probe::names::chain::{Chain, ChainEnd, Record, RecordData};
pub use crate::core::probe::names::merge::merge;
pub use crate::core::probe::names::server::{DNS_PORT, GivenServer, parse_server};

/// The most aliases (CNAME records) between a name and its addresses. Resolvers follow 8 (`glibc`) to 17 (BIND).
pub const MAX_ALIASES: usize = 16;

/// Who chose a name server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ServerKind {
    /// The configuration of this machine.
    System,
    /// The user, with `--dns`.
    Given,
    /// The zone, with an NS record.
    Authoritative,
}

/// A name server that is asked.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Server {
    /// Who chose it.
    pub kind: ServerKind,
    /// The address and port. It is the unspecified address with the port 0 if no server of this kind was found.
    pub address: SocketAddr,
    /// The name in the NS record of an authoritative server, such as `ns1.example.com`.
    pub name: Option<String>,
}

impl Server {
    /// Returns the entry for a kind of which no server was found.
    pub fn missing(kind: ServerKind) -> Self {
        let address = SocketAddr::new(IpAddr::V4(::core::net::Ipv4Addr::UNSPECIFIED), 0);
        Self { kind, address, name: None }
    }

    /// Whether no server of this kind was found.
    pub fn is_missing(&self) -> bool {
        self.address.port() == 0 && self.address.ip().is_unspecified()
    }
}

/// Writes `ns1.example.com (192.0.2.53)`, `127.0.0.1:5353` or `system resolver (192.0.2.1)`.
impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let who = match (&self.name, self.kind) {
            (Some(name), _) => Some(name.as_str()),
            (None, ServerKind::System) => Some("system resolver"),
            (None, ServerKind::Authoritative) => Some("authoritative server"),
            (None, ServerKind::Given) => None,
        };
        let address = if self.address.port() == DNS_PORT {
            self.address.ip().to_string()
        } else {
            self.address.to_string()
        };
        match who {
            Some(who) if self.is_missing() => f.write_str(who),
            Some(who) => write!(f, "{who} ({address})"),
            None => f.write_str(&address),
        }
    }
}

/// One address in a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PublishedAddress {
    /// The address.
    pub address: IpAddr,
    /// The TTL that the server gave, in seconds. A resolver counts it down.
    pub ttl: u32,
}

/// A CNAME record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alias {
    /// The name that has the record.
    pub name: String,
    /// The name that the record leads to.
    pub target: String,
    /// The TTL that the server gave, in seconds.
    pub ttl: u32,
}

/// The addresses that a name server gives for a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The chain of CNAME records from the name to the name that has the addresses, in order.
    pub aliases: Vec<Alias>,
    /// The addresses without duplicates: IPv4, then IPv6, each in ascending order. There is at least one.
    pub addresses: Vec<PublishedAddress>,
    /// Whether the server is an authority for the name.
    pub authoritative: bool,
    /// Whether the server truncated its answer over UDP, so that it was asked over TCP.
    pub over_tcp: bool,
    /// The size of the larger one of the answers for A and AAAA, in bytes.
    pub bytes: usize,
}

/// Why a name has no addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NameProblem {
    /// The name, or the target of its alias, does not exist (NXDOMAIN).
    NotFound,
    /// The name exists, without an A or AAAA record.
    NoAddresses,
    /// The server refuses to answer (REFUSED).
    Refused,
    /// The server failed to find an answer (SERVFAIL, or another error code).
    ServerFailure,
    /// A server that the zone names as its authority does not answer with authority.
    Lame,
    /// An alias leads back to a name of its chain. The last name is the one that repeats.
    AliasLoop {
        /// The names, in order.
        chain: Vec<String>,
    },
    /// The chain of aliases has more than [`MAX_ALIASES`].
    AliasTooLong,
    /// The server did not answer: a timeout, a closed port, or no way to its network.
    Unreachable {
        /// The reason, without raw control characters.
        reason: String,
    },
    /// The answer is malformed.
    Invalid {
        /// The reason, without raw control characters.
        reason: String,
    },
}

impl NameProblem {
    /// Whether the problem says something about the name. The other ones leave open what the server publishes.
    pub fn is_conclusive(&self) -> bool {
        match self {
            Self::NotFound | Self::NoAddresses | Self::AliasLoop { .. } | Self::AliasTooLong => true,
            Self::Refused
            | Self::ServerFailure
            | Self::Lame
            | Self::Unreachable { .. }
            | Self::Invalid { .. } => false,
        }
    }
}

/// Writes what is wrong, to follow the name of a server: `127.0.0.1: the name does not exist`.
impl fmt::Display for NameProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFound => f.write_str("the name does not exist (NXDOMAIN)"),
            Self::NoAddresses => f.write_str("the name has no A or AAAA record"),
            Self::Refused => f.write_str("the server refused the query (REFUSED)"),
            Self::ServerFailure => f.write_str("the server failed (SERVFAIL)"),
            Self::Lame => f.write_str("the server has no authority for the zone that names it"),
            Self::AliasLoop { chain } => write!(f, "the aliases form a loop: {}", chain.join(" -> ")),
            Self::AliasTooLong => write!(f, "the chain has more than {MAX_ALIASES} aliases"),
            Self::Unreachable { reason } => write!(f, "no answer: {reason}"),
            Self::Invalid { reason } => write!(f, "invalid answer: {reason}"),
        }
    }
}

/// What one server publishes for one name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Published {
    /// The name, as the caller wrote it.
    pub name: String,
    /// The server that was asked.
    pub server: Server,
    /// The addresses, or why there are none.
    pub result: Result<Answer, NameProblem>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_are_shown_with_the_parts_that_tell_them_apart() {
        let server = |kind, address: &str, name: Option<&str>| Server {
            kind,
            address: address.parse().unwrap(),
            name: name.map(str::to_owned),
        };
        for (server, text) in [
            (server(ServerKind::System, "192.0.2.1:53", None), "system resolver (192.0.2.1)"),
            (server(ServerKind::Given, "[::1]:5353", None), "[::1]:5353"),
            (server(ServerKind::Given, "1.1.1.1:53", None), "1.1.1.1"),
            (
                server(ServerKind::Authoritative, "[2001:db8::53]:53", Some("ns1.example.com")),
                "ns1.example.com (2001:db8::53)",
            ),
            (Server::missing(ServerKind::System), "system resolver"),
        ] {
            assert_eq!(server.to_string(), text);
        }
    }

    #[test]
    fn a_loop_is_shown_in_its_order() {
        let chain = ["a.example.com", "b.example.com", "a.example.com"].map(str::to_owned).to_vec();
        let problem = NameProblem::AliasLoop { chain };
        assert!(problem.is_conclusive());
        assert_eq!(
            problem.to_string(),
            "the aliases form a loop: a.example.com -> b.example.com -> a.example.com"
        );
    }
}
