//! Nodes with what a platform's controller reads from them: the pool label, the provider ID and the labels of usable nodes.

use largescale::core::platform::Platform;
use serde_json::{Map, Value, json};

/// Returns the label whose values are the pools.
pub(crate) fn label_of(platform: &Platform) -> &str {
    platform.spec.pool_labels.first().map_or("pool", String::as_str)
}

/// Returns a ready node of a pool. If the binding of the platform uses the VM set, each pool has its own.
pub(crate) fn node(platform: &Platform, name: &str, pool: Option<&str>, more: &[(&str, &str)]) -> Value {
    let spec = &platform.spec;
    let mut labels = Map::new();
    labels.insert("kubernetes.io/hostname".to_owned(), name.into());
    for rule in &spec.not_backends {
        if let (Some(label), Some(wanted)) = (&rule.label, &rule.other_than) {
            labels.insert(label.clone(), wanted.as_str().into());
        }
    }
    if let Some(pool) = pool {
        labels.insert(label_of(platform).to_owned(), pool.into());
    }
    labels.extend(more.iter().map(|(key, value)| ((*key).to_owned(), (*value).into())));
    let provider_id = match spec.recognize.provider_ids.first().map(String::as_str) {
        Some("azure://") => format!(
            "azure:///subscriptions/s/resourceGroups/rg/providers/Microsoft.Compute/virtualMachineScaleSets/{}-vmss/virtualMachines/{name}",
            pool.unwrap_or("none")
        ),
        Some(beginning) => format!("{beginning}{name}"),
        None => String::new(),
    };
    json!({"metadata": {"name": name, "labels": labels}, "spec": {"providerID": provider_id},
        "status": {"conditions": [{"type": "Ready", "status": "True"}]}})
}
