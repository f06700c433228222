//! The values that are known: of the project, of the kubeconfig, of the cluster. Whatever goes wrong, there are then
//! fewer of them: nothing is said, and nobody waits long.

use std::sync::Arc;
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use crate::cluster::{
    ApiCall, Cluster, ClusterFlags, Environment, KubeconfigNames, Limits, kubeconfig_names,
};
use crate::commands::for_each;
use crate::core::live::Resource;
use crate::core::platform::{builtin_names, distributions, read_builtin};
use crate::directory::Project;
use crate::scope::GlobalArgs;

/// Who presses TAB waits for an answer no longer than this.
const PATIENCE: Duration = Duration::from_secs(2);

/// The pools of the lock, and those that the spec declares.
pub(super) fn pools(scope: &GlobalArgs) -> Vec<Value> {
    let mut pools: Vec<Value> = Vec::new();
    for scope in for_each::scopes(scope, None).unwrap_or_default() {
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

/// The clusters that the specs name.
pub(super) fn clusters_of_spec(scope: &GlobalArgs) -> Vec<Value> {
    let all = GlobalArgs { only: Vec::new(), ..scope.clone() };
    let scopes = for_each::scopes(&all, None).unwrap_or_default().into_iter();
    let mut clusters: Vec<Value> =
        scopes.filter_map(|scope| Some((scope.source.cluster?, format!("of {}", scope.app?)))).collect();
    clusters.sort();
    clusters.dedup_by(|later, first| later.0 == first.0);
    clusters
}

/// The contexts of the kubeconfig.
pub(super) fn contexts(scope: &GlobalArgs) -> Vec<Value> {
    let contexts = names(&scope.cluster).contexts.into_iter();
    contexts.map(|context| (context.name, format!("cluster {}", context.cluster))).collect()
}

/// The clusters of the kubeconfig.
pub(super) fn clusters(scope: &GlobalArgs) -> Vec<Value> {
    names(&scope.cluster).clusters
}

/// The users of the kubeconfig.
pub(super) fn users(scope: &GlobalArgs) -> Vec<Value> {
    names(&scope.cluster).users.into_iter().map(|name| (name, String::new())).collect()
}

/// The namespaces of the cluster, or those that the contexts name.
pub(super) fn namespaces(scope: &GlobalArgs) -> Vec<Value> {
    let (sender, answer) = channel();
    let flags = scope.cluster.clone();
    // Each step has its own limit, but all of them together may take longer than a person waits for TAB.
    thread::spawn(move || sender.send(of_cluster(flags)));
    if let Ok(Some(found)) = answer.recv_timeout(PATIENCE) {
        return found.into_iter().map(|name| (name, String::new())).collect();
    }
    let mut values: Vec<Value> = Vec::new();
    for context in names(&scope.cluster).contexts {
        let Some(namespace) = context.namespace else { continue };
        if !values.iter().any(|(known, _)| *known == namespace) {
            values.push((namespace, format!("of context {}", context.name)));
        }
    }
    values
}

fn of_cluster(flags: ClusterFlags) -> Option<Vec<String>> {
    let limits = Limits { plugin: PATIENCE * 3 / 4, ..Limits::default() };
    let flags = ClusterFlags { request_timeout: Some(PATIENCE), namespace: None, ..flags };
    let environment = Environment { at_terminal: false, ..Environment::of_process() };
    let cluster = Cluster::connect_within(&flags, Arc::new(|_| ()), &environment, limits).ok()?;
    let kind = Resource { namespaced: false, ..Resource::core("Namespace", "namespaces") };
    let list = cluster.call(&ApiCall::list(kind, None, None)).ok()?;
    let name = |item: &serde_json::Value| item["metadata"]["name"].as_str().map(str::to_owned);
    Some(list.as_array()?.iter().filter_map(name).collect())
}

/// The platforms that are built in.
pub(super) fn platforms(_: &GlobalArgs) -> Vec<Value> {
    builtin_names()
        .map(|name| {
            let title = read_builtin(name).and_then(Result::ok).map(|platform| platform.spec.title);
            (name.to_owned(), title.unwrap_or_default())
        })
        .collect()
}

/// The pool labels of platforms and distributions.
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

/// A value with what is said about it.
pub(super) type Value = (String, String);
