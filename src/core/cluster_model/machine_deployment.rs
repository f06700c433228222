//! The pools of Cluster API: grows and copies each `MachineDeployment`.

use serde_json::Value;

use crate::core::cluster_model::growth_rules::{Growth, too_many};
use crate::core::cluster_model::pool_names::pool_names;
use crate::core::json;
use crate::core::report::diagnostic::{Checked, Diagnostic, Location};
use crate::core::report::plural::{plural, thousands};
use crate::core::yaml;
use crate::core::yaml::Document;

/// The longest name that is also a valid label value, as the name of a `MachineDeployment` must be.
const LONGEST: usize = 63;

/// Returns whether a text contains a `MachineDeployment`.
pub fn is_machine_deployment(text: &str) -> bool {
    yaml::read("", text).is_ok_and(|documents| documents.iter().any(is_deployment))
}

/// Grows the `MachineDeployment`s of a text to the requested number of machines. Fills up those that equal the last one,
/// then adds copies of it. Labels and selectors that contain the old name get the new one. The copies share the
/// templates. Returns the text and a summary.
pub fn grow_machine_deployments(file: &str, text: &str, growth: Growth) -> Checked<(String, String)> {
    let documents = yaml::read(file, text)?;
    let deployments: Vec<&Document> = documents.iter().filter(|document| is_deployment(document)).collect();
    let Some(last) = deployments.last() else {
        return Err(Diagnostic::error("no MachineDeployment").at(Location::file(file)).into());
    };
    let (mut sizes, mut problems) = sizes(&deployments);
    problems.extend(too_many(growth));
    if !problems.is_empty() {
        return Err(problems);
    }
    let there = sizes.iter().fold(0, |sum: u32, size| sum.saturating_add(*size));
    let Some(mut missing) = growth.agents.checked_sub(there) else {
        let (there, asked) = (thousands(there.into()), thousands(growth.agents.into()));
        return Err(Diagnostic::error(format!("the file already has {there} machines, more than {asked}"))
            .at(Location::file(file))
            .hint("this command never removes machines; lower `replicas` yourself")
            .into());
    };
    for (document, size) in deployments.iter().zip(&mut sizes) {
        if template(document) == template(last) {
            let more = growth.per_pool.saturating_sub(*size).min(missing);
            *size += more;
            missing -= more;
        }
    }
    let mut out: Vec<String> =
        deployments.iter().zip(&sizes).map(|(document, size)| sized(&document.value, *size)).collect();
    let taken: Vec<&str> = deployments.iter().map(|document| name(document)).collect();
    let names = pool_names(name(last), &taken, missing.div_ceil(growth.per_pool.max(1)) as usize, LONGEST);
    for new in &names {
        let size = growth.per_pool.max(1).min(missing);
        missing -= size;
        out.push(sized(&renamed(&last.value, name(last), new), size));
    }
    let summary = format!(
        "{} machines in {}, {} new",
        thousands(growth.agents.into()),
        plural(out.len(), "MachineDeployment"),
        names.len()
    );
    Ok((out.join("---\n"), summary))
}

fn is_deployment(document: &Document) -> bool {
    document.value["kind"] == "MachineDeployment"
}

fn name(document: &Document) -> &str {
    document.value["metadata"]["name"].as_str().unwrap_or_default()
}

/// Returns the machine template without the fields that identify its owner.
fn template(document: &Document) -> &Value {
    &document.value["spec"]["template"]["spec"]
}

fn sizes(deployments: &[&Document]) -> (Vec<u32>, Vec<Diagnostic>) {
    let mut problems = Vec::new();
    let mut sizes = Vec::new();
    for document in deployments {
        let size = document.value["spec"]["replicas"].as_u64().and_then(|size| u32::try_from(size).ok());
        sizes.push(size.unwrap_or(0));
        let what = match (name(document), size) {
            ("", _) => "a MachineDeployment has no metadata.name".to_owned(),
            (name, None) => format!("MachineDeployment {name} has no spec.replicas"),
            _ => continue,
        };
        let hint = "`metadata.name` and `spec.replicas` are required; if an autoscaler sets `spec.replicas`, raise its limits instead";
        problems.push(Diagnostic::error(what).at(document.location("")).hint(hint));
    }
    (sizes, problems)
}

fn sized(deployment: &Value, size: u32) -> String {
    let mut deployment = deployment.clone();
    json::put(&mut deployment, &["spec", "replicas"], size);
    yaml::write_object(&deployment)
}

/// Returns a copy with another name. Replaces the old name in labels and selectors, and removes the fields that the
/// server sets.
fn renamed(deployment: &Value, old: &str, new: &str) -> Value {
    let mut copy = deployment.clone();
    if let Value::Object(map) = &mut copy {
        map.remove("status");
    }
    if let Some(metadata) = json::existing_map(&mut copy, &["metadata"]) {
        for server in ["uid", "resourceVersion", "generation", "creationTimestamp", "managedFields"] {
            metadata.remove(server);
        }
        metadata.insert("name".to_owned(), new.into());
    }
    for pointer in ["/metadata/labels", "/spec/selector/matchLabels", "/spec/template/metadata/labels"] {
        let Some(Value::Object(labels)) = copy.pointer_mut(pointer) else { continue };
        labels.values_mut().filter(|value| *value == old).for_each(|value| *value = new.into());
    }
    copy
}

#[cfg(test)]
mod tests {
    use super::*;

    const MD: &str = "apiVersion: cluster.x-k8s.io/v1beta1\nkind: MachineDeployment\nmetadata:\n  name: md-0\n  uid: x\nspec:\n  clusterName: prod\n  replicas: 3\n  selector:\n    matchLabels:\n      cluster.x-k8s.io/deployment-name: md-0\n  template:\n    metadata:\n      labels:\n        cluster.x-k8s.io/deployment-name: md-0\n    spec:\n      clusterName: prod\n      infrastructureRef:\n        name: md-0\n        kind: AzureMachineTemplate\n";

    #[test]
    fn copies_with_their_own_labels() {
        let (text, summary) = grow_machine_deployments(
            "md.yaml",
            &format!("kind: Cluster\n---\n{MD}"),
            Growth { agents: 150, per_pool: 100 },
        )
        .unwrap();
        assert_eq!(summary, "150 machines in 2 MachineDeployments, 1 new");
        let (first, second) = text.split_once("---\n").unwrap();
        assert_eq!(first, MD.replace("replicas: 3", "replicas: 100"));
        let copy = MD
            .replace("  uid: x\n", "")
            .replace("replicas: 3", "replicas: 50")
            .replace("name: md-0", "name: md-1");
        assert_eq!(second, copy.replacen("        name: md-1", "        name: md-0", 1));
    }

    #[test]
    fn invalid_growth_is_refused() {
        let message = |text: &str, agents| {
            grow_machine_deployments("md.yaml", text, Growth { agents, per_pool: 100 }).unwrap_err()[0]
                .to_string()
        };
        assert_eq!(message(MD, 2), "md.yaml: the file already has 3 machines, more than 2");
        assert_eq!(
            message(&MD.replace("  replicas: 3\n", ""), 9),
            "md.yaml:1: MachineDeployment md-0 has no spec.replicas"
        );
        assert_eq!(message("kind: Cluster\n", 9), "md.yaml: no MachineDeployment");
        assert!(is_machine_deployment(MD) && !is_machine_deployment("kind: Cluster\n"));
    }
}
