//! The warnings that controllers report about the load balancers of a directory.

use std::collections::{BTreeMap, BTreeSet};

use crate::cluster::{ApiCall, ClusterError, Problem};
use crate::core::live::{LiveObject, Resource};
use crate::core::manifest::Key;
use crate::core::status::{Event, unresolved_warning};
use crate::engine::load_balancers::load_balancers;
use crate::engine::target::Target;
use crate::failure::Failure;

/// The warnings by the Service that they are about.
pub(crate) type Warnings = BTreeMap<Key, Event>;

/// Reads the warnings that were not followed by a success. Without the permission to read events, there are none.
pub(crate) fn warnings(target: &Target, concurrency: usize) -> Result<Warnings, Failure> {
    let found = load_balancers(target, concurrency)?;
    let services: Vec<&LiveObject> = found
        .subjects
        .iter()
        .filter_map(|subject| subject.live.object())
        .filter(|live| live.kind() == "Service")
        .collect();
    let namespaces: BTreeSet<&str> = services.iter().map(|service| service.namespace()).collect();
    let list = |namespace: &str| ApiCall::List {
        resource: Resource::core("Event", "events"),
        namespace: Some(namespace.to_owned()),
        labels: None,
        fields: Some("involvedObject.kind=Service".to_owned()),
    };
    let calls = namespaces.into_iter().map(|namespace| ((), list(namespace))).collect();
    let mut events = Vec::new();
    for ((), answer) in target.cluster.call_all(calls, concurrency) {
        match answer {
            Ok(answer) => events.extend(answer.objects()),
            Err(ClusterError::Request { problem: Problem::Forbidden { .. }, .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    let mut by_name: BTreeMap<&str, Vec<&LiveObject>> = BTreeMap::new();
    for event in &events {
        by_name
            .entry(event.field("involvedObject")["name"].as_str().unwrap_or_default())
            .or_default()
            .push(event);
    }
    let warning = |service: &LiveObject| {
        let about = by_name.get(service.name()).map_or(&[][..], Vec::as_slice);
        Some((service.key(), unresolved_warning(service, about)?))
    };
    Ok(services.into_iter().filter_map(warning).collect())
}
