//! The names in a kubeconfig, for completion and messages. Sends no request.

use crate::cluster::environment::Environment;
use crate::cluster::error::ClusterError;
use crate::cluster::flags::ClusterFlags;
use crate::cluster::{kubeconfig, server_address};

/// The names in a kubeconfig.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KubeconfigNames {
    /// Its contexts.
    pub contexts: Vec<ContextName>,
    /// Its clusters, each with the address of its server.
    pub clusters: Vec<(String, String)>,
    /// Its users.
    pub users: Vec<String>,
    /// The current context.
    pub current: Option<String>,
}

/// A context.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ContextName {
    /// Its name.
    pub name: String,
    /// Its cluster.
    pub cluster: String,
    /// Its namespace, if it names one.
    pub namespace: Option<String>,
}

/// Reads the kubeconfig that the flags and the environment name; returns empty lists if there is none.
pub fn kubeconfig_names(
    flags: &ClusterFlags,
    environment: &Environment,
) -> Result<KubeconfigNames, ClusterError> {
    let Some(read) = kubeconfig::read_files(flags, environment)?.0 else {
        return Ok(KubeconfigNames::default());
    };
    let contexts = read.contexts.into_iter().map(|named| {
        let context = named.context.unwrap_or_default();
        ContextName { name: named.name, cluster: context.cluster, namespace: context.namespace }
    });
    let clusters = read.clusters.into_iter().map(|named| {
        let address = named.cluster.and_then(|cluster| cluster.server).unwrap_or_default();
        // The address may contain a password.
        (named.name, address.parse().map(|uri| server_address::shown(&uri)).unwrap_or_default())
    });
    Ok(KubeconfigNames {
        contexts: contexts.collect(),
        clusters: clusters.collect(),
        users: read.auth_infos.into_iter().map(|named| named.name).collect(),
        current: read.current_context.filter(|name| !name.is_empty()),
    })
}
