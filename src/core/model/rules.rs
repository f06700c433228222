//! What the installers refuse, of what concerns agent pools. What a user has still to fill in (keys, secrets, the
//! DNS prefix) is not looked at: a model is grown before or after that.

use std::collections::HashSet;

use serde_json::Value;

use super::installer::Installer;
use super::pool::{AgentPool, VmSet, path};
use super::read::Model;
use crate::core::diagnostic::Diagnostic;
use crate::core::plural::thousands;

/// All that the model's installer would refuse, with its rule and where that stands.
pub fn refusals(model: &Model) -> Vec<Diagnostic> {
    let mut problems = Vec::new();
    let mut names = HashSet::new();
    for pool in &model.pools {
        if !names.insert(&pool.name) {
            // vlabs/validate.go:462
            problems.push(refused(
                model,
                pool,
                "the name is another pool's too",
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

/// What a pool may not have as many of as were asked for.
pub(super) fn over_pool_limits(model: &Model, per_pool: u32) -> Vec<Diagnostic> {
    let Some(last) = model.pools.last() else { return Vec::new() };
    let installer = model.installer;
    let placed_together = last.field("singlePlacementGroup") == &Value::Bool(true);
    let limits = [
        (
            true,
            installer.agents_per_pool(),
            format!("{} takes", installer.name()),
            "MaxAgentCount in vlabs/const.go",
        ),
        (
            last.vm_set == VmSet::AvailabilitySet,
            200,
            "an availability set has".to_owned(),
            "Azure's limits of virtual machines",
        ),
        (
            placed_together,
            100,
            "a scale set with singlePlacementGroup has".to_owned(),
            "docs/topics/clusterdefinitions.md of AKS-Engine",
        ),
    ];
    let over = limits.into_iter().filter(|(applies, limit, ..)| *applies && per_pool > *limit);
    over.map(|(_, limit, who, source)| {
        Diagnostic::error(format!(
            "{} agents in a pool: {who} at most {}",
            thousands(per_pool.into()),
            thousands(limit.into())
        ))
        .hint(format!("--per-pool {limit}; the rule is in {source}"))
    })
    .collect()
}

fn refused(model: &Model, pool: &AgentPool, what: &str, rule: &str) -> Diagnostic {
    Diagnostic::error(format!("agent pool {}: {what}", pool.name))
        .at(model.place(pool.line))
        .hint(source(model.installer, rule))
}

fn source(installer: Installer, rule: &str) -> String {
    let file = match installer {
        Installer::ManagedAks => "agentPoolOnlyApi",
        _ => "vlabs",
    };
    format!("{} refuses it: {rule} in pkg/api/{file}", installer.name())
}

/// Line numbers are those of `vlabs/validate.go` in AKS-Engine v0.79, if nothing else is said.
fn pool_problems(model: &Model, pool: &AgentPool) -> impl Iterator<Item = (String, &'static str)> {
    let installer = model.installer;
    let most = installer.agents_per_pool();
    let is_vlabs = model.api_version == "vlabs";
    let in_sets = pool.vm_set == VmSet::AvailabilitySet;
    let profile = pool.string("availabilityProfile");
    let stored = pool.string("storageProfile");
    let disk = pool.field("osDiskSizeGB");
    let disks = pool.field("diskSizesGB").as_array().map_or(&[][..], Vec::as_slice);
    let count = match pool.count {
        _ if (1..=most).contains(&pool.count.unwrap_or(0)) => None,
        Some(count) => {
            Some(format!("count is {}, expected 1 to {}", thousands(count.into()), thousands(most.into())))
        }
        None if pool.count_span.is_none() => {
            Some(format!("it has no count, expected 1 to {}", thousands(most.into())))
        }
        None => Some(format!("count is {}, expected 1 to {}", pool.field("count"), thousands(most.into()))),
    };
    let found = [
        // 1736
        (!is_name(&pool.name)).then(|| {
            ("a name has 1 to 12 small letters and digits, a letter first".to_owned(), "validatePoolName")
        }),
        // types.go:505
        count.map(|what| (what, "AgentPoolProfile.Count")),
        // 1750
        (!["", "Linux", "Windows"].contains(&pool.string("osType")))
            .then(|| ("osType is neither Linux nor Windows".to_owned(), "validatePoolOSType")),
        // 974
        (!["", "AvailabilitySet", "VirtualMachineScaleSets"].contains(&profile)).then(|| {
            (
                format!(
                    "availabilityProfile is {profile}, expected AvailabilitySet or VirtualMachineScaleSets"
                ),
                "validateAvailabilityProfile",
            )
        }),
        // 1144
        (is_vlabs && model.is_kubernetes() && !pool.string("dnsPrefix").is_empty()).then(|| {
            ("dnsPrefix must be empty for Kubernetes".to_owned(), "validateOrchestratorSpecificProperties")
        }),
        // 1147
        (is_vlabs
            && model.is_kubernetes()
            && pool.field("ports").as_array().is_some_and(|ports| !ports.is_empty()))
        .then(|| ("ports must be empty for Kubernetes".to_owned(), "validateOrchestratorSpecificProperties")),
        // 532
        (profile == "AvailabilitySet" && !pool.field("singlePlacementGroup").is_null())
            .then(|| ("singlePlacementGroup is for scale sets only".to_owned(), "validateAgentPoolProfiles")),
        // 608
        (profile == "AvailabilitySet"
            && pool.field("availabilityZones").as_array().is_some_and(|zones| !zones.is_empty()))
        .then(|| ("availabilityZones are for scale sets only".to_owned(), "validateZones")),
        // 1038
        (is_vlabs && !in_sets && model.minor().is_some_and(|minor| minor < 10))
            .then(|| ("scale sets need Kubernetes 1.10 or later".to_owned(), "validateVMSS")),
        // 1050
        (!in_sets && stored == "StorageAccount")
            .then(|| ("scale sets have no disks of a StorageAccount".to_owned(), "validateVMSS")),
        // types.go:507
        disk.as_u64().is_some_and(|size| size > installer.os_disk_gb()).then(|| {
            (
                format!("osDiskSizeGB is {disk}, expected at most {}", installer.os_disk_gb()),
                "AgentPoolProfile.OSDiskSizeGB",
            )
        }),
        // types.go:516
        (disks.len() > 4
            || disks
                .iter()
                .any(|size| size.as_u64().is_none_or(|size| size == 0 || size > installer.data_disk_gb())))
        .then(|| {
            (
                format!("diskSizesGB holds up to 4 disks of 1 to {}", installer.data_disk_gb()),
                "AgentPoolProfile.DiskSizesGB",
            )
        }),
        // 1935
        (installer == Installer::AzureStackHub && profile != "AvailabilitySet").then(|| {
            (
                "availabilityProfile should be set to AvailabilitySet on Azure Stack clouds".to_owned(),
                "validateAzureStackSupport",
            )
        }),
        // types.go:548: it would be the name of every copy's scale set too.
        (!pool.string("vmssName").is_empty()).then(|| {
            (
                "vmssName is what the installer wrote into its own copy of the model".to_owned(),
                "AgentPoolProfile.VMSSName",
            )
        }),
    ];
    found.into_iter().flatten()
}

/// `^([a-z][a-z0-9]{0,11})$`.
fn is_name(name: &str) -> bool {
    name.len() <= 12
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
}

/// `validateAgentPoolProfiles`, 528; ACS-Engine has it for Kubernetes only.
fn mixed(model: &Model) -> Option<Diagnostic> {
    let first = model.pools[0].string("availabilityProfile");
    let other = model.pools.iter().find(|pool| pool.string("availabilityProfile") != first)?;
    model.is_kubernetes().then(|| {
        refused(
            model,
            other,
            "mixed mode availability profiles are not allowed; say the same for all pools",
            "validateAgentPoolProfiles",
        )
    })
}

/// `validateVNET`, 873: a subnet for all of them or for none, all in one network.
fn subnets(model: &Model) -> Option<Diagnostic> {
    let master = path(&model.properties, &["masterProfile", "vnetSubnetID"]).as_str().unwrap_or_default();
    if model.installer == Installer::ManagedAks {
        return None;
    }
    let network = |id: &str| id.to_lowercase().split("/subnets/").next().map(str::to_owned);
    let odd = model.pools.iter().find(|pool| pool.string("vnetSubnetID").is_empty() != master.is_empty());
    if let Some(pool) = odd {
        return Some(refused(
            model,
            pool,
            "vnetSubnetID is for the masters and all pools, or for none of them",
            "validateVNET",
        ));
    }
    let elsewhere =
        model.pools.iter().find(|pool| network(pool.string("vnetSubnetID")) != network(master))?;
    Some(refused(model, elsewhere, "vnetSubnetID is in another network than the masters'", "validateVNET"))
}

/// `validateAzureStackSupport`, 1929.
fn azure_stack_master(model: &Model) -> Option<Diagnostic> {
    let profile = path(&model.properties, &["masterProfile", "availabilityProfile"]).as_str()?;
    (model.installer == Installer::AzureStackHub && profile == "VirtualMachineScaleSets").then(|| {
        Diagnostic::error(
            "masterProfile.availabilityProfile should be set to AvailabilitySet on Azure Stack clouds",
        )
        .at(model.place(0))
        .hint(source(model.installer, "validateAzureStackSupport"))
    })
}

/// `KubernetesConfig.Validate`, 1361: the kubelet has to have four tries.
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
        .at(model.place(0))
        .hint(source(model.installer, "KubernetesConfig.Validate"))
    })
}

/// A duration as Go writes it, of hours, minutes and seconds.
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
