//! The installers' rules for a single agent pool.

use crate::core::cluster_model::installer::Installer;
use crate::core::cluster_model::pool::{AgentPool, VmSet};
use crate::core::cluster_model::read::Model;
use crate::core::cluster_model::zone_rules::zone_problem;
use crate::core::report::plural::thousands;

/// Returns each problem of a pool and the rule that it violates. Line numbers are those of `vlabs/validate.go` in AKS-Engine
/// v0.79 unless another file is named.
pub(crate) fn pool_problems(model: &Model, pool: &AgentPool) -> impl Iterator<Item = (String, &'static str)> {
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
            Some(format!("count is missing, expected 1 to {}", thousands(most.into())))
        }
        None => Some(format!("count is {}, expected 1 to {}", pool.field("count"), thousands(most.into()))),
    };
    let found = [
        // 1736
        (!is_name(&pool.name)).then(|| {
            (
                "the name must have 1 to 12 lower-case letters and digits, starting with a letter".to_owned(),
                "validatePoolName",
            )
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
        // 586
        zone_problem(model, pool).map(|what| (what, "validateZones")),
        // 1038
        (is_vlabs && !in_sets && model.minor().is_some_and(|minor| minor < 10))
            .then(|| ("scale sets need Kubernetes 1.10 or later".to_owned(), "validateVMSS")),
        // 1050
        (!in_sets && stored == "StorageAccount")
            .then(|| ("scale sets cannot use disks of a StorageAccount".to_owned(), "validateVMSS")),
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
    ];
    found.into_iter().flatten()
}

/// `^([a-z][a-z0-9]{0,11})$`.
fn is_name(name: &str) -> bool {
    name.len() <= 12
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
}
