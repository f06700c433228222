//! A payload over UDP and its reply.

use std::time::Duration;

// A module of this crate has the same name as the one in std.
use ::core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use tokio::net::UdpSocket;
use tokio::time::timeout;

use crate::core::probe::check::{Step, Trouble};
use crate::network::outcome::trouble_of;

/// The payload is sent this often within the time limit, because a datagram may be lost.
const SENT: u32 = 3;

/// The largest reply that is read, in bytes.
const MAX_REPLY: usize = 65_536;

/// Sends a payload and waits for a reply that contains some bytes.
pub(super) async fn exchange(
    to: SocketAddr,
    payload: &[u8],
    wanted: &[u8],
    limit: Duration,
) -> Result<(), Trouble> {
    let any = match to {
        SocketAddr::V4(_) => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        SocketAddr::V6(_) => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
    };
    let trouble = |error| trouble_of(&error, Step::Reply);
    let socket = UdpSocket::bind((any, 0)).await.map_err(trouble)?;
    // Only replies of this address and port are received then.
    socket.connect(to).await.map_err(trouble)?;
    let mut reply = vec![0; MAX_REPLY];
    let mut other = None;
    for _ in 0..SENT {
        socket.send(payload).await.map_err(trouble)?;
        match timeout(limit / (SENT + 1), socket.recv(&mut reply)).await {
            Ok(Ok(length)) if contains(&reply[..length], wanted) => return Ok(()),
            Ok(Ok(bytes)) => other = Some(Trouble::OtherReply { bytes }),
            Ok(Err(error)) => return Err(trouble_of(&error, Step::Reply)),
            Err(_) => {}
        }
    }
    Err(other.unwrap_or(Trouble::TimedOut { step: Step::Reply, limit }))
}

fn contains(reply: &[u8], wanted: &[u8]) -> bool {
    !wanted.is_empty() && reply.windows(wanted.len()).any(|window| window == wanted)
}
