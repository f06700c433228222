//! A proxy for the API server that injects faults: HTTP on loopback for the client, forwarded to the real server.
//!
//! A request without credentials is sent as the administrator, so clients need none, and can impersonate any user
//! with `--as`. Watches do not work: a response is forwarded when it is complete.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use std::{fs, thread};

use serde_json::Value;

use crate::control_plane::ControlPlane;
use crate::fake_server::{FakeServer, Framing, Reply, Seen};
use crate::upstream::{Answer, Upstream};

/// What happens to a request.
#[derive(Clone, Debug)]
pub(crate) enum Fault {
    Pass,
    /// The proxy answers with this; the server does not receive the request.
    Answer(Reply),
    /// The connection closes without a response; the server does not receive the request.
    ResetBefore,
    /// The server executes the request; the connection closes without a response.
    ResetAfter,
    /// The server executes the request; the connection closes after this many bytes of the response body.
    Truncate(usize),
    /// The proxy waits, then forwards the request.
    Delay(Duration),
}

/// A request as the client sent it.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    /// Its number, from 0, in the order of arrival.
    pub(crate) number: usize,
    pub(crate) method: String,
    /// The path without the query.
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    /// The number of its connection, from 0.
    pub(crate) connection: usize,
    /// The status that the client received; `None` if it received none, or not yet.
    pub(crate) status: Option<u16>,
}

impl Sent {
    fn new(number: usize, seen: &Seen) -> Self {
        let (method, target) = seen.line.split_once(' ').unwrap_or((&seen.line, ""));
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        Self {
            number,
            method: method.to_owned(),
            path: path.to_owned(),
            query: query.to_owned(),
            headers: seen.headers.clone(),
            body: seen.body.clone(),
            connection: seen.connection,
            status: None,
        }
    }

    /// Returns whether it has this method, and this text in its path: `("PATCH", "/services/")`.
    pub(crate) fn is(&self, method: &str, path: &str) -> bool {
        self.method == method && self.path.contains(path)
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| &**value)
    }

    /// Returns the body; null if it is not JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

pub(crate) struct Proxy {
    server: FakeServer,
    log: Arc<Log>,
    fault: Arc<Mutex<Decide>>,
}

type Decide = Box<dyn FnMut(&Sent) -> Fault + Send>;

impl Drop for Proxy {
    /// The server thread keeps running, but must release what the test passed in, such as a control plane.
    fn drop(&mut self) {
        if let Ok(mut fault) = self.fault.lock() {
            *fault = Box::new(|_| Fault::ResetBefore);
        }
    }
}

#[derive(Default)]
struct Log {
    sent: Mutex<Vec<Sent>>,
    now: AtomicUsize,
    peak: AtomicUsize,
}

impl Proxy {
    /// Starts a proxy that calls the function for each request, one at a time, in order.
    pub(crate) fn start(plane: &ControlPlane, fault: impl FnMut(&Sent) -> Fault + Send + 'static) -> Self {
        let upstream = Arc::clone(&plane.upstream);
        let log = Arc::new(Log::default());
        let decide: Arc<Mutex<Decide>> = Arc::new(Mutex::new(Box::new(fault)));
        let (fault, kept) = (Arc::clone(&decide), Arc::clone(&log));
        let server = FakeServer::start(move |_, seen| {
            let busy = kept.now.fetch_add(1, Ordering::SeqCst) + 1;
            kept.peak.fetch_max(busy, Ordering::SeqCst);
            let (sent, fault) = {
                let mut fault = fault.lock().unwrap();
                let mut all = kept.sent.lock().unwrap();
                let sent = Sent::new(all.len(), seen);
                all.push(sent.clone());
                drop(all); // if the function panics, the list stays readable
                let fault = fault(&sent);
                (sent, fault)
            };
            let reply = act(fault, &sent, &upstream);
            if !matches!(reply.framing, Framing::Silence) {
                kept.sent.lock().unwrap()[sent.number].status = Some(reply.status);
            }
            kept.now.fetch_sub(1, Ordering::SeqCst);
            reply
        });
        Self { server, log, fault: decide }
    }

    /// Starts a proxy without faults, for tests that look at the requests.
    pub(crate) fn passing(plane: &ControlPlane) -> Self {
        Self::start(plane, |_| Fault::Pass)
    }

    /// Injects the fault into the n-th matching request, counted from 1; all others pass.
    pub(crate) fn index(
        plane: &ControlPlane,
        index: usize,
        fault: Fault,
        meant: impl Fn(&Sent) -> bool + Send + 'static,
    ) -> Self {
        let mut count = 0;
        Self::start(plane, move |sent| {
            count += usize::from(meant(sent));
            if meant(sent) && count == index { fault.clone() } else { Fault::Pass }
        })
    }

    pub(crate) fn url(&self) -> String {
        self.server.url()
    }

    /// Writes a kubeconfig for the proxy into a directory.
    pub(crate) fn kubeconfig(&self, directory: &Path) -> PathBuf {
        let path = directory.join(format!("proxy-{}.kubeconfig", self.url().rsplit(':').next().unwrap()));
        let text = format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: proxy\n\
             contexts: [{{name: proxy, context: {{cluster: proxy, user: proxy}}}}]\n\
             clusters: [{{name: proxy, cluster: {{server: \"{}\"}}}}]\nusers: [{{name: proxy, user: {{}}}}]\n",
            self.url()
        );
        fs::write(&path, text).unwrap();
        path
    }

    /// Returns all requests so far.
    pub(crate) fn sent(&self) -> Vec<Sent> {
        self.log.sent.lock().unwrap().clone()
    }

    /// Returns how many requests so far have this method and this text in their path.
    pub(crate) fn count(&self, method: &str, path: &str) -> usize {
        self.log.sent.lock().unwrap().iter().filter(|sent| sent.is(method, path)).count()
    }

    /// Returns the requests so far that were meant to change the cluster.
    pub(crate) fn writes(&self) -> Vec<Sent> {
        let changes = |sent: &Sent| {
            sent.method != "GET"
                && !sent.query.contains("dryRun=All")
                && !sent.path.contains("/authorization.k8s.io/")
        };
        self.sent().into_iter().filter(changes).collect()
    }

    /// Returns the highest number of concurrent requests.
    pub(crate) fn most_concurrent(&self) -> usize {
        self.log.peak.load(Ordering::SeqCst)
    }

    /// Returns how many connections carried requests.
    pub(crate) fn connections(&self) -> usize {
        self.sent().iter().map(|sent| sent.connection).collect::<BTreeSet<_>>().len()
    }
}

fn act(fault: Fault, sent: &Sent, upstream: &Upstream) -> Reply {
    match fault {
        Fault::Pass => forward(sent, upstream),
        Fault::Answer(reply) => reply,
        Fault::ResetBefore => no_response(),
        Fault::ResetAfter => {
            forward(sent, upstream);
            no_response()
        }
        Fault::Truncate(bytes) => {
            let reply = forward(sent, upstream);
            let bytes = bytes.min(reply.body.len());
            reply.framed(Framing::CutAfter(bytes))
        }
        Fault::Delay(pause) => {
            thread::sleep(pause);
            forward(sent, upstream)
        }
    }
}

fn no_response() -> Reply {
    Reply::json(0, "").framed(Framing::Silence)
}

/// Forwards a request; returns no response if the server is out of reach.
fn forward(sent: &Sent, upstream: &Upstream) -> Reply {
    let target =
        if sent.query.is_empty() { sent.path.clone() } else { format!("{}?{}", sent.path, sent.query) };
    let headers: Vec<_> = sent.headers.iter().filter(|(name, _)| is_end_to_end(name)).cloned().collect();
    match upstream.send(&sent.method, &target, &headers, sent.body.clone()) {
        Ok(Answer { status, headers, body }) => {
            let mut reply = Reply::json(status, body);
            let headers = headers.into_iter().filter(|(name, _)| is_end_to_end(name));
            reply.headers = headers.map(|(name, value)| (name.into(), value)).collect();
            reply
        }
        Err(_) => no_response(),
    }
}

/// Returns whether a header is about the message and not about one connection.
fn is_end_to_end(name: &str) -> bool {
    !["host", "connection", "content-length", "transfer-encoding", "keep-alive"]
        .contains(&name.to_ascii_lowercase().as_str())
}
