//! Parses the server's address and its certificate authorities.

use anyhow::anyhow;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use kube::config::{AuthInfo, Cluster};

use crate::cluster::error::ClusterError;

/// Parses an address from the kubeconfig or `--server`. An address without a scheme is http or https by client-go's
/// rule: https if any TLS option is set (`rest.DefaultServerUrlFor`).
pub(super) fn address(text: &str, cluster: &Cluster, user: &AuthInfo) -> Result<http::Uri, ClusterError> {
    let about_tls = cluster.certificate_authority.is_some()
        || cluster.certificate_authority_data.is_some()
        || cluster.insecure_skip_tls_verify == Some(true)
        || user.client_certificate.is_some()
        || user.client_certificate_data.is_some();
    let scheme = match (text.contains("://"), about_tls) {
        (true, _) => "",
        (false, true) => "https://",
        (false, false) => "http://",
    };
    let wrong = |reason| ClusterError::Unusable {
        what: "the server's address".into(),
        reason,
        hint: "write a URL such as https://HOST:6443 in `server` of the kubeconfig's cluster or after --server",
    };
    let uri: http::Uri =
        format!("{scheme}{text}").parse().map_err(|error: http::uri::InvalidUri| wrong(error.into()))?;
    match uri.scheme_str() {
        Some("http" | "https") => Ok(uri),
        other => Err(wrong(anyhow!("it begins with {}://, expected https://", other.unwrap_or_default()))),
    }
}

/// Formats an address for messages: without user name and password, without a trailing slash.
pub(super) fn shown(uri: &http::Uri) -> String {
    let host = uri.host().unwrap_or_default();
    let port = uri.port().map(|port| format!(":{port}")).unwrap_or_default();
    format!("{}://{host}{port}{}", uri.scheme_str().unwrap_or_default(), uri.path().trim_end_matches('/'))
}

/// Parses the certificates of a PEM text into the form that kube takes.
pub(super) fn certificates(pem: &[u8], cluster: &str) -> Result<Vec<Vec<u8>>, ClusterError> {
    let wrong = |reason: &str| ClusterError::Unusable {
        what: format!("the certificate authority of cluster `{cluster}`"),
        reason: anyhow!(reason.to_owned()),
        hint: ClusterError::CORRECT,
    };
    let text = str::from_utf8(pem).map_err(|_| wrong("it is not PEM"))?;
    let mut certificates = Vec::new();
    for block in text.split("-----BEGIN CERTIFICATE-----").skip(1) {
        let (block, _) = block
            .split_once("-----END CERTIFICATE-----")
            .ok_or_else(|| wrong("a certificate in it is truncated"))?;
        let base64: String = block.split_ascii_whitespace().collect();
        certificates.push(STANDARD.decode(base64).map_err(|_| wrong("a certificate in it is not base64"))?);
    }
    if certificates.is_empty() { Err(wrong("it contains no certificates")) } else { Ok(certificates) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addressed(text: &str, cluster: &Cluster) -> String {
        address(text, cluster, &AuthInfo::default()).map_or_else(|error| error.to_string(), |uri| shown(&uri))
    }

    #[test]
    fn addresses() {
        let plain = Cluster::default();
        let tls = Cluster { insecure_skip_tls_verify: Some(true), ..Cluster::default() };
        assert_eq!(addressed("https://a.example:6443/", &plain), "https://a.example:6443");
        assert_eq!(addressed("https://rancher/k8s/clusters/c-1", &plain), "https://rancher/k8s/clusters/c-1");
        assert_eq!(addressed("localhost:8080", &plain), "http://localhost:8080");
        assert_eq!(addressed("10.0.0.1:6443", &tls), "https://10.0.0.1:6443");
        assert_eq!(addressed("https://[::1]:6443", &plain), "https://[::1]:6443");
        assert_eq!(
            addressed("ftp://a", &plain),
            "cannot use the server's address: it begins with ftp://, expected https://"
        );
        assert_eq!(
            addressed("https://a b", &plain),
            "cannot use the server's address: invalid uri character"
        );
        assert_eq!(addressed("https://user:pass@proxy:3128", &plain), "https://proxy:3128");
    }

    #[test]
    fn certificates_of_a_bundle() {
        let pem = b"# root\n-----BEGIN CERTIFICATE-----\nAAEC\nAw==\n-----END CERTIFICATE-----\n-----BEGIN CERTIFICATE-----\nBA==\n-----END CERTIFICATE-----\n";
        assert_eq!(certificates(pem, "c").unwrap(), [vec![0, 1, 2, 3], vec![4]]);
        for wrong in [
            "",
            "garbage",
            "-----BEGIN CERTIFICATE-----\nAAEC",
            "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----",
        ] {
            assert!(certificates(wrong.as_bytes(), "c").is_err(), "{wrong}");
        }
    }
}
