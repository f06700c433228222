//! The proxy for the server: from the kubeconfig, or from the environment by Go's rules, which kubectl uses.
//!
//! kube matches `NO_PROXY` against the proxy instead of the server, and uses a proxy for `https://127.0.0.1`.

use std::net::IpAddr;

use anyhow::anyhow;

use crate::cluster::environment::Environment;
use crate::cluster::error::ClusterError;

/// Returns the proxy for a server. A proxy from the kubeconfig or a flag is used for every server. A proxy from the
/// environment is not used for localhost and for servers that `NO_PROXY` lists.
pub(super) fn choose(
    named: Option<&str>,
    server: &http::Uri,
    environment: &Environment,
) -> Result<Option<http::Uri>, ClusterError> {
    let Some(proxy) = named.or_else(|| of_environment(server, environment)) else { return Ok(None) };
    // Like Go, treat `proxy:3128` as http://proxy:3128.
    let with_scheme = if proxy.contains("://") { proxy.to_owned() } else { format!("http://{proxy}") };
    // The address may contain a password, so messages do not show it.
    let wrong = |reason: &str| ClusterError::Unusable {
        what: "the address of the proxy".into(),
        reason: anyhow!(reason.to_owned()),
        hint: "correct `proxy-url` of the kubeconfig's cluster, HTTPS_PROXY or HTTP_PROXY",
    };
    let uri: http::Uri = with_scheme.parse().map_err(|_| wrong("invalid URL"))?;
    match uri.scheme_str() {
        Some("http" | "https" | "socks5") if uri.host().is_some() => Ok(Some(uri)),
        _ => Err(wrong("it must begin with http://, https:// or socks5://")),
    }
}

fn of_environment<'a>(server: &http::Uri, environment: &'a Environment) -> Option<&'a str> {
    let proxy = match server.scheme_str() {
        Some("http") => environment.http_proxy.as_deref(),
        _ => environment.https_proxy.as_deref(),
    };
    proxy.filter(|_| !is_exempt(server, environment.no_proxy.as_deref().unwrap_or_default()))
}

/// Implements Go's `httpproxy.Config.useProxy`.
fn is_exempt(server: &http::Uri, no_proxy: &str) -> bool {
    let host = server.host().unwrap_or_default().trim_matches(['[', ']']).to_ascii_lowercase();
    let port = server.port_u16().unwrap_or(if server.scheme_str() == Some("http") { 80 } else { 443 });
    let ip: Option<IpAddr> = host.parse().ok();
    if host == "localhost" || ip.is_some_and(|ip| ip.is_loopback()) {
        return true;
    }
    no_proxy
        .split([',', ' '])
        .map(|entry| entry.trim().to_ascii_lowercase())
        .filter(|entry| !entry.is_empty())
        .any(|entry| {
            if entry == "*" {
                return true;
            }
            if let Some(ip) = ip {
                return matches_ip(&entry, ip, port);
            }
            matches_name(&entry, &host, port)
        })
}

fn matches_ip(entry: &str, ip: IpAddr, port: u16) -> bool {
    if let Some((network, bits)) = entry.split_once('/') {
        return network
            .parse()
            .is_ok_and(|network| bits.parse().is_ok_and(|bits| same_network(ip, network, bits)));
    }
    if let Ok(address) = entry.parse::<std::net::SocketAddr>() {
        return address.ip() == ip && address.port() == port;
    }
    entry.trim_matches(['[', ']']).parse() == Ok(ip)
}

fn same_network(ip: IpAddr, network: IpAddr, bits: u32) -> bool {
    match (ip, network) {
        (IpAddr::V4(ip), IpAddr::V4(network)) if bits <= 32 => {
            (ip.to_bits() ^ network.to_bits()).leading_zeros() >= bits
        }
        (IpAddr::V6(ip), IpAddr::V6(network)) if bits <= 128 => {
            (ip.to_bits() ^ network.to_bits()).leading_zeros() >= bits
        }
        _ => false,
    }
}

/// Matches names: `example.com` matches the domain and its subdomains, `.example.com` and `*.example.com` only
/// subdomains.
fn matches_name(entry: &str, host: &str, port: u16) -> bool {
    let (name, wanted_port) = match entry.rsplit_once(':') {
        Some((name, number)) => (name, number.parse().ok()),
        None => (entry, None),
    };
    if wanted_port.is_some_and(|wanted: u16| wanted != port) {
        return false;
    }
    let name = name.strip_prefix('*').unwrap_or(name);
    match name.strip_prefix('.') {
        Some(_) => host.ends_with(name),
        None => host == name || host.strip_suffix(name).is_some_and(|before| before.ends_with('.')),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(server: &str, no_proxy: &str) -> Option<String> {
        let environment = Environment {
            https_proxy: Some("http://proxy:3128".into()),
            no_proxy: Some(no_proxy.into()),
            ..Environment::default()
        };
        choose(None, &server.parse().unwrap(), &environment).unwrap().map(|uri| uri.to_string())
    }

    #[test]
    fn no_proxy_is_about_the_server() {
        for (server, no_proxy) in [
            ("https://127.0.0.1:6443", ""),
            ("https://localhost", ""),
            ("https://[::1]:6443", ""),
            ("https://api.example.com", "*"),
            ("https://api.example.com", "example.com"),
            ("https://API.example.com", "a, Example.com,,"),
            ("https://api.example.com", ".example.com"),
            ("https://api.example.com", "*.example.com"),
            ("https://api.example.com:6443", "example.com:6443"),
            ("https://10.1.2.3", "10.0.0.0/8"),
            ("https://10.1.2.3", "10.1.2.3"),
            ("https://10.1.2.3:6443", "10.1.2.3:6443"),
            ("https://[fd00::5]", "fd00::/8"),
        ] {
            assert_eq!(chosen(server, no_proxy), None, "{server} {no_proxy}");
        }
        for (server, no_proxy) in [
            ("https://api.example.com", ""),
            ("https://proxied.com", "proxy"),
            ("https://example.com", ".example.com"),
            ("https://badexample.com", "example.com"),
            ("https://api.example.com", "example.com:6443"),
            ("https://11.1.2.3", "10.0.0.0/8"),
            ("https://10.1.2.3", "10.0.0.0/99,fd00::/8"),
            ("https://10.1.2.3", "10.1.2.3:6443"),
        ] {
            assert_eq!(
                chosen(server, no_proxy).as_deref(),
                Some("http://proxy:3128/"),
                "{server} {no_proxy}"
            );
        }
    }

    #[test]
    fn a_named_proxy_is_used_for_every_server() {
        let none = Environment { no_proxy: Some("*".into()), ..Environment::default() };
        let server = "https://127.0.0.1".parse().unwrap();
        let chosen = |named| choose(Some(named), &server, &none).map(|uri| uri.map(|uri| uri.to_string()));
        assert_eq!(chosen("socks5://p:1080").unwrap().as_deref(), Some("socks5://p:1080/"));
        assert_eq!(chosen("p:3128").unwrap().as_deref(), Some("http://p:3128/"));
        for wrong in ["ftp://u:s3cret@p", "http://u:s3cret@p p"] {
            let error = chosen(wrong).unwrap_err().to_string();
            assert!(error.contains("proxy") && !error.contains("s3cret"), "{error}");
        }
    }

    #[test]
    fn http_servers_have_a_proxy_of_their_own() {
        let environment =
            Environment { https_proxy: Some("http://proxy:3128".into()), ..Environment::default() };
        assert_eq!(choose(None, &"http://api.example.com".parse().unwrap(), &environment).unwrap(), None);
    }
}
