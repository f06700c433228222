//! The installers' rules for availability zones.

use crate::core::cluster_model::installer::Installer;
use crate::core::cluster_model::pool::{AgentPool, VmSet, path};
use crate::core::cluster_model::read::Model;

/// `validateZones` (vlabs/validate.go:586). ACS-Engine refuses a model in which only some pools or masters have zones, and
/// zones with fewer than two nodes. AKS-Engine only warns about both unless masters and all pools have zones.
pub(crate) fn zone_problem(model: &Model, pool: &AgentPool) -> Option<String> {
    let masters = path(&model.properties, &["masterProfile", "availabilityZones"]);
    let zones = zones(pool);
    let on_masters = masters.as_array().is_some_and(|zones| !zones.is_empty());
    let in_use = on_masters || model.pools.iter().any(|pool| self::zones(pool) > 0);
    let everywhere = on_masters && model.pools.iter().all(|pool| self::zones(pool) > 0);
    if everywhere && pool.vm_set == VmSet::AvailabilitySet {
        return Some("availabilityZones are for scale sets only".to_owned());
    }
    if !in_use || model.installer != Installer::AcsEngine || !model.is_kubernetes() {
        return None;
    }
    if model.minor().is_some_and(|minor| minor < 12) {
        return Some("availabilityZones need Kubernetes 1.12 or later".to_owned());
    }
    if !everywhere {
        return Some(
            "availabilityZones must be set for the masters and all pools, or for none of them".to_owned(),
        );
    }
    (pool.count.unwrap_or(0) as usize)
        .lt(&(2 * zones))
        .then(|| format!("count is {}, fewer than 2 for each of its {zones} zones", pool.count.unwrap_or(0)))
}

fn zones(pool: &AgentPool) -> usize {
    pool.field("availabilityZones").as_array().map_or(0, Vec::len)
}

#[cfg(test)]
mod tests {
    use crate::core::cluster_model::grow::grow;
    use crate::core::cluster_model::growth_rules::Growth;
    use crate::core::cluster_model::read::read_model;

    #[track_caller]
    fn check(release: &str, masters: &str, pool: &str, expected: &str) {
        let text = format!(
            r#"{{"apiVersion":"vlabs","properties":{{{release}"masterProfile":{{"availabilityZones":{masters}}},"agentPoolProfiles":[{{"name":"a","count":4,{pool}}}]}}}}"#
        );
        let model = read_model("m.json", &text).unwrap();
        let shown = match grow(&model, Growth { agents: 101, per_pool: 100 }) {
            Ok(_) => "grown".to_owned(),
            Err(problems) => problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"),
        };
        assert_eq!(shown, expected);
    }

    #[test]
    fn zone_rules_of_both_engines() {
        let acs = r#""orchestratorProfile":{"orchestratorType":"Kubernetes","orchestratorRelease":"1.12"},"#;
        let (zoned, set) = (r#""availabilityZones":["1","2"]"#, r#""availabilityProfile":"AvailabilitySet""#);
        check("", "[]", &format!("{zoned},{set}"), "grown");
        check(
            "",
            r#"["1"]"#,
            &format!("{zoned},{set}"),
            "m.json:1: agent pool a: availabilityZones are for scale sets only",
        );
        check("", r#"["1"]"#, zoned, "grown");
        check(
            acs,
            "[]",
            zoned,
            "m.json:1: agent pool a: availabilityZones must be set for the masters and all pools, or for none of them",
        );
        check(
            &acs.replace("1.12", "1.11"),
            r#"["1"]"#,
            zoned,
            "m.json:1: agent pool a: availabilityZones need Kubernetes 1.12 or later",
        );
        // The rules also apply to the grown model.
        check(
            acs,
            r#"["1"]"#,
            zoned,
            "m.json: agent pool a2: count is 1, fewer than 2 for each of its 2 zones",
        );
    }
}
