//! Converts kube's errors to [`Problem`]s, by searching their chain of causes.

use std::error::Error;
use std::io;

use crate::cluster::limits::Limits;
use crate::cluster::request_error::Problem;

/// Returns why no response began.
pub(super) fn no_response(error: &kube::Error, proxy: Option<&str>, limits: &Limits) -> Problem {
    let causes = Causes::of(error);
    if let kube::Error::Auth(error) = error {
        return Problem::Credentials(innermost(error));
    }
    if let Some(error) = causes.all.iter().find_map(|e| e.downcast_ref::<kube::client::AuthError>()) {
        return Problem::Credentials(innermost(error));
    }
    if let Some(reason) = causes.behind("invalid peer certificate: ") {
        return Problem::Certificate(reason);
    }
    if let Some(proxy) = proxy
        && (causes.says("tunnel error") || causes.says("SOCKS error") || causes.while_connecting())
    {
        return Problem::Proxy { proxy: proxy.into(), reason: causes.last() };
    }
    match causes.kind() {
        Some(io::ErrorKind::TimedOut) if causes.while_connecting() => {
            Problem::TimedOut { what: "connecting", limit: limits.connect }
        }
        Some(io::ErrorKind::TimedOut) => silent(limits),
        Some(io::ErrorKind::ConnectionRefused) => Problem::Refused,
        _ if causes.says("dns error") => Problem::Unresolved,
        Some(io::ErrorKind::InvalidData) if causes.while_connecting() => Problem::Tls(causes.last()),
        _ if causes.says("tls handshake eof") => Problem::Tls(causes.last()),
        _ if causes.while_connecting() => Problem::Unreachable(causes.last()),
        Some(
            io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::BrokenPipe
            | io::ErrorKind::UnexpectedEof,
        ) => Problem::Closed,
        _ if causes.says("connection closed before message completed")
            || causes.says("connection was not ready") =>
        {
            Problem::Closed
        }
        Some(io::ErrorKind::InvalidData) => Problem::Tls(causes.last()),
        _ => Problem::Unreachable(causes.last()),
    }
}

/// Returns why a response did not end.
pub(super) fn truncated_response(error: &(dyn Error + 'static), bytes: usize, limits: &Limits) -> Problem {
    let causes = Causes::of(error);
    if causes.kind() == Some(io::ErrorKind::TimedOut) {
        return silent(limits);
    }
    // hyper reports connection errors; other errors come from the decoder.
    if causes.says("error reading a body from connection") {
        Problem::CutOff { bytes }
    } else {
        Problem::Packing
    }
}

fn silent(limits: &Limits) -> Problem {
    Problem::TimedOut { what: "waiting for the server", limit: limits.read.unwrap_or_default() }
}

fn innermost(error: &(dyn Error + 'static)) -> String {
    Causes::of(error).last()
}

/// An error and its causes, outermost first.
struct Causes<'a> {
    all: Vec<&'a (dyn Error + 'static)>,
}

impl<'a> Causes<'a> {
    fn of(error: &'a (dyn Error + 'static)) -> Self {
        Self { all: std::iter::successors(Some(error), |error| cause(*error)).collect() }
    }

    fn says(&self, text: &str) -> bool {
        self.all.iter().any(|error| error.to_string().contains(text))
    }

    /// Matches hyper's own text for everything before the connection is established.
    fn while_connecting(&self) -> bool {
        self.says("client error (Connect)")
    }

    /// Returns the innermost specific kind.
    fn kind(&self) -> Option<io::ErrorKind> {
        let kinds =
            self.all.iter().rev().filter_map(|error| error.downcast_ref::<io::Error>()).map(io::Error::kind);
        kinds.into_iter().find(|kind| *kind != io::ErrorKind::Other)
    }

    fn behind(&self, beginning: &str) -> Option<String> {
        self.all.iter().rev().find_map(|error| error.to_string().strip_prefix(beginning).map(str::to_owned))
    }

    fn last(&self) -> String {
        self.all.last().map(ToString::to_string).unwrap_or_default()
    }
}

/// Returns the next cause. `io::Error::source` skips the wrapped error, which is the relevant one.
fn cause<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a (dyn Error + 'static)> {
    if let Some(inner) = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
        return Some(inner);
    }
    error.source()
}
