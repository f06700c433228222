//! Candidates from the project, the kubeconfig and the cluster. Errors are ignored, and lookups time out quickly.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use crate::cluster::{
    ApiCall, Cluster, ClusterFlags, Environment, KubeconfigNames, Limits, kubeconfig_names,
};
use crate::commands::for_each;
use crate::core::apply::ID;
use crate::core::live::Resource;
use crate::core::platform::evidence::choose_with_services;
use crate::core::platform::{Platform, builtin_names, distributions, read_builtin};
use crate::core::pools::discover_pools;
use crate::directory::Project;
use crate::scope::GlobalArgs;

/// Limit for a lookup in the cluster.
const LOOKUP_TIMEOUT: Duration = Duration::from_secs(2);

/// Returns the pools of the lock file, and the pools that the spec declares.
pub(super) fn pools(global: &GlobalArgs) -> Vec<Value> {
    let mut pools: Vec<Value> = Vec::new();
    for scope in for_each::scopes(global, None).unwrap_or_default() {
        let Ok(project) = Project::open(&scope.source) else { continue };
        let locked = project.lock.iter().flat_map(|lock| &lock.pools).map(|(value, pool)| {
            let help = if *value == pool.name { String::new() } else { format!("named {}", pool.name) };
            (value.clone(), help)
        });
        let declared = project.spec.spec.pools.declare.iter();
        let declared = declared.map(|declared| (declared.name.clone(), "declared".to_owned()));
        for (value, help) in locked.chain(declared) {
            if !pools.iter().any(|(known, _)| *known == value) {
                pools.push((value, help));
            }
        }
    }
    pools
}

/// Returns the pools of the lock file by the names that their objects have in the label of the pool.
pub(super) fn pool_names(global: &GlobalArgs) -> Vec<Value> {
    let mut names = BTreeMap::new();
    for scope in for_each::scopes(global, None).unwrap_or_default() {
        let Ok(project) = Project::open(&scope.source) else { continue };
        for (value, pool) in project.lock.iter().flat_map(|lock| &lock.pools) {
            let help = if *value == pool.name { String::new() } else { format!("of {value}") };
            names.insert(pool.name.clone(), help);
        }
    }
    names.into_iter().collect()
}

/// Returns the clusters of the specs.
pub(super) fn clusters_of_spec(global: &GlobalArgs) -> Vec<Value> {
    let mut all = global.clone();
    all.specs.only.clear();
    let scopes = for_each::scopes(&all, None).unwrap_or_default().into_iter();
    let mut clusters: Vec<Value> =
        scopes.filter_map(|scope| Some((scope.source.cluster?, format!("of {}", scope.app?)))).collect();
    clusters.sort();
    clusters.dedup_by(|later, first| later.0 == first.0);
    clusters
}

/// Returns the contexts of the kubeconfig.
pub(super) fn contexts(global: &GlobalArgs) -> Vec<Value> {
    let contexts = names(&global.cluster).contexts.into_iter();
    contexts.map(|context| (context.name, format!("cluster {}", context.cluster))).collect()
}

/// Returns the clusters of the kubeconfig.
pub(super) fn clusters(global: &GlobalArgs) -> Vec<Value> {
    names(&global.cluster).clusters
}

/// Returns the users of the kubeconfig.
pub(super) fn users(global: &GlobalArgs) -> Vec<Value> {
    names(&global.cluster).users.into_iter().map(|name| (name, String::new())).collect()
}

/// Returns the namespaces of the cluster, or else the namespaces of the contexts.
pub(super) fn namespaces(global: &GlobalArgs) -> Vec<Value> {
    let flags = ClusterFlags { namespace: None, ..global.cluster.clone() };
    if let Some(found) = of_cluster(flags, list_namespaces) {
        return found.into_iter().map(|name| (name, String::new())).collect();
    }
    let mut values: Vec<Value> = Vec::new();
    for context in names(&global.cluster).contexts {
        let Some(namespace) = context.namespace else { continue };
        if !values.iter().any(|(known, _)| *known == namespace) {
            values.push((namespace, format!("of context {}", context.name)));
        }
    }
    values
}

/// Returns the Services of type LoadBalancer in the namespace.
pub(super) fn services(global: &GlobalArgs) -> Vec<Value> {
    let found = of_cluster(global.cluster.clone(), list_services).unwrap_or_default();
    found.into_iter().map(|name| (name, String::new())).collect()
}

/// Returns each Service of type LoadBalancer in the namespace with each pool, as `SERVICE=POOL`.
pub(super) fn service_pools(global: &GlobalArgs) -> Vec<Value> {
    let found = of_cluster(global.cluster.clone(), list_service_pools).unwrap_or_default();
    found.into_iter().map(|choice| (choice, String::new())).collect()
}

fn list_service_pools(cluster: &Cluster) -> Option<Vec<String>> {
    let services = list_services(cluster)?;
    let nodes = cluster.nodes().ok()?;
    let platforms: Vec<Platform> = builtin_names().filter_map(|name| read_builtin(name)?.ok()).collect();
    let choice = choose_with_services(&platforms, &nodes, &[]).ok()??;
    let discovered = discover_pools(&nodes, choice.platform, None, None).ok()?;
    let of = |service: &String| -> Vec<String> {
        discovered.pools.keys().map(|pool| format!("{service}={pool}")).collect()
    };
    Some(services.iter().flat_map(of).collect())
}

/// Returns the apps with an ApplySet in the namespace.
pub(super) fn apps(global: &GlobalArgs) -> Vec<Value> {
    let found = of_cluster(global.cluster.clone(), list_apps).unwrap_or_default();
    found.into_iter().map(|name| (name, String::new())).collect()
}

fn list_apps(cluster: &Cluster) -> Option<Vec<String>> {
    let namespace = Some(cluster.namespace().to_owned());
    let parents = ApiCall::list(Resource::config_map(), namespace, Some(ID.to_owned()));
    Some(cluster.call(&parents).ok()?.objects().iter().map(|parent| parent.name().to_owned()).collect())
}

fn list_namespaces(cluster: &Cluster) -> Option<Vec<String>> {
    let kind = Resource { namespaced: false, ..Resource::core("Namespace", "namespaces") };
    let list = cluster.call(&ApiCall::list(kind, None, None)).ok()?;
    Some(list.objects().iter().map(|namespace| namespace.name().to_owned()).collect())
}

fn list_services(cluster: &Cluster) -> Option<Vec<String>> {
    let namespace = Some(cluster.namespace().to_owned());
    let list =
        cluster.call(&ApiCall::list(Resource::core("Service", "services"), namespace, None)).ok()?.objects();
    let balanced = list.iter().filter(|service| service.field("spec")["type"] == "LoadBalancer");
    Some(balanced.map(|service| service.name().to_owned()).collect())
}

/// Asks the cluster, with a limit for all steps together: each step has its own limit, but together they may exceed it.
fn of_cluster(flags: ClusterFlags, ask: fn(&Cluster) -> Option<Vec<String>>) -> Option<Vec<String>> {
    let (sender, answer) = channel();
    thread::spawn(move || {
        let limits = Limits { plugin: LOOKUP_TIMEOUT * 3 / 4, ..Limits::default() };
        let flags = ClusterFlags { request_timeout: Some(LOOKUP_TIMEOUT), ..flags };
        let environment = Environment { at_terminal: false, ..Environment::of_process() };
        let cluster = Cluster::connect_within(&flags, Arc::new(|_| ()), &environment, limits).ok();
        sender.send(cluster.as_ref().and_then(ask))
    });
    answer.recv_timeout(LOOKUP_TIMEOUT).ok().flatten()
}

/// Returns the words for name servers that have no fixed address.
pub(super) fn name_servers(_: &GlobalArgs) -> Vec<Value> {
    let words = [("system", "those of this machine"), ("authoritative", "those that have the zone")];
    words.into_iter().map(|(word, help)| (word.to_owned(), help.to_owned())).collect()
}

/// Returns the built-in platforms.
pub(super) fn platforms(_: &GlobalArgs) -> Vec<Value> {
    builtin_names()
        .map(|name| {
            let title = read_builtin(name).and_then(Result::ok).map(|platform| platform.spec.title);
            (name.to_owned(), title.unwrap_or_default())
        })
        .collect()
}

/// Returns the pool labels of platforms and distributions.
pub(super) fn pool_labels(_: &GlobalArgs) -> Vec<Value> {
    let platforms = builtin_names().filter_map(|name| read_builtin(name)?.ok());
    let of_platforms = platforms.flat_map(|platform| {
        let name = platform.name.clone();
        platform.spec.pool_labels.into_iter().map(move |label| (label, name.clone()))
    });
    let of_distributions = distributions().iter().flat_map(|distribution| {
        let title = distribution.title.clone();
        distribution.pool_labels.clone().into_iter().map(move |label| (label, title.clone()))
    });
    let mut labels: Vec<Value> = Vec::new();
    for (label, whose) in of_platforms.chain(of_distributions) {
        match labels.iter_mut().find(|(known, _)| *known == label) {
            Some((_, help)) => *help = format!("{help}, {whose}"),
            None => labels.push((label, whose)),
        }
    }
    labels
}

fn names(flags: &ClusterFlags) -> KubeconfigNames {
    kubeconfig_names(flags, &Environment::of_process()).unwrap_or_default()
}

/// A value and its description.
pub(super) type Value = (String, String);
