//! Node lists: the stream, the text, JSON and YAML have the same nodes.

use std::collections::{BTreeMap, BTreeSet};

use arbitrary::{Arbitrary, Unstructured};
use largescale::core::kubernetes::node::Node;
use largescale::core::lock::Lock;
use largescale::core::node_list::{read_nodes, read_nodes_in};
use largescale::core::platform::choose::choose;
use largescale::core::pools::{
    MergeOptions, OwnerList, discover_owned_pools, discover_pools, merge, merge_locked, read_owners,
};
use largescale::core::report::diagnostic::Diagnostic;
use largescale::core::spec::{OwnerKind, PoolsFrom, Spec};
use largescale::core::yaml::write_plain;
use serde_json::{Value, json};

use super::checks::{FILE, located, text};
use super::json::{Edit, Text};
use super::platforms::builtin;

/// Any bytes.
pub fn texts(data: &[u8]) {
    let whole = read_nodes_in(FILE, data);
    // serde_json counts the lines of a stream in another way.
    let without_line = |read: &Result<Vec<Node>, Diagnostic>| read.clone().map_err(|problem| problem.message);
    let stream = read_nodes(FILE, data);
    // Of invalid JSON that is not UTF-8 either, one reports this and the other that.
    if stream.is_ok() || whole.is_ok() || std::str::from_utf8(data).is_ok() {
        assert_eq!(without_line(&stream), without_line(&whole), "the stream and the text differ");
    }
    match whole {
        Err(problem) => located([&problem], &String::from_utf8_lossy(data)),
        Ok(nodes) => discovered(&nodes),
    }
    if let Some(text) = text(data) {
        owners(text);
    }
}

/// Reads the objects that make nodes, and finds their pools beside one node.
fn owners(text: &str) {
    let node = json!({"kind": "Node", "metadata": {"name": "n", "labels": {"pool": "p"}}}).to_string();
    let nodes = read_nodes_in(FILE, node.as_bytes()).expect("a valid node");
    let spec = Spec::new("azure-basic");
    for kind in [OwnerKind::NodePool, OwnerKind::MachineDeployment] {
        let owners = match read_owners(FILE, text, kind) {
            Ok(owners) => owners,
            Err(problems) => {
                located(&problems, text);
                continue;
            }
        };
        let from = PoolsFrom { kind, file: Some(FILE.to_owned()), cluster: None, namespace: None };
        let lists = [OwnerList { from, index: 0, owners }];
        match discover_owned_pools((&nodes, &lists), &builtin()[0], Some("pool"), &spec, None) {
            Ok(found) => assert!(found.owners.values().all(|owners| !owners.is_empty())),
            Err(problems) => assert!(!problems.is_empty()),
        }
    }
}

/// Finds pools in nodes, and merges them with the lock.
fn discovered(nodes: &[Node]) {
    let platforms = builtin();
    let _ = choose(platforms, nodes).map_err(|problem| assert!(!problem.message.is_empty()));
    for platform in [&platforms[0], &platforms[nodes.len() % platforms.len()]] {
        let found = match discover_pools(nodes, platform, None, None) {
            Ok(found) => found,
            Err(problems) => {
                assert!(!problems.is_empty());
                continue;
            }
        };
        assert_eq!(found.nodes.all, nodes.len());
        assert_eq!(
            discover_pools(nodes, platform, Some(&found.label), None).as_ref().map(|it| &it.label),
            Ok(&found.label)
        );
        let spec = Spec::new(&platform.name);
        let Ok(merged) = merge(&spec, &found, None, &MergeOptions::default()) else { continue };
        let values: Vec<_> = merged.set.pools.iter().map(|pool| &pool.value).collect();
        assert!(values.is_sorted(), "{values:?}");
        let mut names: Vec<_> = merged.set.pools.iter().map(|pool| &pool.name).collect();
        names.sort_unstable();
        assert!(names.windows(2).all(|pair| pair[0] != pair[1]), "two pools with one name: {names:?}");
    }
    let _ = merge_locked(&Spec::new("azure-basic"), &Lock::default())
        .map_err(|problems: Vec<Diagnostic>| assert!(!problems.is_empty()));
}

#[derive(Arbitrary, Debug)]
struct Input {
    nodes: Vec<Fields>,
    edits: Vec<Edit>,
}

#[derive(Arbitrary, Debug)]
struct Fields {
    name: Text,
    labels: BTreeMap<u8, Text>,
    provider_id: Option<Text>,
    ready: Option<bool>,
    leaving: bool,
}

const LABELS: &[&str] = &[
    "agentpool",
    "kubernetes.azure.com/agentpool",
    "cloud.google.com/gke-nodepool",
    "eks.amazonaws.com/nodegroup",
    "node-role.kubernetes.io/control-plane",
    "node.kubernetes.io/exclude-from-external-load-balancers",
    "kubernetes.azure.com/cluster",
    "kubernetes.io/role",
    "pool",
];

/// Valid nodes, and the same with changes.
pub fn fields(data: &[u8]) {
    let Ok(input) = Input::arbitrary_take_rest(Unstructured::new(data)) else { return };
    let mut names = BTreeSet::new();
    let is_new = |fields: &&Fields| names.insert(fields.name.0.clone());
    let items: Vec<Value> = input.nodes.iter().take(12).filter(is_new).map(node).collect();
    let mut list = json!({"apiVersion": "v1", "kind": "List", "items": items});
    let read = |text: &str| read_nodes_in(FILE, text.as_bytes());
    let nodes = read(&list.to_string()).expect("valid nodes");
    assert_eq!(nodes.len(), items.len());
    for (node, item) in nodes.iter().zip(&items) {
        assert_eq!(item["metadata"]["name"], *node.name);
        assert!(node.labels.iter().all(|(key, value)| item["metadata"]["labels"][key] == value));
        assert_eq!(
            node.labels.iter().count(),
            item["metadata"]["labels"].as_object().map_or(0, serde_json::Map::len)
        );
    }
    assert_eq!(read(&write_plain(&list)).as_ref(), Ok(&nodes), "YAML");
    let lines: Vec<String> = items.iter().map(Value::to_string).collect();
    if !items.is_empty() {
        assert_eq!(read(&lines.join("\n")).as_ref(), Ok(&nodes), "one after the other");
    }
    discovered(&nodes);

    input.edits.iter().take(6).for_each(|edit| edit.apply(&mut list));
    let (json, yaml) = (read(&list.to_string()), read(&write_plain(&list)));
    if let (Ok(json), Ok(yaml)) = (&json, &yaml) {
        assert_eq!(json, yaml, "{list}");
    }
    if let Ok(nodes) = json {
        discovered(&nodes);
    }
}

fn node(fields: &Fields) -> Value {
    let labels: BTreeMap<&str, &str> = fields
        .labels
        .iter()
        .map(|(index, value)| (LABELS[usize::from(*index) % LABELS.len()], value.0.as_str()))
        .collect();
    let mut node = json!({"apiVersion": "v1", "kind": "Node",
        "metadata": {"name": fields.name.0, "labels": labels}, "spec": {}, "status": {}});
    if let Some(id) = &fields.provider_id {
        node["spec"]["providerID"] = id.0.as_str().into();
    }
    if let Some(ready) = fields.ready {
        let status = if ready { "True" } else { "Unknown" };
        node["status"]["conditions"] = json!([{"type": "Ready", "status": status}]);
    }
    if fields.leaving {
        node["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z".into();
    }
    node
}
