//! Reads the Gateways of a namespace, the routes and ListenerSets that name them, and their parameters, for `init --from-cluster`.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::cluster::{ApiCall, Cluster, ClusterError, Problem};
use crate::core::gateway::choose::builtin;
use crate::core::gateway::references::{gateway_named, is_listener_set, listener_set_named, parent_lists};
use crate::core::gateway::{GATEWAY_GROUP, LISTENER_SET_GROUPS};
use crate::core::live::{LiveObject, Resource};
use crate::failure::Failure;

/// Maximum number of concurrent requests.
const CONCURRENCY: usize = 4;

/// The versions of the Gateway API besides `v1`, the newest first.
const OLDER: [&str; 3] = ["v1beta1", "v1alpha3", "v1alpha2"];

/// Namespace and name of an object.
type FullName = (String, String);

/// The kinds of a namespace that belong to Gateways.
#[derive(Default)]
struct Kinds(Vec<Resource>);

impl Kinds {
    /// Adds the kinds of a group and version, unless a newer version has them.
    fn read(&mut self, cluster: &Cluster, group: &str, version: &str) -> Result<(), ClusterError> {
        let (group, version) = (group.to_owned(), version.to_owned());
        let kinds = cluster.call(&ApiCall::Resources { group, version })?.kinds();
        for kind in kinds.into_iter().filter(|kind| kind.namespaced) {
            if !self.0.iter().any(|known| known.group == kind.group && known.kind == kind.kind) {
                self.0.push(kind);
            }
        }
        Ok(())
    }

    fn take(&mut self, is_wanted: impl Fn(&Resource) -> bool) -> Vec<Resource> {
        let (wanted, rest) = std::mem::take(&mut self.0).into_iter().partition(is_wanted);
        self.0 = rest;
        wanted
    }
}

/// Reads the Gateways of a namespace, and what belongs to them. What the user may not list is a note.
pub(crate) fn read_gateways(
    cluster: &Cluster,
    namespace: &str,
    notes: &mut Vec<String>,
) -> Result<Vec<LiveObject>, Failure> {
    let mut kinds = Kinds::default();
    kinds.read(cluster, GATEWAY_GROUP, "v1")?;
    let gateways = kinds.take(|kind| kind.kind == "Gateway");
    let mut found = list(cluster, namespace, gateways, notes)?;
    if found.is_empty() {
        return Ok(found);
    }
    for version in OLDER {
        kinds.read(cluster, GATEWAY_GROUP, version)?;
    }
    kinds.read(cluster, LISTENER_SET_GROUPS[1], "v1alpha1")?;
    let is_beside = |kind: &Resource| kind.kind.ends_with("Route") || kind.kind.ends_with("ListenerSet");
    let beside = list(cluster, namespace, kinds.take(is_beside), notes)?;
    let names: BTreeSet<FullName> = found.iter().map(|gateway| name_of(gateway, namespace)).collect();
    let (sets, routes): (Vec<_>, Vec<_>) =
        beside.into_iter().partition(|object| is_listener_set(object.value()));
    let mut set_names = BTreeSet::new();
    for set in sets {
        let parent = gateway_named(&set.field("spec")["parentRef"], namespace);
        if parent.is_some_and(|parent| names.contains(&parent)) {
            set_names.insert(name_of(&set, namespace));
            found.push(set);
        }
    }
    let parameters = parameters(cluster, namespace, &found, notes)?;
    found
        .extend(routes.into_iter().filter(|route| names_one(route.value(), namespace, (&names, &set_names))));
    found.extend(parameters);
    Ok(found)
}

fn name_of(object: &LiveObject, namespace: &str) -> FullName {
    (namespace.to_owned(), object.name().to_owned())
}

/// Whether a route names one of the Gateways or ListenerSets.
fn names_one(
    route: &Value,
    namespace: &str,
    (gateways, sets): (&BTreeSet<FullName>, &BTreeSet<FullName>),
) -> bool {
    let lists = parent_lists(route);
    let parents = lists.iter().filter_map(|at| route.pointer(at)?.as_array()).flatten();
    parents.into_iter().any(|parent| {
        gateway_named(parent, namespace).is_some_and(|name| gateways.contains(&name))
            || listener_set_named(parent, namespace).is_some_and(|name| sets.contains(&name))
    })
}

/// Reads the parameters that Gateways name.
fn parameters(
    cluster: &Cluster,
    namespace: &str,
    gateways: &[LiveObject],
    notes: &mut Vec<String>,
) -> Result<Vec<LiveObject>, Failure> {
    let reference = |gateway: &LiveObject| {
        let reference = &gateway.field("spec")["infrastructure"]["parametersRef"];
        let text = |field: &str| reference.get(field).and_then(Value::as_str).unwrap_or_default().to_owned();
        (text("group"), text("kind"), text("name"))
    };
    let named: BTreeSet<(String, String, String)> = gateways.iter().map(reference).collect();
    let mut kinds = Kinds::default();
    for form in builtin().iter().filter_map(|it| it.spec.parameters.as_ref()) {
        let (group, version) = form.api_version.split_once('/').unwrap_or(("", &form.api_version));
        if named.iter().any(|(of, kind, _)| of == group && *kind == form.kind) {
            kinds.read(cluster, group, version)?;
        }
    }
    let is_named =
        |kind: &Resource| named.iter().any(|(group, of, _)| *of == kind.kind && *group == kind.group);
    let found = list(cluster, namespace, kinds.take(is_named), notes)?;
    let is_wanted = |object: &LiveObject| {
        named.iter().any(|(_, kind, name)| kind == object.kind() && name == object.name())
    };
    Ok(found.into_iter().filter(is_wanted).collect())
}

fn list(
    cluster: &Cluster,
    namespace: &str,
    kinds: Vec<Resource>,
    notes: &mut Vec<String>,
) -> Result<Vec<LiveObject>, Failure> {
    let calls = kinds.into_iter().map(|kind| {
        let plural = kind.plural.clone();
        (plural, ApiCall::list(kind, Some(namespace.to_owned()), None))
    });
    let mut found = Vec::new();
    for (plural, answer) in cluster.call_all(calls.collect(), CONCURRENCY) {
        match answer {
            Ok(answer) => {
                found.extend(answer.objects().into_iter().filter(|object| !object.is_being_deleted()));
            }
            Err(ClusterError::Request {
                problem: problem @ (Problem::Forbidden { .. } | Problem::NotFound | Problem::NotServed),
                ..
            }) => notes.push(format!("{plural} are not imported: {problem}")),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(found)
}
