//! `--message-format` of the commands that change a cluster: progress, conflicts, questions and interrupts.

use serde_json::{Value, json};

use crate::app::App;
use crate::control_plane::ControlPlane;
use crate::objects::Patch;
use crate::run::Run;
use crate::wait::until;

/// Reads standard error as one JSON object per line.
#[track_caller]
fn messages(run: &Run) -> Vec<Value> {
    let read = |line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}\n{run:?}"));
    run.err.lines().map(read).collect()
}

#[track_caller]
fn log(run: &Run) -> Value {
    serde_json::from_str(&run.err).unwrap_or_else(|error| panic!("{error}: {run:?}"))
}

#[test]
fn progress_conflicts_and_refusals_are_messages() {
    let Some(plane) = ControlPlane::shared() else { return };
    let app = App::rendered(plane, "messages");
    let applied = app.run(&["apply", "--wait", "address", "--timeout", "90s", "--message-format", "json"]);
    assert_eq!(applied.code, Some(0), "{applied:?}");
    let notes = messages(&applied);
    assert!(notes.iter().all(|note| note["severity"] == "note" && note["app"] == "messages"), "{applied:?}");
    let has = |text: &str| notes.iter().any(|note| note["message"].as_str().unwrap().contains(text));
    assert!(has("every load balancer has its address"), "{applied:?}");

    // Another field manager changes a field.
    let service = app.path("v1", "services/web-pool00");
    plane.patch(&service, Patch::Merge, &json!({"spec": {"selector": {"app": "other"}}}));
    let human = app.run(&["apply"]);
    let json = app.run(&["apply", "--message-format", "json"]);
    let github = app.run(&["apply", "--message-format", "github"]);
    let sarif = app.run(&["apply", "--message-format", "sarif"]);
    for run in [&json, &github, &sarif] {
        assert_eq!((run.code, &run.out), (Some(6), &human.out), "{run:?}");
    }
    let read = messages(&json);
    let conflict = read.iter().find(|message| message["severity"] == "error").unwrap();
    assert!(conflict["message"].as_str().unwrap().contains(".spec.selector"), "{json:?}");
    assert!(conflict["hint"].as_str().unwrap().contains("--force-conflicts"), "{json:?}");
    assert!(github.err.contains("::error "), "{github:?}");
    let run = &log(&sarif)["runs"][0];
    assert_eq!(run["invocations"][0]["executionSuccessful"], false, "{sarif:?}");
    assert_eq!(run["results"][0]["level"], "error", "{sarif:?}");
    plane.patch(&service, Patch::Merge, &json!({"spec": {"selector": {"app": "web"}}}));

    // The program asks no question.
    app.edit(
        "web.yaml",
        "---\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: web\ndata:\n  greeting: hello\n",
        "",
    );
    app.run(&["render"]).ok();
    app.run(&["apply"]).ok();
    let prune = app.run(&["prune", "--message-format", "json"]);
    assert_eq!(prune.code, Some(5), "{prune:?}");
    let read = messages(&prune);
    let refusal = read.iter().find(|message| message["refused"] == true).unwrap();
    assert!(refusal["hint"].as_str().unwrap().contains("--yes"), "{prune:?}");
}

#[test]
fn an_interrupted_run_has_its_log() {
    let Some(plane) = ControlPlane::shared() else { return };
    let app = App::rendered(plane, "messages-interrupt");
    app.edit("web.yaml", "replicas: 3", "replicas: 3\n  paused: true");
    app.run(&["render"]).ok();
    let arguments = ["apply", "--wait", "ready", "--message-format", "sarif"];
    let running = app.start(&plane.kubeconfig, &arguments);
    until("it is applied", || plane.get(&app.path("apps/v1", "deployments/web")));
    running.interrupt();
    let run = running.wait();
    assert_eq!(run.code, Some(130), "{run:?}");
    let log = log(&run);
    let invocation = &log["runs"][0]["invocations"][0];
    assert_eq!((&invocation["exitCode"], &invocation["executionSuccessful"]), (&json!(130), &json!(false)));
    assert!(!invocation["toolExecutionNotifications"].as_array().unwrap().is_empty(), "{run:?}");

    // A paused rollout never ends, so the program reports what it waits for.
    let waited = app.run(&["apply", "--wait", "ready", "--timeout", "3s", "--message-format", "json"]);
    assert_eq!(waited.code, Some(1), "{waited:?}");
    let is_progress = |note: &Value| {
        note["severity"] == "note" && note["message"].as_str().unwrap().starts_with("waiting: ")
    };
    assert!(messages(&waited).iter().any(is_progress), "{waited:?}");
}
