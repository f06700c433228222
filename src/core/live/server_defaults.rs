//! Removes the fields of an object that the API server would add again with the same values.

use serde_json::Value;

use crate::core::live::likeness::{Likeness, likeness};
use crate::core::live::types::{Kind, Shape};
use crate::core::pointer;

/// Fields that stay, because readers look for them, or because their default depends on other fields.
const KEPT: &[&str] = &["emptyDir", "minReplicas", "replicas", "strategy", "type", "updateStrategy"];

/// Removes the fields whose values the API server adds itself, as the table of types proves. `is_kept` decides about the field at a
/// pointer. Returns the pointers of the removed fields. An object of an unknown kind stays as it is.
pub fn without_defaults(object: &mut Value, is_kept: &dyn Fn(&str) -> bool) -> Vec<String> {
    let text = |field: &str| object[field].as_str().unwrap_or_default();
    let shape = Shape::of_object(text("apiVersion"), text("kind"));
    let mut removed = Vec::new();
    if shape.kind() == Kind::Struct {
        remove(object, shape, &mut String::new(), is_kept, &mut removed);
    }
    removed
}

fn remove(
    value: &mut Value,
    shape: Shape,
    at: &mut String,
    is_kept: &dyn Fn(&str) -> bool,
    removed: &mut Vec<String>,
) {
    let end = at.len();
    match (shape.kind(), value) {
        (Kind::Struct, Value::Object(fields)) => fields.retain(|name, value| {
            if at.is_empty() && ["apiVersion", "kind", "metadata"].contains(&name.as_str())
                || KEPT.contains(&name.as_str())
            {
                return true;
            }
            let below = shape.field(name);
            pointer::push(at, name);
            // The fields of the object itself, such as `spec`, stay.
            let is_default = end > 0
                && !below.is_required()
                && likeness(None, Some(value), below) == Likeness::Same
                && !is_kept(at);
            if is_default {
                removed.push(at.clone());
            } else {
                remove(value, below, at, is_kept, removed);
            }
            at.truncate(end);
            !is_default
        }),
        (Kind::List, Value::Array(items)) => {
            for (index, item) in items.iter_mut().enumerate() {
                pointer::push(at, &index.to_string());
                remove(item, shape.item(), at, is_kept, removed);
                at.truncate(end);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_proved_defaults_are_removed() {
        let mut deployment = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "a"}, "spec": {
            "progressDeadlineSeconds": 600, "replicas": 1, "revisionHistoryLimit": 5,
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"}},
            "template": {"spec": {"containers": [{"name": "a", "image": "nginx", "imagePullPolicy": "Always", "resources": {},
                "ports": [{"containerPort": 80, "protocol": "TCP"}, {"containerPort": 53, "protocol": "UDP"}],
                "env": [{"name": "x", "valueFrom": {"fieldRef": {"apiVersion": "v1", "fieldPath": "a"}}}],
                "terminationMessagePath": "/dev/termination-log", "terminationMessagePolicy": "FallbackToLogsOnError"}],
                "dnsPolicy": "ClusterFirst", "restartPolicy": "Always", "schedulerName": "mine", "securityContext": {},
                "volumes": [{"name": "v", "emptyDir": {}}, {"name": "c", "configMap": {"name": "c", "defaultMode": 420}}]}}}});
        let removed = without_defaults(&mut deployment, &|at| at == "/spec/template/spec/dnsPolicy");
        assert_eq!(
            deployment["spec"],
            json!({"replicas": 1, "revisionHistoryLimit": 5,
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"}},
            "template": {"spec": {"containers": [{"name": "a", "image": "nginx", "imagePullPolicy": "Always",
                "ports": [{"containerPort": 80}, {"containerPort": 53, "protocol": "UDP"}],
                "env": [{"name": "x", "valueFrom": {"fieldRef": {"fieldPath": "a"}}}],
                "terminationMessagePolicy": "FallbackToLogsOnError"}],
                "dnsPolicy": "ClusterFirst", "schedulerName": "mine",
                "volumes": [{"name": "v", "emptyDir": {}}, {"name": "c", "configMap": {"name": "c"}}]}}})
        );
        assert!(removed.contains(&"/spec/template/spec/containers/0/ports/0/protocol".to_owned()));
    }

    #[test]
    fn other_kinds_and_required_fields_stay() {
        for object in [
            json!({"apiVersion": "example.com/v1", "kind": "Widget", "spec": {"sessionAffinity": "None", "x": {}}}),
            json!({"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "spec": {"podSelector": {}}}),
            json!({"apiVersion": "v1", "kind": "Service", "spec": {"type": "ClusterIP", "ipFamilies": ["IPv4"]}}),
        ] {
            let mut left = object.clone();
            assert_eq!(without_defaults(&mut left, &|_| false), [""; 0], "{object}");
            assert_eq!(left, object);
        }
    }
}
