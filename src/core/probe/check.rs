//! What is checked at a port, and what came of it. The network shell makes the connections.

use std::fmt;
// Names addresses and lengths of time only; a module of this crate has the same name as the one in std.
use ::core::net::IpAddr;
use ::core::time::Duration;

use crate::core::probe::StatusRanges;

/// How far a connection goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Check {
    /// Up to the TCP connection.
    Tcp,
    /// Up to the certificate.
    Tls(ServerName),
    /// Up to the status of a response.
    Http(Request),
    /// A payload and a reply.
    Udp {
        /// The payload.
        payload: Vec<u8>,
        /// Bytes that the reply contains.
        reply: Vec<u8>,
    },
}

/// The name that the certificate must be for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerName {
    /// The name for SNI; `None` if no name is known, so that only the dates of the certificate count.
    pub name: Option<String>,
    /// What must be true of the certificate.
    pub trust: Trust,
}

/// What must be true of a certificate, beside its dates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trust {
    /// The system trusts its issuer, and it is for the name.
    Verify,
    /// Nothing.
    AnyIssuer,
}

/// An HTTP request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// TLS, if the port has it.
    pub tls: Option<ServerName>,
    /// The host in the request; `None` for the address.
    pub host: Option<String>,
    /// The path.
    pub path: String,
    /// The expected statuses.
    pub status: StatusRanges,
}

/// The connections to one port of one address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connection {
    /// The address.
    pub address: IpAddr,
    /// The port.
    pub port: u16,
    /// How far to go.
    pub check: Check,
    /// The time limit of one connection.
    pub timeout: Duration,
    /// The number of connections.
    pub count: u32,
}

/// What came of the connections to one port of one address.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tried {
    /// The number of connections that were made.
    pub count: u32,
    /// The number of those that failed.
    pub failed: u32,
    /// The time of the fastest connection that succeeded, up to the end of its check.
    pub latency: Option<Duration>,
    /// Why the last one failed.
    pub trouble: Option<Trouble>,
    /// The certificate of the last one.
    pub certificate: Option<Certificate>,
}

/// Why a connection failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// This machine has no route to the address, or no address of its family.
    NoRoute,
    /// Nothing came back within the time limit.
    TimedOut {
        /// The step that was not finished.
        step: Step,
        /// The time limit.
        limit: Duration,
    },
    /// The connection was refused.
    Refused,
    /// The connection was closed before the check was done.
    Closed {
        /// The step that was not finished.
        step: Step,
    },
    /// TLS failed before the server sent a certificate, or after it.
    Tls(String),
    /// The certificate is not what is expected.
    Certificate(CertificateProblem),
    /// The server sent another status.
    Status {
        /// The status.
        found: u16,
        /// The expected statuses.
        expected: StatusRanges,
    },
    /// The response is not HTTP.
    NotHttp(String),
    /// Another reply came over UDP.
    OtherReply {
        /// Its length in bytes.
        bytes: usize,
    },
    /// Anything else that the system reported.
    Other(String),
}

/// A step of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The TCP connection.
    Connect,
    /// The handshake of TLS.
    Handshake,
    /// The head of the HTTP response.
    Response,
    /// The reply over UDP.
    Reply,
}

impl Step {
    /// Returns what was going on, for a sentence with "while".
    fn words(self) -> &'static str {
        match self {
            Self::Connect => "connecting",
            Self::Handshake => "negotiating TLS",
            Self::Response => "waiting for the HTTP response",
            Self::Reply => "waiting for the reply",
        }
    }
}

/// What is wrong with a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CertificateProblem {
    /// It has expired.
    Expired,
    /// It is not valid yet.
    NotYetValid,
    /// It is for other names.
    OtherName {
        /// The name that was asked for.
        wanted: String,
    },
    /// The system does not trust its issuer.
    UnknownIssuer,
    /// Anything else.
    Other(String),
}

/// Facts of a certificate. All texts come from the server, and are not trusted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// SHA-256 of the certificate in hexadecimal.
    pub fingerprint: String,
    /// The DNS names and addresses that it is for.
    pub names: Vec<String>,
    /// The last second of its validity, in seconds since 1970.
    pub not_after: i64,
    /// The common name of its issuer.
    pub issuer: String,
}

impl Trouble {
    /// Whether the network between here and the load balancer may be the reason.
    pub fn may_be_the_network(&self) -> bool {
        matches!(self, Self::TimedOut { step: Step::Connect, .. } | Self::NoRoute)
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoRoute => f.write_str("this machine has no route to it"),
            Self::TimedOut { step, limit } => {
                write!(f, "timed out after {} while {}", seconds(*limit), step.words())
            }
            Self::Refused => f.write_str("connection refused"),
            Self::Closed { step } => write!(f, "the connection was closed while {}", step.words()),
            Self::Tls(why) => write!(f, "TLS failed: {why}"),
            Self::Certificate(problem) => problem.fmt(f),
            Self::Status { found, expected } => write!(f, "status {found}, expected {expected}"),
            Self::NotHttp(why) => write!(f, "the response is not HTTP: {why}"),
            Self::OtherReply { bytes } => write!(f, "another reply over UDP, with {bytes} bytes"),
            Self::Other(why) => f.write_str(why),
        }
    }
}

impl fmt::Display for CertificateProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Expired => f.write_str("the certificate has expired"),
            Self::NotYetValid => f.write_str("the certificate is not valid yet"),
            Self::OtherName { wanted } => write!(f, "the certificate is not for {wanted}"),
            Self::UnknownIssuer => f.write_str("this system does not trust the issuer of the certificate"),
            Self::Other(why) => write!(f, "the certificate is not valid: {why}"),
        }
    }
}

/// Returns a time as `5s` or `250ms`.
pub fn seconds(time: Duration) -> String {
    if time.subsec_millis() == 0 && time.as_secs() > 0 {
        return format!("{}s", time.as_secs());
    }
    format!("{}ms", time.as_millis())
}
