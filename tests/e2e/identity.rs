//! Ownership of an ApplySet: two directories of one name, forged members, and the namespace of the set.

use std::fs;

use serde_json::{Value, json};

use crate::app::App;
use crate::control_plane::ControlPlane;
use crate::objects::Patch;

const LOCK_ID: &str = "largescale.dev/lock-id";
const KINDS: &str = "applyset.kubernetes.io/contains-group-kinds";
const NAMESPACES: &str = "applyset.kubernetes.io/additional-namespaces";

fn parent(plane: &ControlPlane, app: &App<'_>) -> Value {
    plane.get(&app.path("v1", &format!("configmaps/{}", app.namespace))).unwrap()
}

fn lock_id(app: &App<'_>) -> String {
    let text = fs::read_to_string(app.directory().join("largescale.lock")).unwrap();
    text.lines().find_map(|line| line.strip_prefix("id: ")).unwrap().to_owned()
}

#[test]
fn two_directories_of_one_name_do_not_share_a_set() {
    let Some(plane) = ControlPlane::shared() else { return };
    let first = App::rendered(plane, "id-shared");
    first.run(&["apply"]).ok();
    assert_eq!(parent(plane, &first)["metadata"]["annotations"][LOCK_ID], lock_id(&first));

    let second = first.with_same_name();
    second.edit("web.yaml", "name: web", "name: shop");
    second.edit("web.yaml", "app: web", "app: shop");
    second.run(&["render"]).ok();
    for command in [
        &["apply"][..],
        &["apply", "--prune", "--yes"],
        &["apply", "--dry-run", "client"],
        &["prune", "--yes"],
        &["diff", "--live"],
        &["inventory", "disband", "--yes"],
        &["inventory", "handover", "--to", "kubectl", "--yes"],
        &["inventory", "verify", "--fix"],
    ] {
        let refused = second.run(command);
        assert_eq!(refused.code, Some(5), "{command:?}: {refused:?}");
        assert!(
            refused.err.contains("the ApplySet belongs to another directory"),
            "{command:?}: {refused:?}"
        );
    }
    assert_eq!(parent(plane, &first)["metadata"]["annotations"][LOCK_ID], lock_id(&first));
    assert!(plane.get(&first.path("v1", "services/web-pool00")).is_some());
    assert!(plane.get(&first.path("v1", "services/shop-pool00")).is_none());

    // The first solution of the hint: another name.
    let third = first.with_same_name();
    third.edit("web.yaml", "name: web", "name: more");
    third.edit("largescale.yaml", "{name: id-shared,", "{name: id-shared-2,");
    third.run(&["render", "--new-id"]).ok();
    third.run(&["apply"]).ok();

    // The second one: taking over the ApplySet.
    let adopted = second.run(&["inventory", "adopt", "--yes"]);
    assert_eq!(adopted.code, Some(0), "{adopted:?}");
    assert!(
        adopted.err.contains(&format!("taken over from the directory with lock id {}", lock_id(&first))),
        "{adopted:?}"
    );
    assert!(adopted.err.contains("6 members of the ApplySet are not in this directory"), "{adopted:?}");
    second.run(&["apply"]).ok();
    assert_eq!(parent(plane, &second)["metadata"]["annotations"][LOCK_ID], lock_id(&second));
    assert_eq!(first.run(&["apply"]).code, Some(5));
}

/// Runs every command that needs a cluster on a directory that 9c3118f rendered; tests/cases/compat has the others.
#[test]
fn a_directory_and_an_applyset_of_an_older_version_keep_working() {
    let Some(plane) = ControlPlane::shared() else { return };
    let old = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cases/compat/rendered-by-9c3118f/in");
    // Use the namespaces of the fixture.
    let app = App::copied(plane, "prod", old.as_ref());
    plane.create_namespace("shared");
    let lock = || fs::read_to_string(app.directory().join("largescale.lock")).unwrap();
    let before = lock();
    assert!(before.contains("version: 1\n"));
    let set = |plane: &ControlPlane| plane.get(&app.path("v1", "configmaps/web"));

    app.run(&["apply", "--wait", "address"]).ok();
    assert_eq!(set(plane).unwrap()["metadata"]["annotations"][LOCK_ID], Value::Null);
    for command in [
        &["apply", "--prune"][..],
        &["diff", "--live", "--prune"],
        &["prune", "--yes"],
        &["inventory", "list"],
        &["inventory", "view"],
        &["inventory", "verify"],
        &["inventory", "adopt", "--yes"],
        &["capacity"],
        &["diff", "--live", "--prune", "--out", "plan.json"],
        &["apply", "plan.json"],
        &["render", "--check", "--locked"],
    ] {
        app.run(command).ok();
        assert_eq!(lock(), before, "{command:?} changed the lock");
    }
    // The pools of the directory have no nodes in this cluster.
    let status = app.run(&["status"]);
    assert_eq!(status.code, Some(1), "{}", status.err);
    assert!(status.out.contains("the pool has no nodes"), "{}", status.out);
    assert_eq!(lock(), before, "status changed the lock");
    app.run(&["inventory", "disband", "--yes"]).ok();
    app.run(&["apply"]).ok();

    // The next change of the directory adds the id, and the next apply writes it to the ApplySet.
    app.edit("manifests/web.yaml", "replicas: 4", "replicas: 5");
    app.run(&["render"]).ok();
    let applied = app.run(&["apply"]);
    assert_eq!(applied.code, Some(0), "{applied:?}");
    assert!(applied.err.contains("added the id of this lock to the ApplySet"), "{applied:?}");
    assert_eq!(set(plane).unwrap()["metadata"]["annotations"][LOCK_ID], lock_id(&app));
    let again = app.run(&["apply"]);
    assert!(!again.err.contains("added the id of this lock"), "{again:?}");

    // The old directory now counts as another one, and is refused.
    fs::write(app.directory().join("largescale.lock"), before.clone()).unwrap();
    let refused = app.run(&["apply"]);
    assert_eq!(refused.code, Some(5), "{refused:?}");
    assert!(refused.err.contains("but this lock file has none"), "{refused:?}");
}

#[test]
fn the_namespace_of_the_set_is_not_that_of_the_context() {
    let Some(plane) = ControlPlane::shared() else { return };
    let app = App::new(plane, "id-namespace");
    app.edit("largescale.yaml", ", namespace: id-namespace}", "}");
    app.run(&["render"]).ok();
    for command in [&["apply"][..], &["apply", "--dry-run", "server"], &["prune", "--yes"]] {
        let refused = app.run(command);
        assert_eq!(refused.code, Some(5), "{command:?}: {refused:?}");
        assert!(refused.err.contains("neither the spec nor the lock names a namespace"), "{refused:?}");
        assert!(refused.err.contains("add `namespace: default` below `metadata:`"), "{refused:?}");
    }
    let lock = fs::read(app.directory().join("largescale.lock")).unwrap();
    app.run(&["apply", "-n", "id-namespace"]).ok();
    assert_eq!(fs::read(app.directory().join("largescale.lock")).unwrap(), lock, "apply writes no lock");
    assert!(plane.get(&app.path("v1", "services/web-pool00")).is_some());

    app.edit("largescale.yaml", "{name: id-namespace}", "{name: id-namespace, namespace: id-namespace}");
    app.run(&["render"]).ok();
    app.run(&["apply"]).ok();
    let other = app.run(&["apply", "-n", "default"]);
    assert_eq!(other.code, Some(5), "{other:?}");

    // The lock keeps naming the namespace if the spec no longer does.
    app.edit("largescale.yaml", "{name: id-namespace, namespace: id-namespace}", "{name: id-namespace}");
    app.run(&["render"]).ok();
    app.run(&["apply"]).ok();
    app.edit("largescale.yaml", "{name: id-namespace}", "{name: id-namespace, namespace: elsewhere}");
    let moved = app.run(&["render"]);
    assert!(moved.err.contains("the ApplySet would move"), "{moved:?}");
    let refused = app.run(&["apply"]);
    assert_eq!(refused.code, Some(5), "{refused:?}");
    assert!(refused.err.contains("the ApplySet would move"), "{refused:?}");
}

#[test]
fn init_writes_the_namespace_of_the_context_into_the_spec() {
    let Some(plane) = ControlPlane::shared() else { return };
    let app = App::new(plane, "id-init");
    for (arguments, namespace) in
        [(&["init", "a"][..], "default"), (&["init", "b", "-n", "id-init"], "id-init")]
    {
        app.run(arguments).ok();
        let spec = fs::read_to_string(app.directory().join(arguments[1]).join("largescale.yaml")).unwrap();
        assert!(spec.contains(&format!("\n  namespace: {namespace}\n")), "{spec}");
    }
}

#[test]
fn members_that_left_the_directory_are_counted() {
    let Some(plane) = ControlPlane::shared() else { return };
    let app = App::rendered(plane, "id-left-over");
    app.run(&["apply"]).ok();
    let manifests = fs::read_to_string(app.directory().join("web.yaml")).unwrap();
    let (kept, _) = manifests.rsplit_once("---\n").unwrap();
    app.write("web.yaml", kept);
    app.run(&["render"]).ok();
    for command in [&["apply"][..], &["apply", "--dry-run", "client"]] {
        let applied = app.run(command);
        assert_eq!(applied.code, Some(0), "{applied:?}");
        assert!(
            applied.err.contains("1 member of the ApplySet is no longer in the directory"),
            "{applied:?}"
        );
    }
    // The lock records that the directory has rendered a ConfigMap.
    app.run(&["prune", "--yes"]).ok();
    assert!(plane.get(&app.path("v1", "configmaps/web")).is_none());
}

#[test]
fn a_forged_member_is_not_pruned_without_confirmation() {
    let Some(plane) = ControlPlane::shared() else { return };
    let app = App::rendered(plane, "id-forged");
    app.run(&["apply"]).ok();
    plane.create_namespace("id-forged-victim");
    let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "precious"}, "stringData": {"a": "b"}});
    plane.create("/api/v1/namespaces/id-forged-victim/secrets", &secret);
    let victim = "/api/v1/namespaces/id-forged-victim/secrets/precious";

    // Mallory may patch, but not delete.
    let rights = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/e2e/mallory.yaml")).unwrap();
    let rights = rights.replace("NAMESPACE", "id-forged");
    let (first, second) = rights.rsplit_once("---\n").unwrap();
    // kubectl accepts one namespace at a time.
    for (namespace, objects) in [("id-forged", first), ("id-forged-victim", second)] {
        app.write("mallory.yml", objects);
        app.kubectl(&["apply", "--server-side", "-n", namespace, "-f", "mallory.yml"]).ok();
    }
    let set =
        parent(plane, &app)["metadata"]["labels"]["applyset.kubernetes.io/id"].as_str().unwrap().to_owned();
    app.write(
        "forged.yml",
        &format!(
            "apiVersion: v1\nkind: Secret\nmetadata: {{name: precious, namespace: id-forged-victim, labels: {{applyset.kubernetes.io/part-of: {set}}}}}\n---\n\
             apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: id-forged, namespace: id-forged, annotations: {{{KINDS}: 'ConfigMap,Deployment.apps,Secret,Service', {NAMESPACES}: id-forged-victim}}}}\n"
        ),
    );
    let mallory = [
        "--as",
        "mallory",
        "apply",
        "--server-side",
        "--force-conflicts",
        "--field-manager",
        "kubectl-largescale",
    ];
    let forged = fs::read_to_string(app.directory().join("forged.yml")).unwrap();
    for (namespace, object) in ["id-forged-victim", "id-forged"].into_iter().zip(forged.split("---\n")) {
        app.write("forged.yml", object);
        app.kubectl(&[&mallory[..], &["-n", namespace, "-f", "forged.yml"]].concat()).ok();
    }
    let deletes =
        app.kubectl(&["--as", "mallory", "auth", "can-i", "delete", "secrets", "-n", "id-forged-victim"]);
    assert_eq!(deletes.out.trim(), "no");

    for command in [&["apply", "--prune", "--yes"][..], &["prune", "--yes"]] {
        let refused = app.run(command);
        assert_eq!(refused.code, Some(5), "{command:?}: {refused:?}");
        assert!(refused.err.contains("secret/id-forged-victim/precious: the lock has never contained a Secret in namespace id-forged-victim"), "{refused:?}");
        assert!(
            refused
                .err
                .contains(&format!("field manager kubectl-largescale wrote the annotation {NAMESPACES}")),
            "{refused:?}"
        );
        assert!(plane.get(victim).is_some(), "{command:?} deleted a Secret of another user");
    }
    let shown = app.run(&["prune", "--dry-run"]);
    assert!(shown.err.contains("the lock has never contained a Secret"), "{shown:?}");
    // A user who has checked the objects may proceed.
    app.run(&["prune", "--yes", "--prune-unrecorded"]).ok();
    assert!(plane.get(victim).is_none());
}

#[test]
fn a_parent_with_invalid_namespaces_is_repaired() {
    let Some(plane) = ControlPlane::shared() else { return };
    let app = App::rendered(plane, "id-invalid");
    app.run(&["apply"]).ok();
    let path = app.path("v1", "configmaps/id-invalid");
    let before = parent(plane, &app)["metadata"]["annotations"].clone();
    for (annotation, value, said) in [
        (NAMESPACES, "../../x", "lists the invalid namespace \"../../x\""),
        (NAMESPACES, "Prod!", "lists the invalid namespace \"Prod!\""),
        (KINDS, "ConfigMap,Deployment.apps,Service,9\u{1b}[31m", "lists the invalid kind \"9\\u{1b}[31m\""),
    ] {
        plane.patch(&path, Patch::Merge, &json!({"metadata": {"annotations": {annotation: value}}}));
        for command in [&["apply", "--prune", "--yes"][..], &["prune", "--yes"]] {
            let refused = app.run(command);
            assert_eq!(refused.code, Some(5), "{command:?}: {refused:?}");
            assert!(refused.err.contains(said), "{refused:?}");
            assert!(refused.err.contains("inventory verify --fix"), "{refused:?}");
        }
        let found = app.run(&["inventory", "verify"]);
        assert_eq!(found.code, Some(1), "{found:?}");
        app.run(&["inventory", "verify", "--fix"]).ok();
        app.run(&["inventory", "verify"]).ok();
        assert_eq!(parent(plane, &app)["metadata"]["annotations"], before);
    }
}
