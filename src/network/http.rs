//! One HTTP request, up to the head of its response.

// A module of this crate has the same name as the one in std.
use ::core::net::SocketAddr;
use futures_util::future::{Either, select};
use http::header::{ACCEPT, CONNECTION, HOST, USER_AGENT};
use http_body_util::Empty;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};

use crate::core::probe::check::{Request, Step, Trouble};

/// The largest head of a response, in bytes. The body is not read.
const MAX_HEAD: usize = 64 * 1024;

/// Sends a request and checks the status of the response. Follows no redirect.
pub(super) async fn get<S>(stream: S, socket: SocketAddr, wanted: &Request) -> Result<(), Trouble>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let host = wanted.host.clone().unwrap_or_else(|| socket.to_string());
    let request = http::Request::get(wanted.path.as_str())
        .header(HOST, host)
        .header(USER_AGENT, concat!("kubectl-largescale/", env!("CARGO_PKG_VERSION")))
        .header(ACCEPT, "*/*")
        .header(CONNECTION, "close")
        .body(Empty::<&[u8]>::new())
        .map_err(|error| Trouble::NotHttp(error.to_string()))?;
    let mut builder = http1::Builder::new();
    builder.max_buf_size(MAX_HEAD);
    let (mut sender, connection) =
        builder.handshake(TokioIo::new(stream)).await.map_err(|error| trouble_of(&error))?;
    let connection = Box::pin(connection);
    let response = Box::pin(sender.send_request(request));
    let response = match select(response, connection).await {
        Either::Left((response, _)) => response,
        // The connection ended first; the response may have come before.
        Either::Right((_, response)) => response.await,
    };
    let found = response.map_err(|error| trouble_of(&error))?.status().as_u16();
    if wanted.status.contain(found) {
        return Ok(());
    }
    Err(Trouble::Status { found, expected: wanted.status.clone() })
}

fn trouble_of(error: &hyper::Error) -> Trouble {
    if error.is_parse() {
        return Trouble::NotHttp(error.to_string());
    }
    Trouble::Closed { step: Step::Response }
}
