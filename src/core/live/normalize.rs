//! An object without what the server keeps in it for itself, for comparisons and diffs.

use serde_json::Value;

/// Metadata that says when and how often, and not what.
const BOOKKEEPING: &[&str] =
    &["managedFields", "resourceVersion", "uid", "generation", "creationTimestamp", "selfLink"];

/// The annotation in which `kubectl apply` keeps the whole object once more.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// The object without its status and the server's bookkeeping.
///
/// Annotations of controllers, such as `deployment.kubernetes.io/revision`, stay: they are the same on both sides of
/// a comparison with what an apply leaves, and a change of one is something to see.
#[must_use]
pub fn cleaned(object: &Value) -> Value {
    // Managed fields are often most of the object: not even copied.
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
    fn bookkeeping_goes_and_the_rest_stays() {
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
        assert_eq!(cleaned(&expected), expected, "once is enough");
    }

    #[test]
    fn annotations_that_are_left_empty_go() {
        let notes = |notes: Value| json!({"metadata": {"name": "a", "annotations": notes}});
        let applied = notes(json!({"kubectl.kubernetes.io/last-applied-configuration": "{}"}));
        assert_eq!(cleaned(&applied), json!({"metadata": {"name": "a"}}));
        assert_eq!(cleaned(&notes(json!({}))), notes(json!({})), "it was written so");
        assert_eq!(cleaned(&Value::Null), Value::Null);
    }
}
