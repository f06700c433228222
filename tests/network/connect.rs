//! Connections of `probe` to servers of this machine that answer, refuse, hang and lie.

mod servers;

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, TcpListener};
use std::time::{Duration, Instant};

use largescale::core::probe::StatusRanges;
use largescale::core::probe::check::{Check, Connection, Request, ServerName, Tried, Trust};
use largescale::network::connect_all;

use crate::certificates::Certificates;
use crate::connect::servers::{answers, black_hole, closes, sends_without_end, serves_tls, silent, udp_echo};

const LOCAL: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

fn connection(port: u16, check: Check) -> Connection {
    Connection { address: LOCAL, port, check, timeout: Duration::from_secs(5), count: 1 }
}

fn one(connection: Connection) -> Tried {
    let mut results = connect_all(vec![((), connection)]).unwrap();
    results.remove(0).1
}

fn http(status: &str) -> Check {
    Check::Http(Request {
        tls: None,
        host: Some("www.example.com".to_owned()),
        path: "/healthz?full=1".to_owned(),
        status: StatusRanges::of_text(status).unwrap(),
    })
}

fn tls(name: Option<&str>, trust: Trust) -> Check {
    Check::Tls(ServerName { name: name.map(str::to_owned), trust })
}

/// Returns why a connection failed; empty if it did not.
fn trouble(tried: &Tried) -> String {
    assert_eq!(tried.trouble.is_some(), tried.failed > 0, "{tried:?}");
    assert_eq!(tried.latency.is_some(), tried.failed < tried.count, "{tried:?}");
    tried.trouble.as_ref().map(ToString::to_string).unwrap_or_default()
}

#[test]
fn tcp() {
    let listener = TcpListener::bind((LOCAL, 0)).unwrap();
    let open = listener.local_addr().unwrap().port();
    assert_eq!(trouble(&one(connection(open, Check::Tcp))), "");
    let closed = {
        let listener = TcpListener::bind((LOCAL, 0)).unwrap();
        listener.local_addr().unwrap().port()
    };
    assert_eq!(trouble(&one(connection(closed, Check::Tcp))), "connection refused");
    let v6 = Ipv6Addr::LOCALHOST;
    if let Ok(listener) = TcpListener::bind((v6, 0)) {
        let port = listener.local_addr().unwrap().port();
        let of_v6 = Connection { address: v6.into(), ..connection(port, Check::Tcp) };
        assert_eq!(trouble(&one(of_v6)), "");
    }
}

#[test]
fn http_statuses() {
    let (well, requests) = answers("HTTP/1.1 204 No Content\r\n\r\n");
    assert_eq!(trouble(&one(connection(well, http("200-399")))), "");
    let request = requests.recv().unwrap();
    assert!(request.starts_with("GET /healthz?full=1 HTTP/1.1\r\n"), "{request}");
    assert!(request.contains("host: www.example.com\r\n"), "{request}");
    for secret in ["authorization", "cookie"] {
        assert!(!request.to_lowercase().contains(secret), "{request}");
    }
    let (failing, _) = answers("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n");
    assert_eq!(trouble(&one(connection(failing, http("200-399")))), "status 503, expected 200-399");
    assert_eq!(trouble(&one(connection(failing, http("503")))), "");
    // A redirect is a status; it is not followed.
    let (moved, requests) = answers("HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\n\r\n");
    assert_eq!(trouble(&one(connection(moved, http("302")))), "");
    assert!(requests.recv().is_ok() && requests.try_recv().is_err());
}

#[test]
fn servers_that_do_not_speak_http() {
    let (escapes, _) = answers("\x1b[2J\x1b]0;owned\x07 200 OK\r\n\r\n");
    let said = trouble(&one(connection(escapes, http("200"))));
    assert!(said.starts_with("the response is not HTTP: "), "{said}");
    assert!(!said.contains('\x1b'), "{said:?}");
    let closing = closes();
    let said = trouble(&one(connection(closing, http("200"))));
    assert_eq!(said, "the connection was closed while waiting for the HTTP response");
    for first in ["HTTP/1.1 200 OK\r\nX-Endless: ", "", "HTTP/1.1 200 OK\r\n\r\n"] {
        let began = Instant::now();
        let tried = one(connection(sends_without_end(first), http("200")));
        let is_answer = first.ends_with("\r\n\r\n");
        assert_eq!(tried.failed, u32::from(!is_answer), "{first:?}: {tried:?}");
        assert!(began.elapsed() < Duration::from_secs(5), "{first:?}");
    }
}

#[test]
fn servers_that_are_slow() {
    let quick = |port, check| Connection { timeout: Duration::from_millis(200), ..connection(port, check) };
    let port = silent();
    let said = trouble(&one(quick(port, http("200"))));
    assert_eq!(said, "timed out after 200ms while waiting for the HTTP response");
    let said = trouble(&one(quick(port, tls(None, Trust::AnyIssuer))));
    assert_eq!(said, "timed out after 200ms while negotiating TLS");
}

#[test]
fn an_address_that_drops_everything_costs_its_time_limit_once() {
    let (port, _full) = black_hole();
    let limit = Duration::from_millis(700);
    let dropped = Connection { timeout: limit, count: 50, ..connection(port, Check::Tcp) };
    let began = Instant::now();
    let results = connect_all((0..40).map(|tag| (tag, dropped.clone())).collect()).unwrap();
    assert!(began.elapsed() < limit * 4, "{:?}", began.elapsed());
    let mut tags: Vec<i32> = results.iter().map(|(tag, _)| *tag).collect();
    tags.sort_unstable();
    assert_eq!(tags, (0..40).collect::<Vec<_>>());
    for (_, tried) in results {
        assert_eq!((tried.count, tried.failed), (1, 1), "the next connections would only wait again");
        assert_eq!(trouble(&tried), "timed out after 700ms while connecting");
    }
}

/// The limits of the program hold for any number of addresses: with one task or one open file for each, this would fail or need
/// far more memory.
#[test]
fn ten_thousand_addresses() {
    // Nothing listens on this port, which only an administrator may open.
    let refused = |tag: u16| {
        let [third, fourth] = tag.to_be_bytes();
        let address = IpAddr::from([127, 1, third, fourth]);
        (tag, Connection { address, ..connection(1, Check::Tcp) })
    };
    let before = peak_memory();
    let results = connect_all((0..10_000).map(refused).collect()).unwrap();
    let grown = peak_memory().zip(before).map_or(0, |(after, before)| after - before);
    assert!(grown < 100_000, "{grown} kB");
    let tags: BTreeSet<u16> = results.iter().map(|(tag, _)| *tag).collect();
    assert_eq!((results.len(), tags.len()), (10_000, 10_000));
    for (tag, tried) in results {
        assert_eq!(trouble(&tried), "connection refused", "{tag}");
    }
}

/// Returns the largest memory of this process so far in kB, if the system tells it.
fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.parse().ok())
}

#[test]
fn a_share_of_the_connections_fails() {
    let port = servers::every_third_fails();
    let tried = one(Connection { count: 9, ..connection(port, http("200")) });
    assert_eq!((tried.count, tried.failed), (9, 3), "{tried:?}");
    assert_eq!(trouble(&tried), "status 503, expected 200");
}

#[test]
fn udp() {
    let check = |reply: &str| Check::Udp { payload: b"ping".to_vec(), reply: reply.as_bytes().to_vec() };
    let quick =
        |port, reply| Connection { timeout: Duration::from_millis(400), ..connection(port, check(reply)) };
    let (echo, _thread) = udp_echo();
    assert_eq!(trouble(&one(quick(echo, "pong: ping"))), "");
    assert_eq!(trouble(&one(quick(echo, "other"))), "another reply over UDP, with 10 bytes");
    let quiet = std::net::UdpSocket::bind((LOCAL, 0)).unwrap();
    let port = quiet.local_addr().unwrap().port();
    assert_eq!(trouble(&one(quick(port, "pong"))), "timed out after 400ms while waiting for the reply");
    drop(quiet);
    assert_eq!(trouble(&one(quick(port, "pong"))), "connection refused");
}

#[test]
fn a_certificate_with_terminal_escapes() {
    let evil = "\x1b[2J\x07.example.com";
    let port = serves_tls(&Certificates::new().leaf(&[evil], -1, 90));
    for (trust, fails) in [(Trust::AnyIssuer, false), (Trust::Verify, true)] {
        let tried = one(connection(port, tls(Some("www.example.com"), trust)));
        let said = trouble(&tried);
        assert_eq!(!said.is_empty(), fails, "{said:?}");
        assert!(!said.contains(char::is_control), "{said:?}");
        // The output escapes the name.
        assert_eq!(tried.certificate.unwrap().names, [evil]);
    }
}

#[test]
fn certificates() {
    let made = Certificates::new();
    let good = serves_tls(&made.leaf(&["www.example.com"], -1, 90));
    let expired = serves_tls(&made.leaf(&["www.example.com"], -90, -1));
    let early = serves_tls(&made.leaf(&["www.example.com"], 1, 90));
    let trust = Trust::AnyIssuer;
    for (port, trust, expected) in [
        (good, trust, ""),
        (good, Trust::Verify, "this system does not trust the issuer of the certificate"),
        (expired, trust, "the certificate has expired"),
        (expired, Trust::Verify, "the certificate has expired"),
        (early, trust, "the certificate is not valid yet"),
    ] {
        let tried = one(connection(port, tls(Some("www.example.com"), trust)));
        assert_eq!(trouble(&tried), expected, "{trust:?}");
        let certificate = tried.certificate.unwrap();
        assert_eq!(certificate.names, ["www.example.com"]);
        assert_eq!(certificate.issuer, "Test authority");
        assert_eq!(certificate.fingerprint.len(), 64);
    }
    let plain = closes();
    let said = trouble(&one(connection(plain, tls(None, trust))));
    assert!(said.contains("closed while negotiating TLS") || said.starts_with("TLS failed"), "{said}");
    let (http_only, _) = answers("HTTP/1.1 400 Bad Request\r\n\r\n");
    let said = trouble(&one(connection(http_only, tls(None, trust))));
    assert!(said.starts_with("TLS failed: "), "{said}");
}
