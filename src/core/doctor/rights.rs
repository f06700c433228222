//! Checks the user's permissions against the roles in docs/rbac.

use serde_json::Value;

use crate::core::doctor::Finding;
use crate::core::yaml;

/// The roles: name, manifest, commands that need it, and where it is bound.
const TIERS: [(&str, &str, &str, &str); 6] = [
    (
        "pools",
        include_str!("../../../docs/rbac/pools.yaml"),
        "init, pools, render, diff, capacity",
        "the cluster",
    ),
    (
        "capacity",
        include_str!("../../../docs/rbac/capacity.yaml"),
        "other Services in capacity",
        "the cluster",
    ),
    (
        "reader",
        include_str!("../../../docs/rbac/reader.yaml"),
        "status, inventory, an estimate by diff --live",
        "the namespace",
    ),
    ("importer", include_str!("../../../docs/rbac/importer.yaml"), "init --from-cluster", "the namespace"),
    ("applier", include_str!("../../../docs/rbac/applier.yaml"), "apply, diff --live", "the namespace"),
    ("pruner", include_str!("../../../docs/rbac/pruner.yaml"), "prune, apply --prune, move", "the namespace"),
];

/// Returns a finding for each role. `review` is a `SelfSubjectRulesReview` of the namespace with its status.
pub fn rights(review: &Value, namespace: &str) -> Vec<Finding> {
    let granted: Vec<&Value> = review["status"]["resourceRules"].as_array().into_iter().flatten().collect();
    let mut findings: Vec<Finding> = TIERS
        .iter()
        .map(|(name, role, access, location)| {
            let location = if *location == "the namespace" {
                format!("namespace {namespace}")
            } else {
                (*location).to_owned()
            };
            let missing = missing(role, &granted);
            let Some(first) = missing.first() else {
                return Finding::ok("rights", format!("{name}: {access}"));
            };
            let more =
                if missing.len() > 1 { format!(" and {} more", missing.len() - 1) } else { String::new() };
            Finding::warn(
                "rights",
                format!("{name} ({access}): no permission to {first}{more}"),
                format!("ask a cluster administrator to bind docs/rbac/{name}.yaml to you in {location}"),
            )
        })
        .collect();
    if review["status"]["incomplete"] == true {
        findings.push(Finding::warn(
            "rights",
            "the API server cannot list all of your permissions, because an authorizer does not report them",
            "permissions that are missing above may still be granted",
        ));
    }
    findings
}

/// Returns the permissions in a role that are not granted, as `VERB RESOURCE`.
fn missing(role: &str, granted: &[&Value]) -> Vec<String> {
    let role = yaml::read_one("", role).map(|document| document.value).unwrap_or_default();
    let mut missing = Vec::new();
    for rule in role["rules"].as_array().into_iter().flatten() {
        let only = texts(&rule["resourceNames"]);
        for group in texts(&rule["apiGroups"]) {
            for resource in texts(&rule["resources"]) {
                for verb in texts(&rule["verbs"]) {
                    let has = |field: &Value, wanted: &str| {
                        texts(field).iter().any(|known| *known == "*" || *known == wanted)
                    };
                    let is_granted = granted.iter().any(|grant| {
                        let names = texts(&grant["resourceNames"]);
                        has(&grant["apiGroups"], group)
                            && has(&grant["resources"], resource)
                            && has(&grant["verbs"], verb)
                            && (names.is_empty() || only.iter().any(|name| names.contains(name)))
                    });
                    if !is_granted {
                        missing.push(format!("{verb} {resource}"));
                    }
                }
            }
        }
    }
    missing
}

fn texts(value: &Value) -> Vec<&str> {
    value.as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::core::doctor::Level;

    fn levels(rules: &Value) -> Vec<Level> {
        let review = json!({ "status": { "resourceRules": rules } });
        rights(&review, "web").iter().map(|finding| finding.level).collect()
    }

    #[test]
    fn roles_are_compared_with_granted_rules() {
        assert_eq!(levels(&json!([])), [Level::Warn; 6]);
        let all = json!([{ "apiGroups": ["*"], "resources": ["*"], "verbs": ["*"] }]);
        assert_eq!(levels(&all), [Level::Ok; 6]);
        let nodes = json!([
            { "apiGroups": [""], "resources": ["nodes"], "verbs": ["get", "list"] },
            { "apiGroups": [""], "resources": ["namespaces"], "verbs": ["get"], "resourceNames": ["kube-system"] },
        ]);
        assert_eq!(levels(&nodes)[0], Level::Ok);
        let other = json!([
            { "apiGroups": [""], "resources": ["nodes"], "verbs": ["list"] },
            { "apiGroups": [""], "resources": ["namespaces"], "verbs": ["get"], "resourceNames": ["other"] },
        ]);
        let review = json!({ "status": { "resourceRules": other, "incomplete": true } });
        let found = rights(&review, "web");
        assert!(found[0].message.ends_with("no permission to get namespaces"), "{found:?}");
        assert!(found[3].hint.as_deref().unwrap().ends_with("in namespace web"), "{found:?}");
        assert!(found[6].message.starts_with("the API server cannot list all"), "{found:?}");
    }

    #[test]
    fn every_role_in_the_docs_is_checked() {
        for (name, role, ..) in TIERS {
            assert!(role.contains(&format!("name: largescale-{name}\n")), "{name}");
            assert!(!missing(role, &[]).is_empty(), "{name}");
        }
    }
}
