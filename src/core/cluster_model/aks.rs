//! Azure CLI commands that create the same pools in AKS.

use serde_json::Value;

use crate::core::cluster_model::grow::Grown;
use crate::core::cluster_model::read::Model;
use crate::core::report::diagnostic::{Checked, Diagnostic};
use crate::core::report::plural::thousands;
use crate::core::report::shell_quote::word;

/// The limits of AKS: nodes in a cluster, nodes in a pool, pools in a cluster ("Quotas, virtual machine size restrictions,
/// and region availability in AKS").
const NODES: u32 = 5000;
const NODES_PER_POOL: u32 = 1000;
const POOLS: usize = 100;

/// The longest name of a Windows pool in AKS.
const WINDOWS_NAME: usize = 6;

/// Returns the Azure CLI commands that give an AKS cluster the pools of the grown model. Existing pools are scaled and new
/// pools are added.
pub fn aks_commands(model: &Model, grown: &Grown) -> Checked<String> {
    let problems = refusals(model, grown);
    if !problems.is_empty() {
        return Err(problems);
    }
    let last = &model.pools[model.pools.len() - 1];
    let mut options = String::new();
    let mut option = |flag: &str, value: &str| {
        if !value.is_empty() {
            options.push_str(&format!(" {flag} {}", word(value)));
        }
    };
    option("--node-vm-size", last.string("vmSize"));
    option("--os-type", last.string("osType"));
    option("--vnet-subnet-id", last.string("vnetSubnetID"));
    if let Some(size) = last.field("osDiskSizeGB").as_u64().filter(|size| *size > 0) {
        option("--node-osdisk-size", &size.to_string());
    }
    if let Some(zones) = last.field("availabilityZones").as_array().filter(|zones| !zones.is_empty()) {
        let zones: Vec<String> = zones.iter().filter_map(Value::as_str).map(word).collect();
        options.push_str(&format!(" --zones {}", zones.join(" ")));
    }
    if let Some(labels) = last.field("customNodeLabels").as_object().filter(|labels| !labels.is_empty()) {
        let labels: Vec<String> = labels
            .iter()
            .map(|(key, value)| word(&format!("{key}={}", value.as_str().unwrap_or_default())))
            .collect();
        options.push_str(&format!(" --labels {}", labels.join(" ")));
    }
    let known = grown.pools.len() - grown.added;
    let commands = grown.pools.iter().enumerate().filter_map(|(index, (name, count))| {
        let cluster = r#"--resource-group "$RESOURCE_GROUP" --cluster-name "$CLUSTER""#;
        let shown = word(name);
        if index >= known {
            let count = format!("--node-count {count}");
            return Some(format!("az aks nodepool add {cluster} --name {shown} {count}{options}\n"));
        }
        grown
            .filled
            .contains(name)
            .then(|| format!("az aks nodepool scale {cluster} --name {shown} --node-count {count}\n"))
    });
    Ok(commands.collect())
}

fn refusals(model: &Model, grown: &Grown) -> Vec<Diagnostic> {
    let source = "see the quotas of AKS";
    let mut problems = Vec::new();
    let nodes = grown.pools.iter().fold(0, |sum: u32, (_, count)| sum.saturating_add(*count));
    if nodes > NODES {
        let problem =
            format!("{} nodes: AKS allows at most {}", thousands(nodes.into()), thousands(NODES.into()));
        problems.push(Diagnostic::error(problem).hint(source));
    }
    if grown.pools.len() > POOLS {
        let problem = format!("{} pools: AKS allows at most {POOLS}", grown.pools.len());
        problems
            .push(Diagnostic::error(problem).hint(format!("raise --per-pool to need fewer pools; {source}")));
    }
    if let Some((name, count)) = grown.pools.iter().find(|(_, count)| *count > NODES_PER_POOL) {
        let most = thousands(NODES_PER_POOL.into());
        let problem =
            format!("pool {name} of {} nodes: AKS allows at most {most}", thousands((*count).into()));
        problems.push(Diagnostic::error(problem).hint(source));
    }
    let last_is_windows = model.pools.last().is_some_and(|pool| pool.is_windows);
    let new = &grown.pools[grown.pools.len() - grown.added..];
    if let Some((name, _)) = new.iter().find(|(name, _)| last_is_windows && name.len() > WINDOWS_NAME) {
        let problem = format!(
            "pool {name}: AKS allows at most {WINDOWS_NAME} characters in the name of a Windows pool"
        );
        problems.push(Diagnostic::error(problem).hint("shorten the name of the last pool in the model"));
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::cluster_model::grow::grow;
    use crate::core::cluster_model::growth_rules::Growth;
    use crate::core::cluster_model::read::read_model;

    #[track_caller]
    fn check(pool: &str, (agents, per_pool): (u32, u32), expected: &str) {
        let text = format!(r#"{{"apiVersion":"vlabs","properties":{{"agentPoolProfiles":[{{{pool}}}]}}}}"#);
        let model = read_model("m.json", &text).unwrap();
        let grown = grow(&model, Growth { agents, per_pool }).unwrap();
        let shown = aks_commands(&model, &grown)
            .unwrap_or_else(|problems| problems.iter().map(|problem| format!("{problem}\n")).collect());
        assert_eq!(shown, expected);
    }

    #[test]
    fn commands_scale_and_add_pools() {
        check(
            r#""name":"a","count":2,"vmSize":"Standard_D2_v2","osDiskSizeGB":64,"availabilityZones":["1","2"],"customNodeLabels":{"x":"y z"}"#,
            (150, 100),
            "az aks nodepool scale --resource-group \"$RESOURCE_GROUP\" --cluster-name \"$CLUSTER\" --name a --node-count 100\n\
             az aks nodepool add --resource-group \"$RESOURCE_GROUP\" --cluster-name \"$CLUSTER\" --name a2 --node-count 50 --node-vm-size Standard_D2_v2 --node-osdisk-size 64 --zones 1 2 --labels 'x=y z'\n",
        );
        check(r#""name":"a","count":2"#, (2, 100), "");
    }

    #[test]
    fn models_over_the_limits_of_aks_are_refused() {
        check(
            r#""name":"windows","count":2,"osType":"Windows""#,
            (6000, 50),
            "6,000 nodes: AKS allows at most 5,000\n120 pools: AKS allows at most 100\npool windows2: AKS allows at most 6 characters in the name of a Windows pool\n",
        );
    }
}
