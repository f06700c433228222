//! kubectl's flags for choosing a cluster and a user, with kubectl's names and meaning.

use std::convert::Infallible;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueHint};
use secrecy::SecretString;

/// Which cluster, as which user. `Debug` does not show token and password.
//
// In `-h` stand the flags that are used every day, in `--help` all of them.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Cluster")]
pub struct ClusterFlags {
    /// The kubeconfig file [default: those of KUBECONFIG, or ~/.kube/config]
    #[arg(long, global = true, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub kubeconfig: Option<PathBuf>,

    /// The context of the kubeconfig [default: the current one]
    #[arg(long, global = true, value_name = "NAME")]
    pub context: Option<String>,

    /// The namespace [default: that of the context]
    #[arg(long, short, global = true, value_name = "NAME")]
    pub namespace: Option<String>,

    /// The cluster of the kubeconfig, instead of the context's
    #[arg(long, global = true, value_name = "NAME", hide_short_help = true)]
    pub cluster: Option<String>,

    /// The user of the kubeconfig, instead of the context's
    #[arg(long, global = true, value_name = "NAME", hide_short_help = true)]
    pub user: Option<String>,

    /// Act as another user: a name, or `system:serviceaccount:NAMESPACE:NAME`
    #[arg(long = "as", global = true, value_name = "USER", hide_short_help = true)]
    pub impersonate: Option<String>,

    /// Act as a member of a group; may be repeated
    #[arg(long = "as-group", global = true, value_name = "GROUP", hide_short_help = true)]
    pub impersonate_groups: Vec<String>,

    /// Act as the user with this UID
    #[arg(long = "as-uid", global = true, value_name = "UID", hide_short_help = true)]
    pub impersonate_uid: Option<String>,

    /// How long one request may take, such as 30, 30s, 1m or 1h30m; 0 is for ever
    #[arg(long, global = true, value_name = "DURATION", value_parser = parse_timeout, hide_short_help = true)]
    pub request_timeout: Option<Duration>,

    /// The address of the API server
    #[arg(long, short, global = true, value_name = "URL", value_hint = ValueHint::Url, hide_short_help = true)]
    pub server: Option<String>,

    /// Bearer token for the API server. Takes the place of every other credential of the kubeconfig
    #[arg(long, global = true, value_name = "TOKEN", value_parser = secret, hide_short_help = true)]
    pub token: Option<SecretString>,

    /// User name for basic authentication, which a proxy in front of the API server may want
    #[arg(long, global = true, value_name = "NAME", requires = "password", hide_short_help = true)]
    pub username: Option<String>,

    /// Password for basic authentication
    #[arg(long, global = true, value_name = "PASSWORD", value_parser = secret, requires = "username", hide_short_help = true)]
    pub password: Option<SecretString>,

    /// Name to check the server's certificate against, instead of the host in its address
    #[arg(long, global = true, value_name = "NAME", hide_short_help = true)]
    pub tls_server_name: Option<String>,

    /// File with the certificates of the authority that signed the server's
    #[arg(long, global = true, value_name = "FILE", value_hint = ValueHint::FilePath, hide_short_help = true)]
    pub certificate_authority: Option<PathBuf>,

    /// File with the client certificate
    #[arg(long, global = true, value_name = "FILE", value_hint = ValueHint::FilePath, hide_short_help = true)]
    pub client_certificate: Option<PathBuf>,

    /// File with the key of the client certificate
    #[arg(long, global = true, value_name = "FILE", value_hint = ValueHint::FilePath, hide_short_help = true)]
    pub client_key: Option<PathBuf>,

    /// Do not check the server's certificate. Anyone on the way can then read and change everything
    #[arg(long, global = true, value_name = "BOOL", num_args = 0..=1, require_equals = true,
        default_missing_value = "true", conflicts_with = "certificate_authority", hide_short_help = true)]
    pub insecure_skip_tls_verify: Option<bool>,

    /// The proxy to the API server; kubeconfig's field `proxy-url` [default: `HTTPS_PROXY`, `NO_PROXY`]
    #[arg(long, global = true, value_name = "URL", value_hint = ValueHint::Url, hide_short_help = true)]
    pub proxy_url: Option<String>,

    /// Do not let the server compress its answers
    #[arg(long, global = true, value_name = "BOOL", num_args = 0..=1, require_equals = true,
        default_missing_value = "true", hide_short_help = true)]
    pub disable_compression: Option<bool>,

    /// Taken because kubectl has it, and not used: nothing is cached
    #[arg(long, global = true, value_name = "DIR", value_hint = ValueHint::DirPath, hide_short_help = true)]
    pub cache_dir: Option<PathBuf>,
}

#[expect(clippy::unnecessary_wraps, reason = "the form that clap asks for")]
fn secret(text: &str) -> Result<SecretString, Infallible> {
    Ok(text.into())
}

/// kubectl's `--request-timeout`: whole seconds, or a duration as Go writes it.
pub fn parse_timeout(text: &str) -> Result<Duration, String> {
    let wrong = || format!("`{text}` is no duration; write 30, 30s, 1m or 1h30m");
    if let Ok(seconds) = text.parse::<u64>() {
        return Ok(Duration::from_secs(seconds));
    }
    let mut rest = text;
    let mut total = Duration::ZERO;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').ok_or_else(wrong)?;
        let number: f64 = rest[..end].parse().map_err(|_| wrong())?;
        rest = &rest[end..];
        let end = rest.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(rest.len());
        let seconds = match &rest[..end] {
            "ms" => 0.001,
            "s" => 1.0,
            "m" => 60.0,
            "h" => 3600.0,
            _ => return Err(wrong()),
        };
        rest = &rest[end..];
        let part = Duration::try_from_secs_f64(number * seconds).map_err(|_| wrong())?;
        total = total.checked_add(part).ok_or_else(wrong)?;
    }
    if text.is_empty() { Err(wrong()) } else { Ok(total) }
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
    fn timeouts_as_kubectl_writes_them() {
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
        for text in ["", "s", "1x", "1.2.3s", "-1", "-1s", "5m3", "1 m", "99999999999999999999h"] {
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
    fn short_flags_and_repeated_groups() {
        let flags =
            parse(&["-n", "web", "-s", "https://a", "--as", "x", "--as-group=a", "--as-group=b"]).unwrap();
        assert_eq!((flags.namespace.as_deref(), flags.server.as_deref()), (Some("web"), Some("https://a")));
        assert_eq!(flags.impersonate_groups, ["a", "b"]);
    }

    #[test]
    fn secrets_do_not_show() {
        let flags = parse(&["--token", "s3cret", "--username", "u", "--password", "pa55"]).unwrap();
        let shown = format!("{flags:?}");
        assert!(!shown.contains("s3cret") && !shown.contains("pa55"), "{shown}");
    }

    #[test]
    fn a_user_name_needs_a_password() {
        assert!(parse(&["--username", "u"]).is_err());
    }
}
