//! Removes the server's own fields from an object, for comparisons and diffs.

use serde_json::Value;

/// Metadata of the server that is not part of the desired state.
const BOOKKEEPING: &[&str] =
    &["managedFields", "resourceVersion", "uid", "generation", "creationTimestamp", "selfLink"];

/// The annotation in which `kubectl apply` stores the last applied object.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// Returns the object without its status and the server's metadata.
///
/// Annotations of controllers, such as `deployment.kubernetes.io/revision`, are kept. They are equal before and after a
/// predicted apply, and a change of one is relevant to the user.
#[must_use]
pub fn cleaned(object: &Value) -> Value {
    // Managed fields are often the largest part of the object, so they are not even copied.
    let Some(fields) = object.as_object() else { return object.clone() };
    let kept = fields.iter().filter(|(name, _)| *name != "status");
    kept.map(|(name, value)| (name.clone(), if name == "metadata" { metadata(value) } else { value.clone() }))
        .collect()
}

fn metadata(value: &Value) -> Value {
    let Some(fields) = value.as_object() else { return value.clone() };
    let kept = fields.iter().filter(|(name, _)| !BOOKKEEPING.contains(&name.as_str()));
    let mut metadata: serde_json::Map<_, _> =
        kept.map(|(name, value)| (name.clone(), value.clone())).collect();
    if let Some(notes) = metadata.get_mut("annotations").and_then(Value::as_object_mut)
        && notes.remove(LAST_APPLIED).is_some()
        && notes.is_empty()
    {
        metadata.remove("annotations");
    }
    metadata.into()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn server_metadata_is_removed() {
        let live = json!({
            "apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {
                "name": "nginx", "namespace": "web", "uid": "1", "resourceVersion": "2", "generation": 3,
                "creationTimestamp": "2026-01-01T00:00:00Z", "selfLink": "/x", "managedFields": [{}],
                "labels": {"a": "b"}, "ownerReferences": [{"uid": "9"}],
                "annotations": {"kubectl.kubernetes.io/last-applied-configuration": "{}",
                    "deployment.kubernetes.io/revision": "1"},
            },
            "spec": {"replicas": 1, "template": {"metadata": {"creationTimestamp": null}}},
            "status": {"replicas": 1},
        });
        let expected = json!({
            "apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"name": "nginx", "namespace": "web", "labels": {"a": "b"}, "ownerReferences": [{"uid": "9"}],
                "annotations": {"deployment.kubernetes.io/revision": "1"}},
            "spec": {"replicas": 1, "template": {"metadata": {"creationTimestamp": null}}},
        });
        assert_eq!(cleaned(&live), expected);
        assert_eq!(cleaned(&expected), expected, "idempotent");
    }

    #[test]
    fn empty_annotations_are_removed() {
        let notes = |notes: Value| json!({"metadata": {"name": "a", "annotations": notes}});
        let applied = notes(json!({"kubectl.kubernetes.io/last-applied-configuration": "{}"}));
        assert_eq!(cleaned(&applied), json!({"metadata": {"name": "a"}}));
        assert_eq!(cleaned(&notes(json!({}))), notes(json!({})), "it was empty before");
        assert_eq!(cleaned(&Value::Null), Value::Null);
    }
}
