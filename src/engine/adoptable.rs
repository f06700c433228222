//! Reads the Services of a namespace and what belongs to them, for `init --from-cluster`. It reads no ConfigMap and no Secret.

use std::collections::BTreeSet;

use crate::cluster::{ApiCall, Cluster, ClusterError, ObjectRef, Problem};
use crate::core::gateway::made_for;
use crate::core::import::{belongs_to, is_beside, selected};
use crate::core::live::{LiveObject, Resource};
use crate::core::platform::Platform;
use crate::core::report::diagnostic::Diagnostic;
use crate::core::report::plural::{first_of, plural};
use crate::core::report::shell_quote::word;
use crate::engine::adoptable_gateways::read_gateways;
use crate::engine::served_kinds::group_version;
use crate::failure::Failure;

/// Maximum number of concurrent requests.
const CONCURRENCY: usize = 4;

/// Which Services to read.
pub(crate) struct ServiceQuery<'a> {
    /// Their namespace.
    pub(crate) namespace: &'a str,
    /// Their names; empty for all.
    pub(crate) names: &'a [String],
    /// A label selector.
    pub(crate) selector: Option<&'a str>,
}

/// What was read.
pub(crate) struct Adoptable {
    /// The objects: Services, workloads, and what belongs to these.
    pub(crate) objects: Vec<LiveObject>,
    /// What was not read, and why: a sentence each.
    pub(crate) notes: Vec<String>,
}

/// Reads the Services, the workloads that they select, and the autoscalers and disruption budgets of these. Only the Services
/// must be readable; for anything else that the user may not list, returns a note.
pub(crate) fn read_adoptable(cluster: &Cluster, query: &ServiceQuery<'_>) -> Result<Adoptable, Failure> {
    let mut notes = Vec::new();
    let mut services = if query.names.is_empty() { listed(cluster, query)? } else { named(cluster, query)? };
    services.retain(|service| !service.is_being_deleted());
    let is_narrowed = !query.names.is_empty() || query.selector.is_some();
    leave_out_made(query, &mut services, &mut notes)?;
    let gateways =
        if is_narrowed { Vec::new() } else { read_gateways(cluster, query.namespace, &mut notes)? };
    if !services.iter().any(is_load_balancer) && gateways.is_empty() {
        return Err(none_found(query).into());
    }
    let workloads = list(cluster, query.namespace, WORKLOADS, &mut notes)?;
    let (balanced, others): (Vec<_>, Vec<_>) =
        services.into_iter().partition(|service| is_narrowed || is_load_balancer(service));
    let workloads = selected(&balanced, workloads);
    let (beside, mut apart): (Vec<_>, Vec<_>) =
        others.into_iter().partition(|service| is_beside(service, &workloads));
    apart.retain(|service| !is_of_api_server(service));
    if !apart.is_empty() {
        let names: Vec<&str> = apart.iter().map(LiveObject::name).collect();
        notes.push(format!(
            "left out {} of other types, which select other pods: {}; name them with --service to import them",
            plural(names.len(), "Service"),
            first_of(&names)
        ));
    }
    let mut objects: Vec<LiveObject> = balanced.into_iter().chain(beside).collect();
    if !workloads.is_empty() {
        let belonging = list(cluster, query.namespace, BELONGING, &mut notes)?;
        let belonging: Vec<LiveObject> =
            belonging.into_iter().filter(|object| belongs_to(object, &workloads)).collect();
        objects.extend(workloads);
        objects.extend(belonging);
    }
    objects.extend(gateways);
    Ok(Adoptable { objects, notes })
}

/// Leaves out the Services that a controller made for a Gateway: the Gateway is what the user wrote. Refuses to import a named one.
fn leave_out_made(
    query: &ServiceQuery<'_>,
    services: &mut Vec<LiveObject>,
    notes: &mut Vec<String>,
) -> Result<(), Failure> {
    let mut made = Vec::new();
    let mut problems = Vec::new();
    services.retain(|service| {
        let Some((_, gateway)) = made_for(service.value()) else { return true };
        if query.names.iter().any(|name| name == service.name()) {
            let message = format!("Service {} was made by a controller for Gateway {gateway}", service.name());
            problems.push(Diagnostic::refusal(message).hint(
                "import the Gateway: leave out --service, so that `init --from-cluster` reads the Gateways of the namespace",
            ));
        }
        made.push(service.name().to_owned());
        false
    });
    if !problems.is_empty() {
        return Err(problems.into());
    }
    let names: Vec<&str> = made.iter().map(String::as_str).collect();
    if !names.is_empty() {
        notes.push(format!(
            "left out {} that controllers made for Gateways: {}",
            plural(names.len(), "Service"),
            first_of(&names)
        ));
    }
    Ok(())
}

/// Reads the objects that select the nodes of Services on this platform, such as each `L2Advertisement` of `MetalLB`: in all
/// namespaces, because they are in that of the controller. Without the permission, returns a note.
pub(crate) fn read_selecting(cluster: &Cluster, platform: &Platform) -> Result<Adoptable, Failure> {
    let mut found = Adoptable { objects: Vec::new(), notes: Vec::new() };
    let Some(template) = platform.spec.selecting_object() else { return Ok(found) };
    let (group, version) = group_version(template);
    let kinds = cluster.call(&ApiCall::Resources { group, version })?.kinds();
    let Some(resource) = kinds.into_iter().find(|resource| *resource.kind == template["kind"]) else {
        return Ok(found);
    };
    let plural = resource.plural.clone();
    match cluster.call(&ApiCall::list(resource, None, None)) {
        Ok(answer) => found.objects = answer.objects(),
        Err(ClusterError::Request {
            problem: problem @ (Problem::Forbidden { .. } | Problem::NotFound),
            ..
        }) => {
            found.notes.push(format!(
                "cannot read which nodes the {plural} of the cluster select: {problem}; --pool SERVICE=POOL states the pool of a Service"
            ));
        }
        Err(error) => return Err(error.into()),
    }
    Ok(found)
}

/// Group, version, kind and plural name.
type Kind = [&'static str; 4];

const WORKLOADS: &[Kind] = &[
    ["apps", "v1", "Deployment", "deployments"],
    ["apps", "v1", "StatefulSet", "statefulsets"],
    ["apps", "v1", "DaemonSet", "daemonsets"],
    ["apps", "v1", "ReplicaSet", "replicasets"],
];

const BELONGING: &[Kind] = &[
    ["autoscaling", "v2", "HorizontalPodAutoscaler", "horizontalpodautoscalers"],
    ["policy", "v1", "PodDisruptionBudget", "poddisruptionbudgets"],
];

fn resource([group, version, kind, plural]: Kind) -> Resource {
    Resource { group: group.to_owned(), version: version.to_owned(), ..Resource::core(kind, plural) }
}

fn is_load_balancer(service: &LiveObject) -> bool {
    service.field("spec")["type"] == "LoadBalancer"
}

/// Whether the API server writes the Service itself.
fn is_of_api_server(service: &LiveObject) -> bool {
    service.namespace() == "default" && service.name() == "kubernetes"
}

fn listed(cluster: &Cluster, query: &ServiceQuery<'_>) -> Result<Vec<LiveObject>, Failure> {
    let services = Resource::core("Service", "services");
    let call = ApiCall::list(services, Some(query.namespace.to_owned()), query.selector.map(str::to_owned));
    match cluster.call(&call) {
        Ok(answer) => Ok(answer.objects()),
        Err(error) => Err(wrong_selector(query, &error).map_or_else(|| error.into(), Failure::from)),
    }
}

/// Returns the error for a selector that the server cannot read.
fn wrong_selector(query: &ServiceQuery<'_>, error: &ClusterError) -> Option<Diagnostic> {
    let ClusterError::Request { problem: Problem::Rejected { code: 400, message, .. }, .. } = error else {
        return None;
    };
    let message = format!("invalid --selector `{}`: {message}", query.selector?);
    Some(
        Diagnostic::error(message).hint("write it as for kubectl, such as `app=web` or `app in (web, shop)`"),
    )
}

/// Reads the named Services one by one, which needs no permission to list.
fn named(cluster: &Cluster, query: &ServiceQuery<'_>) -> Result<Vec<LiveObject>, Failure> {
    let names: BTreeSet<&String> = query.names.iter().collect();
    let mut services = Vec::new();
    let mut missing = Vec::new();
    let calls = names.into_iter().map(|name| {
        let namespace = query.namespace.to_owned();
        let at = ObjectRef { resource: Resource::core("Service", "services"), namespace, name: name.clone() };
        (name.as_str(), ApiCall::Get(at))
    });
    for (name, answer) in cluster.call_all(calls.collect(), CONCURRENCY) {
        match answer?.object() {
            Some(service) => services.push(service),
            None => missing.push(
                Diagnostic::error(format!("Service {name} not found in namespace {}", query.namespace))
                    .hint("correct --service, or choose another namespace with --namespace"),
            ),
        }
    }
    if missing.is_empty() { Ok(services) } else { Err(missing.into()) }
}

fn list(
    cluster: &Cluster,
    namespace: &str,
    kinds: &[Kind],
    notes: &mut Vec<String>,
) -> Result<Vec<LiveObject>, Failure> {
    let call = |kind: &Kind| (kind[3], ApiCall::list(resource(*kind), Some(namespace.to_owned()), None));
    let mut found = Vec::new();
    for (plural, answer) in cluster.call_all(kinds.iter().map(call).collect(), CONCURRENCY) {
        match answer {
            Ok(answer) => found.extend(answer.objects()),
            Err(ClusterError::Request {
                problem: problem @ (Problem::Forbidden { .. } | Problem::NotFound | Problem::NotServed),
                ..
            }) => notes.push(format!("{plural} are not imported: {problem}")),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(found)
}

fn none_found(query: &ServiceQuery<'_>) -> Diagnostic {
    let namespace = query.namespace;
    let (message, hint) = match (query.names, query.selector) {
        ([], None) => (
            format!("namespace {namespace} has no Service of type LoadBalancer and no Gateway"),
            "choose another namespace with --namespace".to_owned(),
        ),
        ([], Some(selector)) => (
            format!("no Service of type LoadBalancer in namespace {namespace} has the labels `{selector}`"),
            format!("show the labels with `kubectl get services -n {} --show-labels`", word(namespace)),
        ),
        (names, _) => (
            format!("none of the Services {} is of type LoadBalancer", names.join(", ")),
            "name a Service of type LoadBalancer with --service".to_owned(),
        ),
    };
    Diagnostic::error(message).hint(hint)
}
