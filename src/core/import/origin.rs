//! Where an object in the input comes from: a cluster or a file, and what its user is known to have written.

use serde_json::Value;

use crate::core::bounds::MAX_OWN_VALUES;
use crate::core::json::{has_content, read_bounded};
use crate::core::live::value_at;
use crate::core::pointer;

/// The annotation in which `kubectl apply` stores what the user wrote.
const LAST_APPLIED: &str = "/metadata/annotations/kubectl.kubernetes.io~1last-applied-configuration";

/// Fields that only a server writes.
const SERVER_FIELDS: &[&str] = &[
    "/metadata/uid",
    "/metadata/resourceVersion",
    "/metadata/creationTimestamp",
    "/metadata/managedFields",
    "/spec/clusterIPs",
    "/status",
];

/// What is known about the origin of an object.
#[derive(Clone, Debug, Default)]
pub(crate) struct Origin {
    /// Whether it was read from a cluster.
    pub(crate) is_live: bool,
    /// What the user applied with kubectl, if the object says it.
    applied: Option<Value>,
}

impl Origin {
    /// Reads the origin from an object of the input.
    pub(crate) fn of(object: &Value) -> Self {
        let is_headless = object.pointer("/spec/clusterIPs/0").is_some_and(|address| address == "None");
        let is_live = SERVER_FIELDS
            .iter()
            .filter(|field| !is_headless || **field != "/spec/clusterIPs")
            .any(|field| object.pointer(field).is_some_and(has_content));
        let text = object.pointer(LAST_APPLIED).and_then(Value::as_str);
        let applied = text.and_then(|text| read_bounded(text, MAX_OWN_VALUES).ok());
        // Another object's annotation, or an empty one, says nothing about this object.
        let applied = applied.filter(|applied| applied["kind"] == object["kind"]);
        Self { is_live, applied }
    }

    /// Returns what the user wrote at a pointer; `None` if that is unknown or nothing.
    pub(crate) fn applied(&self, pointer: &str) -> Option<&Value> {
        pointer::find(self.applied.as_ref()?, pointer)
    }

    /// Whether the user certainly left out a field of the spec, so that a server or another program chose it. List items in the
    /// pointer are named by their keys, as in the changes of objects.
    pub(crate) fn left_out(&self, field: &str) -> bool {
        let spec_is_known = self.applied("/spec").is_some_and(Value::is_object);
        let applied = self.applied.as_ref();
        spec_is_known && applied.is_some_and(|applied| value_at(field, applied).is_none())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_object_of_a_cluster_is_recognized() {
        for (object, is_live) in [
            (
                json!({"kind": "Service", "metadata": {"name": "a", "creationTimestamp": null}, "status": {"loadBalancer": {}}}),
                false,
            ),
            (
                json!({"kind": "Service", "metadata": {"name": "a"}, "spec": {"clusterIP": "None", "clusterIPs": ["None"]}}),
                false,
            ),
            (json!({"kind": "Service", "metadata": {"name": "a"}, "spec": {"clusterIP": "10.0.0.1"}}), false),
            (
                json!({"kind": "Service", "metadata": {"name": "a"}, "spec": {"clusterIPs": ["10.0.0.1"]}}),
                true,
            ),
            (json!({"kind": "Deployment", "metadata": {"uid": "1"}}), true),
            (json!({"kind": "Deployment", "metadata": {}, "status": {"replicas": 1}}), true),
        ] {
            assert_eq!(Origin::of(&object).is_live, is_live, "{object}");
        }
    }

    #[test]
    fn last_applied_says_what_the_user_wrote() {
        let of = |applied: &str| {
            Origin::of(&json!({"kind": "Service", "metadata": {"uid": "1", "annotations":
                {"kubectl.kubernetes.io/last-applied-configuration": applied}}}))
        };
        let origin = of(r#"{"kind":"Service","spec":{"type":"LoadBalancer","ports":[{"port":80}]}}"#);
        assert_eq!((origin.applied("/spec/type").is_some(), origin.applied("/spec/clusterIP")), (true, None));
        assert!(
            origin.left_out("/spec/ports/80,TCP/nodePort") && !origin.left_out("/spec/ports/80,TCP/port")
        );
        assert!(origin.left_out("/spec/ipFamilies") && !origin.left_out("/spec/type"));
        for unknown in ["{}", "not JSON", r#"{"kind":"Deployment","spec":{}}"#, "[1]"] {
            let origin = of(unknown);
            assert!(origin.applied("").is_none() && !origin.left_out("/spec/type"), "{unknown}");
        }
    }
}
