//! Connections to the ports of load balancers.

use std::cell::Cell;
use std::time::Instant;

// A module of this crate has the same name as the one in std.
use ::core::net::SocketAddr;
use futures_util::StreamExt;
use futures_util::stream;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::core::probe::check::{Check, Connection, Step, Tried, Trouble};
use crate::network::outcome::{Once, trouble_of};
use crate::network::tls::Client;
use crate::network::{http, udp};

/// Connections at the same time: macOS allows 256 open files by default.
const CONCURRENCY: usize = 128;

/// Makes connections, many at the same time. The ports of an address are next to each other, so that an address which drops
/// everything costs its time limit once.
pub(super) async fn all<T>(connections: Vec<(T, Connection)>, tls: &Client) -> Vec<(T, Tried)> {
    let one = |(tag, connection): (T, Connection)| async move {
        let tried = try_often(&connection, tls).await;
        (tag, tried)
    };
    stream::iter(connections.into_iter().map(one)).buffer_unordered(CONCURRENCY).collect().await
}

/// Connects as often as wanted, one connection after the other. Ends early if nothing comes back at all.
async fn try_often(connection: &Connection, tls: &Client) -> Tried {
    let mut tried = Tried::default();
    while tried.count < connection.count {
        let began = Instant::now();
        let Once { result, certificate } = once(connection, tls).await;
        tried.count += 1;
        tried.certificate = certificate.or(tried.certificate);
        match result {
            Ok(()) => {
                let latency = began.elapsed();
                tried.latency = Some(tried.latency.map_or(latency, |fastest| fastest.min(latency)));
            }
            Err(trouble) => {
                tried.failed += 1;
                let is_away = trouble.may_be_the_network() && tried.failed == tried.count;
                tried.trouble = Some(trouble);
                if is_away {
                    break;
                }
            }
        }
    }
    tried
}

async fn once(connection: &Connection, tls: &Client) -> Once {
    let step = Cell::new(Step::Connect);
    match timeout(connection.timeout, check(connection, tls, &step)).await {
        Ok(once) => once,
        Err(_) => Once::of(Err(Trouble::TimedOut { step: step.get(), limit: connection.timeout })),
    }
}

async fn check(connection: &Connection, tls: &Client, step: &Cell<Step>) -> Once {
    let socket = SocketAddr::new(connection.address, connection.port);
    if let Check::Udp { payload, reply } = &connection.check {
        step.set(Step::Reply);
        return Once::of(udp::exchange(socket, payload, reply, connection.timeout).await);
    }
    let stream = match TcpStream::connect(socket).await {
        Ok(stream) => stream,
        Err(error) => return Once::of(Err(trouble_of(&error, Step::Connect))),
    };
    match &connection.check {
        Check::Tcp | Check::Udp { .. } => Once::of(Ok(())),
        Check::Tls(name) => {
            step.set(Step::Handshake);
            tls.handshake(stream, connection.address, name, &[]).await.1
        }
        Check::Http(request) => match &request.tls {
            None => {
                step.set(Step::Response);
                Once::of(http::get(stream, socket, request).await)
            }
            Some(name) => {
                step.set(Step::Handshake);
                let (stream, shaken) = tls.handshake(stream, connection.address, name, &[b"http/1.1"]).await;
                let Some(stream) = stream.filter(|_| shaken.result.is_ok()) else { return shaken };
                step.set(Step::Response);
                Once { result: http::get(stream, socket, request).await, ..shaken }
            }
        },
    }
}
