//! A field in which an object names another one, as written in a spec.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A field of a custom resource that names another object. If the key of the field is `name`, the fields `kind`, `group`,
/// `apiGroup`, `apiVersion` and `namespace` beside it describe the other object too.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ReferenceRule {
    /// The kind of the objects that have the field.
    pub kind: String,
    /// The API group of these objects; default: any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// JSON pointer of the name, such as `/spec/routes/*/service/name`; `*` is each item of a list, or each value of a map. The
    /// field may contain `NAME`, `NAMESPACE/NAME`, and for a Service also `NAME.NAMESPACE.svc`.
    pub path: String,
    /// The object that the field names; default: a Service.
    #[serde(default)]
    pub to: ReferenceTarget,
    /// The key of the field beside the name that contains the namespace; default: `namespace` if the key of the name is `name`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
}

/// The kind of the object that a field names.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ReferenceTarget {
    /// The kind.
    pub kind: String,
    /// The API group; default: the core group.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub group: String,
}

impl Default for ReferenceTarget {
    fn default() -> Self {
        Self { kind: "Service".to_owned(), group: String::new() }
    }
}

impl ReferenceTarget {
    /// Whether it is a Service of Kubernetes.
    pub fn is_service(&self) -> bool {
        self.group.is_empty() && self.kind == "Service"
    }
}

impl ReferenceRule {
    /// Returns the field of the rule that is invalid, and why.
    pub fn problem(&self) -> Option<(&'static str, String)> {
        if self.kind.is_empty() {
            return Some(("kind", "`kind` is empty".to_owned()));
        }
        if self.to.kind.is_empty() {
            return Some(("to/kind", "`to.kind` is empty".to_owned()));
        }
        let path = &self.path;
        if !path.starts_with('/') {
            let message = format!(
                "invalid path `{path}`: expected a JSON pointer such as `/spec/routes/*/service/name`"
            );
            return Some(("path", message));
        }
        let broken = path.split('/').skip(1).any(|key| key.is_empty() || key == "-");
        broken.then(|| ("path", format!("invalid path `{path}`: a key between two `/` is empty or `-`")))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn wrong_rules_name_their_field() {
        for (rule, expected) in [
            (json!({"kind": "A", "path": "/spec/*/name"}), None),
            (json!({"kind": "", "path": "/spec"}), Some(("kind", "`kind` is empty"))),
            (json!({"kind": "A", "path": "/a", "to": {"kind": ""}}), Some(("to/kind", "`to.kind` is empty"))),
            (
                json!({"kind": "A", "path": "spec.name"}),
                Some((
                    "path",
                    "invalid path `spec.name`: expected a JSON pointer such as `/spec/routes/*/service/name`",
                )),
            ),
            (
                json!({"kind": "A", "path": "/spec//name"}),
                Some(("path", "invalid path `/spec//name`: a key between two `/` is empty or `-`")),
            ),
        ] {
            let rule: ReferenceRule = serde_json::from_value(rule).unwrap();
            let found = rule.problem();
            assert_eq!(found.as_ref().map(|(field, message)| (*field, message.as_str())), expected);
        }
    }
}
