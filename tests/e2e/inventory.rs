//! The ApplySet of an app: listed, repaired, transferred to kubectl and adopted again, with the real kubectl.

use serde_json::{Value, json};

use crate::app::App;
use crate::control_plane::ControlPlane;
use crate::objects::Patch;
use crate::run::Run;

const OBJECTS: [&str; 6] = [
    "configmaps/web",
    "deployments/web",
    "services/web-pool00",
    "services/web-pool01",
    "services/web-pool02",
    "services/web-pool03",
];

fn live(plane: &ControlPlane, app: &App<'_>, object: &str) -> Option<Value> {
    let version = if object.starts_with("deployments") { "apps/v1" } else { "v1" };
    plane.get(&app.path(version, object))
}

/// Returns the generations, which change with every write except to the status.
fn generations(plane: &ControlPlane, app: &App<'_>) -> Vec<Value> {
    let essence = |object: &str| {
        let live = live(plane, app, object).unwrap_or_else(|| panic!("{object} does not exist"));
        let managers: Vec<_> = live["metadata"]["managedFields"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|entry| entry["subresource"].is_null())
            .map(|entry| (entry["manager"].clone(), entry["operation"].clone(), entry["fieldsV1"].clone()))
            .collect();
        json!([live["metadata"]["uid"], live["metadata"]["generation"], live["spec"], live["data"], managers])
    };
    OBJECTS.iter().map(|object| essence(object)).collect()
}

fn kubectl_apply(app: &App<'_>) -> Run {
    let set = format!("--applyset=configmap/{}", app.namespace);
    app.kubectl(&["apply", "--server-side", "--prune", &set, "-f", "rendered"])
}

fn all_lines_end(run: &Run, end: &str) {
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_eq!(run.out.lines().filter(|line| line.ends_with(end)).count(), OBJECTS.len(), "{run:?}");
    assert_eq!(run.out.lines().count(), OBJECTS.len(), "{run:?}");
}

#[test]
fn to_kubectl_and_back() {
    let Some(plane) = ControlPlane::shared() else { return };
    let app = App::rendered(plane, "set-handover");
    app.run(&["apply", "--wait", "address"]).ok();
    let before = kubectl_apply(&app);
    assert_ne!(before.code, Some(0), "kubectl must refuse our ApplySet: {before:?}");

    let unconfirmed = app.run(&["inventory", "handover", "--to", "kubectl"]);
    assert_eq!(unconfirmed.code, Some(5), "{unconfirmed:?}");
    app.run(&["inventory", "handover", "--to", "kubectl", "--dry-run"]).ok();
    app.run(&["apply"]).ok();
    app.run(&["inventory", "handover", "--to", "kubectl", "--yes"]).ok();
    let handed = generations(plane, &app);
    all_lines_end(&kubectl_apply(&app), " serverside-applied");
    assert_eq!(generations(plane, &app), handed, "kubectl found something to change");

    let refused = app.run(&["apply"]);
    assert_eq!(refused.code, Some(5), "{refused:?}");
    assert!(refused.err.contains("the ApplySet is managed by kubectl/v"), "{refused:?}");
    assert!(refused.err.contains("inventory adopt"), "{refused:?}");
    assert_eq!(app.run(&["prune", "--yes"]).code, Some(5));

    app.run(&["inventory", "adopt", "--yes"]).ok();
    all_lines_end(&app.run(&["apply", "--prune"]), " unchanged");
    app.run(&["diff", "--live", "--server-side"]).ok();
    app.run(&["inventory", "verify"]).ok();
    // A repeated command has nothing to do.
    let again = app.run(&["inventory", "adopt"]);
    assert_eq!(again.code, Some(0), "{again:?}");
}

#[test]
fn kubectl_prunes_what_was_handed_to_it() {
    let Some(plane) = ControlPlane::shared() else { return };
    let app = App::rendered(plane, "set-kubectl");
    app.run(&["apply"]).ok();
    app.run(&["inventory", "handover", "--to", "kubectl", "--yes"]).ok();
    std::fs::remove_file(app.directory().join("rendered/configmap-web.yaml")).unwrap();
    let run = kubectl_apply(&app);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(run.out.contains("configmap/web pruned"), "{run:?}");
    assert_eq!(live(plane, &app, "configmaps/web"), None);
    let list = app.run(&["inventory", "list"]).ok();
    assert!(list.contains("kubectl/v"), "{list}");
}

#[test]
fn objects_of_kubectl_are_adopted() {
    let Some(plane) = ControlPlane::shared() else { return };
    // An ApplySet of kubectl, with objects from server-side and client-side apply.
    let set = "--applyset=configmap/set-adopt-a";
    let made = [
        ("set-adopt-a", vec!["apply", "--server-side", "--prune", set, "-f", "rendered"]),
        ("set-adopt-b", vec!["apply", "--server-side", "-f", "rendered"]),
        ("set-adopt-c", vec!["apply", "-f", "rendered"]),
    ];
    for (name, command) in made {
        let app = App::rendered(plane, name);
        app.kubectl(&command).ok();
        let stranger = app.run(&["inventory", "adopt", "--dry-run"]);
        assert!(stranger.err.contains("taking over the fields of 6 objects"), "{stranger:?}");
        app.run(&["inventory", "adopt", "--yes"]).ok();
        app.run(&["apply", "--prune"]).ok();
        all_lines_end(&app.run(&["apply", "--prune"]), " unchanged");

        // A field that kubectl applied and the directory no longer contains is removed from the object.
        app.edit("web.yaml", "  greeting: hello\n", "  welcome: hello\n");
        app.run(&["render"]).ok();
        app.run(&["apply"]).ok();
        let config = live(plane, &app, "configmaps/web").unwrap();
        assert_eq!(config["data"], json!({"welcome": "hello"}), "{name}");
        assert!(
            config["metadata"]["annotations"]["kubectl.kubernetes.io/last-applied-configuration"].is_null()
        );
    }
}

#[test]
fn a_lost_or_broken_parent_is_repaired() {
    let Some(plane) = ControlPlane::shared() else { return };
    let app = App::rendered(plane, "set-verify");
    app.run(&["apply"]).ok();
    app.run(&["inventory", "verify"]).ok();
    let parent = app.path("v1", "configmaps/set-verify");
    let kinds = |parent: &Value| {
        parent["metadata"]["annotations"]["applyset.kubernetes.io/contains-group-kinds"].clone()
    };
    let whole = plane.get(&parent).unwrap();
    assert_eq!(kinds(&whole), "ConfigMap,Deployment.apps,Service");

    let breaks: [(&str, Value); 3] = [
        (
            "does not list kind Service, but there are members of it",
            json!({"metadata": {"annotations":
            {"applyset.kubernetes.io/contains-group-kinds": "ConfigMap,Deployment.apps"}}}),
        ),
        (
            "has no annotation applyset.kubernetes.io/tooling",
            json!({"metadata": {"annotations":
            {"applyset.kubernetes.io/tooling": null}}}),
        ),
        (
            "has the ID of another ApplySet",
            json!({"metadata": {"labels": {"applyset.kubernetes.io/id": "applyset-x-v1"}}}),
        ),
    ];
    for (what, change) in breaks {
        plane.patch(&parent, Patch::Merge, &change);
        let found = app.run(&["inventory", "verify"]);
        assert_eq!(found.code, Some(1), "{found:?}");
        assert!(found.err.contains(what), "{found:?}");
        app.run(&["inventory", "verify", "--fix"]).ok();
        app.run(&["inventory", "verify"]).ok();
        assert_eq!(kinds(&plane.get(&parent).unwrap()), kinds(&whole));
    }
    plane.delete(&parent);
    let found = app.run(&["inventory", "verify"]);
    assert_eq!(found.code, Some(1), "{found:?}");
    assert!(found.err.contains("the parent of the ApplySet, not found"), "{found:?}");
    app.run(&["inventory", "verify", "--fix"]).ok();
    all_lines_end(&app.run(&["apply", "--prune"]), " unchanged");
    assert_eq!(plane.get(&parent).unwrap()["metadata"]["annotations"], whole["metadata"]["annotations"]);
}

#[test]
fn members_and_copies_of_the_label() {
    let Some(plane) = ControlPlane::shared() else { return };
    let app = App::rendered(plane, "set-view");
    app.run(&["apply", "--wait", "address"]).ok();
    let stranger = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "stranger", "labels":
        plane.get(&app.path("v1", "configmaps/web")).unwrap()["metadata"]["labels"]}});
    plane.create(&app.path("v1", "configmaps"), &stranger);
    let view = app.run(&["inventory", "view"]).ok();
    assert_eq!(
        view.lines().filter(|line| line.ends_with("   in the directory")).count(),
        OBJECTS.len(),
        "{view}"
    );
    assert!(view.contains("not a member: kubectl-largescale never applied it"), "{view}");
    assert_eq!(app.run(&["inventory", "view", "-o", "name"]).ok().lines().count(), OBJECTS.len());
    assert_eq!(app.run(&["inventory", "verify"]).code, Some(1));
    let items = app.run(&["inventory", "view", "-o", "json"]).json();
    assert_eq!(items["items"].as_array().map(Vec::len), Some(OBJECTS.len() + 1), "{items}");
}

#[test]
fn the_objects_of_a_disbanded_set_stay() {
    let Some(plane) = ControlPlane::shared() else { return };
    let app = App::rendered(plane, "set-disband");
    app.run(&["apply"]).ok();
    assert_eq!(app.run(&["inventory", "disband"]).code, Some(5), "not confirmed");
    app.run(&["inventory", "disband", "--yes"]).ok();
    for object in OBJECTS {
        let live = live(plane, &app, object).unwrap();
        assert!(live["metadata"]["labels"]["applyset.kubernetes.io/part-of"].is_null(), "{live}");
    }
    assert_eq!(plane.get(&app.path("v1", "configmaps/set-disband")), None);
    app.run(&["inventory", "disband", "--yes"]).ok();
    let refused = app.run(&["prune", "--yes"]);
    assert_eq!(refused.code, Some(5), "{refused:?}");
    app.run(&["apply"]).ok();
    all_lines_end(&app.run(&["apply", "--prune"]), " unchanged");

    let parent = app.path("v1", "configmaps/set-disband");
    plane.patch(&parent, Patch::Merge, &json!({"data": {"other": "needs this"}}));
    app.run(&["inventory", "disband", "--yes"]).ok();
    let left = plane.get(&parent).unwrap();
    assert_eq!(left["data"], json!({"other": "needs this"}));
    assert!(!left["metadata"].to_string().contains("\"applyset."), "{left}");
    assert!(!left["metadata"].to_string().contains("lock-id\":"), "{left}");
}

#[test]
fn a_parent_of_another_program_is_not_repaired() {
    let Some(plane) = ControlPlane::shared() else { return };
    let app = App::rendered(plane, "set-theirs");
    app.run(&["apply"]).ok();
    let parent = app.path("v1", "configmaps/set-theirs");
    let broken = json!({"metadata": {"labels": {"applyset.kubernetes.io/id": "x"},
        "annotations": {"applyset.kubernetes.io/tooling": "kubectl/v1.36.0"}}});
    let before = plane.patch(&parent, Patch::Merge, &broken);
    let refused = app.run(&["inventory", "verify", "--fix"]);
    assert_eq!(refused.code, Some(5), "{refused:?}");
    assert!(
        refused.err.contains("the ApplySet is managed by kubectl/v1.36.0, not by kubectl-largescale"),
        "{refused:?}"
    );
    assert_eq!(plane.get(&parent).unwrap(), before);
}

#[test]
fn a_wrong_field_is_explained() {
    let Some(plane) = ControlPlane::shared() else { return };
    let app = App::rendered(plane, "inventory-field");
    app.run(&["apply"]).ok();
    app.kubectl(&["scale", "deployment", "web", "--replicas=5"]).ok();
    let adopt = |field: &str, more: &[&str]| {
        app.run(&[&["inventory", "adopt", "--yes", "--field", field][..], more].concat())
    };
    for (field, message, hint) in [
        (
            "spec.replicas",
            "invalid --field `spec.replicas`: a path begins with a dot",
            "--field .spec.replicas",
        ),
        (".spec.nope", "no object of the directory has the managed field .spec.nope", "copy the path"),
        (
            ".spec.replicas",
            "the field manager of .spec.replicas of deployment/inventory-field/web is kubectl, which --from does not name",
            "add --from kubectl",
        ),
        (
            ".spec.template.spec",
            "kubectl-largescale already manages .spec.template.spec of deployment/inventory-field/web",
            "there is nothing to take over",
        ),
    ] {
        let run = adopt(field, &[]);
        assert!(run.code == Some(3) && run.err.contains(message) && run.err.contains(hint), "{run:?}");
    }
    // The hint works.
    adopt(".spec.replicas", &["--from", "kubectl"]).ok();
    app.run(&["apply"]).ok();
}
