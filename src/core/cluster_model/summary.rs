//! A summary of a grown cluster.

use crate::core::cluster_model::grow::Grown;
use crate::core::cluster_model::installer::Installer;
use crate::core::cluster_model::pool::{VmSet, path};
use crate::core::cluster_model::read::Model;
use crate::core::report::plural::{plural, thousands};

/// Returns the total, the pools that grew and the new pools, a sentence each.
pub fn summary(model: &Model, grown: &Grown) -> Vec<String> {
    let agents: u64 = grown.pools.iter().map(|(_, count)| u64::from(*count)).sum();
    let pools = grown.pools.len();
    let mut lines = vec![format!("{} agents in {}", thousands(agents), plural(pools, "pool"))];
    if !grown.filled.is_empty() {
        lines.push(format!("scaled up: {}", range(&grown.filled)));
    }
    let new: Vec<String> = grown.pools[pools - grown.added..].iter().map(|(name, _)| name.clone()).collect();
    if let Some(last) = model.pools.last().filter(|_| !new.is_empty()) {
        lines.push(format!("new copies of {}: {}", last.name, range(&new)));
    }
    lines
}

/// Returns the load balancers and front ends that one Service needs in the grown cluster.
pub fn load_balancers(model: &Model, grown: &Grown) -> String {
    let pools = grown.pools.len();
    let front_ends =
        format!("{} with an address each for the Service of each pool", plural(pools, "front end"));
    if is_basic(model) {
        let set = match model.pools.last().map(|pool| pool.vm_set) {
            Some(VmSet::ScaleSet) => "scale set",
            _ => "availability set",
        };
        return format!("{}, one for each {set}, and {front_ends}", plural(pools, "Basic load balancer"));
    }
    format!("1 Standard load balancer for all pools, and {front_ends}")
}

/// Returns whether the cluster gets Basic load balancers: `loadBalancerSku`, which Azure Stack Hub always sets to Basic. If
/// it is missing, the default is Basic in ACS-Engine and Standard in AKS-Engine (`defaults.go`).
fn is_basic(model: &Model) -> bool {
    let sku = path(&model.properties, &["orchestratorProfile", "kubernetesConfig", "loadBalancerSku"]);
    let sku = sku.as_str().unwrap_or_default();
    match model.installer {
        Installer::AzureStackHub => true,
        _ if !sku.is_empty() => sku.eq_ignore_ascii_case("basic"),
        installer => installer != Installer::AksEngine,
    }
}

/// Returns `a, b`, or `a to z` for more than three names.
fn range(names: &[String]) -> String {
    match names {
        [first, .., last] if names.len() > 3 => format!("{first} to {last}"),
        few => few.join(", "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::cluster_model::grow::grow;
    use crate::core::cluster_model::growth_rules::Growth;
    use crate::core::cluster_model::read::read_model;

    #[track_caller]
    fn check(properties: &str, agents: u32, expected: &[&str]) {
        let text = format!(
            r#"{{"apiVersion":"vlabs","properties":{{{properties}"agentPoolProfiles":[{{"name":"a","count":2,"availabilityProfile":"AvailabilitySet"}}]}}}}"#
        );
        let model = read_model("m.json", &text).unwrap();
        let grown = grow(&model, Growth { agents, per_pool: 100 }).unwrap();
        let mut lines = summary(&model, &grown);
        lines.push(load_balancers(&model, &grown));
        assert_eq!(lines, expected);
    }

    #[test]
    fn basic_and_standard_load_balancers() {
        check(
            r#""orchestratorProfile":{"orchestratorType":"Kubernetes"},"#,
            2500,
            &[
                "2,500 agents in 25 pools",
                "scaled up: a",
                "new copies of a: a2 to a25",
                "25 Basic load balancers, one for each availability set, and 25 front ends with an address each for the Service of each pool",
            ],
        );
        check(
            "",
            2,
            &[
                "2 agents in 1 pool",
                "1 Standard load balancer for all pools, and 1 front end with an address each for the Service of each pool",
            ],
        );
        check(
            r#""orchestratorProfile":{"kubernetesConfig":{"loadBalancerSku":"basic"}},"#,
            150,
            &[
                "150 agents in 2 pools",
                "scaled up: a",
                "new copies of a: a2",
                "2 Basic load balancers, one for each availability set, and 2 front ends with an address each for the Service of each pool",
            ],
        );
    }
}
