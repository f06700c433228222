//! Settings for large clusters from 2018 that have since changed.

use crate::core::cluster_model::pool::{field, path};
use crate::core::cluster_model::read::Model;

/// Returns a sentence for each setting in the model that has a new meaning or has moved.
pub fn deprecated_settings(model: &Model) -> Vec<String> {
    let config = path(&model.properties, &["orchestratorProfile", "kubernetesConfig"]);
    let lines = SETTINGS.iter().filter_map(|(keys, became)| {
        let value = path(config, keys);
        let name = keys.last()?;
        let shown = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        (!value.is_null()).then(|| format!("{name} {shown}: {became}"))
    });
    let limits = ["cloudProviderBackoff", "cloudProviderRateLimit"];
    let limited = limits.iter().any(|key| field(config, key).as_bool() == Some(true));
    lines.chain(limited.then(|| RATE.to_owned())).collect()
}

/// From the release notes of Kubernetes 1.13 to 1.32 and the documentation of the kubelet and the two controller
/// managers.
const SETTINGS: &[(&[&str], &str)] = &[
    (
        &["kubeletConfig", "--node-status-update-frequency"],
        "Leases report that a node is alive since 1.17, so the kubelet writes its status every 5m by default; this setting overrides that interval",
    ),
    (
        &["controllerManagerConfig", "--node-monitor-grace-period"],
        "still supported; the default is 50s since 1.32 and was 40s before",
    ),
    (
        &["controllerManagerConfig", "--pod-eviction-timeout"],
        "removed in 1.27, and had no effect long before; use --default-not-ready-toleration-seconds and --default-unreachable-toleration-seconds of the API server (300), or tolerationSeconds in a pod",
    ),
    (
        &["controllerManagerConfig", "--route-reconciliation-period"],
        "now a flag of the cloud-controller-manager (10s); has no effect with the network plugin azure, which has no routes",
    ),
];

const RATE: &str = "cloudProviderBackoff and cloudProviderRateLimit: now the same keys in azure.json; since 1.18 each kind of resource may have its own limits (loadBalancerRateLimit, virtualMachineScaleSetRateLimit)";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::cluster_model::read::read_model;

    fn names(config: &str) -> Vec<String> {
        let text = format!(
            r#"{{"apiVersion":"vlabs","properties":{{"orchestratorProfile":{{"kubernetesConfig":{{{config}}}}},"agentPoolProfiles":[{{"name":"a"}}]}}}}"#
        );
        let settings = deprecated_settings(&read_model("m.json", &text).unwrap());
        settings.iter().map(|line| line.split(": ").next().unwrap_or_default().to_owned()).collect()
    }

    #[test]
    fn only_settings_in_the_model_are_listed() {
        assert!(names("").is_empty());
        assert_eq!(
            names(r#""controllerManagerConfig":{"--pod-eviction-timeout":"1m"}"#),
            ["--pod-eviction-timeout 1m"]
        );
        assert_eq!(
            names(
                r#""kubeletConfig":{"--node-status-update-frequency":"1m"},"cloudProviderBackoff":true,"cloudProviderRateLimit":true"#
            ),
            ["--node-status-update-frequency 1m", "cloudProviderBackoff and cloudProviderRateLimit"]
        );
    }
}
