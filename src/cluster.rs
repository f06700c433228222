//! The cluster shell: the only modules that use kube, tokio and the network.
//!
//! [`Cluster`] is blocking for its caller: it owns a runtime on the caller's thread and drives it during a call.
//! Nothing here prints; progress messages go to a [`Notice`].
//!
//! ```text
//!  ClusterFlags ─┐
//!  Environment ──┴─> kubeconfig ──> (credential plugin) ──> connect ──> request ──> nodes, identity, objects
//!                                                                        │
//!                            one request: tries, pauses, limits, errors ─┘
//! ```
//!
//! kube handles TLS, HTTP and tokens. Where it behaves differently from kubectl, this module does the work itself:
//! - `kubeconfig`: files of KUBECONFIG that do not exist are skipped, flags override single fields;
//! - `plugin`: a credential plugin runs once, not three times, and has a time limit;
//! - `proxy`: `NO_PROXY` applies to the server, not to the proxy;
//! - `request`: requests to a server that returns 503 are given up after seconds, not minutes, with an error.
//!
//! Secrets do not leave this module: errors contain names, files and lines, never contents. Bodies are not logged;
//! kube's logging has no subscriber.

mod away;
mod connect;
mod environment;
mod error;
mod flags;
mod identity;
mod inspect;
mod kube_error;
mod kubeconfig;
mod kubeconfig_file;
mod limits;
mod names;
mod nodes;
mod objects;
mod operation;
mod overrides;
mod pages;
mod plugin;
mod proxy;
mod request;
mod request_error;
mod response;
mod server_address;
mod signals;
mod token;
mod transport;

pub use crate::cluster::connect::Cluster;
pub use crate::cluster::environment::Environment;
pub use crate::cluster::error::{ClusterError, PluginProblem};
pub use crate::cluster::flags::{ClusterFlags, parse_timeout};
pub use crate::cluster::identity::Identity;
pub use crate::cluster::inspect::{Inspected, inspect_kubeconfig, inspect_refusal};
pub use crate::cluster::limits::Limits;
pub use crate::cluster::names::{ContextName, KubeconfigNames, kubeconfig_names};
pub use crate::cluster::objects::{Answer, ApiCall, CallOutcome, DryRun, Force, Next, ObjectRef, Pause};
pub use crate::cluster::request::Notice;
pub use crate::cluster::request_error::Problem;
pub use crate::cluster::signals::{HeldSignals, end_silently, report_interrupts};
pub use crate::cluster::transport::Insecurity;
