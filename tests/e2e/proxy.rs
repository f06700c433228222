//! A way to the API server that goes wrong on demand: HTTP on loopback to the client, forwarded to the real server.
//!
//! A request that does not say who it is from is the administrator's, so that a client needs no credentials here, and
//! with `--as` is anybody. Watches are not forwarded piece by piece: an answer goes on when it is whole.

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
    /// Is answered so, and the server hears nothing of it.
    Answer(Reply),
    /// The connection closes without an answer, and the server hears nothing of it.
    ResetBefore,
    /// The server acts, and the connection closes without an answer.
    ResetAfter,
    /// The server acts, and the connection closes after so many bytes of the body of its answer.
    Truncate(usize),
    /// Waits, then passes.
    Delay(Duration),
}

/// A request as it was sent.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    /// From 0, in the order in which they came.
    pub(crate) number: usize,
    pub(crate) method: String,
    /// The path without the query.
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    /// Which connection it came on, from 0.
    pub(crate) connection: usize,
    /// The status that the client was told; none if it was told nothing, or not yet.
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

    /// Whether it has this method and this in its path: `("PATCH", "/services/")`.
    pub(crate) fn is(&self, method: &str, path: &str) -> bool {
        self.method == method && self.path.contains(path)
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| &**value)
    }

    /// What was sent, null if that is no JSON.
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
    /// The server stays; what the test gave to it, perhaps a whole control plane, does not.
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
    /// Asks the function about each request, one at a time, in their order.
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
                drop(all); // a function that panics leaves the list readable
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

    /// Nothing goes wrong; for what is said on the way.
    pub(crate) fn passing(plane: &ControlPlane) -> Self {
        Self::start(plane, |_| Fault::Pass)
    }

    /// The n-th request, counted from 1, that is meant goes wrong; all others pass.
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

    /// A kubeconfig for this way to the cluster, written into a directory.
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

    /// All requests so far.
    pub(crate) fn sent(&self) -> Vec<Sent> {
        self.log.sent.lock().unwrap().clone()
    }

    /// How many requests so far have this method and this in their path.
    pub(crate) fn count(&self, method: &str, path: &str) -> usize {
        self.log.sent.lock().unwrap().iter().filter(|sent| sent.is(method, path)).count()
    }

    /// The requests so far that were to change something in the cluster.
    pub(crate) fn writes(&self) -> Vec<Sent> {
        let changes = |sent: &Sent| {
            sent.method != "GET"
                && !sent.query.contains("dryRun=All")
                && !sent.path.contains("/authorization.k8s.io/")
        };
        self.sent().into_iter().filter(changes).collect()
    }

    /// How many requests were under way at one time, at most.
    pub(crate) fn most_at_once(&self) -> usize {
        self.log.peak.load(Ordering::SeqCst)
    }

    /// How many connections carried requests.
    pub(crate) fn connections(&self) -> usize {
        self.sent().iter().map(|sent| sent.connection).collect::<BTreeSet<_>>().len()
    }
}

fn act(fault: Fault, sent: &Sent, upstream: &Upstream) -> Reply {
    match fault {
        Fault::Pass => forward(sent, upstream),
        Fault::Answer(reply) => reply,
        Fault::ResetBefore => silence(),
        Fault::ResetAfter => {
            forward(sent, upstream);
            silence()
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

fn silence() -> Reply {
    Reply::json(0, "").framed(Framing::Silence)
}

/// What the server says to it; if it cannot be reached, nothing.
fn forward(sent: &Sent, upstream: &Upstream) -> Reply {
    let target =
        if sent.query.is_empty() { sent.path.clone() } else { format!("{}?{}", sent.path, sent.query) };
    let headers: Vec<_> = sent.headers.iter().filter(|(name, _)| goes_on(name)).cloned().collect();
    match upstream.send(&sent.method, &target, &headers, sent.body.clone()) {
        Ok(Answer { status, headers, body }) => {
            let mut reply = Reply::json(status, body);
            let headers = headers.into_iter().filter(|(name, _)| goes_on(name));
            reply.headers = headers.map(|(name, value)| (name.into(), value)).collect();
            reply
        }
        Err(_) => silence(),
    }
}

/// Whether a header is about the message and not about one connection.
fn goes_on(name: &str) -> bool {
    !["host", "connection", "content-length", "transfer-encoding", "keep-alive"]
        .contains(&name.to_ascii_lowercase().as_str())
}
