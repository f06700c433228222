//! A kind that a cluster does not have from the beginning.

use serde_json::{Value, json};

/// The path of all of them.
pub(crate) fn definitions() -> &'static str {
    "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
}

/// The definition of Widgets of a group, which no other test has.
pub(crate) fn definition(group: &str) -> Value {
    json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": format!("widgets.{group}")},
        "spec": {"group": group, "scope": "Namespaced",
            "names": {"kind": "Widget", "plural": "widgets", "singular": "widget", "listKind": "WidgetList"},
            "versions": [{"name": "v1", "served": true, "storage": true, "schema": {"openAPIV3Schema": {
                "type": "object", "properties": {"spec": {"type": "object", "properties": {
                    "size": {"type": "integer"}}}}}}}]}})
}
