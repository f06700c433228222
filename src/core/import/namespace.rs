//! The namespace that all imported objects share.

use serde_json::Value;

use crate::core::manifest::Key;
use crate::core::manifest::Scopes;

/// Returns the namespace that all namespaced objects state. `None` if one has another namespace, or none.
pub(super) fn shared(objects: &[Value]) -> Option<String> {
    let scopes = Scopes::default();
    let mut all = objects.iter().map(Key::of).filter(|key| scopes.is_namespaced(&key.group, &key.kind));
    let first = all.next()?.namespace;
    (!first.is_empty() && all.all(|key| key.namespace == first)).then_some(first)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_a_namespace_of_all_objects_is_shared() {
        let object = |kind: &str, namespace: Option<&str>| json!({"apiVersion": "v1", "kind": kind, "metadata": {"name": "a", "namespace": namespace}});
        for (objects, expected) in [
            (vec![object("Service", Some("prod")), object("ConfigMap", Some("prod"))], Some("prod")),
            (vec![object("Service", Some("prod")), object("Namespace", None)], Some("prod")),
            (vec![object("Service", Some("prod")), object("ConfigMap", None)], None),
            (vec![object("Service", Some("prod")), object("Service", Some("test"))], None),
            (vec![object("Namespace", None)], None),
        ] {
            assert_eq!(shared(&objects).as_deref(), expected, "{objects:?}");
        }
    }
}
