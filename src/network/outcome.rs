//! What came of one connection.

use std::io;

use crate::core::probe::check::{Certificate, Step, Trouble};

/// What happened to one connection.
pub(super) struct Once {
    /// The trouble, if there was one.
    pub result: Result<(), Trouble>,
    /// The certificate, if the server sent one.
    pub certificate: Option<Certificate>,
}

impl Once {
    pub(super) fn of(result: Result<(), Trouble>) -> Self {
        Self { result, certificate: None }
    }
}

/// Returns what an error of the system means.
pub(super) fn trouble_of(error: &io::Error, step: Step) -> Trouble {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => Trouble::Refused,
        io::ErrorKind::NetworkUnreachable | io::ErrorKind::AddrNotAvailable => Trouble::NoRoute,
        io::ErrorKind::ConnectionReset
        | io::ErrorKind::ConnectionAborted
        | io::ErrorKind::BrokenPipe
        | io::ErrorKind::UnexpectedEof => Trouble::Closed { step },
        io::ErrorKind::HostUnreachable => Trouble::Other("host unreachable".to_owned()),
        _ => Trouble::Other(error.to_string()),
    }
}
