//! The nodes that an installer will make of a model, so that a cluster can be rendered before it exists.

use serde_json::{Map, Value, json};

use crate::core::cluster_model::installer::Installer;
use crate::core::cluster_model::pool::{AgentPool, VmSet, path};
use crate::core::cluster_model::read::Model;
use crate::core::cluster_model::rules::refusals;
use crate::core::cluster_model::suffix::cluster_suffix;
use crate::core::kubernetes::node::{Node, RawNode, Strings};
use crate::core::report::diagnostic::{Checked, Diagnostic};

/// The nodes with the names and labels that the installer gives them (`GetAgentVMPrefix` in `pkg/api/types.go`, the
/// labels in `GetAgentKubernetesLabels`). What only the cloud can say (provider IDs, the resource group) is not there.
pub fn planned_nodes(model: &Model) -> Checked<Vec<Node>> {
    if !model.is_kubernetes() {
        return Err(not_kubernetes(model).into());
    }
    if model.installer == Installer::ManagedAks {
        return Err(Diagnostic::error("AKS names the nodes of this model itself")
            .at(model.location(0))
            .hint("create the cluster and take `kubectl get nodes -o json`")
            .into());
    }
    let problems = refusals(model);
    if !problems.is_empty() {
        return Err(problems);
    }
    let Some(suffix) = suffix(model) else {
        return Err(Diagnostic::error("masterProfile.dnsPrefix is empty")
            .at(model.location(0))
            .hint("the names of machines and sets come from it; say it as the installer will have it")
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

/// The refusal of a model that makes no Kubernetes.
pub(crate) fn not_kubernetes(model: &Model) -> Diagnostic {
    Diagnostic::error(format!("the model makes a cluster of {}, expected Kubernetes", model.orchestrator))
        .at(model.location(0))
        .hint("load balancers for node pools are Kubernetes' own; other clusters are read but not grown")
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

/// How Azure numbers the machines of a scale set.
fn instance(number: u32) -> String {
    format!("vmss{}", base36(number))
}

/// Six digits, of which there are 36.
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
        let said = match planned_nodes(&read_model("m.json", &text).unwrap()) {
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
        assert_eq!(said, expected);
    }

    #[test]
    fn names_and_labels() {
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
    fn what_has_no_nodes_yet() {
        check(r#""agentPoolProfiles":[{"name":"a","count":1}]"#, "m.json: masterProfile.dnsPrefix is empty");
        check(
            r#""agentPoolProfiles":[{"name":"A","count":0}]"#,
            "m.json:1: agent pool A: a name has 1 to 12 small letters and digits, a letter first\n\
             m.json:1: agent pool A: count is 0, expected 1 to 1,000",
        );
        check(
            r#""orchestratorProfile":{"orchestratorType":"DCOS"},"agentPoolProfiles":[{"name":"a","count":1}]"#,
            "m.json: the model makes a cluster of DCOS, expected Kubernetes",
        );
    }
}
