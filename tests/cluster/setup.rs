//! Shared setup of this binary: flags for a cluster, short limits, and recorded notices.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use largescale::cluster::{Cluster, ClusterError, ClusterFlags, Environment, Limits, Notice, Problem};

use crate::fake_server::FakeServer;

pub(crate) fn flags_for(server: &FakeServer) -> ClusterFlags {
    ClusterFlags { server: Some(server.url()), token: Some("t0ken".into()), ..ClusterFlags::default() }
}

/// Returns the default limits, with short waits.
pub(crate) fn short() -> Limits {
    Limits {
        connect: Duration::from_secs(5),
        read: Some(Duration::from_secs(5)),
        give_up: Duration::from_millis(300),
        refused: Duration::from_millis(50),
        first_pause: Duration::from_millis(5),
        longest_pause: Duration::from_millis(40),
        plugin: Duration::from_secs(5),
        ..Limits::default()
    }
}

pub(crate) fn silent() -> Notice {
    Arc::new(|_| {})
}

/// Returns a notice that records its messages.
pub(crate) fn kept() -> (Notice, Arc<Mutex<Vec<String>>>) {
    let kept = Arc::new(Mutex::new(Vec::new()));
    let notice: Notice = {
        let kept = Arc::clone(&kept);
        Arc::new(move |text| kept.lock().unwrap().push(text.to_owned()))
    };
    (notice, kept)
}

pub(crate) fn connect(flags: &ClusterFlags, environment: &Environment) -> Result<Cluster, ClusterError> {
    Cluster::connect_within(flags, silent(), environment, short())
}

pub(crate) fn cluster(server: &FakeServer) -> Cluster {
    cluster_within(server, short())
}

pub(crate) fn cluster_within(server: &FakeServer, limits: Limits) -> Cluster {
    Cluster::connect_within(&flags_for(server), silent(), &Environment::default(), limits).unwrap()
}

/// Returns the problem of a failed request.
#[track_caller]
pub(crate) fn problem<T: std::fmt::Debug>(result: Result<T, ClusterError>) -> Problem {
    match result {
        Err(ClusterError::Request { problem, .. }) => problem,
        other => panic!("not a failed request: {other:?}"),
    }
}

/// Formats error and hint like the terminal.
#[track_caller]
pub(crate) fn shown<T: std::fmt::Debug>(result: Result<T, ClusterError>) -> String {
    let error = result.expect_err("expected an error");
    match error.hint() {
        Some(hint) => format!("error: {error}\nhint: {hint}"),
        None => format!("error: {error}"),
    }
}
