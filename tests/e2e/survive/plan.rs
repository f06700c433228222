//! Plans for a cluster that has changed before they are applied.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;

use serde_json::{Value, json};

use super::scene::{Scene, set_id};
use crate::control_plane::ControlPlane;
use crate::objects::Patch;
use crate::proxy::{Fault, Proxy};
use crate::run::Run;
use crate::wait::until;

const PLAN: &str = "plan.json";

/// Writes a plan that has something to do.
#[track_caller]
fn plan(scene: &Scene<'_>, more: &[&str]) -> String {
    let run = scene.app.run(&[&["diff", "--live", "--out", PLAN], more].concat());
    assert_eq!(run.code, Some(1), "{run:?}");
    fs::read_to_string(scene.app.directory().join(PLAN)).unwrap()
}

/// Applies the plan, and checks that it is refused with these messages and that nothing was written.
#[track_caller]
fn is_refused(scene: &Scene<'_>, words: &[&str]) -> Run {
    let before = scene.before();
    let proxy = Proxy::passing(scene.plane);
    let run = scene.app.run_through(&proxy, &["apply", PLAN, "--yes"]);
    assert_eq!(run.code, Some(5), "{run:?}");
    for words in words {
        assert!(run.err.contains(words), "{words}: {run:?}");
    }
    assert!(proxy.writes().is_empty(), "{:?}", proxy.writes());
    scene.is_told(&before, &run);
    run
}

/// Applies the plan, and checks that it was applied completely.
#[track_caller]
fn is_done(scene: &Scene<'_>, proxy: &Proxy) -> Run {
    let before = scene.before();
    let run = scene.app.run_through(proxy, &["apply", PLAN, "--yes"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    scene.is_told(&before, &run);
    run
}

fn config(scene: &Scene<'_>) -> String {
    scene.app.path("v1", "configmaps/web")
}

#[test]
fn an_object_that_moved_without_changing_our_diff() {
    let Some(plane) = ControlPlane::shared() else { return };
    let scene = Scene::applied(plane, "survive-moved");
    scene.greet("hello", "goodbye");
    plan(&scene, &[]);
    let theirs = json!({"data": {"theirs": "1"}, "metadata": {"annotations": {"example.com/note": "x"}}});
    plane.patch(&config(&scene), Patch::Merge, &theirs);
    let run = is_done(&scene, &Proxy::passing(plane));
    assert!(run.out.contains("configmap/survive-moved/web configured\n"), "{run:?}");
    let live = plane.get(&config(&scene)).unwrap();
    assert_eq!(live["data"], json!({"greeting": "goodbye", "theirs": "1"}));
    scene.converges(&["apply"]);
}

#[test]
fn an_object_whose_change_alters_the_diff() {
    let Some(plane) = ControlPlane::shared() else { return };
    let scene = Scene::applied(plane, "survive-differs");
    scene.greet("hello", "goodbye");
    plan(&scene, &[]);
    let theirs = json!({"apiVersion": "v1", "kind": "ConfigMap", "data": {"greeting": "hi"}, "metadata": {
        "name": "web", "labels": {"applyset.kubernetes.io/part-of": set_id("survive-differs")}}});
    plane.patch(&config(&scene), Patch::Apply("kubectl-largescale"), &theirs);
    let words = "configmap/survive-differs/web would be configured in another way: the cluster has changed since the plan was made";
    let run = is_refused(&scene, &[words, "nothing was changed; make a new plan"]);
    let (planned, now) = run.err.split_once("now:\n").unwrap_or_else(|| panic!("{run:?}"));
    assert!(planned.contains("planned:\n") && planned.contains("-  greeting: hello\n"), "{run:?}");
    assert!(now.contains("-  greeting: hi\n+  greeting: goodbye\n"), "{run:?}");
    scene.converges(&["apply"]);
}

/// The plan matches when the cluster is read, but an object changes before it is written.
#[test]
fn an_object_that_moves_at_the_last_moment() {
    let Some(plane) = ControlPlane::shared() else { return };
    let scene = Scene::applied(plane, "survive-moment");
    scene.greet("hello", "goodbye");
    plan(&scene, &[]);
    let (path, upstream) = (config(&scene), Arc::clone(&plane.upstream));
    let proxy = Proxy::start(plane, move |sent| {
        if sent.is("PATCH", "/configmaps/web") && !sent.query.contains("dryRun") {
            let headers = [("Content-Type".to_owned(), "application/merge-patch+json".to_owned())];
            upstream
                .send("PATCH", &path, &headers, json!({"data": {"theirs": "1"}}).to_string().into())
                .unwrap();
        }
        Fault::Pass
    });
    let before = scene.before();
    let run = scene.app.run_through(&proxy, &["apply", PLAN]);
    assert_eq!(run.code, Some(6), "{run:?}");
    assert!(run.err.contains("configmap/survive-moment/web: the object has been modified"), "{run:?}");
    scene.is_told(&before, &run);
    is_done(&scene, &Proxy::passing(plane));
    scene.converges(&["apply"]);
}

#[test]
fn an_object_that_was_deleted_and_created_again() {
    let Some(plane) = ControlPlane::shared() else { return };
    let scene = Scene::applied(plane, "survive-again");
    scene.greet("hello", "goodbye");
    plan(&scene, &[]);
    let path = config(&scene);
    let mut object = plane.get(&path).unwrap();
    plane.delete(&path);
    is_refused(
        &scene,
        &["configmap/survive-again/web was planned to be configured, but would be created now"],
    );
    for field in ["uid", "resourceVersion", "creationTimestamp", "managedFields"] {
        object["metadata"].as_object_mut().unwrap().remove(field);
    }
    let made = plane.patch(&path, Patch::Apply("kubectl-largescale"), &object);
    assert_eq!(made["data"]["greeting"], "hello");
    is_refused(&scene, &["configmap/survive-again/web was deleted and created again in the cluster"]);
    plan(&scene, &[]);
    is_done(&scene, &Proxy::passing(plane));
    scene.converges(&["apply"]);
}

#[test]
fn another_tree_or_another_cluster() {
    let Some(plane) = ControlPlane::shared() else { return };
    let scene = Scene::rendered(plane, "survive-terms");
    let text = plan(&scene, &[]);
    scene.greet("hello", "goodbye");
    let file = "configmap/survive-terms/web would be created in another way: its file in the rendered directory has changed since the plan was made";
    let run = is_refused(
        &scene,
        &["the rendered directory has changed since the plan was made: configmap-web.yaml", file],
    );
    assert!(!run.err.contains("the cluster has changed"), "{run:?}");
    scene.greet("goodbye", "hello");

    // In another directory, without a spec or with another one.
    let (app, path) = (&scene.app, scene.app.directory().join(PLAN));
    let elsewhere = scene.app.with_same_name();
    let in_other =
        |arguments: &[&str]| elsewhere.run(&[&["apply", path.to_str().unwrap()], arguments].concat());
    elsewhere.edit("largescale.yaml", "name: survive-terms,", "name: survive-other,");
    elsewhere.run(&["render"]).ok();
    for message in ["the plan was made for ", "not found; the plan was made for "] {
        let run = in_other(&[]);
        assert!(run.err.contains(message), "{message}: {run:?}");
        let spec = fs::canonicalize(app.directory()).unwrap();
        let command = format!("`kubectl largescale apply -f {} {}`", spec.display(), path.display());
        assert!(run.err.contains(&command), "{command}: {run:?}");
        let _ = fs::remove_file(elsewhere.directory().join("largescale.yaml"));
    }

    let mut other: Value = serde_json::from_str(&text).unwrap();
    other["terms"]["cluster"] = "00000000-0000-0000-0000-000000000000".into();
    scene.app.write(PLAN, &other.to_string());
    is_refused(&scene, &["the plan is for cluster 00000000-0000-0000-0000-000000000000, but this is "]);

    scene.app.write(PLAN, &text);
    is_done(&scene, &Proxy::passing(plane));
    scene.converges(&["apply"]);
    // Applied again: everything is already done.
    let run = is_done(&scene, &Proxy::passing(plane));
    assert_eq!(run.out.matches(" unchanged\n").count(), 6, "{run:?}");
}

#[test]
fn a_part_is_already_done() {
    let Some(plane) = ControlPlane::shared() else { return };
    let scene = Scene::rendered(plane, "survive-part");
    plan(&scene, &[]);
    let proxy = Proxy::start(plane, |sent| {
        let no = crate::fake_server::Reply::status(500, "InternalError", "no");
        let is_meant = sent.is("PATCH", "/services/") && !sent.query.contains("dryRun");
        if is_meant { Fault::Answer(no) } else { Fault::Pass }
    });
    let before = scene.before();
    let run = scene.app.run_through(&proxy, &["apply", PLAN]);
    assert_eq!(run.code, Some(6), "{run:?}");
    scene.is_told(&before, &run);
    // The same plan applies the rest.
    let run = is_done(&scene, &Proxy::passing(plane));
    assert!(run.err.contains("configmap/survive-part/web: already done\n"), "{run:?}");
    assert_eq!(run.out.matches(" created\n").count(), 4, "{run:?}");
    scene.converges(&["apply"]);
}

#[test]
fn a_lost_response_is_not_a_change_by_another_client() {
    let Some(plane) = ControlPlane::shared() else { return };
    let scene = Scene::applied(plane, "survive-lost");
    scene.greet("hello", "goodbye");
    plan(&scene, &[]);
    let proxy = Proxy::index(plane, 1, Fault::ResetAfter, |sent| sent.is("PATCH", "/configmaps/web"));
    let run = is_done(&scene, &proxy);
    assert!(run.out.contains("configmap/survive-lost/web configured\n"), "{run:?}");
    scene.converges(&["apply"]);
}

#[test]
fn secrets_are_not_in_a_plan() {
    let Some(plane) = ControlPlane::shared() else { return };
    let scene = Scene::applied(plane, "survive-secret");
    let manifests = fs::read_to_string(scene.app.directory().join("web.yaml")).unwrap();
    let secret =
        |data: &str| format!("{manifests}---\napiVersion: v1\nkind: Secret\nmetadata:\n  name: web\n{data}");
    scene.app.write("web.yaml", &secret("stringData:\n  token: hunter2\n"));
    scene.app.run(&["render"]).ok();
    let one = plan(&scene, &[]);
    hides(&one, &scene);
    // No one can guess a value from its digest: another plan of the same changes has other digests.
    let digests = |plan: &str| {
        let plan: Value = serde_json::from_str(plan).unwrap();
        let salt = plan["terms"]["salt"].as_str().unwrap().to_owned();
        let files = plan["terms"]["tree"].as_object().unwrap().values();
        let changes = plan["objects"].as_array().unwrap().iter().map(|object| &object["change"]);
        let digests = files.chain(changes).map(|digest| digest.as_str().unwrap().to_owned());
        digests.chain([salt]).collect::<BTreeSet<String>>()
    };
    let other = plan(&scene, &[]);
    assert!(digests(&one).is_disjoint(&digests(&other)), "{one}\n{other}");
    is_done(&scene, &Proxy::passing(plane));

    scene.app.write("web.yaml", &secret("data:\n  token: c3dvcmRmaXNo\n"));
    scene.app.run(&["render"]).ok();
    hides(&plan(&scene, &["--force-conflicts"]), &scene);
    is_done(&scene, &Proxy::passing(plane));
    scene.converges(&["apply"]);
    // Nor is a Secret that is pruned.
    scene.app.write("web.yaml", &manifests);
    scene.app.run(&["render"]).ok();
    hides(&plan(&scene, &["--prune"]), &scene);
    let run = is_done(&scene, &Proxy::passing(plane));
    assert!(run.out.contains("secret/survive-secret/web pruned\n"), "{run:?}");
    scene.converges(&["apply", "--prune"]);
}

/// Checks that the plan contains neither the old nor the new value, in plain text or encoded, and that only its
/// owner may read the file.
#[track_caller]
fn hides(plan: &str, scene: &Scene<'_>) {
    for value in ["hunter2", "aHVudGVyMg==", "swordfish", "c3dvcmRmaXNo"] {
        assert!(!plan.contains(value), "{value}: {plan}");
    }
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&scene.app.directory().join(PLAN)), 0o600);
}

#[test]
fn a_plan_with_deletions() {
    let Some(plane) = ControlPlane::shared() else { return };
    let scene = Scene::applied(plane, "survive-departs");
    scene.app.edit("web.yaml", "image: nginx", "image: nginx:2");
    scene.forget_the_config_map();
    plan(&scene, &["--prune"]);
    let unconfirmed = scene.app.run(&["apply", PLAN]);
    assert_eq!(unconfirmed.code, Some(5), "{unconfirmed:?}");
    assert!(unconfirmed.err.contains("there is no terminal to confirm"), "{unconfirmed:?}");
    // Other changes of the object do not matter, because it is deleted.
    plane.patch(&config(&scene), Patch::Merge, &json!({"data": {"theirs": "1"}}));
    let run = is_done(&scene, &Proxy::passing(plane));
    assert!(run.out.contains("configmap/survive-departs/web pruned\n"), "{run:?}");
    until("it is gone", || plane.get(&config(&scene)).is_none().then_some(()));
    scene.converges(&["apply", "--prune"]);
}
