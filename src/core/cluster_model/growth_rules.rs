//! Checks on a growth: errors and warnings.

use serde_json::Value;

use crate::core::cluster_model::installer::Installer;
use crate::core::cluster_model::pool::{VmSet, path};
use crate::core::cluster_model::read::Model;
use crate::core::report::diagnostic::Diagnostic;
use crate::core::report::plural::thousands;

/// The largest accepted number of agents. Kubernetes is tested with up to 5,000 nodes.
const TOO_MANY: u32 = 100_000;

/// Returns the reasons why the model cannot grow to this size.
pub(crate) fn obstacles(model: &Model, growth: Growth) -> Vec<Diagnostic> {
    let agents = model.agents();
    if agents > growth.agents {
        return Diagnostic::error(format!(
            "the model already has {} agents, more than {}",
            thousands(agents.into()),
            thousands(growth.agents.into())
        ))
        .at(model.location(0))
        .hint("this command never removes agents; lower `count` of a pool in the model yourself")
        .into();
    }
    if agents == growth.agents {
        return Vec::new();
    }
    let mut problems = over_pool_limits(model, growth.per_pool);
    problems.extend(too_many(growth));
    let last = &model.pools[model.pools.len() - 1];
    if !last.string("vmssName").is_empty() {
        problems.push(
            Diagnostic::error(format!(
                "agent pool {}: vmssName would also be the scale set name of every copy",
                last.name
            ))
            .at(model.location(last.line))
            .hint("use the model from before the installer added its own fields"),
        );
    }
    problems
}

/// Returns an error for a number of agents that is far above what Kubernetes supports, such as a typing error.
pub(crate) fn too_many(growth: Growth) -> Option<Diagnostic> {
    (growth.agents > TOO_MANY).then(|| {
        Diagnostic::error(format!("{} agents are too many for a cluster", thousands(growth.agents.into())))
            .hint("Kubernetes supports up to 5,000 nodes")
    })
}

/// Returns warnings about sizes that the installer accepts but the cluster may not support.
pub fn cautions(model: &Model, growth: Growth, pools: usize) -> Vec<Diagnostic> {
    let mut cautions = Vec::new();
    // clusterdefinition.md of ACS-Engine, clusterdefinitions.md:817 of AKS-Engine; no version enforces it.
    if pools > 12 && model.installer != Installer::ManagedAks {
        cautions.push(
            Diagnostic::warning(format!(
                "{pools} agent pools: the documentation of {} allows 0 to 12",
                model.installer.name()
            ))
            .hint("the installer does not enforce this; raise --per-pool to need fewer pools"),
        );
    }
    let config = path(&model.properties, &["orchestratorProfile", "kubernetesConfig"]);
    let plain = path(config, &["networkPlugin"]) == "kubenet" || path(config, &["networkPolicy"]) == "none";
    if plain && growth.agents > 400 {
        cautions.push(
            Diagnostic::warning(format!(
                "{} agents with kubenet: an Azure route table holds at most 400 routes, one for each node",
                thousands(growth.agents.into())
            ))
            .hint("use the network plugin azure, which needs no routes"),
        );
    }
    if growth.agents > 5000 {
        cautions.push(Diagnostic::warning(format!(
            "{} agents: Kubernetes supports up to 5,000 nodes",
            thousands(growth.agents.into())
        )));
    }
    cautions
}

/// Returns an error for each limit on the size of a pool that `per_pool` exceeds.
fn over_pool_limits(model: &Model, per_pool: u32) -> Vec<Diagnostic> {
    let last = &model.pools[model.pools.len() - 1];
    let most = model.installer.agents_per_pool();
    let in_set = last.vm_set == VmSet::AvailabilitySet;
    let placed_together = last.field("singlePlacementGroup") == &Value::Bool(true);
    let takes = format!("{} allows", model.installer.name());
    let limits = [
        (true, most, takes.as_str(), "MaxAgentCount in vlabs/const.go"),
        (in_set, 200, "an availability set allows", "Azure's limits of virtual machines"),
        (
            placed_together,
            100,
            "a scale set with singlePlacementGroup allows",
            "docs/topics/clusterdefinitions.md",
        ),
    ];
    let over = limits.into_iter().filter(|(applies, limit, ..)| *applies && per_pool > *limit);
    over.map(|(_, limit, who, source)| {
        let (asked, limit) = (thousands(per_pool.into()), thousands(limit.into()));
        Diagnostic::error(format!("{asked} agents in a pool: {who} at most {limit}"))
            .hint(format!("the rule is in {source}; lower --per-pool"))
    })
    .collect()
}

/// The requested size of a cluster.
#[derive(Clone, Copy, Debug)]
pub struct Growth {
    /// The total number of agents.
    pub agents: u32,
    /// The maximum number of agents in a pool.
    pub per_pool: u32,
}
