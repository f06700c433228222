//! The connection to one cluster, with a blocking interface.

use std::cell::OnceCell;
use std::sync::{Mutex, PoisonError};

use anyhow::anyhow;
use http::HeaderName;
use kube::client::ClientBuilder;
use tokio::runtime::{Builder, Runtime};

use crate::cluster::environment::Environment;
use crate::cluster::error::ClusterError;
use crate::cluster::flags::ClusterFlags;
use crate::cluster::identity::Identity;
use crate::cluster::kubeconfig::Endpoint;
use crate::cluster::limits::Limits;
use crate::cluster::objects::Interrupts;
use crate::cluster::request::{Notice, Requests};
use crate::cluster::transport::Insecurity;
use crate::cluster::{away, identity, kubeconfig, nodes, plugin, token};
use crate::core::kubernetes::node::Node;

/// A connected cluster. Every method is one blocking call that ends.
pub struct Cluster {
    pub(super) requests: Requests,
    pub(super) runtime: OwnRuntime,
    pub(super) interrupts: OnceCell<Interrupts>,
}

impl Cluster {
    /// Finds the cluster and its credentials. Sends no request yet.
    pub fn connect(flags: &ClusterFlags, notice: Notice) -> Result<Self, ClusterError> {
        Self::connect_within(flags, notice, &Environment::of_process(), Limits::default())
    }

    /// Like [`Self::connect`], with another environment and other limits.
    pub fn connect_within(
        flags: &ClusterFlags,
        notice: Notice,
        environment: &Environment,
        limits: Limits,
    ) -> Result<Self, ClusterError> {
        let limits = limits.with_request_timeout(flags.request_timeout);
        let (mut config, endpoint) = kubeconfig::choose(flags, environment)?;
        plugin::log_in(&mut config.auth_info, &endpoint.user, environment, &limits, &notice)?;
        token::check(&mut config.auth_info, &endpoint.user)?;
        set_limits(&mut config, &limits);
        let runtime = OwnRuntime::start()?;
        let client = runtime.block_on(async { ClientBuilder::try_from(config).map(ClientBuilder::build) });
        let client = client.map_err(|error| no_client(&error, &endpoint))?;
        let away = Mutex::new(away::problem_of(&endpoint.server));
        let requests = Requests { client, endpoint, limits, notice, warnings: Mutex::default(), away };
        Ok(Self { requests, runtime, interrupts: OnceCell::new() })
    }

    /// Lists all nodes.
    pub fn nodes(&self) -> Result<Vec<Node>, ClusterError> {
        self.runtime.block_on(nodes::list(&self.requests))
    }

    /// Returns the identity of the cluster.
    pub fn identity(&self) -> Result<Identity, ClusterError> {
        self.runtime.block_on(identity::ask(&self.requests))
    }

    /// Makes later requests wait longer for the server: see [`Limits::patient`].
    pub fn be_patient(&mut self) {
        self.requests.limits = self.requests.limits.clone().patient();
    }

    /// Returns the warnings that the server has sent since the last call.
    pub fn warnings(&self) -> Vec<String> {
        std::mem::take(&mut self.requests.warnings.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Returns the context of the kubeconfig; empty if there is none.
    pub fn context(&self) -> &str {
        &self.requests.endpoint.context
    }

    /// Returns the address of the API server.
    pub fn server(&self) -> &str {
        &self.requests.endpoint.server
    }

    /// Returns the namespace for objects that name none.
    pub fn namespace(&self) -> &str {
        &self.requests.endpoint.namespace
    }

    /// Returns what lets others on the network path read or change the traffic.
    pub fn insecurities(&self) -> &[Insecurity] {
        &self.requests.endpoint.insecurities
    }

    /// Returns the user of the kubeconfig; empty if there is none.
    pub fn user(&self) -> &str {
        &self.requests.endpoint.user
    }
}

impl std::fmt::Debug for Cluster {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cluster")
            .field("server", &self.server())
            .field("context", &self.context())
            .finish_non_exhaustive()
    }
}

fn set_limits(config: &mut kube::Config, limits: &Limits) {
    config.connect_timeout = Some(limits.connect);
    config.read_timeout = limits.read;
    // Otherwise the idle time before a request would count as waiting for its response.
    config.reset_reader_on_write = true;
    // Our own retry has a deadline and reports that it waits.
    config.default_retry = false;
    config
        .headers
        .extend(user_agent().parse().ok().map(|agent| (HeaderName::from_static("user-agent"), agent)));
}

/// Returns the user agent in kubectl's format, so that audit logs contain the program and its version.
fn user_agent() -> String {
    let architecture = match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    };
    let system = match std::env::consts::OS {
        "macos" => "darwin",
        other => other,
    };
    format!("kubectl-largescale/{} ({system}/{architecture})", env!("CARGO_PKG_VERSION"))
}

fn no_client(error: &kube::Error, endpoint: &Endpoint) -> ClusterError {
    let user = &endpoint.user;
    match error {
        kube::Error::InferKubeconfig(error) => {
            kubeconfig::unusable(format!("the client certificate of user `{user}`"), error)
        }
        kube::Error::RustlsTls(error) => ClusterError::Unusable {
            what: format!("the certificates for {}", endpoint.server),
            reason: anyhow!("{error}"),
            hint: ClusterError::CORRECT,
        },
        kube::Error::Auth(error) => ClusterError::Unusable {
            what: format!("the credentials of user `{user}`"),
            reason: anyhow!("{error}"),
            hint: ClusterError::CORRECT,
        },
        // An invalid header: the name of a user or group to impersonate.
        kube::Error::HttpError(error) => ClusterError::Unusable {
            what: "the impersonated user or groups".into(),
            reason: anyhow!("{error}"),
            hint: "names of --as and --as-group have only visible characters",
        },
        // No other error is expected here; its text may contain secrets.
        _ => ClusterError::Unusable {
            what: "the kubeconfig".into(),
            reason: anyhow!("kube does not accept it"),
            hint: ClusterError::CORRECT,
        },
    }
}

/// A runtime that does not wait for a blocked DNS lookup when it is dropped.
pub(super) struct OwnRuntime(Option<Runtime>);

impl OwnRuntime {
    fn start() -> Result<Self, ClusterError> {
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| ClusterError::Unusable {
            what: "the network".into(),
            reason: error.into(),
            hint: "",
        })?;
        Ok(Self(Some(runtime)))
    }

    pub(super) fn block_on<F: Future>(&self, future: F) -> F::Output {
        self.0.as_ref().expect("taken only in drop").block_on(future)
    }
}

impl Drop for OwnRuntime {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}
