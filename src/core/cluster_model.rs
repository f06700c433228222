//! Cluster models: the input files of ACS-Engine, AKS-Engine and AKS-Engine for Azure Stack Hub, and how to create the
//! same pools with other installers.

mod aks;
mod deprecated_settings;
mod grow;
mod growth_rules;
mod installer;
mod json_span;
mod juju;
mod machine_deployment;
mod nodes;
mod pool;
mod pool_names;
mod pool_rules;
mod read;
mod rules;
mod suffix;
mod summary;
mod zone_rules;

pub use crate::core::cluster_model::aks::aks_commands;
pub use crate::core::cluster_model::deprecated_settings::deprecated_settings;
pub use crate::core::cluster_model::grow::{Grown, grow};
pub use crate::core::cluster_model::growth_rules::{Growth, cautions};
pub use crate::core::cluster_model::installer::Installer;
pub use crate::core::cluster_model::juju::juju_commands;
pub use crate::core::cluster_model::machine_deployment::{grow_machine_deployments, is_machine_deployment};
pub use crate::core::cluster_model::nodes::planned_nodes;
pub use crate::core::cluster_model::pool::{AgentPool, VmSet};
pub use crate::core::cluster_model::read::{Model, read_model};
pub use crate::core::cluster_model::rules::refusals;
pub use crate::core::cluster_model::suffix::cluster_suffix;
pub use crate::core::cluster_model::summary::{load_balancers, summary};
