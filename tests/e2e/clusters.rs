//! One spec for two different clusters, and for two contexts of the same cluster.

use std::fs;

use crate::app::App;
use crate::control_plane::{ControlPlane, Parts};

const CLUSTERS: &str = "platform: azure-basic
  clusters:
  - {name: west, context: west}
  - {name: east, context: east, pools: {exclude: [pool00]}}
";

#[test]
fn two_clusters_are_rendered_applied_and_looked_at_together() {
    let Some(west) = ControlPlane::shared() else { return };
    let Some(east) = ControlPlane::own(Parts::All, 6, 3) else { return };
    let app = App::new(west, "two-clusters");
    east.create_namespace("two-clusters");
    app.edit("largescale.yaml", "platform: azure-basic\n", CLUSTERS);
    let merged = |name: &str, planes: [&ControlPlane; 2]| {
        let contexts = planes.map(|plane| fs::read_to_string(&plane.kubeconfig).unwrap());
        let path = app.directory().join(name);
        // kubectl can merge two files with different names; here one file contains both contexts.
        let [first, second] = contexts;
        fs::write(&path, two_contexts(&first, &second)).unwrap();
        path
    };
    let kubeconfig = &merged("both.kubeconfig", [west, &east]);
    let run = |arguments: &[&str]| app.start(kubeconfig, arguments).wait();

    let rendered = run(&["render"]).ok();
    assert!(rendered.contains("rendered/west/service-web-pool03.yaml created"), "{rendered}");
    assert!(rendered.contains("rendered/east/service-web-pool02.yaml created"), "{rendered}");
    assert!(!rendered.contains("rendered/east/service-web-pool00.yaml"), "{rendered}");

    let applied = run(&["apply", "--wait", "address"]);
    assert_eq!(applied.code, Some(0), "{applied:?}");
    assert!(west.get(&app.path("v1", "services/web-pool00")).is_some());
    assert!(east.get(&app.path("v1", "services/web-pool00")).is_none());
    assert!(east.get(&app.path("v1", "services/web-pool01")).is_some());
    let status = run(&["status", "-o", "name"]);
    assert_eq!((status.code, status.out.lines().count()), (Some(0), 4 + 2), "{status:?}");

    // The status of one cluster is shown even if the other is out of reach.
    east.stop("kube-apiserver");
    let status = run(&["status", "--request-timeout", "30s"]);
    assert_eq!(status.code, Some(4), "{status:?}");
    assert!(
        status.out.contains("== two-clusters, cluster west") && status.out.contains("web-pool03"),
        "{status:?}"
    );
    assert!(status.err.contains("east      cluster failed"), "{}", status.err);

    // Both contexts lead to the same cluster: the ApplySets would have the same name.
    let same = &merged("same.kubeconfig", [west, west]);
    let same_cluster = app.start(same, &["render", "--only", "east"]).wait();
    assert_eq!(same_cluster.code, Some(5), "{same_cluster:?}");
    fs::remove_file(app.directory().join("largescale.east.lock")).unwrap();
    let same_cluster = app.start(same, &["render", "--only", "east", "--overwrite"]).wait();
    assert_eq!(same_cluster.code, Some(5), "{same_cluster:?}");
    assert!(
        same_cluster.err.contains("east and west in `spec.clusters` are the same cluster"),
        "{}",
        same_cluster.err
    );
}

/// Merges two kubeconfigs of one context each, and names the contexts `west` and `east`.
pub(crate) fn two_contexts(west: &str, east: &str) -> String {
    use largescale::core::yaml;
    let mut all = serde_json::json!({ "apiVersion": "v1", "kind": "Config", "clusters": [], "users": [], "contexts": [] });
    for (name, text) in [("west", west), ("east", east)] {
        let config = yaml::read_one(name, text).unwrap().value;
        for (list, one) in [("clusters", "cluster"), ("users", "user")] {
            let entry = serde_json::json!({ "name": name, one: config[list][0][one] });
            all[list].as_array_mut().unwrap().push(entry);
        }
        let context = serde_json::json!({ "name": name, "context": { "cluster": name, "user": name } });
        all["contexts"].as_array_mut().unwrap().push(context);
    }
    all.to_string()
}
