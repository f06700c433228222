//! Reasons why a request failed, shown after `cannot list nodes at https://…: `.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::core::report::plural::plural;
use crate::core::report::secret_text::redacted;
use crate::core::report::shell_quote::word;

/// Why a request has no usable response.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// No server listens at the address.
    #[error("connection refused")]
    Refused,
    /// The host name of the address does not exist.
    #[error("cannot resolve the host name")]
    Unresolved,
    /// Another failure to connect.
    #[error("cannot connect: {0}")]
    Unreachable(String),
    /// The connection ended before the response began.
    #[error("the connection was closed before the response")]
    Closed,
    /// A time limit was exceeded.
    #[error("{what} took longer than {} s", .limit.as_secs_f32())]
    TimedOut {
        /// `connecting`, `the response` or `waiting for the server`.
        what: &'static str,
        /// The limit.
        limit: Duration,
    },
    /// The server's certificate is not trusted.
    #[error("the server's certificate is not trusted ({0})")]
    Certificate(String),
    /// TLS failed for another reason.
    #[error("cannot establish a TLS connection: {0}")]
    Tls(String),
    /// The proxy failed.
    #[error("the proxy {proxy} failed: {reason}")]
    Proxy {
        /// Its address, without user name and password.
        proxy: String,
        /// The reason.
        reason: String,
    },
    /// The credentials could not be prepared, for example because a token file cannot be read or an OIDC provider
    /// fails.
    #[error("cannot get credentials: {0}")]
    Credentials(String),

    /// 401.
    #[error("unauthorized: the server rejected the credentials{whose}",
        whose = if .user.is_empty() { String::new() } else { format!(" of user `{}`", .user) })]
    Unauthorized {
        /// The user of the kubeconfig; empty if the credentials came from flags.
        user: String,
        /// The credential plugin that returned them.
        plugin: Option<String>,
    },
    /// 403.
    #[error("forbidden: {who} cannot {verb} {resource}{location}{detail}", who = who(.user.as_deref()),
        location = .namespace.as_ref().map(|name| format!(" in namespace `{name}`")).unwrap_or_default(),
        detail = after_colon(.extra))]
    Forbidden {
        /// The user, if the response contains it.
        user: Option<String>,
        /// Such as `list`.
        verb: String,
        /// Such as `nodes`.
        resource: String,
        /// The namespace, for a namespaced request.
        namespace: Option<String>,
        /// Text of the server beyond its usual sentence.
        extra: String,
    },
    /// 404.
    #[error("not found")]
    NotFound,
    /// 404: the namespace of the object.
    #[error("namespace `{0}` not found")]
    NoNamespace(String),
    /// 404: the kind, not the object.
    #[error("the server does not serve this kind")]
    NotServed,
    /// 409: other managers own fields of an apply; the paths, and the server's message for each.
    #[error("conflict: other field managers own {}", plural(.0.len(), "field"))]
    Conflicts(Vec<(String, String)>),
    /// 409: the object has changed since it was read.
    #[error("the object has been modified{}", after_colon(.0))]
    Moved(String),
    /// Every cluster has the namespace kube-system, but this server does not.
    #[error("not found, so this is not a Kubernetes cluster")]
    NoCluster,
    /// 429, 503 or 504.
    #[error("the server is busy (status {code}{detail})", detail = after_colon(.message))]
    Busy {
        /// The status.
        code: u16,
        /// The server's message.
        message: String,
        /// The server's `Retry-After`.
        retry_after: Option<Duration>,
    },
    /// 410: the list is too old.
    #[error("the list expired during reading")]
    Expired,
    /// Any other error status.
    #[error("the server returned status {code}{detail}", detail = after_colon(.message))]
    Rejected {
        /// The status.
        code: u16,
        /// `reason` of the Status.
        reason: String,
        /// The server's message.
        message: String,
    },
    /// Retries did not help within the time limit.
    #[error("{last}; gave up after {tries} tries in {} s", .after.as_secs())]
    GaveUp {
        /// Number of tries.
        tries: u32,
        /// Time since the first try.
        after: Duration,
        /// The failure of the last try.
        last: Box<Problem>,
    },

    /// The user interrupted the program twice.
    #[error("interrupted; the result is unknown")]
    Interrupted,
    /// A web page.
    #[error("received a web page instead of JSON (status {code})")]
    WebPage {
        /// The status.
        code: u16,
    },
    /// A redirect.
    #[error("the server redirects to {to}")]
    Redirect {
        /// The host of the redirect.
        to: String,
    },
    /// Something that is not JSON.
    #[error("the response is not JSON (status {code}{detail})", detail = after_colon(.beginning))]
    NotJson {
        /// The status.
        code: u16,
        /// The first line of a short text; otherwise empty.
        beginning: String,
    },
    /// JSON of another kind.
    #[error("the response is {kind}, expected a {wanted}")]
    WrongKind {
        /// Such as ``a `PodList` ``.
        kind: String,
        /// Such as `NodeList`.
        wanted: String,
    },
    /// JSON of the right kind with a field of a wrong type.
    #[error("the response is invalid: {0}")]
    Invalid(String),
    /// The response ended early.
    #[error("the response was truncated after {bytes} bytes")]
    CutOff {
        /// Number of bytes received.
        bytes: usize,
    },
    /// No content.
    #[error("the response is empty (status {code})")]
    Empty {
        /// The status.
        code: u16,
    },
    /// `Content-Encoding` does not match the content.
    #[error("cannot decompress the response: it is not valid gzip")]
    Packing,
    /// The response exceeds the size limit.
    #[error("the response is larger than {} MiB", .limit >> 20)]
    TooLarge {
        /// The limit in bytes.
        limit: usize,
    },
    /// The list exceeds the item limit.
    #[error("the list does not end: {items} items and still more")]
    Endless {
        /// Number of items received.
        items: usize,
    },
}

/// Text of the server about a webhook that it could not reach.
const WEBHOOK_DOWN: &str = "failed calling webhook";

/// Text of the server about an applied object that does not fit its schema (`fieldmanager/structuredmerge.go`).
const UNREADABLE: &[&str] = &["failed to create typed patch object", "failed to convert new object"];

impl Problem {
    /// Returns the problem without the values of Secrets in the texts of the server.
    pub(super) fn redacted(mut self, values: &BTreeSet<String>) -> Self {
        match &mut self {
            Self::Rejected { reason, message, .. } => {
                *reason = redacted(reason, values);
                *message = redacted(message, values);
            }
            Self::Moved(text)
            | Self::Forbidden { extra: text, .. }
            | Self::Busy { message: text, .. }
            | Self::NotJson { beginning: text, .. } => *text = redacted(text, values),
            Self::Conflicts(causes) => causes.iter_mut().for_each(|(_, text)| *text = redacted(text, values)),
            _ => {}
        }
        self
    }

    /// Returns whether admission rejected the request or failed: the object itself may be valid.
    pub fn is_of_admission(&self) -> bool {
        let Self::Rejected { message, .. } = self else { return false };
        [WEBHOOK_DOWN, " denied the request", " denied request"].iter().any(|words| message.contains(words))
    }

    /// Returns whether the server could not call a webhook, which says nothing about the object.
    pub fn is_of_unreachable_webhook(&self) -> bool {
        matches!(self, Self::Rejected { message, .. } if message.contains(WEBHOOK_DOWN))
    }

    /// Returns whether the server cannot read the object of an apply. It reports that as its own error, with status 500.
    pub fn is_of_input(&self) -> bool {
        let Self::Rejected { message, .. } = self else { return false };
        UNREADABLE.iter().any(|words| message.contains(words))
    }

    /// Returns whether the server is unreachable, or did not respond within the limits.
    pub fn is_out_of_reach(&self) -> bool {
        match self {
            Self::GaveUp { last, .. } => last.is_out_of_reach(),
            Self::Refused
            | Self::Unresolved
            | Self::Unreachable(_)
            | Self::Closed
            | Self::TimedOut { .. }
            | Self::Busy { .. }
            | Self::Unauthorized { .. } => true,
            _ => false,
        }
    }

    /// Returns whether the server may have executed the request before the response was lost.
    pub fn is_uncertain(&self) -> bool {
        match self {
            Self::GaveUp { last, .. } => last.is_uncertain(),
            // The server calls its webhooks before it stores anything.
            Self::Rejected { code: 500, message, .. } if message.contains(WEBHOOK_DOWN) => false,
            Self::Rejected { .. } if self.is_of_input() => false,
            Self::Closed
            | Self::Interrupted
            | Self::TimedOut { .. }
            | Self::CutOff { .. }
            | Self::Empty { .. }
            | Self::WebPage { .. }
            | Self::NotJson { .. }
            | Self::Invalid(_)
            | Self::Packing
            | Self::Busy { code: 504, .. }
            | Self::Rejected { code: 500 | 502, .. } => true,
            _ => false,
        }
    }

    /// Returns a hint, if there is one.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Refused | Self::Unreachable(_) | Self::Closed => {
                "check that the server is running and that this is its address; a tunnel or VPN may be down"
            }
            Self::Unresolved => "check the server's address; a VPN may be down",
            Self::TimedOut { what: "connecting", .. } => {
                "a firewall may block the connection, or a VPN may be down"
            }
            Self::TimedOut { .. } => "use a longer --request-timeout",
            Self::Certificate(_) => {
                "name its certificate authority with --certificate-authority, or the name in the certificate with --tls-server-name"
            }
            Self::Tls(reason)
                if reason.contains("InvalidContentType") || reason.contains("handshake eof") =>
            {
                "the server may not use TLS: try http:// in its address"
            }
            Self::Proxy { .. } => {
                "check --proxy-url, `proxy-url` of the kubeconfig, HTTPS_PROXY and NO_PROXY"
            }
            Self::Unauthorized { plugin: Some(plugin), .. } => {
                return Some(format!("they may have expired: log in again for `{plugin}`"));
            }
            Self::Unauthorized { .. } => "they may have expired: log in again, or get a new kubeconfig",
            Self::Forbidden { verb, resource, namespace, .. } => {
                let location =
                    namespace.as_ref().map(|name| format!(" -n {}", word(name))).unwrap_or_default();
                return Some(format!(
                    "ask for a role that allows it; check with `kubectl auth can-i {} {}{location}`",
                    word(verb),
                    word(resource)
                ));
            }
            Self::Busy { retry_after: Some(after), .. } => {
                return Some(format!("the server asks to try again in {} s", after.as_secs()));
            }
            Self::Interrupted => "run the command again; it skips what is already done",
            Self::Busy { .. } | Self::Expired => "try again later",
            Self::GaveUp { last, .. } => return last.hint(),
            Self::NotJson { beginning, .. } if beginning.contains("HTTP request to an HTTPS server") => {
                "the server uses TLS: write https:// in its address"
            }
            Self::WebPage { .. }
            | Self::Redirect { .. }
            | Self::NotJson { .. }
            | Self::WrongKind { .. }
            | Self::Invalid(_)
            | Self::Empty { .. } => {
                "check that this is the address of the API server, and check proxies between you and the server"
            }
            Self::CutOff { .. } => "try again; a proxy may limit the size or duration of responses",
            Self::Packing => "try --disable-compression",
            Self::NotFound
            | Self::Conflicts(_)
            | Self::Moved(_)
            | Self::Rejected { .. }
            | Self::Tls(_)
            | Self::Credentials(_) => return None,
            Self::NoNamespace(name) => {
                return Some(format!(
                    "create it (`kubectl create namespace {}`), or add it to the manifests",
                    word(name)
                ));
            }
            Self::NotServed => "install its CustomResourceDefinition, or check the apiVersion",
            Self::NoCluster | Self::TooLarge { .. } | Self::Endless { .. } => {
                "check that this is the address of the API server"
            }
        };
        Some(hint.into())
    }
}

fn who(user: Option<&str>) -> String {
    user.map_or_else(|| "this user".into(), |user| format!("user `{user}`"))
}

fn after_colon(text: &str) -> String {
    if text.is_empty() { String::new() } else { format!(": {text}") }
}
