//! `workload.perPool`: each pool runs its own copy of the workload, and its load balancer's traffic stays in the pool.
//!
//! Where the cloud cannot select nodes, this is the way to a load balancer per pool: a Service with
//! `externalTrafficPolicy: Local` whose pods are in one pool only.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::core::kubernetes::names;
use crate::core::manifest::{Key, Object};
use crate::core::platform::Relief;
use crate::core::render::draft::{Input, POOL_LABEL, PendingObject, Role};
use crate::core::report::diagnostic::Diagnostic;
use crate::core::report::plural::plural;

/// Kinds with a pod template, all in apps/v1.
const WORKLOADS: &[&str] = &["Deployment", "StatefulSet", "DaemonSet", "ReplicaSet"];

/// Where autoscalers name the workload that they scale.
const REFERENCES: &[&str] = &["/spec/scaleTargetRef", "/spec/targetRef"];

/// The workloads behind the load balancers, which become one per pool.
#[derive(Clone, Debug, Default)]
pub(super) struct PerPool {
    keys: BTreeSet<Key>,
}

impl PerPool {
    /// Finds them, if the spec asks for it.
    pub(super) fn of(input: Input<'_>, problems: &mut Vec<Diagnostic>) -> Self {
        if !input.spec.spec.workload.per_pool {
            return Self::default();
        }
        if input.spec.spec.workload.spread {
            problems.push(
                Diagnostic::error("`workload.spread` and `workload.perPool` exclude each other: a workload of each pool has nothing to spread over")
                    .at(input.document.location("/spec/workload")),
            );
        }
        let mut keys = BTreeSet::new();
        for service in input.objects.iter().filter(|object| object.is_load_balancer()) {
            let policy = &service.value()["spec"]["externalTrafficPolicy"];
            if !policy.is_null() && policy != "Local" {
                problems.push(
                    Diagnostic::error(format!("`spec.externalTrafficPolicy` is {policy}, and `workload.perPool` needs Local"))
                        .at(service.location("/spec/externalTrafficPolicy"))
                        .hint("remove it: with Cluster, a node would hand the traffic of its pool to the pods of another"),
                );
            }
            let selected: Vec<Key> =
                input.objects.iter().filter(|object| selects(service, object)).map(Object::key).collect();
            if selected.is_empty() {
                problems.push(
                    Diagnostic::error(format!(
                        "{} selects no workload of the manifests, and `workload.perPool` needs one",
                        service.key()
                    ))
                    .at(service.location("/spec/selector"))
                    .hint("the labels of the pod template must hold everything that `spec.selector` names"),
                );
            }
            keys.extend(selected);
        }
        Self { keys }
    }

    /// Whether an object becomes one per pool: such a workload, or what scales it.
    pub(super) fn splits(&self, object: &Object) -> bool {
        !self.keys.is_empty() && (self.keys.contains(&object.key()) || self.reference(object).is_some())
    }

    /// Where an object names a workload that becomes one per pool.
    fn reference(&self, object: &Object) -> Option<&'static str> {
        let names = |pointer: &&&str| {
            let Some(target) = object.value().pointer(pointer) else { return false };
            self.keys.iter().any(|key| {
                target["kind"] == key.kind
                    && target["name"] == key.name
                    && key.namespace == object.key().namespace
            })
        };
        REFERENCES.iter().find(names).copied()
    }

    /// Adds the copies of an object that [splits](Self::splits).
    pub(super) fn copy<'a>(
        &self,
        input: Input<'a>,
        object: &'a Object,
        value: &Value,
        pending: &mut Vec<PendingObject<'a>>,
        problems: &mut Vec<Diagnostic>,
    ) {
        let name = object.key().name;
        let reference = self.reference(object);
        for (index, pool) in input.pools.pools.iter().enumerate() {
            let mut copy = value.clone();
            copy["metadata"]["name"] = names::copy_name(&name, &pool.name).into();
            copy["metadata"]["labels"][POOL_LABEL] = pool.name.as_str().into();
            if let Some(target) = reference.and_then(|pointer| copy.pointer_mut(pointer)) {
                let target_name = target["name"].as_str().unwrap_or_default().to_owned();
                target["name"] = names::copy_name(&target_name, &pool.name).into();
            } else if let Err(problem) = into_pool(&mut copy, &pool.name, &input.pools.label, &pool.value) {
                problems.push(problem.at(object.location("/spec/template/spec")));
                return;
            }
            pending.push(PendingObject {
                value: copy,
                source: object,
                pool: Some(index),
                role: Role::Workload,
            });
        }
    }
}

/// Binds a Service's copy to the pods of its pool.
pub(super) fn keep_traffic(service: &mut Value, pool: &str) {
    service["spec"]["selector"][POOL_LABEL] = pool.into();
    service["spec"]["externalTrafficPolicy"] = "Local".into();
}

/// What this does on the platform, and what it costs.
pub(super) fn said(input: Input<'_>, per_pool: &PerPool) -> Vec<Diagnostic> {
    let mut warnings = Vec::new();
    if per_pool.keys.is_empty() {
        return warnings;
    }
    let at = input.document.location("/spec/workload");
    if let Some(said) = &input.platform.spec.per_pool
        && said.relieves == Relief::None
    {
        warnings.push(
            Diagnostic::warning(format!(
                "the limit of backends is not relieved on {}: {}",
                input.platform.name, said.because
            ))
            .at(at.clone())
            .hint("each pool's traffic stays in the pool all the same"),
        );
    }
    for object in input.objects.iter().filter(|object| per_pool.keys.contains(&object.key())) {
        let Some(replicas) = object.value()["spec"]["replicas"].as_u64() else { continue };
        let pools = input.pools.pools.len();
        let all = replicas.saturating_mul(pools as u64);
        warnings.push(
            Diagnostic::warning(format!(
                "{} has {} in each of {}: {all} in all",
                object.key(),
                plural(usize::try_from(replicas).unwrap_or(usize::MAX), "replica"),
                plural(pools, "pool")
            ))
            .at(object.location("/spec/replicas"))
            .hint("an overlay can change it for a pool (`target: {kind: Deployment, pool: ...}`)"),
        );
    }
    warnings
}

/// Whether a Service sends its traffic to the pods of a workload.
pub(super) fn selects(service: &Object, workload: &Object) -> bool {
    let (from, to) = (service.key(), workload.key());
    if to.group != "apps" || !WORKLOADS.contains(&to.kind.as_str()) || from.namespace != to.namespace {
        return false;
    }
    let Some(selector) = service.value()["spec"]["selector"].as_object().filter(|map| !map.is_empty()) else {
        return false;
    };
    let labels = &workload.value()["spec"]["template"]["metadata"]["labels"];
    selector.iter().all(|(key, value)| labels.get(key) == Some(value))
}

/// Binds a workload's copy to the nodes of its pool, and tells its pods from those of the others.
fn into_pool(workload: &mut Value, name: &str, label: &str, value: &str) -> Result<(), Diagnostic> {
    let nodes = &workload["spec"]["template"]["spec"]["nodeSelector"];
    if let Some(found) = nodes.get(label) {
        return Err(Diagnostic::error(format!(
            "the pods have a node selector by the pool label already: `{label}: {found}`"
        ))
        .hint("remove it: each pool's copy gets its own"));
    }
    let selector = &mut workload["spec"]["selector"];
    if selector.is_null() {
        *selector = json!({});
    }
    selector["matchLabels"][POOL_LABEL] = name.into();
    let template = &mut workload["spec"]["template"];
    template["metadata"]["labels"][POOL_LABEL] = name.into();
    template["spec"]["nodeSelector"][label] = value.into();
    Ok(())
}
