//! Sends requests to the API server through kube directly, so that nothing here depends on the tested code.

use std::path::Path;
use std::sync::OnceLock;
use std::thread;
use std::time::Duration;

use http::Request;
use kube::client::Body;
use kube::config::{AuthInfo, Kubeconfig};
use tokio::runtime::{Builder, Handle};

/// Longer than a minute, after which a hanging server reports a timeout.
const PATIENCE: Duration = Duration::from_mins(2);

/// An API server, and two clients for it.
pub(crate) struct Upstream {
    /// With the certificate of the administrator.
    admin: kube::Client,
    /// Without credentials, for requests that carry their own: a client certificate would take precedence.
    bare: kube::Client,
}

/// A response.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Upstream {
    pub(crate) fn connect(kubeconfig: &Path) -> Self {
        let kubeconfig = Kubeconfig::read_from(kubeconfig).unwrap();
        let mut config = kube::Config::try_from(kubeconfig).unwrap();
        config.proxy_url = None;
        config.default_retry = false;
        // Forward compressed responses unchanged.
        config.disable_compression = true;
        // A server that is disturbed on purpose may respond late.
        config.write_timeout = None;
        let mut anonymous = config.clone();
        anonymous.auth_info = AuthInfo::default();
        runtime().block_on(async {
            let client = |config| kube::Client::try_from(config).unwrap();
            Self { admin: client(config), bare: client(anonymous) }
        })
    }

    /// Sends a request; an error means that the connection failed.
    pub(crate) fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(String, String)],
        body: Vec<u8>,
    ) -> Result<Answer, String> {
        let named = headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("authorization"));
        let client = if named { &self.bare } else { &self.admin };
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let request = request.body(Body::from(body)).map_err(|error| error.to_string())?;
        let answer = async {
            let response = client.send(request).await.map_err(|error| error.to_string())?;
            let (head, body) = response.into_parts();
            let body = body.collect_bytes().await.map_err(|error| error.to_string())?;
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            let headers = head.headers.iter();
            Ok(Answer {
                status: head.status.as_u16(),
                headers: headers.map(|(name, value)| (name.to_string(), text(value.as_bytes()))).collect(),
                body: body.to_vec(),
            })
        };
        runtime().block_on(async {
            let answer = tokio::time::timeout(PATIENCE, answer).await;
            answer.map_err(|_| format!("{method} {path}: no response in {} s", PATIENCE.as_secs()))?
        })
    }
}

/// Returns the runtime of this process, driven by its own thread, so that any thread may wait on it.
fn runtime() -> &'static Handle {
    static RUNTIME: OnceLock<Handle> = OnceLock::new();
    RUNTIME.get_or_init(|| {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let handle = runtime.handle().clone();
        thread::spawn(move || runtime.block_on(std::future::pending::<()>()));
        handle
    })
}
