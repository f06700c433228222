//! Writes the Gateways, ListenerSets and parameters of the pools.

use serde_json::Value;

use crate::core::gateway::FleetMode;
use crate::core::json;
use crate::core::manifest::{Object, Scopes};
use crate::core::render::draft::{Input, POOL_LABEL, PendingObject, Role, SERVICE_LABEL};
use crate::core::render::gateways::{
    Gateways, How, Split, full_name, is_listener_set, parameters, policies, routes,
};
use crate::core::report::diagnostic::Diagnostic;

/// The annotations with which cert-manager makes a Certificate for a Gateway (`pkg/controller/certificate-shim` in
/// cert-manager/cert-manager). Two Gateways with one Secret would own the Certificate in turn (cert-manager#2585).
const ISSUERS: [&str; 4] = [
    "cert-manager.io/issuer",
    "cert-manager.io/cluster-issuer",
    "cert-manager.io/issuer-kind",
    "cert-manager.io/issuer-group",
];

/// What the copies of an object have in common.
#[derive(Clone, Copy)]
struct Copied<'v, 'a> {
    object: &'a Object,
    value: &'v Value,
    scopes: &'v Scopes,
}

impl<'a> Gateways<'a> {
    /// Adds what an object of the manifests becomes. Returns whether it did: other objects are not about Gateways.
    pub(in crate::core::render) fn copy(
        &self,
        input: Input<'a>,
        object: &'a Object,
        (value, scopes): (&Value, &Scopes),
        pending: &mut Vec<PendingObject<'a>>,
        problems: &mut Vec<Diagnostic>,
    ) -> bool {
        let Some(how) = self.how() else { return false };
        let copied = Copied { object, value, scopes };
        if let Some(split) = self.of(input.spec, object) {
            match how.mode {
                FleetMode::PerPool => gateways(input, how, split, copied, pending, problems),
                FleetMode::Shared => shared(input, how, split, copied, pending, problems),
            }
            return true;
        }
        let name = full_name(input.spec, &object.key());
        if self.is_parameters(how, object, &name) {
            return true;
        }
        if how.mode == FleetMode::Shared {
            return false;
        }
        if is_listener_set(object)
            && let Some(set) = self.listener_sets.get(&name)
            && let Some(split) = self.split.get(&set.gateway)
        {
            listener_sets(input, (split, &set.names), copied, pending);
            return true;
        }
        let mut changed = value.clone();
        if routes::extend(self, how, &name.0, object, &mut changed, problems) {
            pending.push(PendingObject { value: changed, source: object, pool: None, role: Role::Once });
            return true;
        }
        policies::split(self, how, input, (object, value), pending)
    }

    /// Whether an object is the parameters of Gateways only. These have copies, which are added with their Gateway.
    fn is_parameters(&self, how: How<'_>, object: &Object, name: &(String, String)) -> bool {
        how.parameters().is_some_and(|form| object.value()["kind"] == form.kind.as_str())
            && self.parameters.contains(name)
    }
}

/// Adds the Gateway of each pool, and its parameters.
fn gateways<'a>(
    input: Input<'a>,
    how: How<'a>,
    split: &Split,
    copied: Copied<'_, 'a>,
    pending: &mut Vec<PendingObject<'a>>,
    problems: &mut Vec<Diagnostic>,
) {
    let Copied { object, value, scopes } = copied;
    let service = object.key().name;
    let mut is_first = true;
    for (index, name) in split.names.iter().enumerate() {
        let (Some(name), Some(pool)) = (name, input.pools.pools.get(index)) else { continue };
        let mut copy = value.clone();
        json::put(&mut copy, &["metadata", "name"], name.as_str());
        label(&mut copy, &pool.name, &service);
        if !std::mem::take(&mut is_first) {
            drop_issuers(&mut copy);
        }
        if let Some(form) = how.parameters() {
            let found = parameters::of_pool(input, form, (object, split.parameters), scopes, index);
            match found {
                Ok(mut draft) => {
                    json::put(&mut draft.value, &["metadata", "name"], name.as_str());
                    label(&mut draft.value, &pool.name, &service);
                    parameters::refer(&mut copy, form, name);
                    pending.push(draft);
                }
                // The same for every pool.
                Err(problem) => {
                    problems.push(problem);
                    return;
                }
            }
        }
        pending.push(PendingObject { value: copy, source: object, pool: Some(index), role: Role::Gateway });
    }
}

/// Adds the one Gateway of all pools. Its own Service gets no load balancer.
fn shared<'a>(
    input: Input<'a>,
    how: How<'a>,
    split: &Split,
    copied: Copied<'_, 'a>,
    pending: &mut Vec<PendingObject<'a>>,
    problems: &mut Vec<Diagnostic>,
) {
    let Copied { object, value, scopes } = copied;
    let mut copy = value.clone();
    if let Some(form) = how.parameters() {
        match parameters::shared(input, form, (object, split.parameters), scopes) {
            Ok(draft) => {
                let name = draft.value["metadata"]["name"].as_str().unwrap_or_default().to_owned();
                parameters::refer(&mut copy, form, &name);
                // Several Gateways may name the same parameters.
                if split.writes_parameters {
                    pending.push(draft);
                }
            }
            Err(problem) => problems.push(problem),
        }
    }
    for (key, text) in &how.implementation.spec.cluster_ip_annotations {
        json::put(&mut copy, &["metadata", "annotations", key], text.as_str());
    }
    if let Some(dns) = &input.spec.spec.dns {
        for prefix in dns.prefixes() {
            let key = format!("{prefix}target");
            json::put(&mut copy, &["metadata", "annotations", &key], dns.hostname.as_str());
        }
    }
    pending.push(PendingObject { value: copy, source: object, pool: None, role: Role::Once });
}

/// Adds the ListenerSet of each pool.
fn listener_sets<'a>(
    input: Input<'a>,
    (split, names): (&Split, &[Option<String>]),
    copied: Copied<'_, 'a>,
    pending: &mut Vec<PendingObject<'a>>,
) {
    let Copied { object, value, .. } = copied;
    let mut is_first = true;
    for (index, (gateway, name)) in split.names.iter().zip(names).enumerate() {
        let (Some(gateway), Some(name), Some(pool)) = (gateway, name, input.pools.pools.get(index)) else {
            continue;
        };
        let mut copy = value.clone();
        json::put(&mut copy, &["metadata", "name"], name.as_str());
        json::put(&mut copy, &["metadata", "labels", POOL_LABEL], pool.name.as_str());
        json::put(&mut copy, &["spec", "parentRef", "name"], gateway.as_str());
        if !std::mem::take(&mut is_first) {
            drop_issuers(&mut copy);
        }
        pending.push(PendingObject {
            value: copy,
            source: object,
            pool: Some(index),
            role: Role::ListenerSet,
        });
    }
}

fn label(value: &mut Value, pool: &str, service: &str) {
    json::put(value, &["metadata", "labels", POOL_LABEL], pool);
    json::put(value, &["metadata", "labels", SERVICE_LABEL], service);
}

fn drop_issuers(value: &mut Value) {
    if let Some(annotations) = json::existing_map(value, &["metadata", "annotations"]) {
        annotations.retain(|key, _| !ISSUERS.contains(&key.as_str()));
    }
}

/// Whether cert-manager makes a Certificate for an object.
pub(super) fn has_issuer(object: &Object) -> bool {
    let annotations = object.value()["metadata"]["annotations"].as_object();
    annotations.is_some_and(|map| ISSUERS.iter().any(|key| map.contains_key(*key)))
}
