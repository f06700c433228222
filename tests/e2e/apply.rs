//! `apply`, `diff --live` and `prune` on a healthy cluster.

use serde_json::json;

use crate::app::App;
use crate::control_plane::ControlPlane;
use crate::objects::Patch;

#[test]
fn from_nothing_to_nothing_left_to_do() {
    let Some(plane) = ControlPlane::shared() else { return };
    let app = App::rendered(plane, "apply-first");
    let differs = app.run(&["diff", "--live", "--summary"]);
    assert_eq!(
        (differs.code, differs.out.as_str()),
        (Some(1), "6 created, 0 configured, 0 pruned, 0 unchanged\n")
    );

    let first = app.run(&["apply"]);
    assert_eq!(first.code, Some(0), "{first:?}");
    let created = first.out.lines().filter(|line| line.ends_with(" created")).count();
    assert_eq!(created, 6, "{first:?}");

    let again = app.run(&["apply"]);
    assert_eq!(again.out.lines().filter(|line| line.ends_with(" unchanged")).count(), 6, "{again:?}");
    assert_eq!(app.run(&["diff", "--live"]).ok(), "");
    assert_eq!(app.run(&["diff", "--live", "--server-side"]).ok(), "");

    let service = app.path("v1", "services/web-pool00");
    plane.patch(&service, Patch::Merge, &json!({"spec": {"selector": {"app": "other"}}}));
    let drift = app.run(&["diff", "--live"]);
    assert_eq!(drift.code, Some(6), "{drift:?}");
    assert!(drift.err.contains(".spec.selector"), "{drift:?}");
    let refused = app.run(&["apply"]);
    assert_eq!(refused.code, Some(6), "{refused:?}");
    assert!(
        refused.err.ends_with("5 unchanged, 1 failed in namespace apply-first, context test\n"),
        "{refused:?}"
    );
    let drift = app.run(&["diff", "--live", "--force-conflicts"]);
    assert_eq!(drift.code, Some(1), "{drift:?}");
    assert!(drift.out.contains("-    app: other\n+    app: web\n"), "{drift:?}");
    let repaired = app.run(&["apply", "--force-conflicts"]);
    assert_eq!(repaired.code, Some(0), "{repaired:?}");
    assert!(repaired.out.contains("service/apply-first/web-pool00 configured\n"), "{repaired:?}");
    app.run(&["diff", "--live"]).ok();
}

#[test]
fn waits_for_addresses_and_reports_what_is_missing() {
    let Some(plane) = ControlPlane::shared() else { return };
    let app = App::rendered(plane, "apply-wait");
    let run = app.run(&["apply", "--wait", "address", "--timeout", "90s"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    let ready = "the workload is rolled out, and every load balancer has its address (4 in all)\n";
    assert!(run.err.ends_with(ready), "{run:?}");

    app.edit("web.yaml", "nginx", "nginx:2");
    app.edit("web.yaml", "replicas: 3", "replicas: 3\n  paused: true");
    app.run(&["render"]).ok();
    let run = app.run(&["apply", "--wait", "ready", "--timeout", "3s"]);
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(run.err.contains("waiting: deployment/apply-wait/web: "), "{run:?}");
    assert!(run.err.contains("error: not ready within 3 s:\n  deployment/apply-wait/web: "), "{run:?}");
}

#[test]
fn an_edited_port_is_shown_by_its_name() {
    let Some(plane) = ControlPlane::shared() else { return };
    let app = App::rendered(plane, "apply-port");
    app.run(&["apply"]).ok();
    let service = app.path("v1", "services/web-pool00");
    let name = plane.get(&service).unwrap()["spec"]["ports"][0]["name"].clone();
    let name = name.as_str().map_or("http", |name| name).to_owned();
    app.edit("web.yaml", "port: 80", &format!("name: {name}\n    port: 80"));
    app.run(&["render"]).ok();
    app.run(&["apply"]).ok();
    let ports = json!([{"name": name, "port": 8080, "targetPort": "http"}]);
    plane.patch(&service, Patch::Merge, &json!({"spec": {"ports": ports}}));
    for command in [&["diff", "--live"][..], &["apply"]] {
        let run = app.run(command);
        assert_eq!(run.code, Some(6), "{run:?}");
        let words = format!(
            "error: service/apply-port/web-pool00: `{name}` in `spec.ports` has port 8080 in the cluster (set by unknown), and port 80 in the directory\n"
        );
        assert!(run.err.contains(&words), "{words}{run:?}");
    }
    // The hint works.
    let run = app.run(&["diff", "--live"]);
    let command = run.err.split('`').find(|text| text.starts_with("kubectl largescale inventory adopt"));
    let command = command.unwrap_or_else(|| panic!("{run:?}"));
    let field = command.split('\'').nth(1).unwrap();
    app.run(&["inventory", "adopt", "--from", "unknown", "--field", field, "--yes"]).ok();
    app.run(&["apply"]).ok();
    let ports = plane.get(&service).unwrap()["spec"]["ports"].clone();
    assert_eq!((ports.as_array().map(Vec::len), &ports[0]["port"]), (Some(1), &json!(80)), "{ports}");
}

#[test]
fn rejections_have_a_hint() {
    let Some(plane) = ControlPlane::shared() else { return };
    let app = App::rendered(plane, "apply-invalid");
    app.run(&["apply"]).ok();
    // Another user replaced our port by one without a name.
    let service = app.path("v1", "services/web-pool00");
    plane.patch(&service, Patch::Merge, &json!({"spec": {"ports": [{"port": 81, "targetPort": "http"}]}}));
    app.edit("web.yaml", "app: web", "app: web2");
    app.run(&["render"]).ok();
    let run = app.run(&["apply"]);
    assert_eq!(run.code, Some(6), "{run:?}");
    let [port, selector] = ["service/apply-invalid/web-pool00: ", "deployment/apply-invalid/web: "];
    let hint_after = |key: &str| {
        let mut lines = run.err.lines().skip_while(|line| !line.starts_with(&format!("error: {key}")));
        lines.nth(1).unwrap_or_default().to_owned()
    };
    assert!(hint_after(port).starts_with("  hint: the list also keeps .spec.ports[port=81,"), "{run:?}");
    assert!(hint_after(port).contains("--from unknown --field '.spec.ports[port=81,"), "{run:?}");
    let delete = "delete the Deployment (`kubectl delete deployment.apps web -n apply-invalid`)";
    assert!(hint_after(selector).contains(delete), "{run:?}");
    assert!(!hint_after(selector).contains("address"), "a Deployment has none: {run:?}");
    // The hints work.
    let field = ".spec.ports[port=81,protocol=\"TCP\"]";
    app.run(&["inventory", "adopt", "--from", "unknown", "--field", field, "--yes"]).ok();
    app.kubectl(&["delete", "deployment.apps", "web"]).ok();
    app.run(&["apply"]).ok();
    let ports = plane.get(&service).unwrap()["spec"]["ports"].clone();
    assert_eq!((ports.as_array().map(Vec::len), &ports[0]["port"]), (Some(1), &json!(80)), "{ports}");
}
