//! Cluster models: what ACS-Engine, AKS-Engine and AKS-Engine for Azure Stack Hub make a cluster of.

mod grow;
mod growth_rules;
mod installer;
mod nodes;
mod old_settings;
mod pool;
mod pool_names;
mod pool_rules;
mod read;
mod rules;
mod span;
mod suffix;
mod summary;

pub use grow::{Grown, Growth, grow};
pub use growth_rules::cautions;
pub use installer::Installer;
pub use nodes::planned_nodes;
pub use old_settings::old_settings;
pub use pool::{AgentPool, VmSet};
pub use read::{Model, read_model};
pub use rules::refusals;
pub use suffix::cluster_suffix;
pub use summary::summary;
