//! The nodes that an installer will create from a model, so that a cluster can be rendered before it exists.

use serde_json::{Map, Value, json};

use crate::core::cluster_model::installer::Installer;
use crate::core::cluster_model::pool::{AgentPool, VmSet, path};
use crate::core::cluster_model::read::Model;
use crate::core::cluster_model::rules::refusals;
use crate::core::cluster_model::suffix::cluster_suffix;
use crate::core::kubernetes::node::{Node, RawNode, Strings};
use crate::core::report::diagnostic::{Checked, Diagnostic};

/// Returns the nodes with the names and labels that the installer gives them (`GetAgentVMPrefix` in `pkg/api/types.go`,
/// labels in `GetAgentKubernetesLabels`). Values that only the cloud knows, such as provider IDs, are empty.
pub fn planned_nodes(model: &Model) -> Checked<Vec<Node>> {
    if !model.is_kubernetes() {
        return Err(not_kubernetes(model).into());
    }
    if model.installer == Installer::ManagedAks {
        return Err(Diagnostic::error("the names of AKS nodes are not known before the cluster exists")
            .at(model.location(0))
            .hint("create the cluster, then use the output of `kubectl get nodes -o json`")
            .into());
    }
    let problems = refusals(model);
    if !problems.is_empty() {
        return Err(problems);
    }
    let Some(suffix) = suffix(model) else {
        return Err(Diagnostic::error("masterProfile.dnsPrefix is empty")
            .at(model.location(0))
            .hint("the names of machines and sets are derived from it; set it to the final value")
            .into());
    };
    let mut strings = Strings::default();
    let agents = model.pools.iter().enumerate().flat_map(|(index, pool)| agents(model, pool, index, &suffix));
    Ok(masters(model, &suffix)
        .into_iter()
        .chain(agents)
        .filter_map(|node| serde_json::from_value::<RawNode>(node).ok())
        .map(|raw| raw.keep(&mut strings))
        .collect())
}

/// Returns the error for a model of a cluster without Kubernetes.
pub(crate) fn not_kubernetes(model: &Model) -> Diagnostic {
    Diagnostic::error(format!("the model describes a {} cluster, expected Kubernetes", model.orchestrator))
        .at(model.location(0))
        .hint("load balancers for node pools need Kubernetes; models of other clusters can be read but not grown")
}

fn suffix(model: &Model) -> Option<String> {
    let prefix = path(&model.properties, &["masterProfile", "dnsPrefix"]).as_str()?;
    (!prefix.is_empty()).then(|| cluster_suffix(prefix))
}

fn masters(model: &Model, suffix: &str) -> Vec<Value> {
    let master = path(&model.properties, &["masterProfile"]);
    let in_scale_set = path(master, &["availabilityProfile"]) == "VirtualMachineScaleSets";
    let count = path(master, &["count"]).as_u64().and_then(|count| u32::try_from(count).ok());
    // `eq=1|eq=3|eq=5` in vlabs/types.go.
    (0..count.unwrap_or(1).min(5))
        .map(|number| {
            let number = if in_scale_set { instance(number) } else { number.to_string() };
            let labels = match model.installer {
                Installer::AcsEngine => json!({"kubernetes.io/role": "master"}),
                _ => json!({
                    "kubernetes.azure.com/role": "master",
                    "kubernetes.io/role": "master",
                    "node-role.kubernetes.io/master": "",
                    "node.kubernetes.io/exclude-from-external-load-balancers": "true",
                }),
            };
            node(&format!("k8s-master-{suffix}-{number}"), &labels)
        })
        .collect()
}

fn agents(model: &Model, pool: &AgentPool, index: usize, suffix: &str) -> Vec<Value> {
    let prefix = if pool.is_windows {
        format!("{}k8s{index:02}", suffix.get(..4).unwrap_or(suffix))
    } else {
        format!("k8s-{}-{suffix}-", pool.name)
    };
    let mut labels = Map::new();
    if let Value::Object(own) = pool.field("customNodeLabels") {
        labels.extend(own.clone());
    }
    let role = match model.installer {
        Installer::AcsEngine => "kubernetes.io/role",
        _ => "kubernetes.azure.com/role",
    };
    labels.insert(role.to_owned(), "agent".into());
    labels.insert("agentpool".to_owned(), pool.name.as_str().into());
    let labels = Value::Object(labels);
    (0..pool.count.unwrap_or(0))
        .map(|number| {
            let name = match pool.vm_set {
                VmSet::AvailabilitySet => format!("{prefix}{number}"),
                VmSet::ScaleSet if pool.is_windows => format!("{prefix}{}", base36(number)),
                VmSet::ScaleSet => format!("{prefix}{}", instance(number)),
            };
            node(&name, &labels)
        })
        .collect()
}

fn node(name: &str, labels: &Value) -> Value {
    json!({"metadata": {"name": name, "labels": labels}, "status": {"conditions": [{"type": "Ready", "status": "True"}]}})
}

/// Returns the part of a machine's name that numbers it in its scale set.
fn instance(number: u32) -> String {
    format!("vmss{}", base36(number))
}

/// Returns the number as six base-36 digits.
fn base36(mut number: u32) -> String {
    let mut digits = [b'0'; 6];
    for digit in digits.iter_mut().rev() {
        *digit = b"0123456789abcdefghijklmnopqrstuvwxyz"[(number % 36) as usize];
        number /= 36;
    }
    digits.map(char::from).iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::cluster_model::read::read_model;

    #[track_caller]
    fn check(properties: &str, expected: &str) {
        let text = format!(r#"{{"apiVersion":"vlabs","properties":{{{properties}}}}}"#);
        let shown = match planned_nodes(&read_model("m.json", &text).unwrap()) {
            Ok(nodes) => nodes
                .iter()
                .map(|node| {
                    let labels: Vec<_> =
                        node.labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
                    format!("{} {}", node.name, labels.join(","))
                })
                .collect::<Vec<_>>()
                .join("\n"),
            Err(problems) => problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"),
        };
        assert_eq!(shown, expected);
    }

    #[test]
    fn names_and_labels_of_planned_nodes() {
        check(
            r#""orchestratorProfile":{"orchestratorType":"Kubernetes","orchestratorRelease":"1.9"},"masterProfile":{"count":1,"dnsPrefix":"foo_master"},
            "agentPoolProfiles":[{"name":"linux","count":2,"customNodeLabels":{"a":"b"}},{"name":"win","count":1,"osType":"Windows"}]"#,
            "k8s-master-24569115-0 kubernetes.io/role=master\n\
             k8s-linux-24569115-0 a=b,agentpool=linux,kubernetes.io/role=agent\n\
             k8s-linux-24569115-1 a=b,agentpool=linux,kubernetes.io/role=agent\n\
             2456k8s010 agentpool=win,kubernetes.io/role=agent",
        );
        check(
            r#""masterProfile":{"count":1,"dnsPrefix":"foo_master","availabilityProfile":"VirtualMachineScaleSets"},
            "agentPoolProfiles":[{"name":"linux","count":1},{"name":"win","count":1,"osType":"Windows"}]"#,
            "k8s-master-24569115-vmss000000 kubernetes.azure.com/role=master,kubernetes.io/role=master,node-role.kubernetes.io/master=,node.kubernetes.io/exclude-from-external-load-balancers=true\n\
             k8s-linux-24569115-vmss000000 agentpool=linux,kubernetes.azure.com/role=agent\n\
             2456k8s01000000 agentpool=win,kubernetes.azure.com/role=agent",
        );
        assert_eq!(
            (base36(35), base36(36), base36(999)),
            ("00000z".into(), "000010".into(), "0000rr".into())
        );
    }

    #[test]
    fn models_without_planned_nodes_are_refused() {
        check(r#""agentPoolProfiles":[{"name":"a","count":1}]"#, "m.json: masterProfile.dnsPrefix is empty");
        check(
            r#""agentPoolProfiles":[{"name":"A","count":0}]"#,
            "m.json:1: agent pool A: the name must have 1 to 12 lower-case letters and digits, starting with a letter\n\
             m.json:1: agent pool A: count is 0, expected 1 to 1,000",
        );
        check(
            r#""orchestratorProfile":{"orchestratorType":"DCOS"},"agentPoolProfiles":[{"name":"a","count":1}]"#,
            "m.json: the model describes a DCOS cluster, expected Kubernetes",
        );
    }
}
