//! Finds the Services that the implementation of the Gateway API made for the Gateways of the pools.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::cluster::{ApiCall, Cluster, ClusterError, Problem};
use crate::core::gateway::choose::of_controller;
use crate::core::gateway::{GATEWAY_GROUP, GatewayName, Implementation};
use crate::core::live::{LiveObject, Resource};
use crate::core::manifest::Key;
use crate::core::status::{DriftSubject, MadeServices, is_pool_gateway};
use crate::directory::Project;
use crate::engine::gateway_classes;
use crate::failure::Failure;

/// What the spec says about the Gateways.
#[derive(Clone, Debug, Default)]
pub(crate) struct GatewaySource {
    /// The implementation, if the spec names one.
    implementation: Option<Implementation>,
    /// The namespace of the proxies, if the spec names one.
    namespace: Option<String>,
}

/// The Services, as far as the user may read them.
#[derive(Default)]
pub(crate) struct Made {
    /// The Services, by their Gateway.
    pub(crate) services: MadeServices,
    /// Why Services or classes cannot be read.
    pub(crate) hidden: Vec<Problem>,
}

impl GatewaySource {
    /// Returns what the spec of a project says.
    pub(crate) fn of(project: &Project) -> Self {
        let namespace = project.spec.spec.gateways.as_ref().and_then(|spec| spec.namespace.clone());
        Self { implementation: project.implementation.clone(), namespace }
    }

    /// Reads the Services of the Gateways of the pools. Sends no request if there is no such Gateway.
    pub(crate) fn made(
        &self,
        cluster: &Cluster,
        subjects: &[DriftSubject],
        concurrency: usize,
    ) -> Result<Made, Failure> {
        let gateways: Vec<&DriftSubject> = subjects
            .iter()
            .filter(|subject| is_pool_gateway(&subject.desired) && subject.live.object().is_some())
            .collect();
        let mut made = Made::default();
        if gateways.is_empty() {
            return Ok(made);
        }
        let classes = self.classes(cluster, (subjects, &gateways), &mut made)?;
        let mut wanted: Vec<Wanted<'_>> = Vec::new();
        for gateway in gateways {
            let class = class_of(gateway);
            let by_class = classes.get(class).and_then(|controller| of_controller(controller));
            let Some(implementation) = self.implementation.as_ref().or(by_class) else { continue };
            wanted.push(Wanted { key: gateway.key(), class, implementation });
        }
        let mut calls = BTreeSet::new();
        for one in &wanted {
            for namespace in one.namespaces(self.namespace.as_deref()) {
                let label = one.implementation.spec.service.labels.keys().next().cloned();
                calls.insert((namespace.to_owned(), label));
            }
        }
        let services = Resource::core("Service", "services");
        let calls = calls
            .into_iter()
            .map(|(namespace, label)| ((), ApiCall::list(services.clone(), Some(namespace), label)))
            .collect();
        let mut found = Vec::new();
        for ((), answer) in cluster.call_all(calls, concurrency) {
            match answer {
                Ok(answer) => found.extend(answer.objects()),
                Err(ClusterError::Request { problem: problem @ Problem::Forbidden { .. }, .. }) => {
                    made.hidden.push(problem);
                }
                Err(error) => return Err(error.into()),
            }
        }
        made.services = assign(&wanted, found);
        Ok(made)
    }

    /// Returns the controllers of the classes of the Gateways: those in the directory, or else in the cluster.
    fn classes(
        &self,
        cluster: &Cluster,
        (subjects, gateways): (&[DriftSubject], &[&DriftSubject]),
        made: &mut Made,
    ) -> Result<BTreeMap<String, String>, Failure> {
        if self.implementation.is_some() {
            return Ok(BTreeMap::new());
        }
        let own = subjects.iter().filter(|subject| {
            let key = subject.key();
            key.kind == "GatewayClass" && key.group == GATEWAY_GROUP
        });
        let own = own.filter_map(|subject| {
            let controller = subject.desired["spec"]["controllerName"].as_str()?;
            Some((subject.key().name, controller.to_owned()))
        });
        let mut classes: BTreeMap<String, String> = own.collect();
        let unknown = gateways.iter().filter_map(|gateway| {
            let (_, version) = gateway.desired["apiVersion"].as_str()?.split_once('/')?;
            Some((class_of(gateway).to_owned(), version.to_owned()))
        });
        let unknown =
            unknown.filter(|(class, _)| !class.is_empty() && !classes.contains_key(class)).collect();
        let read = gateway_classes::read(cluster, unknown)?;
        classes.extend(read.controllers);
        made.hidden.extend(read.hidden);
        Ok(classes)
    }
}

/// A Gateway whose Service is wanted.
struct Wanted<'a> {
    key: Key,
    class: &'a str,
    implementation: &'a Implementation,
}

impl<'a> Wanted<'a> {
    /// Returns the namespaces that the Service may be in: that of the implementation, and that of the Gateway.
    fn namespaces(&'a self, given: Option<&'a str>) -> BTreeSet<&'a str> {
        let usual = given.or(self.implementation.spec.service.namespace.as_deref());
        usual.into_iter().chain([self.key.namespace.as_str()]).filter(|name| !name.is_empty()).collect()
    }
}

fn class_of(gateway: &DriftSubject) -> &str {
    gateway.desired["spec"]["gatewayClassName"].as_str().unwrap_or_default()
}

/// Gives each Gateway the Service with all its labels. Two such Services decide nothing.
fn assign(wanted: &[Wanted<'_>], found: Vec<LiveObject>) -> MadeServices {
    // Linear: the first label of most implementations has the name of the Gateway.
    let mut by_value: HashMap<String, Vec<LiveObject>> = HashMap::new();
    let first = |implementation: &Implementation| implementation.spec.service.labels.keys().next().cloned();
    let keys: BTreeSet<String> = wanted.iter().filter_map(|one| first(one.implementation)).collect();
    for service in found {
        for key in &keys {
            if let Some(value) = service.label(key) {
                by_value.entry(value.to_owned()).or_default().push(service.clone());
            }
        }
    }
    let mut services = MadeServices::new();
    for one in wanted {
        let name = GatewayName { namespace: &one.key.namespace, name: &one.key.name, class: one.class };
        let labels = one.implementation.service_labels(name);
        let Some(value) = labels.values().next() else { continue };
        let fits = |service: &&LiveObject| {
            let has_labels = labels.iter().all(|(key, value)| service.label(key) == Some(value));
            // The Services of several Gateways with one name are in the namespaces of the Gateways, unless a label says which.
            has_labels && (labels.len() > 1 || service.namespace() == one.key.namespace)
        };
        let mut all = by_value.get(value).into_iter().flatten().filter(fits);
        if let (Some(service), None) = (all.next(), all.next()) {
            services.insert(one.key.clone(), service.clone());
        }
    }
    services
}
