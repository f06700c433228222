//! Fields that stay with their field managers, and errors about them whose hints work.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::json;

use super::adopted::{app, changed, changes, edit, joins, older_apply};
use crate::app::App;
use crate::control_plane::ControlPlane;
use crate::objects::Patch;
use crate::proxy::{Fault, Proxy};
use crate::run::Run;
use crate::wait::until;

/// Runs the command in backquotes of a hint that begins with these words.
#[track_caller]
fn follow(app: &App<'_>, run: &Run, begins: &str) {
    let hint = run.err.lines().find(|line| line.starts_with("  hint: ") && line.contains(begins));
    let hint = hint.unwrap_or_else(|| panic!("no hint with `{begins}`: {}", run.err));
    let command = hint.split('`').find(|part| part.starts_with(begins)).unwrap();
    let command = command.replacen("kubectl largescale", env!("CARGO_BIN_EXE_kubectl-largescale"), 1);
    app.write("hint.sh", &format!("{command}{}\n", if begins.contains("adopt") { " --yes" } else { "" }));
    let run = app.shell("hint.sh");
    assert_eq!(run.code, Some(0), "{command}: {run:?}");
}

#[test]
fn another_field_manager_applies_the_same_objects() {
    let Some(plane) = ControlPlane::shared() else { return };
    let app = app(plane, "managers-other");
    app.kubectl(&["apply", "--server-side", "--field-manager=other", "-f", "rendered"]).ok();
    let shown = app.run(&["diff", "--live"]);
    assert!(
        shown.err.contains("other also applies fields of configmap/managers-other/web and 5 more"),
        "{shown:?}"
    );
    joins(plane, &app);
    changes(&app);
    let run = app.run(&["apply"]);
    assert_eq!(run.code, Some(6), "it is not known whether `other` still applies them: {run:?}");
    let port =
        "`http` in `spec.ports` has port 80 in the cluster (set by other), and port 81 in the directory";
    assert!(run.err.contains(port), "{run:?}");
    for pool in 0..4 {
        let service = plane.get(&app.path("v1", &format!("services/web-pool0{pool}"))).unwrap();
        assert_eq!(service["spec"]["ports"].as_array().map(Vec::len), Some(2), "{service}");
    }
    let adopted = app.run(&["inventory", "adopt", "--from", "other", "--yes"]);
    assert_eq!(adopted.code, Some(0), "{adopted:?}");
    let run = app.run(&["apply"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    changed(plane, &app, "other");
}

#[test]
fn a_port_that_a_user_added_blocks_the_next_change() {
    let Some(plane) = ControlPlane::shared() else { return };
    let app = App::rendered(plane, "managers-port");
    app.kubectl(&["apply", "-f", "rendered"]).ok();
    let add = r#"[{"op": "add", "path": "/spec/ports/-", "value": {"name": "theirs", "port": 99}},
        {"op": "add", "path": "/spec/ports/0/name", "value": "http"}]"#;
    app.kubectl(&["patch", "service/web-pool00", "--type=json", "-p", add]).ok();
    let run = app.run(&["apply"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    let stays = "service/managers-port/web-pool00: stays with kubectl-patch: ";
    assert!(run.err.contains(stays) && run.err.contains(".spec.ports[port=99,protocol=\"TCP\"]"), "{run:?}");
    app.edit("web.yaml", "port: 80\n", "port: 81\n");
    app.run(&["render"]).ok();
    let shown = app.run(&["diff", "--live"]);
    let run = app.run(&["apply"]);
    for run in [&shown, &run] {
        assert_eq!(run.code, Some(6), "{run:?}");
        assert!(run.err.contains(".spec.ports[port=99,protocol=\"TCP\"] of kubectl-patch"), "{run:?}");
    }
    follow(&app, &run, "kubectl largescale inventory adopt");
    app.run(&["apply"]).ok();
    let service = plane.get(&app.path("v1", "services/web-pool00")).unwrap();
    assert_eq!(service["spec"]["ports"].as_array().map(Vec::len), Some(1), "{service}");
}

#[test]
fn a_port_that_was_changed_before_the_first_apply() {
    let Some(plane) = ControlPlane::shared() else { return };
    let app = App::rendered(plane, "managers-early");
    app.kubectl(&["apply", "-f", "rendered"]).ok();
    app.edit("web.yaml", "port: 80\n", "port: 81\n");
    app.run(&["render"]).ok();
    let run = app.run(&["apply"]);
    assert_eq!(run.code, Some(6), "{run:?}");
    assert!(run.err.contains("[port=80,protocol=\"TCP\"] of kubectl-client-side-apply"), "{run:?}");
    follow(&app, &run, "kubectl largescale inventory adopt");
    app.run(&["apply"]).ok();
    for service in plane.list(&app.path("v1", "services")) {
        assert_eq!(service["spec"]["ports"][0]["port"], 81, "{service}");
    }
}

#[test]
fn a_value_that_a_user_changed_is_a_conflict() {
    let Some(plane) = ControlPlane::shared() else { return };
    let app = app(plane, "managers-conflict");
    app.kubectl(&["apply", "-f", "rendered"]).ok();
    edit(plane, &app, "configmap/web", "s/stays: a/stays: edited/").ok();
    let run = app.run(&["apply"]);
    assert_eq!(run.code, Some(6), "{run:?}");
    assert!(run.err.contains(".data.stays   kubectl-edit"), "{run:?}");
    assert!(run.err.contains("put THEIRS into the manifests"), "{run:?}");
    assert_eq!(plane.get(&app.path("v1", "configmaps/web")).unwrap()["data"]["stays"], "edited");
    // The first way of the hint.
    app.edit("web.yaml", "data: {stays: a,", "data: {stays: edited,");
    app.run(&["render"]).ok();
    app.run(&["apply"]).ok();
    // The second way.
    edit(plane, &app, "configmap/web", "s/stays: edited/stays: again/").ok();
    assert_eq!(app.run(&["apply"]).code, Some(6));
    app.run(&["apply", "--force-conflicts"]).ok();
    app.edit("web.yaml", "data: {stays: edited,", "data: {stays: a,");
    app.run(&["render"]).ok();
    app.run(&["apply"]).ok();
    assert_eq!(plane.get(&app.path("v1", "configmaps/web")).unwrap()["data"]["stays"], "a");
}

#[test]
fn the_object_changes_while_fields_are_taken_over() {
    let Some(plane) = ControlPlane::shared() else { return };
    let app = app(plane, "managers-race");
    app.kubectl(&["apply", "-f", "rendered"]).ok();
    let path = app.path("v1", "configmaps/web");
    let change = json!({"metadata": {"annotations": {"example.com/race": "1"}}});
    let (upstream, other) = (Arc::clone(&plane.upstream), path.clone());
    let mut is_done = false;
    let proxy = Proxy::start(plane, move |sent| {
        if !is_done && sent.is("PATCH", "/configmaps/web") {
            is_done = true;
            let headers = [("Content-Type".to_owned(), "application/merge-patch+json".to_owned())];
            upstream.send("PATCH", &other, &headers, change.to_string().into()).unwrap();
        }
        Fault::Pass
    });
    let run = app.run_through(&proxy, &["apply"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    let config = plane.get(&path).unwrap();
    assert_eq!(config["metadata"]["annotations"]["example.com/race"], "1");
    let entries = config["metadata"]["managedFields"].to_string();
    assert!(!entries.contains("client-side"), "{entries}");
}

/// A controller often changes a new object while it is compared. The change is not part of the difference.
#[test]
fn the_object_changes_while_it_is_compared() {
    let Some(plane) = ControlPlane::shared() else { return };
    let app = app(plane, "managers-compared");
    app.kubectl(&["apply", "-f", "rendered"]).ok();
    let change =
        json!({"metadata": {"annotations": {"example.com/race": "1"}, "finalizers": ["example.com/race"]}});
    let (upstream, path) = (Arc::clone(&plane.upstream), app.path("v1", "configmaps/web"));
    let is_done = Arc::new(AtomicBool::new(false));
    let done = Arc::clone(&is_done);
    let proxy = Proxy::start(plane, move |sent| {
        if sent.is("PATCH", "/configmaps/web") && !done.swap(true, Ordering::Relaxed) {
            let headers = [("Content-Type".to_owned(), "application/merge-patch+json".to_owned())];
            upstream.send("PATCH", &path, &headers, change.to_string().into()).unwrap();
        }
        Fault::Pass
    });
    let run = app.run_through(&proxy, &["diff", "--live"]);
    assert!(is_done.load(Ordering::Relaxed), "no dry run: {run:?}");
    assert!(!run.out.contains("race"), "{run:?}");
    let removed = json!({"metadata": {"finalizers": []}});
    plane.patch(&app.path("v1", "configmaps/web"), Patch::Merge, &removed);
}

#[test]
fn the_answer_to_the_move_is_lost() {
    let Some(plane) = ControlPlane::shared() else { return };
    let app = app(plane, "managers-lost");
    app.kubectl(&["apply", "-f", "rendered"]).ok();
    let mut is_done = false;
    let proxy = Proxy::start(plane, move |sent| {
        let is_move = !is_done && sent.is("PATCH", "/configmaps/web") && sent.json().is_array();
        is_done |= is_move;
        if is_move { Fault::ResetAfter } else { Fault::Pass }
    });
    let run = app.run_through(&proxy, &["apply"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    changes(&app);
    app.run(&["apply"]).ok();
    changed(plane, &app, "lost");
}

#[test]
fn a_conflict_with_another_field_manager_is_shown_before_fields_move() {
    let Some(plane) = ControlPlane::shared() else { return };
    let app = app(plane, "managers-mixed");
    app.kubectl(&["create", "-f", "rendered"]).ok();
    older_apply(plane, &app);
    app.edit("web.yaml", "data: {stays: a, goes: b}", "data: {stays: mine}");
    app.run(&["render"]).ok();
    let theirs =
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "web"}, "data": {"stays": "x"}});
    plane.patch(&app.path("v1", "configmaps/web"), Patch::Apply("x"), &theirs);
    for command in [&["diff", "--live"][..], &["apply"]] {
        let run = app.run(command);
        assert_eq!(run.code, Some(6), "{run:?}");
        assert!(run.err.contains(".data.stays   x "), "{run:?}");
    }
}

#[test]
fn a_plan_lists_what_moves_and_becomes_stale() {
    let Some(plane) = ControlPlane::shared() else { return };
    let app = app(plane, "managers-plan");
    app.kubectl(&["apply", "-f", "rendered"]).ok();
    let planned = app.run(&["diff", "--live", "--out", "plan.json", "-o", "json"]);
    assert_eq!(planned.code, Some(1), "{planned:?}");
    assert!(
        planned.out.contains("\"takesOver\"") && planned.out.contains("kubectl-client-side-apply"),
        "{planned:?}"
    );
    // Someone else takes a field: other fields would move.
    let taken =
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "web"}, "data": {"stays": "a"}});
    plane.patch(&app.path("v1", "configmaps/web"), Patch::Apply("x"), &taken);
    edit(plane, &app, "configmap/web", "s/goes: b/goes: c/").ok();
    edit(plane, &app, "configmap/web", "s/goes: c/goes: b/").ok();
    let stale = app.run(&["apply", "plan.json"]);
    assert_eq!(stale.code, Some(5), "{stale:?}");
    app.run(&["diff", "--live", "--out", "plan.json"]);
    let run = app.run(&["apply", "plan.json"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_eq!(app.run(&["diff", "--live"]).ok(), "");
    changes(&app);
    app.run(&["diff", "--live", "--out", "plan.json"]);
    app.run(&["apply", "plan.json"]).ok();
    changed(plane, &app, "plan");
}

#[test]
fn objects_that_are_invalid_or_immutable() {
    let Some(plane) = ControlPlane::shared() else { return };
    let app = App::new(plane, "managers-invalid");
    let job = "---\napiVersion: batch/v1\nkind: Job\nmetadata: {name: job}\nspec:\n  template:\n    spec:\n      restartPolicy: Never\n      containers: [{name: a, image: IMAGE}]\n";
    let manifests = std::fs::read_to_string(app.directory().join("web.yaml")).unwrap();
    app.write("web.yaml", &format!("{manifests}{}", job.replace("IMAGE", "\"busybox:1\"")));
    app.run(&["render"]).ok();
    app.run(&["apply"]).ok();
    // The template of a Job is immutable.
    app.edit("web.yaml", "busybox:1", "busybox:2");
    app.run(&["render"]).ok();
    let run = app.run(&["apply"]);
    assert_eq!(run.code, Some(6), "{run:?}");
    assert!(run.err.contains("a Job cannot be changed") && !run.err.contains("load balancer"), "{run:?}");
    follow(&app, &run, "kubectl delete job.batch");
    app.run(&["apply"]).ok();
    // Nothing but the manifest is wrong: the range of node ports is a flag of the API server.
    let manifests = std::fs::read_to_string(app.directory().join("web.yaml")).unwrap();
    let port = "---\napiVersion: v1\nkind: Service\nmetadata: {name: port}\nspec: {type: NodePort, ports: [{port: 80, nodePort: NUMBER}], selector: {app: web}}\n";
    app.write("web.yaml", &format!("{manifests}{}", port.replace("NUMBER", "29999")));
    app.run(&["render"]).ok();
    let run = app.run(&["apply"]);
    assert_eq!(run.code, Some(6), "{run:?}");
    assert!(run.err.contains("hint: the object is invalid: correct it in the manifests"), "{run:?}");
    assert!(run.err.contains("the first line of rendered/service-port.yaml names the file"), "{run:?}");
    let first = std::fs::read_to_string(app.directory().join("rendered/service-port.yaml")).unwrap();
    assert!(first.lines().next().unwrap().contains("from web.yaml"), "{first}");
    app.edit("web.yaml", "nodePort: 29999", "nodePort: 30999");
    app.run(&["render"]).ok();
    app.run(&["apply"]).ok();
}

#[test]
fn a_custom_resource_with_a_value_of_a_wrong_type() {
    let Some(plane) = ControlPlane::shared() else { return };
    let app = App::new(plane, "managers-typed");
    let schema = json!({"type": "object", "properties": {"spec": {"type": "object", "properties": {"size": {"type": "integer"}}}}});
    let definition = json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": "widgets.managers-typed.example.com"},
        "spec": {"group": "managers-typed.example.com", "scope": "Namespaced",
            "names": {"plural": "widgets", "singular": "widget", "kind": "Widget", "listKind": "WidgetList"},
            "versions": [{"name": "v1", "served": true, "storage": true, "schema": {"openAPIV3Schema": schema}}]}});
    plane.create("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", &definition);
    let manifests = std::fs::read_to_string(app.directory().join("web.yaml")).unwrap();
    let widget = "---\napiVersion: managers-typed.example.com/v1\nkind: Widget\nmetadata: {name: one}\nspec: {size: SIZE}\n";
    app.write("web.yaml", &format!("{manifests}{}", widget.replace("SIZE", "large")));
    app.run(&["render"]).ok();
    let path = app.path("managers-typed.example.com/v1", "widgets");
    until("the kind is served", || {
        (plane.request("GET", &path, "application/json", None).0 == 200).then_some(())
    });
    let proxy = Proxy::passing(plane);
    let run = app.run_through(&proxy, &["apply"]);
    assert_eq!(run.code, Some(6), "{run:?}");
    assert!(run.err.contains("hint: a field is unknown or has a wrong type"), "{run:?}");
    assert!(!run.err.contains("may have been made"), "{run:?}");
    assert_eq!(proxy.count("PATCH", "/widgets/one"), 1, "the same request fails again");
    app.edit("web.yaml", "size: large", "size: 3");
    app.run(&["render"]).ok();
    app.run(&["apply"]).ok();
}

#[test]
fn handover_and_disband_leave_the_objects_as_they_are() {
    let Some(plane) = ControlPlane::shared() else { return };
    for way in [&["handover", "--to", "kubectl", "--yes"][..], &["disband", "--yes"]] {
        let name = format!("managers-out-{}", way[0]);
        let app = app(plane, &name);
        app.kubectl(&["apply", "-f", "rendered"]).ok();
        app.kubectl(&["annotate", "service/web-pool00", "example.com/theirs=1"]).ok();
        joins(plane, &app);
        let read = || {
            let mut service = plane.get(&app.path("v1", "services/web-pool00")).unwrap();
            let managers: Vec<(String, String)> = service["metadata"]["managedFields"]
                .as_array()
                .unwrap()
                .iter()
                .map(|entry| (entry["manager"].as_str().unwrap().to_owned(), entry["fieldsV1"].to_string()))
                .collect();
            let metadata = service["metadata"].as_object_mut().unwrap();
            for field in ["managedFields", "resourceVersion"] {
                metadata.remove(field);
            }
            let labels = metadata["labels"].as_object_mut().unwrap();
            labels.remove("applyset.kubernetes.io/part-of");
            (service, managers)
        };
        let before = read();
        app.run(&[&["inventory"], way].concat()).ok();
        let after = read();
        assert_eq!(before.0, after.0, "{way:?}");
        let names = |managers: &[(String, String)]| {
            let mut names: Vec<String> = managers.iter().map(|(name, _)| name.clone()).collect();
            names.sort();
            names
        };
        let kubectl = |name: String| {
            if name == "kubectl-largescale" && way[0] == "handover" { "kubectl".to_owned() } else { name }
        };
        let mut expected: Vec<String> = names(&before.1).into_iter().map(kubectl).collect();
        expected.sort();
        assert_eq!(names(&after.1), expected, "{way:?}");
        // The way back: kubectl changes and removes fields again.
        changes(&app);
        let set = format!("--applyset=configmap/{name}");
        let command: &[&str] = match way[0] {
            "handover" => &["apply", "--server-side", "--prune", &set, "-f", "rendered"],
            _ => &[
                "apply",
                "--server-side",
                "--force-conflicts",
                "--field-manager=kubectl-largescale",
                "-f",
                "rendered",
            ],
        };
        let back = app.kubectl(command);
        assert_eq!(back.code, Some(0), "{way:?}: {back:?}");
        changed(plane, &app, way[0]);
    }
}
