//! Reads the name server of `--dns`.

use std::fmt;

use ::core::net::{IpAddr, Ipv6Addr, SocketAddr};

use crate::core::report::escape::in_comment;

/// The port of DNS.
pub const DNS_PORT: u16 = 53;

/// The longest DNS name, without the final dot.
const MAX_NAME: usize = 253;

/// The longest label of a DNS name.
const MAX_LABEL: usize = 63;

/// The value of `--dns`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GivenServer {
    /// The server has this address.
    Address(SocketAddr),
    /// The system resolver has to find its addresses.
    Host {
        /// The name in lower case, without the final dot.
        name: String,
        /// The port, 53 if none was given.
        port: u16,
    },
}

impl fmt::Display for GivenServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) if address.port() == DNS_PORT => address.ip().fmt(f),
            Self::Address(address) => address.fmt(f),
            Self::Host { name, port: DNS_PORT } => f.write_str(name),
            Self::Host { name, port } => write!(f, "{name}:{port}"),
        }
    }
}

/// Reads `1.1.1.1`, `::1`, `[::1]:5353`, `127.0.0.1:5353`, `ns1.example.com` or `ns1.example.com:5353`.
pub fn parse_server(text: &str) -> Result<GivenServer, String> {
    if let Ok(address) = text.parse::<IpAddr>() {
        return Ok(GivenServer::Address(SocketAddr::new(address, DNS_PORT)));
    }
    if text.contains('%') {
        return Err(invalid(text, "an IPv6 address with a network interface is not supported"));
    }
    if let Some(rest) = text.strip_prefix('[') {
        let Some((address, rest)) = rest.split_once(']') else {
            return Err(invalid(text, "`]` is missing"));
        };
        let Ok(address) = address.parse::<Ipv6Addr>() else {
            return Err(invalid(text, "the text in brackets is not an IPv6 address"));
        };
        let port = match rest.strip_prefix(':') {
            Some(port) => parse_port(text, port)?,
            None if rest.is_empty() => DNS_PORT,
            None => return Err(invalid(text, "only a port may follow `]`")),
        };
        return Ok(GivenServer::Address(SocketAddr::new(IpAddr::V6(address), port)));
    }
    if text.contains("://") {
        return Err(invalid(text, "only DNS over UDP and TCP is supported, so omit the scheme"));
    }
    let (host, port) = match text.split_once(':') {
        None => (text, DNS_PORT),
        Some((_, rest)) if rest.contains(':') => {
            return Err(invalid(text, "write an IPv6 address with a port as [2001:db8::1]:5353"));
        }
        Some((host, port)) => (host, parse_port(text, port)?),
    };
    if let Ok(address) = host.parse::<IpAddr>() {
        return Ok(GivenServer::Address(SocketAddr::new(address, port)));
    }
    let name = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
    if name.is_empty() {
        return Err(invalid(text, "the host is missing"));
    }
    // A name that ends in a number is an address with a typing error, such as 1.1.1 or 1.1.1.256.
    let is_number =
        name.rsplit('.').next().is_some_and(|last| last.bytes().all(|byte| byte.is_ascii_digit()));
    if is_number {
        return Err(invalid(text, "it is neither an IP address nor a host name"));
    }
    if name.len() > MAX_NAME || !name.split('.').all(is_label) {
        return Err(invalid(text, "the host name is not valid"));
    }
    Ok(GivenServer::Host { name, port })
}

fn parse_port(text: &str, port: &str) -> Result<u16, String> {
    // The parser of numbers also reads a sign.
    let port = if port.bytes().all(|byte| byte.is_ascii_digit()) { port.parse::<u16>().ok() } else { None };
    port.filter(|port| *port > 0).ok_or_else(|| invalid(text, "the port must be 1 to 65535"))
}

fn is_label(label: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    !label.is_empty()
        && label.len() <= MAX_LABEL
        && label.bytes().all(is_allowed)
        && !label.starts_with('-')
        && !label.ends_with('-')
}

fn invalid(text: &str, why: &str) -> String {
    let text = in_comment(text);
    format!(
        "invalid name server `{text}`: {why}; use 192.0.2.53, 192.0.2.53:5353, [2001:db8::1]:5353 or ns1.example.com"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn valid_servers() {
        for (text, address) in [
            ("1.1.1.1", "1.1.1.1:53"),
            ("127.0.0.1:5353", "127.0.0.1:5353"),
            ("::1", "[::1]:53"),
            ("[::1]", "[::1]:53"),
            ("[::1]:5353", "[::1]:5353"),
            ("2001:db8::1", "[2001:db8::1]:53"),
        ] {
            assert_eq!(parse_server(text), Ok(GivenServer::Address(address.parse().unwrap())), "{text}");
        }
        for (text, name, port) in [
            ("ns1.example.com", "ns1.example.com", 53),
            ("NS1.Example.com.", "ns1.example.com", 53),
            ("localhost:5353", "localhost", 5353),
            ("a_b.example.com", "a_b.example.com", 53),
        ] {
            assert_eq!(parse_server(text), Ok(GivenServer::Host { name: name.into(), port }), "{text}");
        }
    }

    #[test]
    fn invalid_servers_with_the_reason() {
        let long = format!("{}.example.com", "a".repeat(64));
        for (text, why) in [
            ("", "the host is missing"),
            (":53", "the host is missing"),
            (".", "the host is missing"),
            ("1.1.1.256", "neither an IP address"),
            ("1.1.1", "neither an IP address"),
            ("1.1.1.1:0", "the port must be"),
            ("1.1.1.1:65536", "the port must be"),
            ("1.1.1.1:+53", "the port must be"),
            ("1.1.1.1:", "the port must be"),
            ("fe80::1%eth0", "a network interface"),
            ("[::1", "`]` is missing"),
            ("[1.1.1.1]:53", "not an IPv6 address"),
            ("[::1]53", "only a port may follow"),
            ("2001:db8::1:5353:x", "write an IPv6 address with a port as"),
            ("https://1.1.1.1/dns-query", "omit the scheme"),
            ("a..b", "not valid"),
            ("-a.example.com", "not valid"),
            ("a b", "not valid"),
            ("*.example.com", "not valid"),
            (&long, "not valid"),
        ] {
            let error = parse_server(text).unwrap_err();
            assert!(error.contains(why), "{text}: {error}");
        }
    }
}
