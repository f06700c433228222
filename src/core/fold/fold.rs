//! Hand-written Services, one a pool, folded back into the one that they are copies of; old API versions made current.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::apart;
use super::modernise::modernise;
use crate::core::diagnostic::{Checked, Diagnostic, Place};
use crate::core::patch::Patch;
use crate::core::placeholder;
use crate::core::platform::Platform;
use crate::core::pointer;
use crate::core::pools::{Pool, PoolSet};
use crate::core::yaml::Document;

/// What became of hand-written manifests.
#[derive(Clone, Debug, Default)]
pub struct Folded {
    /// The objects of the new manifest.
    pub objects: Vec<Value>,
    /// For `spec.names`: Service, then pool, then the name that it keeps.
    pub names: BTreeMap<String, BTreeMap<String, String>>,
    /// All Services were internal: `spec.internal`.
    pub internal: bool,
    /// What was done, a sentence each.
    pub said: Vec<String>,
    /// What the user should check.
    pub warnings: Vec<Diagnostic>,
}

/// Fields that the API server fills in: in a manifest they are leftovers of `kubectl get -o yaml`.
const SERVER_FIELDS: &[&str] = &[
    "/status",
    "/metadata/uid",
    "/metadata/resourceVersion",
    "/metadata/creationTimestamp",
    "/metadata/generation",
    "/metadata/managedFields",
    "/metadata/selfLink",
    "/metadata/annotations/kubectl.kubernetes.io~1last-applied-configuration",
];

/// The same for Services, chosen by the cluster for each.
const SERVICE_FIELDS: &[&str] = &["/spec/clusterIP", "/spec/clusterIPs", "/spec/healthCheckNodePort"];

/// Folds the documents of a manifest for these pools.
pub fn fold(documents: &[Document], platform: &Platform, pools: &PoolSet) -> Checked<Folded> {
    let mut folded = Folded::default();
    let mut services = Vec::new();
    let mut others = Vec::new();
    for document in items(documents) {
        let mut object = document.value.clone();
        if !object.is_object() {
            return Err(Diagnostic::error("the document is no Kubernetes object")
                .at(document.place(""))
                .into());
        }
        drop_fields(&mut object, SERVER_FIELDS);
        if object["kind"] == "Service" && object["spec"]["type"] == "LoadBalancer" {
            services.push(HandWritten::new(object, platform, &document));
        } else {
            modernise(&mut object, &mut folded.said);
            others.push(object);
        }
    }
    folded.internal = !services.is_empty() && services.iter().all(|service| service.internal);
    if folded.internal {
        folded.said.push("all Services are internal: `spec.internal: true`".to_owned());
    } else if services.iter().any(|service| service.internal) {
        // Some only: they keep the annotation, and so stay apart from the public ones.
        services.iter_mut().for_each(HandWritten::keep_internal);
    }
    let mut groups: Vec<Vec<HandWritten>> = Vec::new();
    for service in services {
        match groups.iter_mut().find(|group| group[0].rest == service.rest) {
            Some(group) => group.push(service),
            None => groups.push(vec![service]),
        }
    }
    folded.warnings.extend(apart::apart(&groups, &platform.binding, pools));
    let mut problems = Vec::new();
    for group in groups {
        fold_group(&group, platform, pools, &mut folded, &mut problems);
    }
    folded.objects.extend(others);
    if problems.is_empty() { Ok(folded) } else { Err(problems) }
}

fn items(documents: &[Document]) -> Vec<Document> {
    let mut out = Vec::new();
    for document in documents {
        let list = document.value["items"].as_array().filter(|_| document.value["kind"] == "List");
        match list {
            Some(list) => {
                out.extend((0..list.len()).filter_map(|index| document.part(&format!("/items/{index}"))));
            }
            None => out.push(document.clone()),
        }
    }
    out
}

/// A Service taken apart: its name, what it is bound to, and the rest that copies share.
pub(super) struct HandWritten {
    pub(super) name: String,
    pub(super) rest: Value,
    /// The values at the paths of the platform's binding.
    bound: Vec<Option<Value>>,
    internal: bool,
    internal_values: Vec<(String, Value)>,
    pub(super) place: Place,
}

impl HandWritten {
    fn new(mut object: Value, platform: &Platform, document: &Document) -> Self {
        let name = object["metadata"]["name"].as_str().unwrap_or_default().to_owned();
        drop_fields(&mut object, SERVICE_FIELDS);
        for port in
            object["spec"]["ports"].as_array_mut().into_iter().flatten().filter_map(Value::as_object_mut)
        {
            port.remove("nodePort");
        }
        let bound = platform.binding.added_paths().map(|path| remove(&mut object, path)).collect();
        let internal_values: Vec<(String, Value)> = platform
            .internal
            .added_paths()
            .filter_map(|path| Some((path.to_owned(), remove(&mut object, path)?)))
            .collect();
        let internal =
            !internal_values.is_empty() && internal_values.iter().all(|(_, value)| value == "true");
        if let Some(metadata) = object["metadata"].as_object_mut() {
            metadata.remove("name");
            if metadata.get("annotations").and_then(Value::as_object).is_some_and(serde_json::Map::is_empty) {
                metadata.remove("annotations");
            }
        }
        Self { name, rest: object, bound, internal, internal_values, place: document.place("/metadata/name") }
    }

    fn keep_internal(&mut self) {
        for (path, value) in std::mem::take(&mut self.internal_values) {
            let Some(key) = pointer::keys(&path).last() else { continue };
            self.rest["metadata"]["annotations"][key] = value;
        }
    }

    pub(super) fn shown_binding(&self) -> Option<String> {
        self.bound
            .iter()
            .flatten()
            .next()
            .map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned))
    }
}

fn fold_group(
    group: &[HandWritten],
    platform: &Platform,
    pools: &PoolSet,
    folded: &mut Folded,
    problems: &mut Vec<Diagnostic>,
) {
    let names: Vec<&str> = group.iter().map(|service| service.name.as_str()).collect();
    let base = base_name(&names);
    let mut by_pool: BTreeMap<String, String> = BTreeMap::new();
    let mut unknown = Vec::new();
    for service in group {
        let Some(pool) = bound_pool(service, &platform.binding, pools) else {
            unknown.push(service);
            continue;
        };
        if let Some(other) = by_pool.insert(pool.value.clone(), service.name.clone()) {
            problems.push(
                Diagnostic::error(format!(
                    "the Services {other} and {} are both bound to the pool {}",
                    service.name, pool.value
                ))
                .at(service.place.clone())
                .hint("keep one of them, or make them differ in more than their names"),
            );
        }
    }
    let alone_and_unbound = group.len() == 1 && group[0].shown_binding().is_none();
    if alone_and_unbound {
        folded.warnings.push(
            Diagnostic::warning(format!("the Service {base} is bound to no pool; its copies get new names and new addresses"))
                .at(group[0].place.clone())
                .hint(format!("where its load balancer stands on one pool today, keep its address: `spec.names: {{{base}: {{POOL: {base}}}}}`")),
        );
    } else {
        assign_in_order(&base, unknown, pools, &mut by_pool, folded, problems);
    }
    if group.len() > 1 {
        folded.said.push(format!(
            "the Services {} became one, {base}; `spec.names` keeps their names",
            names.join(", ")
        ));
    }
    let mut object = group[0].rest.clone();
    object["metadata"]["name"] = base.as_str().into();
    folded.objects.push(object);
    if !by_pool.is_empty() {
        folded.names.insert(base, by_pool);
    }
}

/// The pool whose binding gives just the values that the Service has; clouds compare names without case.
pub(super) fn bound_pool<'a>(service: &HandWritten, binding: &Patch, pools: &'a PoolSet) -> Option<&'a Pool> {
    pools.pools.iter().find(|pool| {
        let values = pools.values(pool);
        let mut any = false;
        let all = binding.added_values().zip(&service.bound).all(|(template, found)| {
            let wanted = placeholder::fill_value(template, &values).ok();
            let same = match (wanted.as_ref().and_then(Value::as_str), found.as_ref().and_then(Value::as_str))
            {
                (Some(wanted), Some(found)) => wanted.eq_ignore_ascii_case(found.trim()),
                _ => false,
            };
            any |= same;
            same
        });
        all && any
    })
}

/// Services whose binding names nothing that the nodes show take the pools that are left, in order, and it is said.
fn assign_in_order(
    base: &str,
    unknown: Vec<&HandWritten>,
    pools: &PoolSet,
    by_pool: &mut BTreeMap<String, String>,
    folded: &mut Folded,
    problems: &mut Vec<Diagnostic>,
) {
    let taken: BTreeSet<String> = by_pool.keys().cloned().collect();
    let mut free = pools.pools.iter().filter(|pool| !taken.contains(&pool.value));
    for service in unknown {
        let binding = service.shown_binding().map_or_else(
            || "it has no binding".to_owned(),
            |value| format!("its binding `{value}` names none that the nodes show"),
        );
        let Some(pool) = free.next() else {
            problems.push(
                Diagnostic::error(format!("no pool is left for the Service {}: {binding}", service.name))
                    .at(service.place.clone()),
            );
            continue;
        };
        folded.warnings.push(
            Diagnostic::warning(format!(
                "the Service {} takes the pool {}, the next in order: {binding}",
                service.name, pool.value
            ))
            .at(service.place.clone())
            .hint(format!("check `spec.names: {{{base}: {{{}: {}}}}}`", pool.value, service.name)),
        );
        by_pool.insert(pool.value.clone(), service.name.clone());
    }
}

/// What the names begin with, without the number or dash that told them apart.
fn base_name(names: &[&str]) -> String {
    let [first, rest @ ..] = names else { return String::new() };
    if rest.is_empty() {
        return (*first).to_owned();
    }
    let common = rest.iter().fold(first.len(), |length, name| {
        first.bytes().zip(name.bytes()).take(length).take_while(|(a, b)| a == b).count()
    });
    let base = first[..common].trim_end_matches(|c: char| c.is_ascii_digit() || c == '-');
    if base.is_empty() { (*first).to_owned() } else { base.to_owned() }
}

pub(super) fn drop_fields(object: &mut Value, pointers: &[&str]) {
    for pointer in pointers {
        remove(object, pointer);
    }
}

fn remove(object: &mut Value, path: &str) -> Option<Value> {
    let (parent, _) = path.rsplit_once('/')?;
    let key = pointer::keys(path).last()?;
    object.pointer_mut(parent)?.as_object_mut()?.remove(&key)
}
