//! Plans: exactly what was agreed to is done, or nothing.

use std::fs;

use serde_json::{Value, json};

use crate::app::App;
use crate::control_plane::ControlPlane;
use crate::objects::Patch;
use crate::run::Run;

const SECRET: &str = "---
apiVersion: v1
kind: Secret
metadata:
  name: web
stringData:
  password: PASSWORD
";

/// An app that is applied, and a plan to change its ConfigMap and its Secret.
fn planned<'a>(plane: &'a ControlPlane, name: &str) -> App<'a> {
    let app = App::new(plane, name);
    let manifests = fs::read_to_string(app.directory().join("web.yaml")).unwrap();
    app.write("web.yaml", &(manifests + &SECRET.replace("PASSWORD", "first-secret")));
    app.run(&["render"]).ok();
    app.run(&["apply"]).ok();
    app.edit("web.yaml", "greeting: hello", "greeting: goodbye");
    app.edit("web.yaml", "first-secret", "second-secret");
    app.run(&["render"]).ok();
    let run = plan(&app);
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(run.err.contains("2 changes planned in plan.json"), "{run:?}");
    app
}

fn plan(app: &App<'_>) -> Run {
    app.run(&["diff", "--live", "--out", "plan.json"])
}

fn greeting(plane: &ControlPlane, app: &App<'_>) -> Value {
    plane.get(&app.path("v1", "configmaps/web")).unwrap_or_default()["data"]["greeting"].clone()
}

#[track_caller]
fn is_refused(plane: &ControlPlane, app: &App<'_>, words: &[&str]) {
    let run = app.run(&["apply", "plan.json"]);
    assert_eq!(run.code, Some(5), "{run:?}");
    for words in words {
        assert!(run.err.contains(words), "`{words}` is not in {run:?}");
    }
    assert_ne!(greeting(plane, app), "goodbye", "something was changed");
}

#[test]
fn a_plan_is_carried_out_once_and_tells_no_secret() {
    let Some(plane) = ControlPlane::shared() else { return };
    let app = planned(plane, "plan-once");
    let text = fs::read_to_string(app.directory().join("plan.json")).unwrap();
    for secret in ["first-secret", "second-secret", "Zmlyc3Qtc2VjcmV0", "c2Vjb25kLXNlY3JldA=="] {
        assert!(!text.contains(secret), "{secret} is in {text}");
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = fs::metadata(app.directory().join("plan.json")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    let run = app.run(&["apply", "plan.json"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(run.err.ends_with("2 configured, 5 unchanged in namespace plan-once, context test\n"), "{run:?}");
    assert_eq!(greeting(plane, &app), "goodbye");
    let again = app.run(&["apply", "plan.json"]);
    assert_eq!(again.code, Some(0), "{again:?}");
    assert!(again.err.contains("configmap/plan-once/web: done already\n"), "{again:?}");
}

#[test]
fn what_has_moved_without_changing_our_diff_is_no_reason_to_refuse() {
    let Some(plane) = ControlPlane::shared() else { return };
    let app = planned(plane, "plan-moved");
    let config = app.path("v1", "configmaps/web");
    plane.patch(&config, Patch::Merge, &json!({"metadata": {"labels": {"a": "b"}}, "data": {"other": "x"}}));
    let run = app.run(&["apply", "plan.json"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_eq!(plane.get(&config).unwrap()["data"], json!({"greeting": "goodbye", "other": "x"}));
}

#[test]
fn what_makes_the_diff_another_one_is_refused() {
    let Some(plane) = ControlPlane::shared() else { return };
    let app = planned(plane, "plan-changed");
    let config = app.path("v1", "configmaps/web");
    let was = plane.get(&config).unwrap();
    // Our own value is another one, by our own manager: no conflict, and another change.
    let mut other = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "web", "labels":
        was["metadata"]["labels"]}, "data": {"greeting": "hi"}});
    plane.patch(&config, Patch::Apply("kubectl-largescale"), &other);
    let words = [
        "configmap/plan-changed/web has changed, and so has what would be configured in it",
        "-  greeting: hello\n+  greeting: goodbye",
        "-  greeting: hi\n+  greeting: goodbye",
    ];
    is_refused(plane, &app, &words);

    plane.delete(&config);
    is_refused(plane, &app, &["was to be configured, and would be created now"]);
    other["data"]["greeting"] = "hello".into();
    plane.patch(&config, Patch::Apply("kubectl-largescale"), &other);
    is_refused(plane, &app, &["is another object: somebody has deleted it and made it anew"]);
}

#[test]
fn another_tree_or_more_to_do_is_refused() {
    let Some(plane) = ControlPlane::shared() else { return };
    let app = planned(plane, "plan-tree");
    app.edit("web.yaml", "replicas: 3", "replicas: 4");
    app.run(&["render"]).ok();
    let words = [
        "the tree has changed since the plan was made: deployment-web.yaml",
        "deployment/plan-tree/web would be configured, and the plan does not know of it",
        "nothing was changed; make a new plan",
    ];
    is_refused(plane, &app, &words);
    let text = fs::read_to_string(app.directory().join("plan.json")).unwrap();
    let mut plan: Value = serde_json::from_str(&text).unwrap();
    plan["terms"]["cluster"] = "0000".into();
    app.write("plan.json", &plan.to_string());
    is_refused(plane, &app, &["the plan is for cluster 0000, this is "]);
}

#[test]
fn a_plan_prunes_what_it_says() {
    let Some(plane) = ControlPlane::shared() else { return };
    let app = planned(plane, "plan-prune");
    app.edit("largescale.yaml", "  platform:", "  pools: {exclude: [pool02]}\n  platform:");
    app.run(&["render"]).ok();
    let run = app.run(&["diff", "--live", "--prune", "--out", "plan.json"]);
    assert_eq!(run.code, Some(1), "{run:?}");
    let run = app.run(&["apply", "plan.json"]);
    assert_eq!(run.code, Some(5), "nobody has agreed to the deletion: {run:?}");
    let run = app.run(&["apply", "plan.json", "--yes"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(run.out.contains("service/plan-prune/web-pool02 pruned\n"), "{run:?}");
    assert_eq!(app.run(&["diff", "--live", "--prune"]).ok(), "");
}
