//! Reads GatewayClasses from the cluster: their controller shows the implementation of the Gateway API.

use std::collections::{BTreeMap, BTreeSet};

use crate::cluster::{ApiCall, Cluster, ClusterError, ObjectRef, Problem};
use crate::core::gateway::GATEWAY_GROUP;
use crate::core::live::Resource;
use crate::failure::Failure;

/// The classes that were read.
#[derive(Default)]
pub(crate) struct Classes {
    /// Their controllers, by name.
    pub(crate) controllers: BTreeMap<String, String>,
    /// Why some cannot be read.
    pub(crate) hidden: Vec<Problem>,
}

/// Reads the classes with these names and versions of the API. A class that does not exist is left out.
pub(crate) fn read(cluster: &Cluster, wanted: BTreeSet<(String, String)>) -> Result<Classes, Failure> {
    let mut classes = Classes::default();
    let calls = wanted.into_iter().map(|(name, version)| ((), ApiCall::Get(reference(name, version))));
    for ((), answer) in cluster.call_small(calls.collect()) {
        match answer {
            Ok(answer) => classes.controllers.extend(answer.objects().into_iter().filter_map(|class| {
                let controller = class.field("spec")["controllerName"].as_str()?;
                Some((class.name().to_owned(), controller.to_owned()))
            })),
            Err(ClusterError::Request { problem: problem @ Problem::Forbidden { .. }, .. }) => {
                classes.hidden.push(problem);
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(classes)
}

fn reference(name: String, version: String) -> ObjectRef {
    let resource = Resource {
        group: GATEWAY_GROUP.to_owned(),
        version,
        kind: "GatewayClass".to_owned(),
        plural: "gatewayclasses".to_owned(),
        namespaced: false,
    };
    ObjectRef { resource, namespace: String::new(), name }
}
