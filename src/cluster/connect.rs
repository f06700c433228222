//! The connection to one cluster, for callers that know nothing of async.

use std::cell::OnceCell;
use std::sync::{Mutex, PoisonError};

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
use crate::cluster::{identity, kubeconfig, nodes, plugin};
use crate::core::kubernetes::node::Node;

/// A cluster that can be asked. Every question is one blocking call that ends.
pub struct Cluster {
    pub(super) requests: Requests,
    pub(super) runtime: OwnRuntime,
    pub(super) interrupts: OnceCell<Interrupts>,
}

impl Cluster {
    /// Finds the cluster and logs in. No request is sent yet.
    pub fn connect(flags: &ClusterFlags, notice: Notice) -> Result<Self, ClusterError> {
        Self::connect_within(flags, notice, &Environment::of_process(), Limits::default())
    }

    /// [`Self::connect`] in other surroundings and with other limits.
    pub fn connect_within(
        flags: &ClusterFlags,
        notice: Notice,
        environment: &Environment,
        limits: Limits,
    ) -> Result<Self, ClusterError> {
        let limits = limits.with_request_timeout(flags.request_timeout);
        let (mut config, endpoint) = kubeconfig::choose(flags, environment)?;
        plugin::log_in(&mut config.auth_info, &endpoint.user, environment, &limits, &notice)?;
        set_limits(&mut config, &limits);
        let runtime = OwnRuntime::start()?;
        let client = runtime.block_on(async { ClientBuilder::try_from(config).map(ClientBuilder::build) });
        let client = client.map_err(|error| no_client(&error, &endpoint))?;
        let requests = Requests { client, endpoint, limits, notice, warnings: Mutex::default() };
        Ok(Self { requests, runtime, interrupts: OnceCell::new() })
    }

    /// All nodes.
    pub fn nodes(&self) -> Result<Vec<Node>, ClusterError> {
        self.runtime.block_on(nodes::list(&self.requests))
    }

    /// Which cluster this is.
    pub fn identity(&self) -> Result<Identity, ClusterError> {
        self.runtime.block_on(identity::ask(&self.requests))
    }

    /// From now on the server is waited for: see [`Limits::patient`].
    pub fn be_patient(&mut self) {
        self.requests.limits = self.requests.limits.clone().patient();
    }

    /// What the server warned of since this was last asked.
    pub fn warnings(&self) -> Vec<String> {
        std::mem::take(&mut self.requests.warnings.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The context of the kubeconfig, empty if there is none.
    pub fn context(&self) -> &str {
        &self.requests.endpoint.context
    }

    /// The address of the API server.
    pub fn server(&self) -> &str {
        &self.requests.endpoint.server
    }

    /// The namespace for objects that name none.
    pub fn namespace(&self) -> &str {
        &self.requests.endpoint.namespace
    }

    /// The user of the kubeconfig, empty if there is none.
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
    // Otherwise the time between two requests would count as waiting for the second.
    config.reset_reader_on_write = true;
    // Ours has a deadline and says that it waits.
    config.default_retry = false;
    config
        .headers
        .extend(user_agent().parse().ok().map(|agent| (HeaderName::from_static("user-agent"), agent)));
}

/// As kubectl writes it, so that audit logs name the program and its version.
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
            reason: error.to_string(),
        },
        kube::Error::Auth(error) => ClusterError::Unusable {
            what: format!("the credentials of user `{user}`"),
            reason: error.to_string(),
        },
        // A header that cannot be sent: the name of a user or group to act as.
        kube::Error::HttpError(error) => {
            ClusterError::Unusable { what: "the user or groups to act as".into(), reason: error.to_string() }
        }
        // Nothing else is made here; its text may hold anything.
        _ => {
            ClusterError::Unusable { what: "the kubeconfig".into(), reason: "kube does not accept it".into() }
        }
    }
}

/// A runtime that does not wait for a hanging name lookup when it is dropped.
pub(super) struct OwnRuntime(Option<Runtime>);

impl OwnRuntime {
    fn start() -> Result<Self, ClusterError> {
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| ClusterError::Unusable {
            what: "the network".into(),
            reason: error.to_string(),
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
