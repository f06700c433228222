//! Inspects a kubeconfig and an error response without reading a file or sending a request.

use std::path::Path;

use http::{HeaderMap, StatusCode};

use crate::cluster::environment::Environment;
use crate::cluster::error::ClusterError;
use crate::cluster::flags::ClusterFlags;
use crate::cluster::kubeconfig::{Endpoint, choose_from};
use crate::cluster::kubeconfig_file::parse;
use crate::cluster::operation::Operation;
use crate::cluster::request_error::Problem;
use crate::cluster::response::refusal;

/// The choices of a kubeconfig and flags, without secrets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inspected {
    /// The address of the server, without user name and password.
    pub server: String,
    /// The name of the context; empty if the flags name the server.
    pub context: String,
    /// The namespace.
    pub namespace: String,
}

/// Returns what the text of a kubeconfig and the flags lead to. Certificate authorities in files are ignored.
pub fn inspect_kubeconfig(
    text: &str,
    flags: &ClusterFlags,
    environment: &Environment,
) -> Result<Inspected, ClusterError> {
    let mut read = parse(Path::new("the kubeconfig"), text)?;
    for cluster in read.clusters.iter_mut().filter_map(|named| named.cluster.as_mut()) {
        cluster.certificate_authority = None;
    }
    let (_, endpoint) = choose_from(read, flags, environment)?;
    Ok(Inspected { server: endpoint.server, context: endpoint.context, namespace: endpoint.namespace })
}

/// Returns the problem in an error response to the request for an object; `None` if the status is not that of an error.
pub fn inspect_refusal(status: u16, body: &[u8]) -> Option<Problem> {
    let status = StatusCode::from_u16(status).ok().filter(|status| !status.is_success())?;
    let ask = Operation::read("get", "services", "the Service");
    let endpoint = Endpoint {
        server: String::new(),
        context: String::new(),
        namespace: String::new(),
        user: String::new(),
        plugin: None,
        proxy: None,
        insecurities: Vec::new(),
    };
    Some(refusal(status, &HeaderMap::new(), body, &ask, &endpoint))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "apiVersion: v1\nkind: Config\ncurrent-context: c\ncontexts:\n- name: c\n  context: {cluster: k, user: u}\nclusters:\n- name: k\n  cluster: {server: \"https://u:s3cret@api.example.com\", certificate-authority: /dev/zero}\nusers:\n- name: u\n  user: {token: s3cret}\n";

    #[test]
    fn a_kubeconfig_is_inspected_without_its_files_and_secrets() {
        let found = inspect_kubeconfig(TEXT, &ClusterFlags::default(), &Environment::default()).unwrap();
        let expected = ["https://api.example.com", "c", "default"];
        assert_eq!([&found.server, &found.context, &found.namespace], expected);
        let wrong = TEXT.replace("token: s3cret", "token: [s3cret]");
        let error =
            inspect_kubeconfig(&wrong, &ClusterFlags::default(), &Environment::default()).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("s3cret"), "{error}");
    }
}
