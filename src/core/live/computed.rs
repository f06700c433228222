//! Values that the server computes: whether a field gets its live value back when it is removed.
//!
//! The table is `computed` in `kubernetes-defaults.json`, from `pkg/apis/*/*/defaults.go` of k8s.io/kubernetes 1.36, and for
//! allocated values from `pkg/registry/core/service`. `tests/e2e/managers` compares it with an API server.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

/// How the server computes a value.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(rename_all = "camelCase")]
pub(super) enum Computed {
    /// It keeps the value that it has allocated.
    Kept,
    /// It pulls images without a fixed tag always.
    ByTag,
    /// It copies another field of the same object.
    From(String),
    /// It sets a value while other fields have one of these values.
    Value {
        /// The value.
        is: Value,
        /// The values of other fields; a missing field counts as null.
        #[serde(default)]
        with: BTreeMap<String, Vec<Value>>,
    },
}

/// The fields beside a field: as they are applied, otherwise as they are.
#[derive(Clone, Copy)]
pub(super) struct Siblings<'a> {
    /// The object that is applied.
    pub(super) wanted: Option<&'a Value>,
    /// The live object.
    pub(super) live: Option<&'a Value>,
}

impl<'a> Siblings<'a> {
    fn get(self, name: &str) -> Option<&'a Value> {
        let field = |object: Option<&'a Value>| object?.get(name).filter(|value| !value.is_null());
        field(self.wanted).or_else(|| field(self.live))
    }
}

impl Computed {
    /// Returns whether the server would give a removed field this value again.
    pub(super) fn restores(&self, value: &Value, siblings: Siblings<'_>) -> bool {
        match self {
            Self::Kept => true,
            Self::From(name) => siblings.get(name) == Some(value),
            Self::Value { is, with } => {
                is == value
                    && with
                        .iter()
                        .all(|(name, values)| values.contains(siblings.get(name).unwrap_or(&Value::Null)))
            }
            Self::ByTag => {
                let image = siblings.get("image").and_then(Value::as_str).unwrap_or_default();
                value == pull_policy(image)
            }
        }
    }
}

/// Returns the default of `imagePullPolicy`.
fn pull_policy(image: &str) -> &'static str {
    // A colon before the last slash belongs to the port of a registry.
    let name = image.rsplit('/').next().unwrap_or(image);
    let (name, digest) = name.split_once('@').map_or((name, None), |(name, digest)| (name, Some(digest)));
    match (name.split_once(':'), digest) {
        (Some((_, "latest")), _) | (None, None) => "Always",
        _ => "IfNotPresent",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_pull_policy_depends_on_the_tag() {
        for (image, policy) in [
            ("nginx", "Always"),
            ("nginx:latest", "Always"),
            ("nginx:1.27", "IfNotPresent"),
            ("registry.example:5000/nginx", "Always"),
            ("registry.example:5000/nginx:1", "IfNotPresent"),
            ("nginx@sha256:0123", "IfNotPresent"),
            ("nginx:1@sha256:0123", "IfNotPresent"),
        ] {
            assert_eq!(pull_policy(image), policy, "{image}");
        }
    }

    #[test]
    fn values_depend_on_the_fields_beside_them() {
        let read = |text: &str| serde_json::from_str::<Computed>(text).unwrap();
        let policy = read(r#"{"value": {"is": "Cluster", "with": {"type": ["NodePort", null]}}}"#);
        let restores = |rule: &Computed, value: &str, wanted: Value, live: Value| {
            let siblings = Siblings { wanted: Some(&wanted), live: Some(&live) };
            rule.restores(&value.into(), siblings)
        };
        assert!(restores(&policy, "Cluster", json!({}), json!({"type": "NodePort"})));
        assert!(restores(&policy, "Cluster", json!({}), json!({})));
        assert!(!restores(&policy, "Local", json!({}), json!({"type": "NodePort"})));
        assert!(!restores(&policy, "Cluster", json!({"type": "ClusterIP"}), json!({"type": "NodePort"})));
        let name = read(r#"{"from": "name"}"#);
        assert!(restores(&name, "a", json!({"name": "a"}), json!({"name": "b"})));
        assert!(!restores(&name, "b", json!({"name": "a"}), json!({"name": "b"})));
        assert_eq!(read("\"kept\""), Computed::Kept);
    }
}
