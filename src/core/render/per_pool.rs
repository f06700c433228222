//! `workload.perPool`: each pool runs its own copy of the workload, and its load balancer sends traffic to this copy only.
//!
//! If the cloud cannot select nodes, this gives each pool a load balancer: a Service with
//! `externalTrafficPolicy: Local` whose pods run in one pool only.

use std::collections::{BTreeSet, HashSet};

use serde_json::Value;

use crate::core::json;
use crate::core::kubernetes::names;
use crate::core::kubernetes::workloads::Workloads;
use crate::core::manifest::{Key, Object};
use crate::core::platform::Relief;
use crate::core::pointer;
use crate::core::render::draft::{Input, POOL_LABEL, PendingObject, Role};
use crate::core::report::diagnostic::Diagnostic;
use crate::core::report::plural::plural;

/// Kinds with a pod template, all in apps/v1.
const WORKLOADS: &[&str] = &["Deployment", "StatefulSet", "DaemonSet", "ReplicaSet"];

/// The fields in which autoscalers name the workload that they scale.
const REFERENCES: &[&str] = &["/spec/scaleTargetRef", "/spec/targetRef"];

/// The workloads of the load balancers, which are copied for each pool.
#[derive(Clone, Debug, Default)]
pub(super) struct PerPool {
    keys: BTreeSet<Key>,
    /// Their namespaces, kinds and names, for references without a group.
    names: HashSet<[String; 3]>,
}

impl PerPool {
    /// Finds the workloads, if the spec enables `workload.perPool`.
    pub(super) fn of(input: Input<'_>, problems: &mut Vec<Diagnostic>) -> Self {
        if !input.spec.spec.workload.per_pool {
            return Self::default();
        }
        if input.spec.spec.workload.spread {
            problems.push(
                Diagnostic::error("`workload.spread` and `workload.perPool` are mutually exclusive: the workload of a pool has no other pools to spread over")
                    .at(input.document.location("/spec/workload")),
            );
        }
        let mut keys = BTreeSet::new();
        let workloads = workloads(input.objects);
        for service in input.objects.iter().filter(|object| object.is_load_balancer()) {
            let policy = &service.value()["spec"]["externalTrafficPolicy"];
            if !policy.is_null() && policy != "Local" {
                problems.push(
                    Diagnostic::error(format!("`spec.externalTrafficPolicy` is {policy}, but `workload.perPool` requires Local"))
                        .at(service.location("/spec/externalTrafficPolicy"))
                        .hint("remove it: with Cluster, a node may send the traffic of its pool to pods in another pool"),
                );
            }
            let selected: Vec<Key> =
                workloads.selected_by(service.value()).map(|workload| workload.key()).collect();
            if selected.is_empty() {
                problems.push(
                    Diagnostic::error(format!(
                        "{} selects no workload in the manifests, but `workload.perPool` requires one",
                        service.key()
                    ))
                    .at(service.location("/spec/selector"))
                    .hint("the pod template needs all labels in `spec.selector`"),
                );
            }
            keys.extend(selected);
        }
        Self::with(keys)
    }

    fn with(keys: BTreeSet<Key>) -> Self {
        let name = |key: &Key| [key.namespace.clone(), key.kind.clone(), key.name.clone()];
        Self { names: keys.iter().map(name).collect(), keys }
    }

    /// Whether an object is copied for each pool: a workload of a load balancer, or its autoscaler.
    pub(super) fn splits(&self, object: &Object) -> bool {
        !self.keys.is_empty() && (self.keys.contains(&object.key()) || self.reference(object).is_some())
    }

    /// Returns the pointer at which an object names a workload that is copied for each pool.
    fn reference(&self, object: &Object) -> Option<&'static str> {
        let names = |pointer: &str| {
            let target = pointer::find(object.value(), pointer)?;
            let text = |field: &str| target[field].as_str().map(str::to_owned);
            Some(self.names.contains(&[object.key().namespace, text("kind")?, text("name")?]))
        };
        REFERENCES.iter().find(|pointer| names(pointer) == Some(true)).copied()
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
            json::put(&mut copy, &["metadata", "name"], names::copy_name(&name, &pool.name));
            json::put(&mut copy, &["metadata", "labels", POOL_LABEL], pool.name.as_str());
            if let Some(target) = reference.and_then(|pointer| copy.pointer_mut(pointer)) {
                let target_name = target["name"].as_str().unwrap_or_default().to_owned();
                json::put(target, &["name"], names::copy_name(&target_name, &pool.name));
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

/// Restricts the copy of a Service to the pods of its pool.
pub(super) fn keep_traffic(service: &mut Value, pool: &str) {
    json::put(service, &["spec", "selector", POOL_LABEL], pool);
    json::put(service, &["spec", "externalTrafficPolicy"], "Local");
}

/// Returns warnings about the effect on the platform, and about the cost.
pub(super) fn warnings(input: Input<'_>, per_pool: &PerPool) -> Vec<Diagnostic> {
    let mut warnings = Vec::new();
    if per_pool.keys.is_empty() {
        return warnings;
    }
    let at = input.document.location("/spec/workload");
    if let Some(effect) = &input.platform.spec.per_pool
        && effect.relieves == Relief::None
    {
        warnings.push(
            Diagnostic::warning(format!(
                "on {}, `workload.perPool` does not reduce the number of backends: {}",
                input.platform.name, effect.because
            ))
            .at(at.clone())
            .hint("the traffic of each pool still stays in the pool"),
        );
    }
    for object in input.objects.iter().filter(|object| per_pool.keys.contains(&object.key())) {
        let Some(replicas) = object.value()["spec"]["replicas"].as_u64() else { continue };
        let pools = input.pools.pools.len();
        let all = replicas.saturating_mul(pools as u64);
        warnings.push(
            Diagnostic::warning(format!(
                "{} runs {} in each of {}, {all} in total",
                object.key(),
                plural(usize::try_from(replicas).unwrap_or(usize::MAX), "replica"),
                plural(pools, "pool")
            ))
            .at(object.location("/spec/replicas"))
            .hint(
                "to change the number for one pool, use an overlay (`target: {kind: Deployment, pool: ...}`)",
            ),
        );
    }
    warnings
}

/// Returns the workloads that a Service can select.
pub(super) fn workloads(objects: &[Object]) -> Workloads<'_, &Object> {
    let is_workload = |object: &&Object| {
        let key = object.key();
        key.group == "apps" && WORKLOADS.contains(&key.kind.as_str())
    };
    Workloads::of(objects.iter().filter(is_workload).map(|object| (object.value(), object)))
}

/// Restricts the copy of a workload to the nodes of its pool, and labels its pods with the pool.
fn into_pool(workload: &mut Value, name: &str, label: &str, value: &str) -> Result<(), Diagnostic> {
    let nodes = &workload["spec"]["template"]["spec"]["nodeSelector"];
    if let Some(found) = nodes.get(label) {
        return Err(Diagnostic::error(format!(
            "the pods already have a node selector for the pool label: `{label}: {found}`"
        ))
        .hint("remove it: the copy for each pool gets its own"));
    }
    for (path, value) in [
        (&["spec", "selector", "matchLabels", POOL_LABEL][..], name),
        (&["spec", "template", "metadata", "labels", POOL_LABEL], name),
        (&["spec", "template", "spec", "nodeSelector", label], value),
    ] {
        json::set(workload, path, value).map_err(|wrong| {
            Diagnostic::error(format!("the workload cannot be copied for the pools: {wrong}"))
                .hint("correct the field in the manifest")
        })?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::manifest::{ManifestFile, read_manifests};

    fn scaler(number: usize, namespace: &str) -> String {
        format!(
            "apiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: {{name: h{number}, namespace: {namespace}}}\nspec: {{maxReplicas: 2, scaleTargetRef: {{apiVersion: apps/v1, kind: Deployment, name: d{number}}}}}\n"
        )
    }

    #[test]
    fn many_autoscalers_of_many_workloads_take_linear_time() {
        const COUNT: usize = 10_000;
        let key = |number: usize| Key {
            group: "apps".to_owned(),
            kind: "Deployment".to_owned(),
            namespace: "a".to_owned(),
            name: format!("d{number}"),
        };
        let per_pool = PerPool::with((0..COUNT).map(key).collect());
        let scalers: Vec<String> = (0..COUNT)
            .map(|number| scaler(number, "a"))
            .chain([scaler(0, "b"), scaler(COUNT, "a")])
            .collect();
        let text = scalers.join("---\n");
        let file = ManifestFile { source: "m.yaml".into(), shown: "m.yaml".into(), text };
        let objects = read_manifests(&[file]).unwrap();
        // With a search for each autoscaler, this would take minutes.
        let split = objects.iter().filter(|object| per_pool.splits(object)).count();
        assert_eq!(split, COUNT, "another namespace and an unknown workload are not split");
    }
}
