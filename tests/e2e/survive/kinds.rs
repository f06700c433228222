//! A custom resource kind for the tests.

use serde_json::{Value, json};

/// Returns the path of all CustomResourceDefinitions.
pub(crate) fn definitions() -> &'static str {
    "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
}

/// Returns the definition of Widgets in a group; no two tests may share one.
pub(crate) fn definition(group: &str) -> Value {
    json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": format!("widgets.{group}")},
        "spec": {"group": group, "scope": "Namespaced",
            "names": {"kind": "Widget", "plural": "widgets", "singular": "widget", "listKind": "WidgetList"},
            "versions": [{"name": "v1", "served": true, "storage": true, "schema": {"openAPIV3Schema": {
                "type": "object", "properties": {"spec": {"type": "object", "properties": {
                    "size": {"type": "integer"}}}}}}}]}})
}
