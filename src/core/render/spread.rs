//! `workload.spread`: the replicas of a workload spread over the pools.

use serde_json::{Value, json};

use crate::core::render::draft::{Input, PendingObject};
use crate::core::render::per_pool::selects;
use crate::core::report::diagnostic::Diagnostic;
use crate::core::report::plural::plural;

/// Spreads the replicas over the pools, where the spec says so or an overlay needs it.
pub(super) fn over_pools(input: Input<'_>, pending: &mut [PendingObject<'_>]) -> Option<Diagnostic> {
    let workload = input.spec.spec.workload;
    let mut overlays = input.overlays.iter();
    let because = if workload.spread {
        "`workload.spread` is on".to_owned()
    } else {
        let overlay = overlays.find(|overlay| overlay.spec.spread && !workload.per_pool)?;
        format!("the overlay {} brings `workload.spread`", overlay.name)
    };
    let done = pending.iter_mut().filter_map(|draft| {
        // There is a pod of a DaemonSet on every node.
        let is_everywhere = draft.value["kind"] == "DaemonSet";
        (spread(&mut draft.value, &input.pools.label) || is_everywhere).then_some(())
    });
    if done.count() > 0 {
        return None;
    }
    let message = format!("{because}, and the manifests hold no Deployment or StatefulSet");
    Some(Diagnostic::warning(message).at(input.document.location("/spec/workload")))
}

/// Workloads that leave a pool without a pod, behind Services that would answer nothing there.
pub(super) fn too_few(input: Input<'_>, pending: &[PendingObject<'_>]) -> Vec<Diagnostic> {
    if input.spec.spec.workload.per_pool {
        return Vec::new();
    }
    let pools = input.pools.pools.len();
    let mut warnings = Vec::new();
    let is_local = |draft: &&PendingObject<'_>| {
        draft.service().is_some() && draft.value["spec"]["externalTrafficPolicy"] == "Local"
    };
    for draft in pending.iter().filter(is_local) {
        for workload in input.objects.iter().filter(|object| selects(draft.source, object)) {
            let replicas = workload.value()["spec"]["replicas"].as_u64();
            let Some(few) = replicas.and_then(|it| usize::try_from(it).ok()).filter(|it| *it < pools) else {
                continue;
            };
            let message = format!(
                "{} has {} for {}, and with `externalTrafficPolicy: Local` a pool without a pod answers nothing",
                workload.key(),
                plural(few, "replica"),
                plural(pools, "pool")
            );
            let warning = Diagnostic::warning(message).at(workload.location("/spec/replicas"));
            let warning = warning.hint("raise `spec.replicas`, or say `workload: {perPool: true}`");
            if !warnings.contains(&warning) {
                warnings.push(warning);
            }
        }
    }
    warnings
}

/// Adds a topology spread constraint over the pool label to a Deployment or StatefulSet; says whether the object
/// is one. A constraint over that label that is there already stays as it is.
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
        // Pods that cannot be spread still run: a pool that is full or gone must not stop a rollout.
        "whenUnsatisfiable": "ScheduleAnyway",
        "labelSelector": selector,
    }));
    true
}
