//! Another client changes the cluster during a run.

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::scene::Scene;
use crate::control_plane::ControlPlane;
use crate::objects::Patch;
use crate::proxy::{Fault, Proxy, Sent};
use crate::upstream::Upstream;
use crate::wait::until;

/// Runs a function once, just before a matching request is forwarded to the server.
fn before(
    plane: &ControlPlane,
    meant: fn(&Sent) -> bool,
    mut does: impl FnMut(&Upstream) + Send + 'static,
) -> Proxy {
    let upstream = Arc::clone(&plane.upstream);
    let mut is_done = false;
    Proxy::start(plane, move |sent| {
        if !is_done && meant(sent) {
            is_done = true;
            does(&upstream);
        }
        Fault::Pass
    })
}

/// Sends a request as the administrator, who plays the other client.
fn send(upstream: &Upstream, method: &str, path: &str, body: &Value) {
    let media_type = if method == "PATCH" { "application/merge-patch+json" } else { "application/json" };
    let headers = [("Content-Type".to_owned(), media_type.to_owned())];
    let answer = upstream.send(method, path, &headers, body.to_string().into()).unwrap();
    assert!(answer.status < 300, "{method} {path}: {}", answer.status);
}

fn is_of_the_config_map(sent: &Sent) -> bool {
    sent.is("PATCH", "/configmaps/web")
}

#[test]
fn deleted_while_it_is_applied() {
    let Some(plane) = ControlPlane::shared() else { return };
    let scene = Scene::applied(plane, "survive-gone");
    scene.greet("hello", "goodbye");
    let path = scene.app.path("v1", "configmaps/web");
    let proxy = before(plane, is_of_the_config_map, move |to| send(to, "DELETE", &path, &json!({})));
    let run = scene.survives(&proxy, &["apply"], &["apply"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(run.out.contains("configmap/survive-gone/web created\n"), "it must be created again: {run:?}");
}

#[test]
fn edited_while_it_is_applied() {
    let Some(plane) = ControlPlane::shared() else { return };
    let scene = Scene::applied(plane, "survive-edit");
    scene.greet("hello", "goodbye");
    let path = scene.app.path("v1", "configmaps/web");
    // Fields that we do not own stay, and do not prevent the apply.
    let to = path.clone();
    let other = json!({"data": {"theirs": "1"}});
    let proxy = before(plane, is_of_the_config_map, move |by| send(by, "PATCH", &to, &other));
    let run = scene.survives(&proxy, &["apply"], &["apply"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_eq!(plane.get(&path).unwrap()["data"], json!({"greeting": "goodbye", "theirs": "1"}));

    // A field that we own is a conflict.
    scene.greet("goodbye", "hello again");
    let ours = json!({"data": {"greeting": "theirs"}});
    let proxy = before(plane, is_of_the_config_map, move |by| send(by, "PATCH", &path, &ours));
    let run = scene.survives(&proxy, &["apply"], &["apply", "--force-conflicts"]);
    assert_eq!(run.code, Some(6), "{run:?}");
    assert!(run.err.contains("conflict: 1 field is managed by other field managers"), "{run:?}");
}

#[test]
fn a_service_that_is_edited_or_deleted_before() {
    let Some(plane) = ControlPlane::shared() else { return };
    let scene = Scene::applied(plane, "survive-service");
    let [edited, deleted] =
        ["services/web-pool00", "services/web-pool01"].map(|name| scene.app.path("v1", name));
    plane.patch(&edited, Patch::Merge, &json!({"spec": {"selector": {"app": "other"}}}));
    plane.delete(&deleted);
    until("it is gone", || plane.get(&deleted).is_none().then_some(()));
    let proxy = Proxy::passing(plane);
    let run = scene.survives(&proxy, &["apply"], &["apply", "--force-conflicts"]);
    assert_eq!(run.code, Some(6), "{run:?}");
    assert!(run.out.contains("service/survive-service/web-pool01 created\n"), "{run:?}");
}

#[test]
fn a_pruned_object_changes_during_the_run() {
    let Some(plane) = ControlPlane::shared() else { return };
    let is_delete: fn(&Sent) -> bool = |sent| sent.is("DELETE", "/configmaps/web");
    let prune = ["apply", "--prune", "--yes"];
    let changed = json!({"data": {"theirs": "1"}});
    let taken = json!({"metadata": {"labels": {"applyset.kubernetes.io/part-of": null}}});
    let cases = [
        ("survive-prune-edit", "PATCH", changed, "pruned", 0),
        ("survive-prune-taken", "PATCH", taken, "it was removed from the ApplySet", 6),
        ("survive-prune-gone", "DELETE", json!({}), "pruned", 0),
    ];
    for (name, method, change, said, code) in cases {
        let scene = Scene::applied(plane, name);
        scene.forget_the_config_map();
        let path = scene.app.path("v1", "configmaps/web");
        let to = path.clone();
        let proxy = before(plane, is_delete, move |by| send(by, method, &to, &change));
        let run = scene.survives(&proxy, &prune, &prune);
        assert_eq!(run.code, Some(code), "{name}: {run:?}");
        assert!(run.out.contains(said) || run.err.contains(said), "{name}: {run:?}");
        assert_eq!(plane.get(&path).is_some(), code != 0, "{name}: {run:?}");
    }

    // Another client has created it again: it is another object.
    let scene = Scene::applied(plane, "survive-prune-again");
    scene.forget_the_config_map();
    let path = scene.app.path("v1", "configmaps/web");
    let list = scene.app.path("v1", "configmaps");
    let made = path.clone();
    let proxy = before(plane, is_delete, move |by| {
        send(by, "DELETE", &made, &json!({}));
        let object = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "web"}});
        send(by, "POST", &list, &object);
    });
    let run = scene.survives(&proxy, &prune, &prune);
    assert_eq!(run.code, Some(6), "{run:?}");
    assert!(run.err.contains("it was deleted and created again"), "{run:?}");
    assert!(plane.get(&path).is_some());
}

#[test]
fn two_concurrent_applies() {
    let Some(plane) = ControlPlane::shared() else { return };
    let scene = Scene::rendered(plane, "survive-two");
    let proxy = Proxy::start(plane, |sent| {
        if sent.method == "PATCH" { Fault::Delay(Duration::from_millis(100)) } else { Fault::Pass }
    });
    let kubeconfig = proxy.kubeconfig(scene.app.directory());
    let start = || scene.app.start(&kubeconfig, &["apply"]);
    let before = scene.before();
    for run in [start(), start()].map(crate::run::Running::wait) {
        assert_eq!(run.code, Some(0), "{run:?}");
        scene.is_told(&before, &run);
    }
    scene.converges(&["apply"]);
}

/// One tree contains a kind that the other lacks: the parent must cover both, whichever run writes last.
#[test]
fn two_concurrent_trees() {
    let Some(plane) = ControlPlane::shared() else { return };
    let scene = Scene::applied(plane, "survive-trees");
    let newer = tempfile::tempdir().unwrap();
    let (from, newer) = (scene.app.directory(), newer.path());
    let status = std::process::Command::new("cp").arg("-r").arg(from.join(".")).arg(newer).status();
    assert!(status.unwrap().success());
    let in_the_newer = |arguments: &[&str]| {
        let file = newer.join("largescale.yaml");
        scene.app.run(&[&["--file", file.to_str().unwrap()], arguments].concat()).ok();
    };
    let old = fs::read_to_string(from.join("web.yaml")).unwrap();
    let with = |kind: &str| {
        format!("{old}---\napiVersion: v1\nkind: {kind}\nmetadata:\n  name: {kind}\n")
            .replace(&format!("name: {kind}"), "name: web")
    };
    // The run widens the parent, then narrows it, and the other run is faster each time.
    for (older, later, kind) in [
        (with("ServiceAccount"), with("Secret"), "Secret"),
        (old.clone(), with("Secret") + &with("LimitRange")[old.len()..], "LimitRange"),
    ] {
        scene.app.write("web.yaml", &older);
        scene.app.run(&["render"]).ok();
        fs::write(newer.join("web.yaml"), later).unwrap();
        in_the_newer(&["render"]);
        let slow = Fault::Delay(Duration::from_secs(3));
        let proxy = Proxy::index(plane, 1, slow, |sent| sent.is("PATCH", "/configmaps/survive-trees"));
        let kubeconfig = proxy.kubeconfig(from);
        // The older tree lacks the new objects of the newer one, and may treat them as no longer rendered.
        let running = scene.app.start(&kubeconfig, &["apply", "--prune", "--yes", "--prune-unrecorded"]);
        until("it writes the parent", || (proxy.count("PATCH", "/survive-trees") > 0).then_some(()));
        in_the_newer(&["apply"]);
        let run = running.wait();
        let parent = plane.get(&scene.app.path("v1", "configmaps/survive-trees")).unwrap();
        let kinds = &parent["metadata"]["annotations"]["applyset.kubernetes.io/contains-group-kinds"];
        assert!(kinds.as_str().unwrap().contains(kind), "the {kind} is not covered: {kinds}: {run:?}");
    }
    scene.app.write("web.yaml", &old);
    scene.app.run(&["render"]).ok();
    scene.converges(&["apply", "--prune", "--yes", "--prune-unrecorded"]);
}
