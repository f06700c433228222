//! Reads the load balancers of a directory and nothing else: its Services, its Gateways, and the Services that controllers made.

use crate::cluster::{ClusterError, Problem};
use crate::core::status::{DriftSubject, Report, is_pool_gateway, report_with_gateways};
use crate::engine::events::of_waiting_services;
use crate::engine::live_objects::{ManagedObject, ReadPolicy, read_each};
use crate::engine::target::Target;
use crate::failure::Failure;

/// The load balancers of a directory.
pub(crate) struct LoadBalancers {
    /// A row for each Service of each pool.
    pub(crate) report: Report,
    /// The Services and Gateways, as the directory has them and as the cluster has them.
    pub(crate) subjects: Vec<DriftSubject>,
    /// What the user may not read.
    pub(crate) hidden: Vec<Problem>,
}

/// Reads the load balancers.
pub(crate) fn load_balancers(target: &Target, concurrency: usize) -> Result<LoadBalancers, Failure> {
    let is_end = |value: &serde_json::Value| {
        (value["kind"] == "Service" && value["spec"]["type"] == "LoadBalancer") || value["kind"] == "Gateway"
    };
    let items = target.items.iter().filter(|item| is_end(&item.wanted));
    let mut objects: Vec<_> = items.map(ManagedObject::new).collect();
    let mut hidden = Vec::new();
    let policy = ReadPolicy { max_single_reads: 2, concurrency };
    read_each(&target.cluster, &mut objects, policy, |group, error| match error {
        // A Gateway that is shared by all pools only says which ports have TLS, and the directory says that, too.
        ClusterError::Request { problem: problem @ Problem::Forbidden { .. }, .. }
            if group
                .iter()
                .all(|object| object.item.key.kind == "Gateway" && !is_pool_gateway(&object.item.wanted)) =>
        {
            hidden.push(problem);
            Ok(())
        }
        error => Err(error.into()),
    })?;
    let subject =
        |object: ManagedObject<'_>| DriftSubject { desired: object.item.wanted.clone(), live: object.live };
    let subjects: Vec<DriftSubject> = objects.into_iter().map(subject).collect();
    let made = target.gateways.made(&target.cluster, &subjects, concurrency)?;
    let events = of_waiting_services(&target.cluster, (&subjects, &made.services), concurrency)?;
    hidden.extend(made.hidden);
    hidden.extend(events.hidden);
    let report = report_with_gateways(&subjects, &target.rules, &events.list, None, &made.services);
    Ok(LoadBalancers { report, subjects, hidden })
}
