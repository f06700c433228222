//! Turns the merged Service of the pools' Gateways into one Gateway with its parameters, and keeps what one pool has for itself.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use crate::core::gateway::{Parameters, read_builtin};
use crate::core::import::Imported;
use crate::core::import::duplicates::Place;
use crate::core::import::gateways::known::set;
use crate::core::import::gateways::of_gateway::OfGateway;
use crate::core::import::group::{Group, Member};
use crate::core::json;
use crate::core::manifest::Key;
use crate::core::pools::PoolSet;
use crate::core::render::{POOL_LABEL, SERVICE_LABEL};

/// What the Gateways of the pools become, besides one Gateway.
#[derive(Debug, Default)]
pub(crate) struct Restored {
    /// The parameters of the Gateways, with the place of the first.
    pub(crate) parameters: Vec<(Value, Place)>,
    /// The parameters in the input that these replace.
    pub(crate) replaced: BTreeSet<Key>,
    /// Patches that keep what the Gateway of one pool has for itself.
    pub(crate) patches: Vec<Value>,
}

/// Turns the objects of groups into Gateways; `imported` has one for each group.
pub(crate) fn restore(groups: &[Group], pools: &PoolSet, imported: &mut Imported) -> Restored {
    let mut restored = Restored::default();
    let Some(gateways) = &imported.gateways else { return restored };
    let found = read_builtin(&gateways.implementation).and_then(Result::ok);
    let form = found.as_ref().and_then(|it| it.spec.parameters.as_ref());
    for (group, object) in groups.iter().zip(&mut imported.objects) {
        let mut members: Vec<&Member> = group.members.iter().collect();
        members.sort_by_key(|member| member.pool);
        let Some((first, gateway)) = members.first().and_then(|it| Some((*it, it.service.gateway.as_ref()?)))
        else {
            continue;
        };
        let own = gateway.parameters.as_ref().zip(form);
        if let Some((parameters, form)) = own {
            let mut value = parameters.rest.clone();
            json::put(&mut value, &["metadata", "name"], group.base.as_str());
            for field in &form.fields {
                if let Some(found) = object.pointer(&field.service) {
                    set(&mut value, &field.parameters, found.clone());
                }
            }
            restored.parameters.push((value, first.service.place.clone()));
        }
        *object = merged(gateway, object, &group.base, own.map(|(_, form)| form));
        for member in members {
            let (Some(of), Some(pool)) = (&member.service.gateway, member.pool) else { continue };
            restored.replaced.extend(of.parameters.as_ref().map(|parameters| parameters.key.clone()));
            restored.patches.extend(patches(of, &pools.pools[pool].value, form));
        }
    }
    restored
}

fn merged(gateway: &OfGateway, service: &Value, base: &str, form: Option<&Parameters>) -> Value {
    let mut value = gateway.rest.clone();
    json::put(&mut value, &["metadata", "name"], base);
    for (key, text) in &gateway.issuers {
        json::put(&mut value, &["metadata", "annotations", key], text.clone());
    }
    for field in ["labels", "annotations"] {
        let map = service["metadata"][field].as_object().filter(|map| !map.is_empty());
        if let Some(map) = map {
            json::put(&mut value, &["spec", "infrastructure", field], map.clone());
        }
    }
    if let Some(form) = form {
        let group = form.api_version.split_once('/').map_or("", |(group, _)| group);
        let reference = json!({"group": group, "kind": form.kind, "name": base});
        json::put(&mut value, &["spec", "infrastructure", "parametersRef"], reference);
    }
    value
}

/// Returns the patches for the Gateway of a pool and its parameters.
fn patches(of: &OfGateway, pool: &str, form: Option<&Parameters>) -> Vec<Value> {
    let target = |kind: &str| {
        let mut target = json!({"kind": kind, "name": of.key.name, "pool": pool});
        if !of.key.namespace.is_empty() {
            json::put(&mut target, &["namespace"], of.key.namespace.as_str());
        }
        target
    };
    let mut of_gateway = Vec::new();
    let mut of_parameters = Vec::new();
    if let Some(addresses) = &of.addresses {
        of_gateway.push(json!({"op": "add", "path": "/spec/addresses", "value": addresses}));
    }
    if let Some(parameters) = &of.parameters {
        let name = &parameters.key.name;
        if *name != of.key.name {
            let path = "/spec/infrastructure/parametersRef/name";
            of_gateway.push(json!({"op": "replace", "path": path, "value": name}));
        }
        match (&parameters.selector, &parameters.placed, &parameters.lacking) {
            (_, None, Some(lacking)) => of_parameters.push(json!({"op": "remove", "path": lacking})),
            (Some(at), Some(placed), _) if *placed != pool => {
                of_parameters.push(json!({"op": "replace", "path": at, "value": placed}));
            }
            _ => {}
        }
        if *name != of.key.name {
            of_parameters.push(json!({"op": "replace", "path": "/metadata/name", "value": name}));
        }
    }
    let kind = form.map_or("", |form| form.kind.as_str());
    [("Gateway", of_gateway), (kind, of_parameters)]
        .into_iter()
        .filter(|(_, operations)| !operations.is_empty())
        .map(|(kind, operations)| {
            json!({"target": target(kind), "expects": {"atLeast": 0}, "patch": operations})
        })
        .collect()
}

/// Drops the labels that `render` writes to each copy.
pub(super) fn drop_labels_of_render(metadata: &mut Map<String, Value>) {
    if let Some(labels) = metadata.get_mut("labels").and_then(Value::as_object_mut) {
        labels.remove(POOL_LABEL);
        labels.remove(SERVICE_LABEL);
    }
    for field in ["labels", "annotations"] {
        if metadata.get(field).and_then(Value::as_object).is_some_and(Map::is_empty) {
            metadata.remove(field);
        }
    }
}
