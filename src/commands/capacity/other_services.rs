//! Services in the cluster that do not belong to the spec.

use std::collections::BTreeSet;

use crate::cluster::{ApiCall, Cluster, ClusterError, Problem};
use crate::core::capacity::{Demand, OtherServices, PoolFinder};
use crate::core::gateway::made_for;
use crate::core::live::Resource;
use crate::core::report::diagnostic::Diagnostic;
use crate::output::terminal;

const ALLOW: &str = "allow `list` on services in all namespaces";

/// Counts them. Returns `None` with a warning if the user may not list Services.
pub(super) fn count(cluster: &Cluster, ours: &[Demand], finder: &PoolFinder<'_>) -> Option<OtherServices> {
    let mut list = match cluster.call(&ApiCall::list(Resource::core("Service", "services"), None, None)) {
        Ok(answer) => answer.objects(),
        Err(error) => {
            let (problem, hint) = match &error {
                ClusterError::Request { problem: problem @ Problem::Invalid(_), .. } => {
                    (problem.to_string(), error.hint().unwrap_or_default())
                }
                ClusterError::Request { problem, .. } => (problem.to_string(), ALLOW.to_owned()),
                error => (error.to_string(), ALLOW.to_owned()),
            };
            terminal::diagnostic(
                &Diagnostic::warning(format!("other Services are not counted: {problem}")).hint(hint),
            );
            return None;
        }
    };
    let namespace = cluster.namespace();
    let gateways: BTreeSet<(&str, &str)> = ours
        .iter()
        .filter_map(|demand| demand.gateway.as_ref())
        .map(|(of, name)| (if of.is_empty() { namespace } else { of.as_str() }, name.as_str()))
        .collect();
    if !gateways.is_empty() {
        list.retain(|service| {
            let made = made_for(service.value());
            made.is_none_or(|(namespace, name)| !gateways.contains(&(namespace.as_str(), name.as_str())))
        });
    }
    let ours: BTreeSet<(&str, &str)> = ours
        .iter()
        .map(|demand| {
            let (location, name) = &demand.key;
            (if location.is_empty() { namespace } else { location.as_str() }, name.as_str())
        })
        .collect();
    Some(OtherServices::of_cluster(&list, &ours, finder))
}
