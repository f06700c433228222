//! Reads the events of Services, which say why a load balancer has no address.

use std::collections::BTreeSet;

use crate::cluster::{ApiCall, Cluster, ClusterError, Problem};
use crate::core::live::{LiveObject, Resource};
use crate::core::status::{AddressState, DriftSubject, MadeServices, address_state};
use crate::failure::Failure;

/// The events, as far as the user may read them.
#[derive(Default)]
pub(crate) struct Events {
    /// The events.
    pub(crate) list: Vec<LiveObject>,
    /// Why the events of a namespace cannot be read.
    pub(crate) hidden: Vec<Problem>,
}

/// Reads the events of Services without an address, with one list for each namespace. `made` are the Services of Gateways.
pub(crate) fn of_waiting_services(
    cluster: &Cluster,
    (subjects, made): (&[DriftSubject], &MadeServices),
    concurrency: usize,
) -> Result<Events, Failure> {
    let waits = |subject: &&DriftSubject| {
        subject.desired["spec"]["type"] == "LoadBalancer"
            && matches!(address_state(subject.live.object(), &[]), AddressState::Pending { .. })
    };
    let made_waits =
        |service: &&LiveObject| matches!(address_state(Some(service), &[]), AddressState::Pending { .. });
    let own = subjects.iter().filter(waits).map(|subject| subject.key().namespace);
    let theirs = made.values().filter(made_waits).map(|service| service.namespace().to_owned());
    let namespaces: BTreeSet<String> = own.chain(theirs).collect();
    let list = |namespace| ApiCall::List {
        resource: Resource::core("Event", "events"),
        namespace: Some(namespace),
        labels: None,
        fields: Some("involvedObject.kind=Service".to_owned()),
    };
    let calls = namespaces.into_iter().map(|namespace| ((), list(namespace))).collect();
    let mut events = Events::default();
    for ((), answer) in cluster.call_all(calls, concurrency) {
        match answer {
            Ok(answer) => events.list.extend(answer.objects()),
            Err(ClusterError::Request { problem: problem @ Problem::Forbidden { .. }, .. }) => {
                events.hidden.push(problem);
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(events)
}
