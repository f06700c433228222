//! The identity of a cluster: the UID of its namespace kube-system, which is commonly used as a cluster ID.

use kube::api::GetParams;
use serde::Deserialize;

use crate::cluster::error::ClusterError;
use crate::cluster::operation::Operation;
use crate::cluster::request::Requests;
use crate::cluster::request_error::Problem;
use crate::cluster::response;

const ASK: Operation = Operation::read("get", "namespaces", "namespace kube-system");

/// The identity of a cluster, as far as the user may read it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Identity {
    /// The UID of the namespace kube-system.
    Known(String),
    /// The user may not read that namespace; holds the reason as a sentence.
    Hidden(String),
}

/// Reads the identity. It is not an error if the user may list nodes and nothing else.
pub(super) async fn ask(requests: &Requests) -> Result<Identity, ClusterError> {
    let request = kube::core::Request::new("/api/v1/namespaces").get("kube-system", &GetParams::default());
    let request = request.map_err(|error| ClusterError::Unusable {
        what: "the request".into(),
        reason: error.into(),
        hint: "",
    })?;
    let body = match requests.send(&ASK, request).await {
        Ok(body) => body,
        Err(ClusterError::Request { problem: problem @ Problem::Forbidden { .. }, .. }) => {
            return Ok(Identity::Hidden(problem.to_string()));
        }
        Err(ClusterError::Request { problem: Problem::NotFound | Problem::NotServed, .. }) => {
            return Err(requests.failed(&ASK, Problem::NoCluster));
        }
        Err(error) => return Err(error),
    };
    let namespace: Namespace = response::parse(&body, "Namespace", |namespace: &Namespace| &namespace.kind)
        .map_err(|problem| requests.failed(&ASK, problem))?;
    Ok(Identity::Known(namespace.metadata.uid))
}

#[derive(Deserialize)]
struct Namespace {
    #[serde(default)]
    kind: String,
    metadata: Meta,
}

#[derive(Deserialize)]
struct Meta {
    uid: String,
}
