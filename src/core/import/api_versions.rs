//! Upgrades removed API versions of workloads.

use serde_json::Value;

use crate::core::import::dropped::take;
use crate::core::json;

/// Upgrades a workload of a removed API version to apps/v1, with the selector that was the default before.
pub(crate) fn upgrade_api_version(object: &mut Value, messages: &mut Vec<String>) {
    let version = object["apiVersion"].as_str().unwrap_or_default().to_owned();
    let kind = object["kind"].as_str().unwrap_or_default().to_owned();
    let old = matches!(version.as_str(), "apps/v1beta1" | "apps/v1beta2" | "extensions/v1beta1");
    if !old || !matches!(kind.as_str(), "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet") {
        return;
    }
    let name = object["metadata"]["name"].as_str().unwrap_or_default().to_owned();
    json::put(object, &["apiVersion"], "apps/v1");
    for field in ["/spec/rollbackTo", "/spec/templateGeneration"] {
        take(object, field);
    }
    let labels = object["spec"]["template"]["metadata"]["labels"].clone();
    let mut sentence = format!("{} {name}: changed {version} to apps/v1", kind.to_lowercase());
    if object["spec"]["selector"].is_null() && labels.is_object() {
        json::put(object, &["spec", "selector"], serde_json::json!({ "matchLabels": labels }));
        sentence.push_str(", with a selector of its pod labels, the former default");
    }
    messages.push(sentence);
}
