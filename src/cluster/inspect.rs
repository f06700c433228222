//! Inspects the text of a kubeconfig: the server and the namespace that it leads to. Reads no file and sends no request.

use std::path::Path;

use kube::config::Kubeconfig;

use crate::cluster::environment::Environment;
use crate::cluster::error::ClusterError;
use crate::cluster::flags::ClusterFlags;
use crate::cluster::kubeconfig::{broken, choose_from};

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
    let mut read =
        Kubeconfig::from_yaml(text).map_err(|error| broken(Path::new("the kubeconfig"), &error))?;
    for cluster in read.clusters.iter_mut().filter_map(|named| named.cluster.as_mut()) {
        cluster.certificate_authority = None;
    }
    let (_, endpoint) = choose_from(read, flags, environment)?;
    Ok(Inspected { server: endpoint.server, context: endpoint.context, namespace: endpoint.namespace })
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
        let error = inspect_kubeconfig(&wrong, &ClusterFlags::default(), &Environment::default()).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("s3cret"), "{error}");
    }
}
