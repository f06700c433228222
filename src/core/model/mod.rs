//! Cluster models: what ACS-Engine, AKS-Engine and AKS-Engine for Azure Stack Hub make a cluster of,
//! and what makes the same pools elsewhere.

mod aks;
mod grow;
mod growth_rules;
mod installer;
mod juju;
mod machine_deployment;
mod nodes;
mod old_settings;
mod pool;
mod pool_names;
mod pool_rules;
mod read;
mod rules;
mod shell;
mod span;
mod suffix;
mod summary;

pub use aks::aks_commands;
pub use grow::{Grown, Growth, grow};
pub use growth_rules::cautions;
pub use installer::Installer;
pub use juju::juju_commands;
pub use machine_deployment::{grow_machine_deployments, is_machine_deployment};
pub use nodes::planned_nodes;
pub use old_settings::old_settings;
pub use pool::{AgentPool, VmSet};
pub use read::{Model, read_model};
pub use rules::refusals;
pub use suffix::cluster_suffix;
pub use summary::{load_balancers, summary};
