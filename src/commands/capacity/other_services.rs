//! The Services of others in the cluster.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::cluster::{Call, Cluster, ClusterError};
use crate::core::capacity::{Demand, Elsewhere};
use crate::core::live::Resource;
use crate::core::report::diagnostic::Diagnostic;
use crate::output::terminal;

/// Counts them; `None` where they may not be seen, which is said.
pub(super) fn count(cluster: &Cluster, ours: &[Demand]) -> Option<Elsewhere> {
    let list = match cluster.call(&Call::list(Resource::core("Service", "services"), None, None)) {
        Ok(Value::Array(list)) => list,
        Ok(_) => Vec::new(),
        Err(error) => {
            let problem = match error {
                ClusterError::Request { problem, .. } => problem.to_string(),
                error => error.to_string(),
            };
            terminal::diagnostic(
                &Diagnostic::warning(format!("counted without the Services of others: {problem}"))
                    .hint("allow `list` on services in all namespaces"),
            );
            return None;
        }
    };
    let namespace = cluster.namespace();
    let ours: BTreeSet<(&str, &str)> = ours
        .iter()
        .map(|demand| {
            let (place, name) = &demand.key;
            (if place.is_empty() { namespace } else { place.as_str() }, name.as_str())
        })
        .collect();
    let mut elsewhere = Elsewhere::default();
    for service in &list {
        let metadata = &service["metadata"];
        let (place, name) = (
            metadata["namespace"].as_str().unwrap_or_default(),
            metadata["name"].as_str().unwrap_or_default(),
        );
        if ours.contains(&(place, name)) {
            continue;
        }
        let spec = &service["spec"];
        *elsewhere.services.entry(place.to_owned()).or_default() += 1;
        elsewhere.load_balancers += u64::from(spec["type"] == "LoadBalancer");
        let ports = spec["ports"].as_array().into_iter().flatten();
        let opened = ports.filter(|port| port["nodePort"].is_number()).count() as u64;
        elsewhere.node_ports += opened + u64::from(spec["healthCheckNodePort"].is_number());
    }
    Some(elsewhere)
}
