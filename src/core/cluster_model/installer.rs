//! The installers that read cluster models, and their limits.

/// A program that creates clusters from models. The rules are those of the last version of each: the sources named here
/// are `pkg/api` of github.com/Azure/acs-engine (March 2019), github.com/Azure/aks-engine (October 2023) and
/// github.com/Azure/aks-engine-azurestack (August 2026).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Installer {
    /// ACS-Engine, and Azure Container Service, which accepted the same models.
    AcsEngine,
    /// AKS-Engine.
    AksEngine,
    /// AKS-Engine for Azure Stack Hub.
    AzureStackHub,
    /// The first AKS: a model without masters (`agentPoolOnlyApi`).
    ManagedAks,
}

/// The last minor version of Kubernetes that ACS-Engine supported (`common/versions.go`, without 1.14.0-alpha).
const LAST_ACS_ENGINE_MINOR: u32 = 13;

impl Installer {
    /// Returns the installer of a model. ACS-Engine and AKS-Engine share the format: ACS-Engine requires an orchestrator
    /// (`vlabs/validate.go`: `OrchestratorProfile has unknown orchestrator`), and the examples of AKS-Engine omit it. A model
    /// that both accept is checked by the stricter rules of ACS-Engine.
    pub(crate) fn of(api_version: &str, traits: &Traits<'_>) -> Option<Self> {
        match api_version {
            "2017-08-31" | "2018-03-31" => Some(Self::ManagedAks),
            "vlabs" if traits.custom_cloud => Some(Self::AzureStackHub),
            "vlabs" if traits.orchestrator.is_empty() => Some(Self::AksEngine),
            "vlabs" if traits.minor.is_some_and(|minor| minor > LAST_ACS_ENGINE_MINOR) => {
                Some(Self::AksEngine)
            }
            "vlabs" | "2016-03-30" | "2016-09-30" | "2017-01-31" | "2017-07-01" => Some(Self::AcsEngine),
            _ => None,
        }
    }

    /// Returns the product name.
    pub fn name(self) -> &'static str {
        match self {
            Self::AcsEngine => "ACS-Engine",
            Self::AksEngine => "AKS-Engine",
            Self::AzureStackHub => "AKS-Engine for Azure Stack Hub",
            Self::ManagedAks => "AKS",
        }
    }

    /// Returns the maximum number of agents in a pool: `MaxAgentCount` in `vlabs/const.go`, 100 in ACS-Engine and 1,000 in
    /// AKS-Engine; `max=100` at `Count` in `agentPoolOnlyApi/v20170831/types.go`.
    pub fn agents_per_pool(self) -> u32 {
        match self {
            Self::AcsEngine | Self::ManagedAks => 100,
            Self::AksEngine | Self::AzureStackHub => 1000,
        }
    }

    /// Returns the maximum size of the OS disk in GB: `OSDiskSizeGB` in `vlabs/types.go`.
    pub(crate) fn os_disk_gb(self) -> u64 {
        match self {
            Self::AcsEngine | Self::ManagedAks => 1023,
            Self::AksEngine | Self::AzureStackHub => 2048,
        }
    }

    /// Returns the maximum size of a data disk in GB: `DiskSizesGB` in `vlabs/types.go`.
    pub(crate) fn data_disk_gb(self) -> u64 {
        match self {
            Self::AcsEngine | Self::ManagedAks => 1023,
            Self::AksEngine | Self::AzureStackHub => 32767,
        }
    }
}

/// The fields of a model that identify its installer.
pub(crate) struct Traits<'a> {
    /// `orchestratorProfile.orchestratorType`; empty if the field is missing.
    pub orchestrator: &'a str,
    /// The minor version of Kubernetes; `None` if the model has no version.
    pub minor: Option<u32>,
    /// Whether the model has a `customCloudProfile`.
    pub custom_cloud: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn installers_are_identified() {
        for (api_version, orchestrator, minor, custom_cloud, expected) in [
            ("vlabs", "Kubernetes", None, false, Some(Installer::AcsEngine)),
            ("vlabs", "Kubernetes", Some(9), false, Some(Installer::AcsEngine)),
            ("vlabs", "Kubernetes", Some(14), false, Some(Installer::AksEngine)),
            ("vlabs", "DCOS", Some(11), false, Some(Installer::AcsEngine)),
            ("vlabs", "", Some(9), false, Some(Installer::AksEngine)),
            ("vlabs", "Kubernetes", Some(28), true, Some(Installer::AzureStackHub)),
            ("2016-09-30", "Swarm", None, false, Some(Installer::AcsEngine)),
            ("2017-08-31", "", None, false, Some(Installer::ManagedAks)),
            ("v1", "", None, false, None),
        ] {
            let traits = Traits { orchestrator, minor, custom_cloud };
            assert_eq!(Installer::of(api_version, &traits), expected, "{api_version} {orchestrator}");
        }
    }
}
