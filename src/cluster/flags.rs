//! kubectl's connection flags, with kubectl's names and meaning.

use std::convert::Infallible;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueHint};
use secrecy::SecretString;

use crate::core::duration::duration_of;

/// The cluster to connect to, and the user. `Debug` does not show token and password.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Cluster")]
pub struct ClusterFlags {
    /// Use this kubeconfig file [default: the files in KUBECONFIG, or ~/.kube/config]
    #[arg(long, global = true, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub kubeconfig: Option<PathBuf>,

    /// Use this context of the kubeconfig [default: the current context]
    #[arg(long, global = true, value_name = "NAME")]
    pub context: Option<String>,

    /// Use this namespace [default: the namespace of the context]
    #[arg(long, short, global = true, value_name = "NAME")]
    pub namespace: Option<String>,

    /// Use this cluster of the kubeconfig instead of the context's
    #[arg(long, global = true, value_name = "NAME")]
    pub cluster: Option<String>,

    /// Use this user of the kubeconfig instead of the context's
    #[arg(long, global = true, value_name = "NAME")]
    pub user: Option<String>,

    /// Impersonate this user: a name, or `system:serviceaccount:NAMESPACE:NAME`
    #[arg(long = "as", global = true, value_name = "USER")]
    pub impersonate: Option<String>,

    /// Impersonate this group; may be repeated
    #[arg(long = "as-group", global = true, value_name = "GROUP")]
    pub impersonate_groups: Vec<String>,

    /// Impersonate the user with this UID
    #[arg(long = "as-uid", global = true, value_name = "UID")]
    pub impersonate_uid: Option<String>,

    /// Give up on a request after this time, such as 30, 30s, 1m or 1h30m; 0 means no limit
    #[arg(long, global = true, value_name = "DURATION", value_parser = parse_timeout)]
    pub request_timeout: Option<Duration>,

    /// Connect to the API server at this address
    #[arg(long, short, global = true, value_name = "URL", value_hint = ValueHint::Url)]
    pub server: Option<String>,

    /// Authenticate with this bearer token instead of the credentials in the kubeconfig
    #[arg(long, global = true, value_name = "TOKEN", value_parser = secret)]
    pub token: Option<SecretString>,

    /// Authenticate with this user name (basic authentication, for a proxy in front of the API server)
    #[arg(long, global = true, value_name = "NAME", requires = "password")]
    pub username: Option<String>,

    /// Authenticate with this password (basic authentication)
    #[arg(long, global = true, value_name = "PASSWORD", value_parser = secret, requires = "username")]
    pub password: Option<SecretString>,

    /// Check the server's certificate against this name instead of the host in its address
    #[arg(long, global = true, value_name = "NAME")]
    pub tls_server_name: Option<String>,

    /// Trust the certificate authorities in this file
    #[arg(long, global = true, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub certificate_authority: Option<PathBuf>,

    /// Authenticate with the client certificate in this file
    #[arg(long, global = true, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub client_certificate: Option<PathBuf>,

    /// Use the private key in this file with the client certificate
    #[arg(long, global = true, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub client_key: Option<PathBuf>,

    /// Do not check the server's certificate; anyone on the network path can then read and change everything
    #[arg(long, global = true, value_name = "BOOL", num_args = 0..=1, require_equals = true,
        default_missing_value = "true", conflicts_with = "certificate_authority")]
    pub insecure_skip_tls_verify: Option<bool>,

    /// Connect through this proxy; overrides `proxy-url` in the kubeconfig [default: HTTPS_PROXY, NO_PROXY]
    #[arg(long, global = true, value_name = "URL", value_hint = ValueHint::Url)]
    pub proxy_url: Option<String>,

    /// Ask the server not to compress its responses
    #[arg(long, global = true, value_name = "BOOL", num_args = 0..=1, require_equals = true,
        default_missing_value = "true")]
    pub disable_compression: Option<bool>,

    /// Accepted for compatibility with kubectl; has no effect
    #[arg(long, global = true, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub cache_dir: Option<PathBuf>,
}

#[expect(clippy::unnecessary_wraps, reason = "clap requires a Result")]
fn secret(text: &str) -> Result<SecretString, Infallible> {
    Ok(text.into())
}

/// Parses kubectl's `--request-timeout`: whole seconds, or a duration as Go writes it.
///
/// jiff reads it, not kube: kube's parser aborts the program at `1h-5m` and at durations that are too long.
pub fn parse_timeout(text: &str) -> Result<Duration, String> {
    duration_of(text)
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Program {
        #[command(flatten)]
        cluster: ClusterFlags,
    }

    fn parse(arguments: &[&str]) -> Result<ClusterFlags, clap::Error> {
        Program::try_parse_from([&["kubectl-largescale"], arguments].concat()).map(|program| program.cluster)
    }

    #[test]
    fn timeouts_are_parsed_as_by_kubectl() {
        for (text, milliseconds) in [
            ("0", 0),
            ("30", 30_000),
            ("30s", 30_000),
            ("1m", 60_000),
            ("1h30m", 5_400_000),
            ("1.5s", 1500),
            ("0s", 0),
            ("250ms", 250),
        ] {
            assert_eq!(parse_timeout(text), Ok(Duration::from_millis(milliseconds)), "{text}");
        }
        for text in
            ["", "s", "1x", "1.2.3s", "-1", "-1s", "5m3", "1 m", "PT1H", "1h-5m", "99999999999999999999h"]
        {
            assert!(parse_timeout(text).is_err(), "{text}");
        }
    }

    #[test]
    fn switches_take_a_value_as_in_kubectl() {
        assert_eq!(parse(&[]).unwrap().insecure_skip_tls_verify, None);
        assert_eq!(parse(&["--insecure-skip-tls-verify"]).unwrap().insecure_skip_tls_verify, Some(true));
        assert_eq!(
            parse(&["--insecure-skip-tls-verify=false"]).unwrap().insecure_skip_tls_verify,
            Some(false)
        );
    }

    #[test]
    fn short_flags_and_repeated_groups_are_parsed() {
        let flags =
            parse(&["-n", "web", "-s", "https://a", "--as", "x", "--as-group=a", "--as-group=b"]).unwrap();
        assert_eq!((flags.namespace.as_deref(), flags.server.as_deref()), (Some("web"), Some("https://a")));
        assert_eq!(flags.impersonate_groups, ["a", "b"]);
    }

    #[test]
    fn debug_output_hides_secrets() {
        let flags = parse(&["--token", "s3cret", "--username", "u", "--password", "pa55"]).unwrap();
        let shown = format!("{flags:?}");
        assert!(!shown.contains("s3cret") && !shown.contains("pa55"), "{shown}");
    }

    #[test]
    fn a_user_name_needs_a_password() {
        assert!(parse(&["--username", "u"]).is_err());
    }
}
