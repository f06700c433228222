//! Tables of objects, and the pools that they make.

use std::fmt::Write;

use serde_json::{Value, json};

use super::*;
use crate::core::json;
use crate::core::lock::LockedPool;
use crate::core::node_list::read_nodes_in;
use crate::core::platform::read_builtin;
use crate::core::pools::PoolReport;
use crate::core::pools::{MergeOptions, merge, read_owners};
use crate::core::spec::{DeclaredPool, PoolsFrom};

fn node_pool(name: &str, template: &Value) -> Value {
    json!({"apiVersion": "karpenter.sh/v1", "kind": "NodePool", "metadata": {"name": name}, "spec": {"template": template}})
}

fn deployment(namespace: &str, name: &str, cluster: &str, labels: &Value) -> Value {
    json!({"apiVersion": "cluster.x-k8s.io/v1beta2", "kind": "MachineDeployment",
        "metadata": {"namespace": namespace, "name": name},
        "spec": {"clusterName": cluster, "template": {"metadata": {"labels": labels}}}})
}

fn from(kind: OwnerKind) -> PoolsFrom {
    PoolsFrom { kind, file: Some("o.json".to_owned()), cluster: None, namespace: None }
}

/// Reads objects from a file, and returns their pools with the objects of each, warnings and errors.
fn pools(objects: &[Value], entry: &PoolsFrom, label: &str, nodes: &[Value]) -> String {
    let file = json!({"apiVersion": "v1", "kind": "List", "items": objects}).to_string();
    let owners = match read_owners("o.json", &file, entry.kind) {
        Ok(owners) => owners,
        Err(problems) => return problems[0].to_string(),
    };
    let lists = [OwnerList { from: entry.clone(), index: 0, owners }];
    let nodes =
        read_nodes_in("n.json", json!({"kind": "List", "items": nodes}).to_string().as_bytes()).unwrap();
    let platform = read_builtin("hetzner").unwrap().unwrap();
    let mut spec = Spec::new("hetzner");
    spec.pools.declare = vec![DeclaredPool { name: "declared".to_owned() }];
    match discover_owned_pools((&nodes, &lists), &platform, Some(label), &spec, None) {
        Ok(found) => {
            let mut text = String::new();
            for (value, owners) in &found.owners {
                let owners: Vec<&str> = owners.iter().map(String::as_str).collect();
                write!(text, "{value}: {}; ", owners.join(", ")).unwrap();
            }
            let warnings: Vec<&str> = found.warnings.iter().map(|it| it.message.as_str()).collect();
            text + &warnings.join("; ")
        }
        Err(problems) => problems.iter().map(|it| it.message.as_str()).collect::<Vec<_>>().join("; "),
    }
}

/// Returns a node of the pool `seen`.
fn node(labels: &Value, annotations: &Value) -> Value {
    json!({"kind": "Node", "metadata": {"name": "n1", "labels": labels, "annotations": annotations}})
}

fn of_karpenter(template: &Value, label: &str) -> String {
    let node = node(&json!({"pool": "seen", NODE_POOL: "seen"}), &json!({}));
    pools(&[node_pool("web", template)], &from(OwnerKind::NodePool), label, &[node])
}

#[test]
fn the_pool_of_a_node_pool_is_its_name_or_one_value() {
    let requires = |values: &Value| json!({"spec": {"requirements": [{"key": "pool", "operator": "In", "values": values}]}});
    for (template, label, expected) in [
        (json!({}), NODE_POOL, "web: NodePool/web; "),
        (json!({"metadata": {"labels": {"pool": "a"}}}), "pool", "a: NodePool/web; "),
        (requires(&json!(["a"])), "pool", "a: NodePool/web; "),
        (
            requires(&json!(["a", "b"])),
            "pool",
            "NodePool/web adds no pool: its requirements allow several values of the label `pool` (a, b)",
        ),
        (
            json!({"spec": {"requirements": [
                {"key": "pool", "operator": "In", "values": ["a", "b"]},
                {"key": "pool", "operator": "In", "values": ["b", "c"]}]}}),
            "pool",
            "b: NodePool/web; ",
        ),
        (
            json!({"spec": {"requirements": [{"key": "pool", "operator": "Exists"}]}}),
            "pool",
            "NodePool/web adds no pool: its requirements do not set one value of the label `pool`",
        ),
        (json!({}), "pool", "NodePool/web adds no pool: its nodes get no label `pool`"),
        (
            json!({"metadata": {"labels": {"pool": ""}}}),
            "pool",
            "NodePool/web adds no pool: its nodes get no label `pool`",
        ),
        // A node shows one of the values, or the spec declares it.
        (requires(&json!(["a", "seen"])), "pool", ""),
        (requires(&json!(["a", "declared"])), "pool", ""),
        (json!({"metadata": {"labels": {EXCLUDE: "true"}}}), NODE_POOL, ""),
    ] {
        assert_eq!(of_karpenter(&template, label), expected, "{template}");
    }
}

#[test]
fn wrong_shapes_are_errors() {
    let many: Vec<String> = (0..100_000).map(|index| format!("p{index}")).collect();
    let requires = |requirements: Value| json!({"spec": {"requirements": requirements}});
    for (template, expected) in [
        (
            json!({"metadata": {"labels": ["pool"]}}),
            "NodePool/web: `spec.template.metadata.labels` is a list, expected an object",
        ),
        (
            json!({"metadata": {"labels": {"pool": 1}}}),
            "NodePool/web: `spec.template.metadata.labels.pool` is 1, a number, expected a string",
        ),
        (
            json!({"metadata": {"labels": {"pool": "not a value"}}}),
            "NodePool/web: the label `pool` is `not a value`",
        ),
        (
            requires(json!({})),
            "NodePool/web: `spec.template.spec.requirements` is an object, expected a list",
        ),
        (requires(json!([1])), "NodePool/web: `spec.template.spec.requirements[0].key` is required"),
        (
            requires(json!([{"key": "pool", "operator": "In", "values": "a"}])),
            "NodePool/web: `spec.template.spec.requirements[0].values` is \"a\", a string, expected a list of strings",
        ),
        (
            requires(json!([{"key": "pool", "operator": "In", "values": [null]}])),
            "NodePool/web: `spec.template.spec.requirements[0].values` is empty, expected a list of strings",
        ),
        (
            requires(json!([{"key": "pool", "operator": "In", "values": many}])),
            "NodePool/web adds no pool: its requirements allow several values of the label `pool` (p0, p1, p10, p100, p1000 and 99995 more)",
        ),
    ] {
        let found = of_karpenter(&template, "pool");
        assert!(found.starts_with(expected), "{found}");
    }
}

#[test]
fn cluster_api_copies_only_some_labels_to_nodes() {
    for (label, is_copied) in [
        ("node.cluster.x-k8s.io/pool", true),
        ("a.node.cluster.x-k8s.io/pool", true),
        ("node-restriction.kubernetes.io/pool", true),
        ("a.node-restriction.kubernetes.io/pool", true),
        ("node-role.kubernetes.io/web", true),
        ("a.node-role.kubernetes.io/web", false),
        ("anode.cluster.x-k8s.io/pool", false),
        ("cluster.x-k8s.io/pool", false),
        ("pool", false),
    ] {
        let node = node(&json!({label: "seen"}), &json!({"cluster.x-k8s.io/cluster-name": "one"}));
        let objects = [deployment("c", "md", "one", &json!({label: "web"}))];
        let found = pools(&objects, &from(OwnerKind::MachineDeployment), label, &[node]);
        let warning = format!(
            "MachineDeployment/c/md adds no pool: Cluster API does not copy the label `{label}` from Machines to nodes by default"
        );
        assert_eq!(found, if is_copied { "web: MachineDeployment/c/md; " } else { &warning }, "{label}");
    }
}

#[test]
fn machine_deployments_of_other_clusters_are_no_pools() {
    let label = "node.cluster.x-k8s.io/pool";
    let of = |namespace, name, cluster| deployment(namespace, name, cluster, &json!({label: name}));
    let (one, two, three) = (of("c", "a", "one"), of("c", "b", "two"), of("d", "e", "one"));
    let found =
        |objects: &[&Value], cluster: Option<&str>, namespace: Option<&str>, of_nodes: Option<&str>| {
            let annotations = json!({"cluster.x-k8s.io/cluster-name": of_nodes.unwrap_or_default()});
            let annotations = if of_nodes.is_some() { annotations } else { json!({}) };
            let entry = PoolsFrom {
                cluster: cluster.map(str::to_owned),
                namespace: namespace.map(str::to_owned),
                ..from(OwnerKind::MachineDeployment)
            };
            let objects: Vec<Value> = objects.iter().map(|object| (*object).clone()).collect();
            pools(&objects, &entry, label, &[node(&json!({label: "seen"}), &annotations)])
        };
    let several = "`spec.pools.from[0]`: there are MachineDeployments of several clusters";
    assert_eq!(found(&[&one, &two], Some("two"), None, None), "b: MachineDeployment/c/b; ");
    assert_eq!(found(&[&one, &two], None, None, None), format!("{several} (c/one, c/two)"));
    assert_eq!(found(&[&one, &two, &three], Some("one"), None, None), format!("{several} (c/one, d/one)"));
    assert_eq!(found(&[&one, &three], Some("one"), Some("d"), None), "e: MachineDeployment/d/e; ");
    assert_eq!(found(&[&one], None, None, Some("one")), "a: MachineDeployment/c/a; ");
    // The only cluster of a management cluster need not be the one whose nodes are read.
    assert_eq!(
        found(&[&one], None, None, None),
        "`spec.pools.from[0]`: the MachineDeployments are of the cluster one, and no node has the annotation `cluster.x-k8s.io/cluster-name`, which would show that it is theirs"
    );
    assert_eq!(found(&[&one], Some("one"), None, None), "a: MachineDeployment/c/a; ");
    assert_eq!(
        found(&[&one], None, None, Some("two")),
        "`spec.pools.from[0]`: the MachineDeployments are of the cluster one, but the nodes are of two"
    );
    assert_eq!(
        found(&[&one], Some("ones"), None, None),
        "`spec.pools.from[0].cluster`: no MachineDeployment of the cluster `ones` found, did you mean `one`?"
    );
    assert_eq!(
        found(&[], Some("one"), None, None),
        "`spec.pools.from[0]`: `o.json` has no MachineDeployment"
    );
    assert_eq!(
        found(&[&of("c", "a\u{1b}[31m", "one")], None, None, None),
        "a MachineDeployment has the invalid name or namespace `a%1B[31m`"
    );
    let without = json!({"apiVersion": "cluster.x-k8s.io/v1beta1", "kind": "MachineDeployment", "metadata": {"name": "x"}});
    assert_eq!(found(&[&without], None, None, None), "MachineDeployment/x: `spec.clusterName` is required");
}

#[test]
fn a_node_of_the_object_shows_its_pool() {
    let found = |set: &str| {
        let node = node(
            &json!({"pool": "seen"}),
            &json!({MACHINE_SET: set, "cluster.x-k8s.io/cluster-name": "one"}),
        );
        pools(
            &[deployment("c", "md", "one", &json!({}))],
            &from(OwnerKind::MachineDeployment),
            "pool",
            &[node],
        )
    };
    assert_eq!(found("md-x7k2p"), "");
    assert_eq!(
        found("md-2-x7k2p"),
        "MachineDeployment/c/md adds no pool: `spec.template.metadata.labels` has no label `pool`"
    );
}

#[test]
fn objects_that_are_being_deleted_do_not_count() {
    let mut leaving = node_pool("old", &json!({}));
    json::put(&mut leaving, &["metadata", "deletionTimestamp"], "2026-01-01T00:00:00Z");
    let node = node(&json!({NODE_POOL: "seen"}), &json!({}));
    let objects = [leaving, node_pool("new", &json!({}))];
    assert_eq!(pools(&objects, &from(OwnerKind::NodePool), NODE_POOL, &[node]), "new: NodePool/new; ");
}

#[test]
fn files_with_other_objects_or_versions_are_refused() {
    let read = |text: &str| {
        let read = read_owners("o.yaml", text, OwnerKind::NodePool);
        read.map(|owners| owners.len()).map_err(|problems| problems[0].to_string())
    };
    let pool = "apiVersion: karpenter.sh/v1\nkind: NodePool\nmetadata: {name: a}\n";
    assert_eq!(read(pool), Ok(1));
    assert_eq!(read(&format!("kind: Namespace\n---\n{pool}")), Ok(1));
    assert_eq!(read("apiVersion: v1\nkind: List\nitems: []\n"), Ok(0));
    assert_eq!(
        read("apiVersion: karpenter.sh/v1\nkind: NodePoolList\nitems: [{metadata: {name: a}}]\n"),
        Ok(1)
    );
    let error = |text: &str| read(text).unwrap_err();
    assert_eq!(error(""), "o.yaml: the file is empty");
    assert_eq!(error("kind: Node\n"), "o.yaml:1: the file has no NodePool of karpenter.sh; it has a Node");
    // NodePools of HyperShift are another kind.
    assert_eq!(
        error("apiVersion: hypershift.openshift.io/v1beta1\nkind: NodePool\n"),
        "o.yaml:1: the file has no NodePool of karpenter.sh; it has a NodePool"
    );
    assert_eq!(error("[1]"), "o.yaml:1: the file has no NodePool of karpenter.sh; it has a list");
    let mut newer = node_pool("a", &json!({}));
    json::put(&mut newer, &["apiVersion"], "karpenter.sh/v2");
    let node = node(&json!({NODE_POOL: "seen"}), &json!({}));
    assert_eq!(
        pools(&[newer], &from(OwnerKind::NodePool), NODE_POOL, &[node]),
        "NodePool/a has the version `v2`, expected v1 or v1beta1 of karpenter.sh"
    );
}

#[test]
fn a_pool_of_an_object_stays_while_the_object_exists() {
    let file = node_pool("web", &json!({})).to_string();
    let owners = read_owners("o.json", &file, OwnerKind::NodePool).unwrap();
    let lists = [OwnerList { from: from(OwnerKind::NodePool), index: 0, owners }];
    let node = json!({"kind": "Node", "metadata": {"name": "n1"}}).to_string();
    let nodes = read_nodes_in("n.json", node.as_bytes()).unwrap();
    let platform = read_builtin("hetzner").unwrap().unwrap();
    let spec = Spec::new("hetzner");
    // No node has a pool yet.
    let found = discover_owned_pools((&nodes, &lists), &platform, Some(NODE_POOL), &spec, None).unwrap();
    let merged = merge(&spec, &found, None, &MergeOptions::default()).unwrap();
    let report = &merged.reports[0];
    assert_eq!((report.pool.value.as_str(), report.state.word()), ("web", "empty"));
    assert_eq!(report.owners, ["NodePool/web"]);
    let forget = MergeOptions { forget: vec!["web".to_owned()], ..MergeOptions::default() };
    assert_eq!(
        merge(&spec, &found, None, &forget).unwrap_err()[0].message,
        "the pool web is the pool of NodePool/web, so the next render would add it again"
    );
    let mut excluding = spec.clone();
    excluding.pools.exclude = vec!["w*".to_owned()];
    assert_eq!(
        merge(&excluding, &found, None, &MergeOptions::default()).unwrap_err()[0].message,
        "no pools to render: all are left out: web"
    );
    // A pool with an object is not lost, however few nodes there are. One deleted object does not mean that the cluster is the wrong one.
    let locked = |values: &[&str]| {
        let pool = |value: &&str| {
            ((*value).to_owned(), LockedPool { name: (*value).to_owned(), ..LockedPool::default() })
        };
        Lock { label: NODE_POOL.to_owned(), pools: values.iter().map(pool).collect(), ..Lock::default() }
    };
    let states = |values: &[&str]| {
        let merged = merge(&spec, &found, Some(&locked(values)), &MergeOptions::default());
        let merged = merged.map_err(|problems| problems[0].message.clone())?;
        let state = |report: &PoolReport| format!("{} {}", report.pool.value, report.state.word());
        Ok::<_, String>(merged.reports.iter().map(state).collect::<Vec<_>>().join(", "))
    };
    assert_eq!(states(&["old", "web"]).unwrap(), "old kept, web empty");
    let refused = states(&["old", "older", "web"]).unwrap_err();
    assert!(refused.starts_with("2 of 3 known pools have no nodes (old, older);"), "{refused}");
}
