//! `workload.spread`: the replicas of a workload spread over the pools.

use serde_json::{Value, json};

/// Adds a topology spread constraint over the pool label to a Deployment or StatefulSet; says whether the object
/// is one. A constraint over that label that is there already stays as it is.
pub(super) fn spread(object: &mut Value, label: &str) -> bool {
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
        // Pods that cannot be spread still run: a pool that is full or gone must not stop a rollout.
        "whenUnsatisfiable": "ScheduleAnyway",
        "labelSelector": selector,
    }));
    true
}
