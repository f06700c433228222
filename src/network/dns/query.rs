//! Sends one question to one name server: over UDP, and over TCP if the answer was truncated.

use std::net::SocketAddr;
use std::time::Duration;

use hickory_net::NetError;
use hickory_net::runtime::TokioRuntimeProvider;
use hickory_net::tcp::TcpClientStream;
use hickory_net::udp::UdpClientStream;
use hickory_net::xfer::{DnsHandle, DnsRequestSender, FirstAnswer};
use hickory_proto::op::{DnsRequest, DnsRequestOptions, DnsResponse, Query, ResponseCode};
use hickory_proto::rr::RecordType;
use tokio::time;

use crate::core::probe::names::NameProblem;
use crate::core::report::escape;
use crate::network::dns::message::{self, Reply};

/// The largest answer over UDP, in bytes. It fits into one packet on every network: <https://www.dnsflagday.net/2020/>.
const MAX_UDP: u16 = 1232;

/// How often a question is sent over UDP.
const UDP_ATTEMPTS: u8 = 2;

/// Whether a server is asked to ask others.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Recursion {
    Desired,
    NotDesired,
}

/// Asks a server. A reply has the code `NoError` or `NXDomain`.
pub(super) async fn ask(
    server: SocketAddr,
    name: &str,
    kind: RecordType,
    recursion: Recursion,
    timeout: Duration,
) -> Result<Reply, NameProblem> {
    let question = message::question(name, kind)?;
    let mut options = DnsRequestOptions::default();
    options.edns_payload_len = MAX_UDP;
    options.recursion_desired = recursion == Recursion::Desired;
    options.retry_interval = timeout / u32::from(UDP_ATTEMPTS);
    let mut reply = exchange(server, &question, options, timeout).await?;
    // Some old servers do not know EDNS.
    if matches!(reply.code, ResponseCode::FormErr | ResponseCode::NotImp | ResponseCode::BADVERS) {
        options.use_edns = false;
        reply = exchange(server, &question, options, timeout).await?;
    }
    match reply.code {
        ResponseCode::NoError | ResponseCode::NXDomain => Ok(reply),
        ResponseCode::Refused => Err(NameProblem::Refused),
        _ => Err(NameProblem::ServerFailure),
    }
}

async fn exchange(
    server: SocketAddr,
    question: &Query,
    options: DnsRequestOptions,
    timeout: Duration,
) -> Result<Reply, NameProblem> {
    let request = || DnsRequest::from_query(question.clone(), options);
    let response = over_udp(server, request(), timeout).await.map_err(|error| problem(&error, timeout))?;
    if !response.metadata.truncation {
        return message::reply(&response, question, false);
    }
    let response =
        over_tcp(server, request(), timeout).await.map_err(|error| match problem(&error, timeout) {
            NameProblem::Unreachable { reason } => NameProblem::Unreachable {
                reason: format!("the answer over UDP was truncated, and over TCP: {reason}"),
            },
            other => other,
        })?;
    message::reply(&response, question, true)
}

async fn over_udp(
    server: SocketAddr,
    request: DnsRequest,
    timeout: Duration,
) -> Result<DnsResponse, NetError> {
    let mut stream = UdpClientStream::builder(server, TokioRuntimeProvider::new())
        .with_timeout(Some(timeout))
        .with_max_retries(UDP_ATTEMPTS)
        .with_retry_interval_floor(0)
        .build();
    stream.send_message(request).first_answer().await
}

async fn over_tcp(
    server: SocketAddr,
    request: DnsRequest,
    timeout: Duration,
) -> Result<DnsResponse, NetError> {
    // It owns the task that reads, so it has to live until the answer is here.
    let provider = TokioRuntimeProvider::new();
    let answer = async {
        let exchange = TcpClientStream::exchange(server, None, timeout, None, provider.clone()).await?;
        exchange.send(request).first_answer().await
    };
    time::timeout(timeout, answer).await.unwrap_or(Err(NetError::Timeout))
}

fn problem(error: &NetError, timeout: Duration) -> NameProblem {
    let unreachable = |reason: String| NameProblem::Unreachable { reason };
    match error {
        NetError::Timeout => unreachable(format!("no answer within {timeout:?}")),
        NetError::Io(error) => unreachable(escape::in_comment(&error.to_string())),
        NetError::Proto(error) => message::invalid(&error.to_string()),
        other => unreachable(escape::in_comment(&other.to_string())),
    }
}
