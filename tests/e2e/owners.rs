//! Pools of NodePools and MachineDeployments that the API server stores. The definitions have the groups, kinds, scopes and versions of
//! Karpenter and Cluster API, but accept any fields.

use serde_json::{Value, json};

use crate::app::App;
use crate::control_plane::ControlPlane;
use crate::wait::until;

const DEFINITIONS: &str = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
const NODE_POOLS: &str = "/apis/karpenter.sh/v1/nodepools";

/// The user of the commands.
const USER: &str = "owner-reader";

/// Defines a kind, in one version that is served and an older one that is not.
fn define(plane: &ControlPlane, group: &str, kind: &str, scope: &str, versions: [&str; 2]) {
    let plural = format!("{}s", kind.to_lowercase());
    let schema = json!({"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}});
    let version = |name: &str, is_served: bool| json!({"name": name, "served": is_served, "storage": is_served, "schema": schema});
    let definition = json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": format!("{plural}.{group}")},
        "spec": {"group": group, "scope": scope,
            "names": {"plural": plural, "singular": kind.to_lowercase(), "kind": kind, "listKind": format!("{kind}List")},
            "versions": [version(versions[0], true), version(versions[1], false)]}});
    plane.create(DEFINITIONS, &definition);
    let path = format!("/apis/{group}/{}/{plural}", versions[0]);
    until(&format!("{path} is served"), || {
        (plane.request("GET", &path, "application/json", None).0 == 200).then_some(())
    });
}

fn bind(app: &App<'_>, role: &str) {
    let file = format!("{}/docs/rbac/{role}.yaml", env!("CARGO_MANIFEST_DIR"));
    app.kubectl(&["apply", "--server-side", "-f", &file]).ok();
    let (name, role) = (format!("{USER}-{role}"), format!("--clusterrole=largescale-{role}"));
    app.kubectl(&["create", "clusterrolebinding", &name, &role, &format!("--user={USER}")]).ok();
}

fn deployment(namespace: &str, cluster: &str) -> Value {
    json!({"apiVersion": "cluster.x-k8s.io/v1beta1", "kind": "MachineDeployment",
        "metadata": {"name": format!("{cluster}-md"), "namespace": namespace},
        "spec": {"clusterName": cluster, "template": {"metadata": {"labels": {"node.cluster.x-k8s.io/pool": cluster}}}}})
}

#[test]
fn a_pool_is_known_before_its_first_node() {
    let Some(plane) = ControlPlane::shared() else { return };
    let app = App::rendered(plane, "owners");
    let spec = "spec:\n  pools: {from: [{kind: NodePool}], vmSets: {burst: burst-set}}\n";
    app.edit("largescale.yaml", "spec:\n", spec);
    let run = app.run(&["pools"]);
    assert_eq!(run.code, Some(3), "{run:?}");
    assert!(run.err.contains("the cluster has no kind NodePool of karpenter.sh"), "{run:?}");

    define(plane, "karpenter.sh", "NodePool", "Cluster", ["v1", "v1beta1"]);
    plane.create(
        NODE_POOLS,
        &json!({"apiVersion": "karpenter.sh/v1", "kind": "NodePool", "metadata": {"name": "burst-nodes"},
            "spec": {"template": {"metadata": {"labels": {"agentpool": "burst"}}}}}),
    );
    bind(&app, "pools");
    let run = until("the role is known", || {
        let run = app.run(&["pools", "--as", USER]);
        run.err.contains("cannot list nodepools").then_some(run)
    });
    assert!(run.code == Some(4) && run.err.contains("bind docs/rbac/owners.yaml"), "{run:?}");
    bind(&app, "owners");
    let run = until("the role is known", || {
        let run = app.run(&["pools", "--as", USER, "-o", "json"]);
        (run.code == Some(0)).then_some(run)
    });
    let list = run.json();
    let pool =
        |list: &Value| list["items"].as_array().unwrap().iter().find(|it| it["name"] == "burst").cloned();
    let burst = pool(&list).unwrap();
    assert_eq!(
        (&burst["state"], &burst["owners"]),
        (&json!("empty"), &json!(["NodePool/burst-nodes"])),
        "{burst}"
    );

    app.run(&["render"]).ok();
    app.run(&["apply"]).ok();
    assert!(plane.get(&app.path("v1", "services/web-burst")).is_some());
    let refused = app.run(&["render", "--forget", "burst"]);
    assert!(refused.err.contains("the pool burst is the pool of NodePool/burst-nodes"), "{refused:?}");
    let healthy = app.run(&["doctor"]);
    assert!(healthy.out.contains("spec.pools.from[0]: 1 NodePool"), "{healthy:?}");

    plane.delete(&format!("{NODE_POOLS}/burst-nodes"));
    let kept = app.run(&["pools", "-o", "json"]).json();
    assert_eq!(pool(&kept).unwrap()["state"], "kept");
    app.run(&["render", "--forget", "burst"]).ok();
}

#[test]
fn machine_deployments_of_several_clusters_need_a_name() {
    let Some(plane) = ControlPlane::shared() else { return };
    let app = App::rendered(plane, "owners-of-machines");
    // An older Cluster API serves only v1beta1.
    define(plane, "cluster.x-k8s.io", "MachineDeployment", "Namespaced", ["v1beta1", "v1alpha4"]);
    let path = app.path("cluster.x-k8s.io/v1beta1", "machinedeployments");
    for cluster in ["prod", "test"] {
        plane.create(&path, &deployment(&app.namespace, cluster));
    }
    let entry = format!("kind: MachineDeployment, namespace: {}", app.namespace);
    let pools = format!("spec:\n  pools: {{label: node.cluster.x-k8s.io/pool, from: [{{{entry}}}]}}\n");
    app.edit("largescale.yaml", "spec:\n", &pools);
    let run = app.run(&["pools"]);
    assert_eq!(run.code, Some(5), "{run:?}");
    assert!(run.err.contains("there are MachineDeployments of several clusters"), "{run:?}");
    app.edit("largescale.yaml", &entry, &format!("{entry}, cluster: prod"));
    let run = app.run(&["pools", "-o", "name", "--allow-shrink"]);
    assert!(run.code == Some(0) && run.out.lines().any(|name| name == "prod"), "{run:?}");
    assert!(!run.out.contains("test"), "{run:?}");
}
