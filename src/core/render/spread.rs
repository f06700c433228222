//! `workload.spread`: spreads the replicas of a workload over the pools.

use serde_json::{Value, json};

use crate::core::render::draft::{Input, PendingObject};
use crate::core::report::diagnostic::Diagnostic;

/// Spreads the replicas over the pools, if the spec or an overlay requests it.
pub(super) fn over_pools(input: Input<'_>, pending: &mut [PendingObject<'_>]) -> Option<Diagnostic> {
    let workload = input.spec.spec.workload;
    let mut overlays = input.overlays.iter();
    let because = if workload.spread {
        "`workload.spread` is on".to_owned()
    } else {
        let overlay = overlays.find(|overlay| overlay.spec.spread && !workload.per_pool)?;
        format!("the overlay {} turns `workload.spread` on", overlay.name)
    };
    let done = pending.iter_mut().filter_map(|draft| {
        // A DaemonSet already runs on every node.
        let is_everywhere = draft.value["kind"] == "DaemonSet";
        (spread(&mut draft.value, &input.pools.label) || is_everywhere).then_some(())
    });
    if done.count() > 0 {
        return None;
    }
    let message = format!("{because}, but the manifests contain no Deployment or StatefulSet");
    Some(Diagnostic::warning(message).at(input.document.location("/spec/workload")))
}

/// Adds a topology spread constraint over the pool label to a Deployment or StatefulSet, and returns whether the object
/// is one. An existing constraint over this label is kept.
fn spread(object: &mut Value, label: &str) -> bool {
    let is_workload = object["apiVersion"] == "apps/v1"
        && (object["kind"] == "Deployment" || object["kind"] == "StatefulSet");
    if !is_workload {
        return false;
    }
    let selector = object["spec"]["selector"].clone();
    let Some(pod) = object.pointer_mut("/spec/template/spec").and_then(Value::as_object_mut) else {
        return true;
    };
    let constraints = pod.entry("topologySpreadConstraints").or_insert_with(|| json!([]));
    if constraints.is_null() {
        *constraints = json!([]);
    }
    let Some(list) = constraints.as_array_mut() else { return true };
    if list.iter().any(|constraint| constraint["topologyKey"] == label) {
        return true;
    }
    list.push(json!({
        "maxSkew": 1,
        "topologyKey": label,
        // Pods that cannot be spread still run: a pool that is full or has no nodes must not block a rollout.
        "whenUnsatisfiable": "ScheduleAnyway",
        "labelSelector": selector,
    }));
    true
}
