//! Writes the parameters of a Gateway, in the resource of its implementation.

use serde_json::{Value, json};

use crate::core::gateway::{Parameters, Placement};
use crate::core::json;
use crate::core::json::NotAMap;
use crate::core::manifest::{Object, Scopes};
use crate::core::pointer;
use crate::core::render::draft::{Input, PendingObject, Role};
use crate::core::render::with_namespace_and_labels;
use crate::core::report::diagnostic::Diagnostic;

/// A Gateway, and the index of its parameters in the manifests.
type WithParameters<'a> = (&'a Object, Option<usize>);

/// Returns the parameters of a pool's Gateway. The proxies run on the nodes of the pool.
pub(super) fn of_pool<'a>(
    input: Input<'a>,
    form: &Parameters,
    gateway: WithParameters<'a>,
    scopes: &Scopes,
    pool: usize,
) -> Result<PendingObject<'a>, Diagnostic> {
    let mut draft = draft(input, form, gateway, scopes);
    draft.pool = Some(pool);
    let (label, value) = (input.pools.label.as_str(), input.pools.pools[pool].value.as_str());
    if let Some(Placement { node_selector, .. }) = placement(form, &draft.value) {
        let found = draft.value.pointer(node_selector).and_then(|selector| selector.get(label));
        if let Some(found) = found {
            return Err(Diagnostic::error(format!(
                "`{}` of {} already selects nodes by the pool label: `{label}: {found}`",
                pointer::field(node_selector),
                draft.source.key()
            ))
            .at(draft.source.location(node_selector))
            .hint("remove it: the parameters of each pool get their own"));
        }
        let at = pointer::join(node_selector, label);
        set(&mut draft.value, &at, value.into()).map_err(|wrong| unusable(draft.source, &wrong))?;
    }
    Ok(draft)
}

/// Returns the parameters of the one Gateway of all pools: its own Service has no load balancer.
pub(super) fn shared<'a>(
    input: Input<'a>,
    form: &Parameters,
    gateway: WithParameters<'a>,
    scopes: &Scopes,
) -> Result<PendingObject<'a>, Diagnostic> {
    let mut draft = draft(input, form, gateway, scopes);
    // The Services of the pools have these fields, and an API server may reject them for ClusterIP.
    for field in &form.fields {
        remove(&mut draft.value, &field.parameters);
    }
    if let Some(service_type) = &form.service_type {
        set(&mut draft.value, service_type, "ClusterIP".into())
            .map_err(|wrong| unusable(draft.source, &wrong))?;
    }
    Ok(draft)
}

/// Makes a Gateway refer to its parameters.
pub(super) fn refer(gateway: &mut Value, form: &Parameters, name: &str) {
    let group = form.api_version.split_once('/').map_or("", |(group, _)| group);
    let reference = json!({"group": group, "kind": form.kind, "name": name});
    json::put(gateway, &["spec", "infrastructure", "parametersRef"], reference);
}

/// Sets the value at a JSON pointer, and creates the maps on its way.
pub(super) fn set(value: &mut Value, at: &str, new: Value) -> Result<(), NotAMap> {
    let keys: Vec<_> = pointer::keys(at).collect();
    let keys: Vec<&str> = keys.iter().map(AsRef::as_ref).collect();
    json::set(value, &keys, new)
}

fn remove(value: &mut Value, at: &str) {
    let Some((parent, key)) = at.rsplit_once('/') else { return };
    if let Some(map) = value.pointer_mut(parent).and_then(Value::as_object_mut) {
        map.remove(key);
    }
}

/// Returns where the parameters select the nodes of the proxies.
fn placement<'f>(form: &'f Parameters, value: &Value) -> Option<&'f Placement> {
    let applies =
        |placement: &&Placement| placement.when.as_ref().is_none_or(|when| value.pointer(when).is_some());
    form.placements.iter().find(applies)
}

/// Returns the parameters in the manifests, or those of the implementation's file with the name of the Gateway.
fn draft<'a>(
    input: Input<'a>,
    form: &Parameters,
    (gateway, own): WithParameters<'a>,
    scopes: &Scopes,
) -> PendingObject<'a> {
    let source = own.and_then(|index| input.objects.get(index));
    let value = source.map_or_else(
        || {
            let mut value = form.base.clone();
            json::put(&mut value, &["apiVersion"], form.api_version.as_str());
            json::put(&mut value, &["kind"], form.kind.as_str());
            let key = gateway.key();
            json::put(&mut value, &["metadata", "name"], key.name.as_str());
            let namespace = input.spec.namespace_of(&key);
            if !namespace.is_empty() {
                json::put(&mut value, &["metadata", "namespace"], namespace);
            }
            let labels: serde_json::Map<_, _> = input
                .spec
                .spec
                .labels
                .iter()
                .map(|(key, value)| (key.clone(), value.as_str().into()))
                .collect();
            json::put(&mut value, &["metadata", "labels"], labels);
            json::put(&mut value, &["metadata", "annotations"], json!({}));
            value
        },
        |source| with_namespace_and_labels(input.spec, source, scopes),
    );
    PendingObject { value, source: source.unwrap_or(gateway), pool: None, role: Role::GatewayParameters }
}

fn unusable(source: &Object, wrong: &NotAMap) -> Diagnostic {
    Diagnostic::error(format!("the parameters cannot be changed for the pools: {wrong}"))
        .at(source.location(&wrong.pointer))
        .hint("correct the field in the manifest")
}
