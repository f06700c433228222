//! What `status` shows of the cluster, and what it reports as missing.

use serde_json::{Value, json};

use super::{apply, as_json, ready};
use crate::app::App;
use crate::control_plane::{ControlPlane, Parts};
use crate::objects::Patch;
use crate::wait::until;

#[test]
fn from_nothing_to_all_ready() {
    let Some(plane) = ControlPlane::shared() else { return };
    let app = App::new(plane, "status-ready");
    let run = app.run(&["status"]);
    assert_eq!(run.code, Some(5), "{run:?}");
    assert!(run.err.contains("nothing has been rendered yet"), "{}", run.err);

    app.run(&["render"]).ok();
    let run = app.run(&["status"]);
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(
        run.out.contains("pool01   5/5     web-pool01   <none>    80/TCP   -     absent\n"),
        "{}",
        run.out
    );
    assert!(
        run.out.contains("web-pool00, web-pool01, web-pool02, web-pool03: it is not in the cluster\n"),
        "{}",
        run.out
    );
    assert!(
        run.out.contains("deployment/status-ready/web   waiting: it is not in the cluster\n"),
        "{}",
        run.out
    );
    assert!(run.out.contains("6 objects of the directory not found in the cluster\n"), "{}", run.out);
    assert!(
        run.out.ends_with("not ready: 0 of 4 load balancers have an address, 0 of 1 workload rolled out\n"),
        "{}",
        run.out
    );
    assert_eq!(run.err, "");

    apply(&app);
    let status = ready(&app);
    assert_eq!(
        (&status["kind"], &status["ready"], &status["warnings"]),
        (&json!("Status"), &json!(true), &json!([]))
    );
    assert_eq!(
        status["drift"],
        json!({"differing": [], "uncertain": [], "absent": [], "unseen": []}),
        "applied by another manager, without a difference"
    );
    let pools = status["pools"].as_array().unwrap();
    assert_eq!(pools.len(), plane.pools);
    for pool in pools {
        assert_eq!(
            (&pool["nodes"], &pool["state"]),
            (&json!({"ready": 5, "total": 5}), &json!("ready")),
            "{pool}"
        );
        assert_eq!(pool["addresses"].as_array().map(Vec::len), Some(1), "{pool}");
        assert!(pool["ports"][0].as_str().unwrap().starts_with("80:3"), "{pool}");
    }
    assert_eq!(
        status["workloads"],
        json!([{"object": "deployment/status-ready/web", "ready": true, "state": "done"}])
    );

    let table = app.run(&["status"]).ok();
    assert!(table.starts_with("POOL     NODES   SERVICE      ADDRESS"), "{table}");
    assert!(table.ends_with("deployment/status-ready/web   done\n"), "{table}");
    let names = app.run(&["status", "-o", "name"]).ok();
    assert_eq!(names, "service/web-pool00\nservice/web-pool01\nservice/web-pool02\nservice/web-pool03\n");
    let zone = app.run(&["status", "-o", "zone", "--ttl", "30"]).ok();
    let expected: String = pools
        .iter()
        .map(|pool| format!("status-ready 30 IN A    {}\n", pool["addresses"][0].as_str().unwrap()))
        .collect();
    assert_eq!(zone, expected);
}

#[test]
fn a_load_balancer_that_cannot_be_made() {
    let Some(plane) = ControlPlane::shared() else { return };
    let app = App::rendered(plane, "status-pending");
    // The controller must first add its finalizer to the Service, and the policy rejects that.
    let policy = json!({"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicy",
    "metadata": {"name": "status-pending"},
    "spec": {
        "matchConstraints": {
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "status-pending"}},
            "resourceRules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["UPDATE"],
                "resources": ["services", "services/status"]}],
        },
        "validations": [{"expression": "object.metadata.name != 'web-pool01'", "message": "no more public addresses"}],
    }});
    const API: &str = "/apis/admissionregistration.k8s.io/v1";
    plane.create(&format!("{API}/validatingadmissionpolicies"), &policy);
    let binding = json!({"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicyBinding",
        "metadata": {"name": "status-pending"},
        "spec": {"policyName": "status-pending", "validationActions": ["Deny"]}});
    plane.create(&format!("{API}/validatingadmissionpolicybindings"), &binding);
    let path = app.path("v1", "services/web-pool01?dryRun=All");
    plane.create(
        &app.path("v1", "services"),
        &json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web-pool01"}, "spec": {"ports": [{"port": 80}]}}),
    );
    until("the policy holds", || {
        let change = json!({"metadata": {"labels": {"a": "b"}}});
        let (status, _) = plane.request("PATCH", &path, "application/merge-patch+json", Some(&change));
        (status == 422).then_some(())
    });
    plane.delete(&app.path("v1", "services/web-pool01"));
    apply(&app);

    let status = until("three have addresses and one has an event", || {
        let status = as_json(&app.run(&["status", "-o", "json"]));
        let ready = status["pools"].as_array()?.iter().filter(|pool| pool["ready"] == true).count();
        let is_told = status["pools"][1]["event"]["type"] == "Warning";
        (ready == 3 && is_told && status["workloads"][0]["ready"] == true).then_some(status)
    });
    let pending = &status["pools"][1];
    assert_eq!((&pending["pool"], &pending["state"]), (&json!("pool01"), &json!("pending")));
    assert_eq!(pending["event"]["reason"], "SyncLoadBalancerFailed");
    assert!(pending["event"]["message"].as_str().unwrap().contains("no more public addresses"), "{pending}");
    assert_eq!(status["ready"], false);

    let run = app.run(&["status"]);
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(
        run.out.contains("web-pool01: SyncLoadBalancerFailed: Error syncing load balancer: "),
        "{}",
        run.out
    );
    assert!(
        run.out.ends_with("not ready: 3 of 4 load balancers have an address, 1 of 1 workload rolled out\n"),
        "{}",
        run.out
    );
    let zone = app.run(&["status", "-o", "zone"]);
    assert_eq!((zone.code, zone.out.lines().count()), (Some(1), 4), "{zone:?}");
    assert!(
        zone.out.ends_with("; status-pending: the pool pool01 has no address: pending\n"),
        "{}",
        zone.out
    );

    plane.delete(&format!("{API}/validatingadmissionpolicybindings/status-pending"));
    plane.delete(&format!("{API}/validatingadmissionpolicies/status-pending"));
}

#[test]
fn a_workload_that_does_not_roll_out() {
    let Some(plane) = ControlPlane::shared() else { return };
    let app = App::new(plane, "status-rollout");
    // No node has this label, so no pod runs.
    app.edit(
        "web.yaml",
        "    spec:\n      containers:",
        "    spec:\n      nodeSelector: {nowhere: here}\n      containers:",
    );
    app.run(&["render"]).ok();
    apply(&app);
    let run = until("all addresses are there", || {
        let run = app.run(&["status"]);
        run.out.contains("not ready: 4 of 4 load balancers").then_some(run)
    });
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(
        run.out.contains("deployment/status-rollout/web   waiting: 0 of 3 updated replicas are available\n"),
        "{}",
        run.out
    );
    assert!(!run.out.contains("directory"), "{}", run.out);
}

#[test]
fn changes_by_other_managers() {
    let Some(plane) = ControlPlane::shared() else { return };
    let app = App::rendered(plane, "status-drift");
    app.run(&["apply"]).ok();
    assert_eq!(ready(&app)["drift"], json!({"differing": [], "uncertain": [], "absent": [], "unseen": []}));
    plane.patch(
        &app.path("v1", "services/web-pool02"),
        Patch::Json,
        &json!([{"op": "replace", "path": "/spec/ports/0/port", "value": 81}]),
    );
    plane.patch(
        &app.path("v1", "configmaps/web"),
        Patch::Merge,
        &json!({"data": {"greeting": "goodbye", "further": "x"}}),
    );
    let run = app.run(&["status", "-o", "wide"]);
    assert_eq!(run.code, Some(0), "it has its addresses and runs: {run:?}");
    assert!(
        run.out.ends_with(
            "2 objects differ from the directory: kubectl largescale diff --live
  configmap/status-drift/web
  service/status-drift/web-pool02
"
        ),
        "{}",
        run.out
    );
    assert!(
        run.out
            .lines()
            .any(|line| line.contains(" web-pool02 ") && line.contains(" 81:3") && line.ends_with("differs")),
        "{}",
        run.out
    );
    plane.delete(&app.path("v1", "configmaps/web"));
    let drift = app.run(&["status", "-o", "json"]).json()["drift"].take();
    assert_eq!(
        drift,
        json!({"differing": ["service/status-drift/web-pool02"], "uncertain": [], "absent": ["configmap/status-drift/web"], "unseen": []})
    );
}

#[test]
fn a_changed_binding_is_not_ready() {
    let Some(plane) = ControlPlane::shared() else { return };
    let app = App::rendered(plane, "status-binding");
    app.run(&["apply"]).ok();
    ready(&app);
    let other = json!({"metadata": {"annotations": {
        "service.beta.kubernetes.io/azure-load-balancer-mode": "pool00-availabilitySet-12345678"}}});
    plane.patch(&app.path("v1", "services/web-pool01"), Patch::Merge, &other);
    let run = app.run(&["status"]);
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(run.out.contains("other nodes\n"), "{}", run.out);
    assert!(run.out.contains("web-pool01: its binding differs from the directory"), "{}", run.out);
    let status = as_json(&app.run(&["status", "-o", "json"]));
    assert_eq!((&status["ready"], &status["pools"][1]["ready"]), (&json!(false), &json!(false)));

    // The hint, and then the correction.
    let diff = app.run(&["diff", "--live"]);
    assert!(format!("{}{}", diff.out, diff.err).contains("azure-load-balancer-mode"), "{diff:?}");
    app.run(&["apply", "--force-conflicts"]).ok();
    ready(&app);
}

#[test]
fn nodes_that_get_no_traffic_are_reported() {
    let Some(plane) = ControlPlane::own(Parts::All, 4, 2) else { return };
    let app = App::rendered(&plane, "status-nodes");
    app.run(&["apply"]).ok();
    ready(&app);
    let label = |node: &str, value: Value| {
        let patch = json!({"metadata": {"labels": {"agentpool": value}}});
        plane.patch(&format!("/api/v1/nodes/{node}"), Patch::Merge, &patch);
    };
    label("k8s-pool00-12345678-0", json!("poolOO"));
    label("k8s-pool01-12345678-0", Value::Null);
    let run = app.run(&["status"]);
    assert_eq!(run.code, Some(0), "the other nodes serve: {run:?}");
    for told in [
        "node k8s-pool00-12345678-0 is labeled agentpool=poolOO, but is in the VM set of the pool pool00",
        "node k8s-pool01-12345678-0 is without the pool label `agentpool`",
    ] {
        assert!(run.err.contains(told), "{told}\n{}", run.err);
    }
    label("k8s-pool01-12345678-1", Value::Null);
    let run = app.run(&["status"]);
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(run.out.contains("web-pool01: the pool has no nodes\n"), "{}", run.out);
    assert!(run.out.contains("(1 without ready nodes or with other nodes)"), "{}", run.out);
}
