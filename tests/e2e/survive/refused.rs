//! Commands that are refused before anything is changed.

use serde_json::json;

use super::scene::Scene;
use crate::app::App;
use crate::control_plane::ControlPlane;
use crate::objects::Patch;
use crate::proxy::Proxy;

/// Runs the command, and checks that it prints these words and that nothing was written.
#[track_caller]
fn is_refused(scene: &Scene<'_>, arguments: &[&str], words: &str) {
    let before = scene.before();
    let proxy = Proxy::passing(scene.plane);
    let run = scene.app.run_through(&proxy, arguments);
    assert_eq!(run.code, Some(5), "{run:?}");
    assert!(run.err.contains(words), "{words}: {run:?}");
    assert!(proxy.writes().is_empty(), "{:?}", proxy.writes());
    scene.is_told(&before, &run);
}

#[test]
fn the_wrong_cluster() {
    let Some(plane) = ControlPlane::shared() else { return };
    let scene = Scene::applied(plane, "survive-wrong");
    let uid = plane.get("/api/v1/namespaces/kube-system").unwrap()["metadata"]["uid"].clone();
    let uid = uid.as_str().unwrap();
    scene.app.edit("largescale.lock", uid, "00000000-0000-0000-0000-000000000000");
    for command in [&["apply"][..], &["apply", "--prune", "--yes"], &["prune", "--yes"]] {
        is_refused(&scene, command, "wrong cluster");
    }
    scene.app.edit("largescale.lock", "00000000-0000-0000-0000-000000000000", uid);
    scene.converges(&["apply"]);
}

#[test]
fn an_incomplete_tree() {
    let Some(plane) = ControlPlane::shared() else { return };
    let scene = Scene::applied(plane, "survive-halves");
    let directory = scene.app.directory().to_owned();
    let (rendered, away) = (directory.join("rendered"), directory.join("away"));

    std::fs::rename(&rendered, &away).unwrap();
    std::fs::create_dir(&rendered).unwrap();
    is_refused(&scene, &["apply", "--prune", "--yes"], "6 files of the rendered directory are missing");
    is_refused(&scene, &["prune", "--yes"], "6 files of the rendered directory are missing");
    std::fs::remove_dir(&rendered).unwrap();
    is_refused_without_a_tree(&scene);
    std::fs::rename(&away, &rendered).unwrap();

    let file = rendered.join("configmap-web.yaml");
    std::fs::rename(&file, &away).unwrap();
    is_refused(
        &scene,
        &["apply", "--prune", "--yes"],
        "a file of the rendered directory is missing: configmap-web.yaml",
    );
    std::fs::rename(&away, &file).unwrap();

    let lock = std::fs::read_to_string(directory.join("largescale.lock")).unwrap();
    scene.app.write("largescale.lock", &format!("{lock}pending:\n  configmap-web.yaml: \"1\"\n"));
    is_refused(&scene, &["prune", "--yes"], "the last render was interrupted");
    is_refused(&scene, &["apply"], "the last render was interrupted");
    std::fs::remove_file(directory.join("largescale.lock")).unwrap();
    is_refused(&scene, &["apply"], "lock file not found");
    scene.app.write("largescale.lock", &lock);
    scene.converges(&["apply", "--prune", "--yes"]);
}

/// The same without a rendered directory, which means that there is nothing to compare the cluster with.
#[track_caller]
fn is_refused_without_a_tree(scene: &Scene<'_>) {
    let proxy = Proxy::passing(scene.plane);
    let run = scene.app.run_through(&proxy, &["prune", "--yes"]);
    assert_eq!(run.code, Some(5), "{run:?}");
    assert!(proxy.writes().is_empty(), "{:?}", proxy.writes());
}

#[test]
fn more_deletions_than_allowed_or_agreed_to() {
    let Some(plane) = ControlPlane::shared() else { return };
    let scene = Scene::applied(plane, "survive-many");
    scene.forget_the_config_map();
    for command in [&["prune", "--max-prune", "0", "--yes"][..], &["apply", "--prune", "--max-prune", "0%"]] {
        is_refused(&scene, command, "1 of 6 members would be deleted, more than --max-prune 0");
    }
    for command in [&["prune"][..], &["apply", "--prune"]] {
        is_refused(&scene, command, "1 object would be deleted, but there is no terminal to confirm");
    }
    assert!(plane.get(&scene.app.path("v1", "configmaps/web")).is_some());
    let run = scene.survives(&Proxy::passing(plane), &["prune", "--yes"], &["apply", "--prune"]);
    assert_eq!((run.code, run.out.as_str()), (Some(0), "configmap/survive-many/web pruned\n"), "{run:?}");
}

#[test]
fn objects_that_others_apply_too() {
    let Some(plane) = ControlPlane::shared() else { return };
    let scene = Scene::applied(plane, "survive-others");
    let config = scene.app.path("v1", "configmaps/web");
    let note = |value| json!({"metadata": {"annotations": {"argocd.argoproj.io/tracking-id": value}}});
    plane.patch(&config, Patch::Merge, &note(json!("shop:/ConfigMap:a/web")));
    let warning = "Argo CD (shop) also applies configmap/survive-others/web";
    scene.greet("hello", "goodbye");
    for command in [&["apply", "--strict"][..], &["prune", "--strict", "--yes"]] {
        is_refused(&scene, command, warning);
    }
    let run = scene.survives(&Proxy::passing(plane), &["apply"], &["apply"]);
    assert!(run.code == Some(0) && run.err.contains(&format!("warning: {warning}")), "{run:?}");

    plane.patch(&config, Patch::Merge, &note(json!(null)));
    let of_another = json!({"metadata": {"labels": {"applyset.kubernetes.io/part-of": "applyset-other-v1"}}});
    plane.patch(&config, Patch::Merge, &of_another);
    is_refused(
        &scene,
        &["apply", "--force-conflicts"],
        "is a member of another ApplySet (applyset-other-v1)",
    );
    is_refused(&scene, &["prune", "--yes"], "is a member of another ApplySet (applyset-other-v1)");
}

#[test]
fn a_parent_of_another_program() {
    let Some(plane) = ControlPlane::shared() else { return };
    let scene = Scene::with(plane, App::rendered(plane, "survive-parent"));
    scene
        .app
        .kubectl(&[
            "apply",
            "--server-side",
            "--prune",
            "--applyset=configmap/survive-parent",
            "-f",
            "rendered",
        ])
        .ok();
    for command in [&["apply"][..], &["apply", "--prune", "--yes"], &["prune", "--yes"]] {
        is_refused(&scene, command, "the ApplySet is managed by kubectl/v");
    }
    let parent = scene.app.path("v1", "configmaps/survive-parent");
    plane.patch(&parent, Patch::Json, &json!([{"op": "remove", "path": "/metadata/labels"}, {"op": "remove", "path": "/metadata/annotations"}]));
    is_refused(&scene, &["apply"], "already exists and is not the parent of an ApplySet");
    plane.delete(&parent);
    scene.converges(&["apply"]);
}
