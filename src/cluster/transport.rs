//! Whether others on the network path can read the requests, or answer them.

use std::net::IpAddr;

use kube::config::{AuthInfo, Cluster};

/// A setting of the kubeconfig or a flag that lets others read or change the traffic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Insecurity {
    /// `insecure-skip-tls-verify`.
    #[error(
        "the certificate of the API server is not checked: others on the network can read the credentials and change every answer"
    )]
    UncheckedCertificate,
    /// An `http://` address of another machine, together with credentials.
    #[error(
        "the credentials are sent to the API server over plain HTTP: others on the network can read them"
    )]
    PlainHttp,
}

impl Insecurity {
    /// Returns what to do about it.
    pub fn hint(self) -> &'static str {
        match self {
            Self::UncheckedCertificate => {
                "set `certificate-authority` in the kubeconfig, and remove `insecure-skip-tls-verify`"
            }
            Self::PlainHttp => "use an https:// address, and create new credentials: others may know these",
        }
    }

    /// Returns what is insecure about the connection to an address. Requests to this machine do not leave it.
    pub(super) fn of(address: &http::Uri, cluster: &Cluster, user: &AuthInfo) -> Vec<Self> {
        if address.scheme_str() != Some("http") {
            let is_unchecked = cluster.insecure_skip_tls_verify == Some(true);
            return is_unchecked.then_some(Self::UncheckedCertificate).into_iter().collect();
        }
        let is_plain = has_credentials(user) && !is_this_machine(address.host().unwrap_or_default());
        is_plain.then_some(Self::PlainHttp).into_iter().collect()
    }
}

/// Returns whether a request carries something that can be read and used again. Client certificates do not: they need TLS.
fn has_credentials(user: &AuthInfo) -> bool {
    user.token.is_some()
        || user.token_file.is_some()
        || user.password.is_some()
        || user.exec.is_some()
        || user.auth_provider.is_some()
}

fn is_this_machine(host: &str) -> bool {
    let ip = host.trim_matches(['[', ']']).parse::<IpAddr>();
    host.eq_ignore_ascii_case("localhost") || ip.is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn others_on_the_network_can_read() {
        let token = AuthInfo { token: Some("t".into()), ..AuthInfo::default() };
        let certificate = AuthInfo { client_certificate: Some("a.crt".into()), ..AuthInfo::default() };
        let found = |address: &str, skip: bool, user: &AuthInfo| {
            let cluster = Cluster { insecure_skip_tls_verify: Some(skip), ..Cluster::default() };
            Insecurity::of(&address.parse().unwrap(), &cluster, user)
        };
        for (address, skip, user, expected) in [
            ("https://a.example", false, &token, vec![]),
            ("https://a.example", true, &token, vec![Insecurity::UncheckedCertificate]),
            ("https://a.example", true, &AuthInfo::default(), vec![Insecurity::UncheckedCertificate]),
            ("http://a.example:8080", true, &token, vec![Insecurity::PlainHttp]),
            ("http://a.example:8080", false, &AuthInfo::default(), vec![]),
            ("http://a.example:8080", false, &certificate, vec![]),
            ("http://127.0.0.1:8080", false, &token, vec![]),
            ("http://[::1]:8080", false, &token, vec![]),
            ("http://LocalHost", false, &token, vec![]),
            ("http://127.0.0.1.example", false, &token, vec![Insecurity::PlainHttp]),
        ] {
            assert_eq!(found(address, skip, user), expected, "{address} {skip}");
        }
    }
}
