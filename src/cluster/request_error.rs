//! What came instead of an answer. Each stands behind `cannot list nodes at https://…: `.

use std::time::Duration;

use crate::core::report::plural::plural;

/// Why a request has no usable answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// Nobody listens there.
    #[error("the connection was refused")]
    Refused,
    /// The host of the address is unknown.
    #[error("the host name cannot be resolved")]
    Unresolved,
    /// Another failure to connect.
    #[error("no connection: {0}")]
    Unreachable(String),
    /// The connection ended before an answer began.
    #[error("the connection ended before an answer came")]
    Closed,
    /// It took too long.
    #[error("{what} took longer than {} s", .limit.as_secs_f32())]
    TimedOut {
        /// `connecting`, `the answer` or `waiting for the server`.
        what: &'static str,
        /// The limit.
        limit: Duration,
    },
    /// The server's certificate is not to be trusted.
    #[error("the server's certificate is not trusted ({0})")]
    Certificate(String),
    /// TLS failed for another reason.
    #[error("no TLS connection: {0}")]
    Tls(String),
    /// The proxy on the way failed.
    #[error("the proxy {proxy} failed: {reason}")]
    Proxy {
        /// Its address, without a password.
        proxy: String,
        /// What went wrong.
        reason: String,
    },
    /// The credentials could not be made ready, such as a token file that cannot be read or a failing OIDC provider.
    #[error("no credentials: {0}")]
    Credentials(String),

    /// 401.
    #[error("the credentials{whose} were not accepted",
        whose = if .user.is_empty() { String::new() } else { format!(" of user `{}`", .user) })]
    Unauthorized {
        /// The user of the kubeconfig; empty if the credentials came from flags.
        user: String,
        /// The credential plugin that made them.
        plugin: Option<String>,
    },
    /// 403.
    #[error("{who} may not {verb} {resource}{location}{said}", who = who(.user.as_deref()),
        location = .namespace.as_ref().map(|name| format!(" in namespace `{name}`")).unwrap_or_default(),
        said = behind_colon(.extra))]
    Forbidden {
        /// The user, if the server says.
        user: Option<String>,
        /// Such as `list`.
        verb: String,
        /// Such as `nodes`.
        resource: String,
        /// The namespace, if it is about one.
        namespace: Option<String>,
        /// What the server says beyond its usual sentence.
        extra: String,
    },
    /// 404.
    #[error("there is none")]
    NotFound,
    /// 404: the namespace that it should be in.
    #[error("there is no namespace `{0}`")]
    NoNamespace(String),
    /// 404: the kind, not the object.
    #[error("the server does not know this kind")]
    NotServed,
    /// 409: fields of an apply belong to others; the paths, and what the server says of each.
    #[error("others manage {}", plural(.0.len(), "field"))]
    Conflicts(Vec<(String, String)>),
    /// 409: the object is not any more what it was.
    #[error("the object has changed meanwhile{}", behind_colon(.0))]
    Moved(String),
    /// Every cluster has the namespace kube-system, and this server has not.
    #[error("there is none, so this is not a Kubernetes cluster")]
    NoCluster,
    /// 429, 503 or 504.
    #[error("the server is busy (status {code}{said})", said = behind_colon(.message))]
    Busy {
        /// The status.
        code: u16,
        /// What it says.
        message: String,
        /// When it wants to be asked again.
        retry_after: Option<Duration>,
    },
    /// 410: what was being read is too old.
    #[error("the list expired while it was read")]
    Expired,
    /// Any other answer that is not a success.
    #[error("the server answered with status {code}{said}", said = behind_colon(.message))]
    Rejected {
        /// The status.
        code: u16,
        /// `reason` of the Status.
        reason: String,
        /// What it says.
        message: String,
    },
    /// It was tried again until the time was over.
    #[error("{last}; gave up after {tries} tries in {} s", .after.as_secs())]
    GaveUp {
        /// How often.
        tries: u32,
        /// Since the first try.
        after: Duration,
        /// How the last try failed.
        last: Box<Problem>,
    },

    /// Somebody wanted the program to end, and to end at once.
    #[error("interrupted: nobody waited for the answer")]
    Interrupted,
    /// A web page.
    #[error("a web page came instead of JSON (status {code})")]
    WebPage {
        /// The status.
        code: u16,
    },
    /// Another address to ask.
    #[error("it redirects to {to}")]
    Redirect {
        /// The host that it redirects to.
        to: String,
    },
    /// Something that is not JSON.
    #[error("the answer is not JSON (status {code}{said})", said = behind_colon(.beginning))]
    NotJson {
        /// The status.
        code: u16,
        /// The first line of a short text; empty for anything else.
        beginning: String,
    },
    /// JSON, but not what was asked for.
    #[error("the answer is {kind}, not a {wanted}")]
    WrongKind {
        /// Such as ``a `PodList` ``.
        kind: String,
        /// Such as `NodeList`.
        wanted: String,
    },
    /// The answer ended early.
    #[error("the answer was cut off after {bytes} bytes")]
    CutOff {
        /// What had come.
        bytes: usize,
    },
    /// Nothing at all.
    #[error("the answer is empty (status {code})")]
    Empty {
        /// The status.
        code: u16,
    },
    /// It says that it is compressed and is not, or the reverse.
    #[error("the answer cannot be unpacked: it is not the gzip that it says it is")]
    Packing,
    /// More than anyone would send.
    #[error("the answer is larger than {} MiB", .limit >> 20)]
    TooLarge {
        /// The limit in bytes.
        limit: usize,
    },
    /// Pages without end.
    #[error("the list does not end: {items} items and still more")]
    Endless {
        /// What had come.
        items: usize,
    },
}

/// What the server says of a webhook that it could not ask.
const WEBHOOK_DOWN: &str = "failed calling webhook";

impl Problem {
    /// Whether admission refused it, or could not be asked: the object itself may be right.
    pub fn is_of_admission(&self) -> bool {
        let Self::Rejected { message, .. } = self else { return false };
        [WEBHOOK_DOWN, " denied the request", " denied request"].iter().any(|words| message.contains(words))
    }

    /// Whether the server was not there at all, or did not answer for as long as we wait.
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

    /// Whether the server may have done what it was asked before the answer was lost.
    pub fn is_uncertain(&self) -> bool {
        match self {
            Self::GaveUp { last, .. } => last.is_uncertain(),
            // The server asks its webhooks before it stores anything.
            Self::Rejected { code: 500, message, .. } if message.contains(WEBHOOK_DOWN) => false,
            Self::Closed
            | Self::Interrupted
            | Self::TimedOut { .. }
            | Self::CutOff { .. }
            | Self::Empty { .. }
            | Self::WebPage { .. }
            | Self::NotJson { .. }
            | Self::Packing
            | Self::Busy { code: 504, .. }
            | Self::Rejected { code: 500 | 502, .. } => true,
            _ => false,
        }
    }

    /// What to do about it, where that is known.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Refused | Self::Unreachable(_) | Self::Closed => {
                "is the server running, and is this its address? A tunnel or VPN may be down"
            }
            Self::Unresolved => "check the server's address; a VPN may be down",
            Self::TimedOut { what: "connecting", .. } => "a firewall may be in the way, or a VPN down",
            Self::TimedOut { .. } => "give it more time with --request-timeout",
            Self::Certificate(_) => {
                "name the authority that signed it with --certificate-authority, or the name in it with --tls-server-name"
            }
            Self::Tls(reason)
                if reason.contains("InvalidContentType") || reason.contains("handshake eof") =>
            {
                "the server may not speak TLS: try http:// in its address"
            }
            Self::Proxy { .. } => {
                "check --proxy-url, `proxy-url` of the kubeconfig, HTTPS_PROXY and NO_PROXY"
            }
            Self::Unauthorized { plugin: Some(plugin), .. } => {
                return Some(format!("they may have expired: log in again for `{plugin}`"));
            }
            Self::Unauthorized { .. } => "they may have expired: log in again, or fetch a new kubeconfig",
            Self::Forbidden { verb, resource, namespace, .. } => {
                let location = namespace.as_ref().map(|name| format!(" -n {name}")).unwrap_or_default();
                return Some(format!(
                    "ask for a role that allows it; `kubectl auth can-i {verb} {resource}{location}` tells"
                ));
            }
            Self::Busy { retry_after: Some(after), .. } => {
                return Some(format!("the server asks to try again in {} s", after.as_secs()));
            }
            Self::Interrupted => "run it again: what is done already is left alone",
            Self::Busy { .. } | Self::Expired => "try again later",
            Self::GaveUp { last, .. } => return last.hint(),
            Self::NotJson { beginning, .. } if beginning.contains("HTTP request to an HTTPS server") => {
                "the server speaks TLS: write https:// in its address"
            }
            Self::WebPage { .. }
            | Self::Redirect { .. }
            | Self::NotJson { .. }
            | Self::WrongKind { .. }
            | Self::Empty { .. } => "is this the API server? Check its address and the proxies on the way",
            Self::CutOff { .. } => "try again; a proxy on the way may limit the size or duration of answers",
            Self::Packing => "try --disable-compression",
            Self::NotFound
            | Self::Conflicts(_)
            | Self::Moved(_)
            | Self::Rejected { .. }
            | Self::Tls(_)
            | Self::Credentials(_) => return None,
            Self::NoNamespace(name) => {
                return Some(format!(
                    "create it (`kubectl create namespace {name}`), or add it to the manifests"
                ));
            }
            Self::NotServed => "install what brings it (a CustomResourceDefinition), or check the apiVersion",
            Self::NoCluster | Self::TooLarge { .. } | Self::Endless { .. } => {
                "is this the API server? Check its address"
            }
        };
        Some(hint.into())
    }
}

fn who(user: Option<&str>) -> String {
    user.map_or_else(|| "this user".into(), |user| format!("user `{user}`"))
}

fn behind_colon(text: &str) -> String {
    if text.is_empty() { String::new() } else { format!(": {text}") }
}
