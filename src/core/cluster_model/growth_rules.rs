//! What stands against a growth, and what is to be known of it.

use serde_json::Value;

use crate::core::cluster_model::installer::Installer;
use crate::core::cluster_model::pool::{VmSet, path};
use crate::core::cluster_model::read::Model;
use crate::core::report::diagnostic::Diagnostic;
use crate::core::report::plural::thousands;

/// More agents than any Kubernetes has: Kubernetes is built for 5,000.
const TOO_MANY: u32 = 100_000;

/// Why a model cannot grow so far.
pub(crate) fn obstacles(model: &Model, growth: Growth) -> Vec<Diagnostic> {
    let agents = model.agents();
    if agents > growth.agents {
        return Diagnostic::error(format!(
            "the model has {} agents already, more than {}",
            thousands(agents.into()),
            thousands(growth.agents.into())
        ))
        .at(model.location(0))
        .hint("which agents go is not for this program to say; lower the counts of their pools in the model")
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
                "agent pool {}: vmssName would be the name of every copy's scale set too",
                last.name
            ))
            .at(model.location(last.line))
            .hint("take the model as it was before the installer wrote its own fields into it"),
        );
    }
    problems
}

/// What is no cluster any more but a slip of the finger.
pub(crate) fn too_many(growth: Growth) -> Option<Diagnostic> {
    (growth.agents > TOO_MANY).then(|| {
        Diagnostic::error(format!("{} agents are no cluster", thousands(growth.agents.into())))
            .hint("Kubernetes is built for 5,000 nodes")
    })
}

/// What the installer takes and the cluster may not.
pub fn cautions(model: &Model, growth: Growth, pools: usize) -> Vec<Diagnostic> {
    let mut cautions = Vec::new();
    // clusterdefinition.md of ACS-Engine, clusterdefinitions.md:817 of AKS-Engine; no version checks it.
    if pools > 12 && model.installer != Installer::ManagedAks {
        cautions.push(
            Diagnostic::warning(format!("{pools} agent pools: {} documents 0 to 12", model.installer.name()))
                .hint("its rules do not count them; larger pools need fewer (--per-pool)"),
        );
    }
    let config = path(&model.properties, &["orchestratorProfile", "kubernetesConfig"]);
    let plain = path(config, &["networkPlugin"]) == "kubenet" || path(config, &["networkPolicy"]) == "none";
    if plain && growth.agents > 400 {
        cautions.push(
            Diagnostic::warning(format!(
                "{} agents with kubenet: a route table of Azure holds 400 routes, one a node",
                thousands(growth.agents.into())
            ))
            .hint("the network plugin azure needs no routes"),
        );
    }
    if growth.agents > 5000 {
        cautions.push(Diagnostic::warning(format!(
            "{} agents: Kubernetes is built for 5,000 nodes",
            thousands(growth.agents.into())
        )));
    }
    cautions
}

/// What a pool may not have as many of as were asked for.
fn over_pool_limits(model: &Model, per_pool: u32) -> Vec<Diagnostic> {
    let last = &model.pools[model.pools.len() - 1];
    let most = model.installer.agents_per_pool();
    let in_set = last.vm_set == VmSet::AvailabilitySet;
    let placed_together = last.field("singlePlacementGroup") == &Value::Bool(true);
    let takes = format!("{} takes", model.installer.name());
    let limits = [
        (true, most, takes.as_str(), "MaxAgentCount in vlabs/const.go"),
        (in_set, 200, "an availability set has", "Azure's limits of virtual machines"),
        (
            placed_together,
            100,
            "a scale set with singlePlacementGroup has",
            "docs/topics/clusterdefinitions.md",
        ),
    ];
    let over = limits.into_iter().filter(|(applies, limit, ..)| *applies && per_pool > *limit);
    over.map(|(_, limit, who, source)| {
        let (asked, limit) = (thousands(per_pool.into()), thousands(limit.into()));
        Diagnostic::error(format!("{asked} agents in a pool: {who} at most {limit}"))
            .hint(format!("the rule is in {source}; --per-pool says how many a pool has"))
    })
    .collect()
}

/// How large the cluster shall be.
#[derive(Clone, Copy, Debug)]
pub struct Growth {
    /// How many agents it shall have.
    pub agents: u32,
    /// How many of them a pool has at most.
    pub per_pool: u32,
}
