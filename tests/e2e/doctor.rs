//! `doctor` with all rights, with few rights, with another cluster, and without a server.

use serde_json::{Value, json};

use crate::app::App;
use crate::control_plane::ControlPlane;
use crate::run::Run;

/// Returns the levels of a check, and its text.
fn of(run: &Run, check: &str) -> (Vec<String>, String) {
    let report: Value = serde_json::from_str(&run.out).unwrap();
    let items = report["items"].as_array().unwrap();
    let found: Vec<&Value> = items.iter().filter(|item| item["check"] == check).collect();
    let levels = found.iter().map(|item| item["level"].as_str().unwrap().to_owned()).collect();
    (levels, found.iter().map(|item| format!("{}\n", item["message"].as_str().unwrap())).collect())
}

#[test]
fn doctor_finds_problems() {
    let Some(plane) = ControlPlane::shared() else { return };
    let app = App::rendered(plane, "doctor");
    let all = app.run(&["doctor", "-o", "json"]);
    assert_eq!(all.code, Some(0), "{all:?}");
    assert_eq!(
        of(&all, "cluster"),
        (vec!["ok".to_owned()], "responds, and is the cluster of the lock file\n".to_owned())
    );
    assert_eq!(of(&all, "rights").0, ["ok"; 6], "{}", all.out);
    assert!(
        of(&all, "platform").1.starts_with("azure-basic: 20 nodes in 4 pools by agentpool"),
        "{}",
        all.out
    );
    assert!(of(&all, "spec").1.contains("largescale.yaml: doctor, platform azure-basic"), "{}", all.out);

    // A user who may list nodes and nothing else.
    let user = "doctor-viewer";
    plane.allow(user, None, &["list"], "", "nodes");
    let few = app.run(&["doctor", "-o", "json", "--as", user]);
    assert_eq!(few.code, Some(0), "{few:?}");
    let (levels, said) = of(&few, "rights");
    assert_eq!(levels, ["warn"; 6], "{said}");
    assert!(
        said.contains("pools (init, pools, render, diff, capacity): no permission to get namespaces\n"),
        "{said}"
    );
    assert_eq!(of(&few, "cluster").0, ["warn"], "{}", few.out);

    // A cluster other than that of the lock.
    let lock = std::fs::read_to_string(app.directory().join("largescale.lock")).unwrap();
    let line = lock.lines().find(|line| line.starts_with("cluster: ")).unwrap();
    app.edit("largescale.lock", line, "cluster: 11111111-2222-3333-4444-555555555555");
    let other = app.run(&["doctor", "-o", "json"]);
    assert_eq!(other.code, Some(1), "{other:?}");
    assert!(of(&other, "cluster").1.contains("the lock file belongs to 11111111-2222"), "{}", other.out);

    // A server that does not exist.
    let gone =
        app.run(&["doctor", "-o", "json", "--server", "https://127.0.0.1:1", "--request-timeout", "2s"]);
    assert_eq!(gone.code, Some(1), "{gone:?}");
    assert_eq!(of(&gone, "cluster").0, ["fail"], "{}", gone.out);
}

#[test]
fn doctor_finds_abandoned_sets_and_the_app_in_another_namespace() {
    let Some(plane) = ControlPlane::shared() else { return };
    let app = App::rendered(plane, "doctor-sets");
    app.run(&["apply", "--yes"]).ok();
    let before = app.run(&["doctor", "-o", "json"]);
    assert!(!of(&before, "sets").1.contains("is also in namespace"), "{}", before.out);

    let old = App::new(plane, "doctor-sets-old");
    let parent = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "doctor-sets",
        "labels": {"applyset.kubernetes.io/id": "applyset-0000000000000000000000000000000000000000000-v1"},
        "annotations": {"applyset.kubernetes.io/tooling": "kubectl-largescale/v0.1.0",
            "largescale.dev/lock-id": "00112233445566778899aabbccddeeff"}}});
    plane.create(&old.path("v1", "configmaps"), &parent);
    let run = app.run(&["doctor", "-o", "json"]);
    assert_eq!(run.code, Some(0), "warnings only: {run:?}");
    let (levels, told) = of(&run, "sets");
    assert_eq!(levels, ["warn", "warn"], "{told}");
    assert!(told.starts_with("no directory found here manages "), "{told}");
    assert!(
        told.contains("the app doctor-sets of namespace doctor-sets is also in namespace doctor-sets-old\n"),
        "{told}"
    );
    plane.delete(&old.path("v1", "configmaps/doctor-sets"));
}
