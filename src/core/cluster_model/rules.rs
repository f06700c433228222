//! The installers' rules for agent pools. Fields that the user has yet to fill in (keys, secrets, the DNS prefix) are not
//! checked, because a model can be grown before or after that.

use std::collections::HashSet;

use crate::core::cluster_model::installer::Installer;
use crate::core::cluster_model::pool::{AgentPool, path};
use crate::core::cluster_model::pool_rules::pool_problems;
use crate::core::cluster_model::read::Model;
use crate::core::report::diagnostic::Diagnostic;

/// Returns everything that the model's installer would refuse, with the rule and its source.
pub fn refusals(model: &Model) -> Vec<Diagnostic> {
    let mut problems = Vec::new();
    let mut names = HashSet::new();
    for pool in &model.pools {
        if !names.insert(&pool.name) {
            // vlabs/validate.go:462
            problems.push(refused(
                model,
                pool,
                "another pool has the same name",
                "validateAgentPoolProfiles",
            ));
        }
        problems.extend(pool_problems(model, pool).map(|(what, rule)| refused(model, pool, &what, rule)));
    }
    problems.extend(mixed(model));
    problems.extend(subnets(model));
    problems.extend(azure_stack_master(model));
    problems.extend(slow_kubelet(model));
    problems
}

fn refused(model: &Model, pool: &AgentPool, what: &str, rule: &str) -> Diagnostic {
    Diagnostic::error(format!("agent pool {}: {what}", pool.name))
        .at(model.location(pool.line))
        .hint(source(model.installer, rule))
}

fn source(installer: Installer, rule: &str) -> String {
    let file = match installer {
        Installer::ManagedAks => "agentPoolOnlyApi",
        _ => "vlabs",
    };
    format!("rule of {}: {rule} in pkg/api/{file}", installer.name())
}

/// `validateAgentPoolProfiles`, 528; in ACS-Engine for Kubernetes only.
fn mixed(model: &Model) -> Option<Diagnostic> {
    let first = model.pools[0].string("availabilityProfile");
    let other = model.pools.iter().find(|pool| pool.string("availabilityProfile") != first)?;
    model.is_kubernetes().then(|| {
        refused(
            model,
            other,
            "mixed mode availability profiles are not allowed; use the same profile for all pools",
            "validateAgentPoolProfiles",
        )
    })
}

/// `validateVNET`, 873: either all pools and the masters have a subnet or none has, and all subnets are in one network.
fn subnets(model: &Model) -> Option<Diagnostic> {
    let master = path(&model.properties, &["masterProfile", "vnetSubnetID"]).as_str().unwrap_or_default();
    if model.installer == Installer::ManagedAks {
        return None;
    }
    let network = |id: &str| id.split("/subnets/").next().map(str::to_owned);
    let odd = model.pools.iter().find(|pool| pool.string("vnetSubnetID").is_empty() != master.is_empty());
    if let Some(pool) = odd {
        return Some(refused(
            model,
            pool,
            "vnetSubnetID must be set for the masters and all pools, or for none of them",
            "validateVNET",
        ));
    }
    let other_services =
        model.pools.iter().find(|pool| network(pool.string("vnetSubnetID")) != network(master))?;
    Some(refused(
        model,
        other_services,
        "vnetSubnetID is not in the virtual network of the masters",
        "validateVNET",
    ))
}

/// `validateAzureStackSupport`, 1929.
fn azure_stack_master(model: &Model) -> Option<Diagnostic> {
    let profile = path(&model.properties, &["masterProfile", "availabilityProfile"]).as_str()?;
    (model.installer == Installer::AzureStackHub && profile == "VirtualMachineScaleSets").then(|| {
        Diagnostic::error(
            "masterProfile.availabilityProfile should be set to AvailabilitySet on Azure Stack clouds",
        )
        .at(model.location(0))
        .hint(source(model.installer, "validateAzureStackSupport"))
    })
}

/// `KubernetesConfig.Validate`, 1361: the kubelet must have at least four attempts.
fn slow_kubelet(model: &Model) -> Option<Diagnostic> {
    let config = path(&model.properties, &["orchestratorProfile", "kubernetesConfig"]);
    let text = |keys: [&str; 2]| path(config, &keys).as_str();
    let (update, grace) = (
        text(["kubeletConfig", "--node-status-update-frequency"])?,
        text(["controllerManagerConfig", "--node-monitor-grace-period"])?,
    );
    (seconds(grace)? < 4.0 * seconds(update)?).then(|| {
        Diagnostic::error(format!(
            "--node-monitor-grace-period {grace} is less than four times --node-status-update-frequency {update}"
        ))
        .at(model.location(0))
        .hint(source(model.installer, "KubernetesConfig.Validate"))
    })
}

/// Parses a Go duration of hours, minutes, seconds and milliseconds.
fn seconds(text: &str) -> Option<f64> {
    let mut total = 0.0;
    let mut rest = text;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let number: f64 = rest[..end].parse().ok()?;
        let unit_end = rest[end..].find(|c: char| c.is_ascii_digit()).map_or(rest.len(), |at| end + at);
        total += number
            * match &rest[end..unit_end] {
                "h" => 3600.0,
                "m" => 60.0,
                "s" => 1.0,
                "ms" => 0.001,
                _ => return None,
            };
        rest = &rest[unit_end..];
    }
    Some(total)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::cluster_model::read::read_model;

    #[track_caller]
    fn check(properties: &str, expected: &[&str]) {
        let text = format!(r#"{{"apiVersion":"vlabs","properties":{{{properties}}}}}"#);
        let model = read_model("m.json", &text).unwrap();
        let shown: Vec<_> = refusals(&model)
            .iter()
            .map(|problem| format!("{}; {}", problem.message, problem.hint.as_deref().unwrap_or_default()))
            .collect();
        assert_eq!(shown, expected);
    }

    const ACS: &str =
        r#""orchestratorProfile":{"orchestratorType":"Kubernetes","orchestratorRelease":"1.9"}"#;

    #[test]
    fn rules_for_one_pool() {
        check(r#""agentPoolProfiles":[{"name":"a","count":1000}]"#, &[]);
        check(
            &format!(
                r#"{ACS},"agentPoolProfiles":[{{"name":"Agents-1","count":101,"dnsPrefix":"x","ports":[80],"availabilityProfile":"AvailabilitySet","osDiskSizeGB":1024,"diskSizesGB":[1,0]}}]"#
            ),
            &[
                "agent pool Agents-1: the name must have 1 to 12 lower-case letters and digits, starting with a letter; rule of ACS-Engine: validatePoolName in pkg/api/vlabs",
                "agent pool Agents-1: count is 101, expected 1 to 100; rule of ACS-Engine: AgentPoolProfile.Count in pkg/api/vlabs",
                "agent pool Agents-1: dnsPrefix must be empty for Kubernetes; rule of ACS-Engine: validateOrchestratorSpecificProperties in pkg/api/vlabs",
                "agent pool Agents-1: ports must be empty for Kubernetes; rule of ACS-Engine: validateOrchestratorSpecificProperties in pkg/api/vlabs",
                "agent pool Agents-1: osDiskSizeGB is 1024, expected at most 1023; rule of ACS-Engine: AgentPoolProfile.OSDiskSizeGB in pkg/api/vlabs",
                "agent pool Agents-1: diskSizesGB holds up to 4 disks of 1 to 1023; rule of ACS-Engine: AgentPoolProfile.DiskSizesGB in pkg/api/vlabs",
            ],
        );
        check(
            &format!(
                r#"{ACS},"agentPoolProfiles":[{{"name":"a","count":1,"availabilityProfile":"VirtualMachineScaleSets","storageProfile":"StorageAccount","osType":"linux"}}]"#
            ),
            &[
                "agent pool a: osType is neither Linux nor Windows; rule of ACS-Engine: validatePoolOSType in pkg/api/vlabs",
                "agent pool a: scale sets need Kubernetes 1.10 or later; rule of ACS-Engine: validateVMSS in pkg/api/vlabs",
                "agent pool a: scale sets cannot use disks of a StorageAccount; rule of ACS-Engine: validateVMSS in pkg/api/vlabs",
            ],
        );
        for (count, problem) in
            [("", "count is missing"), (r#","count":"3""#, "count is \"3\""), (r#","count":0"#, "count is 0")]
        {
            check(
                &format!(r#""agentPoolProfiles":[{{"name":"a"{count}}}]"#),
                &[&format!(
                    "agent pool a: {problem}, expected 1 to 1,000; rule of AKS-Engine: AgentPoolProfile.Count in pkg/api/vlabs"
                )],
            );
        }
    }

    #[test]
    fn rules_for_several_pools() {
        check(
            r#""agentPoolProfiles":[{"name":"a","count":1,"availabilityProfile":"AvailabilitySet","singlePlacementGroup":true},{"name":"a","count":1}]"#,
            &[
                "agent pool a: singlePlacementGroup is for scale sets only; rule of AKS-Engine: validateAgentPoolProfiles in pkg/api/vlabs",
                "agent pool a: another pool has the same name; rule of AKS-Engine: validateAgentPoolProfiles in pkg/api/vlabs",
                "agent pool a: mixed mode availability profiles are not allowed; use the same profile for all pools; rule of AKS-Engine: validateAgentPoolProfiles in pkg/api/vlabs",
            ],
        );
    }

    #[test]
    fn rules_for_the_cluster() {
        let pools =
            r#""agentPoolProfiles":[{"name":"a","count":1,"vnetSubnetId":"/x/virtualNetworks/v/subnets/1"}]"#;
        check(
            &format!(r#""masterProfile":{{}},{pools}"#),
            &[
                "agent pool a: vnetSubnetID must be set for the masters and all pools, or for none of them; rule of AKS-Engine: validateVNET in pkg/api/vlabs",
            ],
        );
        check(
            &format!(r#""masterProfile":{{"vnetSubnetId":"/x/virtualNetworks/w/subnets/1"}},{pools}"#),
            &[
                "agent pool a: vnetSubnetID is not in the virtual network of the masters; rule of AKS-Engine: validateVNET in pkg/api/vlabs",
            ],
        );
        check(
            &format!(r#""masterProfile":{{"vnetSubnetId":"/x/virtualNetworks/v/subnets/2"}},{pools}"#),
            &[],
        );
        check(
            r#""customCloudProfile":{},"masterProfile":{"availabilityProfile":"VirtualMachineScaleSets"},"agentPoolProfiles":[{"name":"a","count":1}]"#,
            &[
                "agent pool a: availabilityProfile should be set to AvailabilitySet on Azure Stack clouds; rule of AKS-Engine for Azure Stack Hub: validateAzureStackSupport in pkg/api/vlabs",
                "masterProfile.availabilityProfile should be set to AvailabilitySet on Azure Stack clouds; rule of AKS-Engine for Azure Stack Hub: validateAzureStackSupport in pkg/api/vlabs",
            ],
        );
        let kubelet = |grace| {
            format!(
                r#""orchestratorProfile":{{"kubernetesConfig":{{"kubeletConfig":{{"--node-status-update-frequency":"1m"}},"controllerManagerConfig":{{"--node-monitor-grace-period":"{grace}"}}}}}},"agentPoolProfiles":[{{"name":"a","count":1}}]"#
            )
        };
        check(&kubelet("4m0s"), &[]);
        check(
            &kubelet("3m59.5s"),
            &[
                "--node-monitor-grace-period 3m59.5s is less than four times --node-status-update-frequency 1m; rule of AKS-Engine: KubernetesConfig.Validate in pkg/api/vlabs",
            ],
        );
    }
}
