//! Which live objects belong to the Services that are imported from a cluster.

use crate::core::kubernetes::selector::{ObjectKeys, Selector};
use crate::core::kubernetes::workloads::Workloads;
use crate::core::live::LiveObject;

/// Returns the workloads that the Services select. Leaves out those that a controller owns, such as the `ReplicaSets` of a
/// Deployment: they come with their owner.
pub fn selected(services: &[LiveObject], workloads: Vec<LiveObject>) -> Vec<LiveObject> {
    let is_of_user = |workload: &LiveObject| workload.controller().is_none() && !workload.is_being_deleted();
    let of_users: Vec<LiveObject> = workloads.into_iter().filter(is_of_user).collect();
    let indexed = of_users.iter().enumerate().map(|(index, workload)| (workload.value(), index));
    let by_labels = Workloads::of(indexed);
    let mut is_selected = vec![false; of_users.len()];
    for service in services {
        for index in by_labels.selected_by(service.value()) {
            is_selected[*index] = true;
        }
    }
    let with = of_users.into_iter().zip(is_selected);
    with.filter_map(|(workload, is_selected)| is_selected.then_some(workload)).collect()
}

/// Whether a Service selects one of the workloads, or has the name that one of them gives its pods.
pub fn is_beside(service: &LiveObject, workloads: &[LiveObject]) -> bool {
    let governs = |workload: &LiveObject| {
        workload.kind() == "StatefulSet" && workload.field("spec")["serviceName"] == service.name()
    };
    let indexed = workloads.iter().map(|workload| (workload.value(), ()));
    Workloads::of(indexed).selected_by(service.value()).next().is_some() || workloads.iter().any(governs)
}

/// Whether an autoscaler scales one of the workloads, or a `PodDisruptionBudget` protects its pods.
pub fn belongs_to(object: &LiveObject, workloads: &[LiveObject]) -> bool {
    let spec = object.field("spec");
    match object.kind() {
        "HorizontalPodAutoscaler" => {
            let target = &spec["scaleTargetRef"];
            workloads.iter().any(|workload| {
                target["kind"] == workload.kind()
                    && target["name"] == workload.name()
                    && group(target["apiVersion"].as_str().unwrap_or_default())
                        == group(workload.api_version())
            })
        }
        "PodDisruptionBudget" => {
            let Ok(selector) = Selector::read_object(&spec["selector"], ObjectKeys::CamelCase) else {
                return false;
            };
            // A budget without a selector protects no pod.
            spec["selector"].is_object()
                && workloads.iter().any(|workload| {
                    selector.matches(&workload.field("spec")["template"]["metadata"]["labels"])
                })
        }
        _ => false,
    }
}

fn group(api_version: &str) -> &str {
    api_version.split_once('/').map_or("", |(group, _)| group)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn service(name: &str, app: &str) -> LiveObject {
        LiveObject::sample(&json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": name},
            "spec": {"selector": {"app": app}}}))
    }

    fn workload(kind: &str, name: &str, app: &str) -> Value {
        json!({"apiVersion": "apps/v1", "kind": kind, "metadata": {"name": name},
            "spec": {"serviceName": "peers", "template": {"metadata": {"labels": {"app": app, "tier": "x"}}}}})
    }

    #[test]
    fn workloads_are_found_by_the_labels_of_their_pods() {
        let mut owned = workload("ReplicaSet", "web-1", "web");
        owned["metadata"]["ownerReferences"] =
            json!([{"kind": "Deployment", "name": "web", "controller": true}]);
        let all = [
            workload("Deployment", "web", "web"),
            owned,
            workload("ReplicaSet", "lone", "web"),
            workload("Deployment", "api", "api"),
        ];
        let all = || all.iter().map(LiveObject::sample).collect();
        let names = |services: &[LiveObject]| {
            selected(services, all()).iter().map(|live| live.name().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(names(&[service("a", "web"), service("b", "web")]), ["web", "lone"]);
        assert_eq!(names(&[service("a", "other")]), [""; 0]);
        let everything = LiveObject::sample(&json!({"apiVersion": "v1", "kind": "Service", "spec": {}}));
        assert_eq!(names(&[everything]), [""; 0], "a Service without a selector selects nothing");
    }

    #[test]
    fn what_belongs_to_a_workload() {
        let workloads = [LiveObject::sample(&workload("StatefulSet", "web", "web"))];
        let scaler = |version: &str, name: &str| {
            LiveObject::sample(
                &json!({"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": {"name": "h"},
                "spec": {"scaleTargetRef": {"apiVersion": version, "kind": "StatefulSet", "name": name}}}),
            )
        };
        assert!(belongs_to(&scaler("apps/v1", "web"), &workloads));
        assert!(!belongs_to(&scaler("apps/v1", "api"), &workloads));
        assert!(!belongs_to(&scaler("example.com/v1", "web"), &workloads));
        let budget = |spec: Value| {
            LiveObject::sample(
                &json!({"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"name": "p"}, "spec": spec}),
            )
        };
        assert!(belongs_to(&budget(json!({"selector": {"matchLabels": {"app": "web"}}})), &workloads));
        assert!(belongs_to(
            &budget(json!({"selector": {"matchExpressions": [{"key": "tier", "operator": "Exists"}]}})),
            &workloads
        ));
        assert!(!belongs_to(&budget(json!({"selector": {"matchLabels": {"app": "api"}}})), &workloads));
        assert!(!belongs_to(&budget(json!({})), &workloads));
        assert!(is_beside(&service("x", "web"), &workloads) && is_beside(&service("peers", "y"), &workloads));
        assert!(!is_beside(&service("x", "y"), &workloads));
    }
}
