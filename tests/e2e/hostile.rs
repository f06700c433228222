//! Hostile text in the cluster, on a pseudo-terminal: annotations of other field managers, annotations of the ApplySet and messages
//! of events must not control the terminal (the class of CVE-2021-25743).

use serde_json::json;

use crate::app::App;
use crate::control_plane::ControlPlane;
use crate::objects::Patch;

const HOSTILE: &str =
    "x\u{1b}[2J\u{1b}]0;t\u{7}\u{9b}31m\u{90}$q\u{9c}\u{8}\u{7f}\u{202e}\u{2066}\u{85}\u{2028}\u{feff}\rz";

/// Returns whether a terminal shows something other than text and styles.
fn is_controlled(shown: &str) -> bool {
    let styles = shown
        .split("\u{1b}[")
        .skip(1)
        .map(|rest| rest.trim_start_matches(|c: char| c.is_ascii_digit() || c == ';').starts_with('m'));
    let hidden = ['\u{202e}', '\u{2066}', '\u{2028}', '\u{feff}'];
    let is_control =
        |c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t' | '\u{1b}') || hidden.contains(&c);
    styles.into_iter().any(|is_style| !is_style)
        || shown.matches('\u{1b}').count() != shown.matches("\u{1b}[").count()
        || shown.contains(is_control)
}

#[test]
fn nothing_in_the_cluster_controls_the_terminal() {
    let Some(plane) = ControlPlane::shared() else { return };
    let app = App::rendered(plane, "hostile-text");
    app.run(&["apply"]).ok();
    let service = app.path("v1", "services/web-pool00");
    let parent = app.path("v1", "configmaps/hostile-text");
    let annotation = json!({"metadata": {"annotations": {"example.com/a": HOSTILE}}, "data": {"a": HOSTILE}});
    plane.patch(&parent, Patch::Merge, &annotation);
    // Another manager changes a field of the directory, so a conflict shows its value.
    app.edit(
        "web.yaml",
        "  name: web\nspec:\n  type: LoadBalancer",
        "  name: web\n  annotations: {example.com/a: ours}\nspec:\n  type: LoadBalancer",
    );
    app.run(&["render"]).ok();
    let spec = json!({"metadata": {"annotations": {"example.com/a": HOSTILE}}, "spec": {"selector": {"app": "other"}}});
    plane.patch(&service, Patch::Merge, &spec);
    let event = json!({"apiVersion": "v1", "kind": "Event", "metadata": {"name": "hostile"}, "type": "Warning", "reason": HOSTILE,
        "message": HOSTILE, "lastTimestamp": "2026-01-01T00:00:00Z",
        "involvedObject": {"kind": "Service", "namespace": app.namespace, "name": "web-pool00"}});
    plane.create(&app.path("v1", "events"), &event);
    let mut is_quoted = false;
    for arguments in [
        "status",
        "status -o wide",
        "status -o json",
        "diff --live",
        "diff --live -o json",
        "diff --live -o markdown",
        "diff --live --force-conflicts",
        "apply",
        "apply --dry-run server",
        "prune --dry-run",
        "inventory list",
        "inventory view",
        "inventory verify",
        "inventory adopt --dry-run",
        "doctor",
        "capacity",
    ] {
        let line = format!("TERM=xterm script -qec '$PROGRAM {arguments}' /dev/null");
        let mut command = app.command("sh", &plane.kubeconfig, &["-c", &line]);
        let output = command.env("PROGRAM", env!("CARGO_BIN_EXE_kubectl-largescale")).output().unwrap();
        let shown = String::from_utf8_lossy(&output.stdout);
        assert!(!is_controlled(&shown), "{arguments}: {shown:?}");
        is_quoted |= shown.contains("%1B[2J") || shown.contains("\\u001b[2J");
    }
    assert!(is_quoted, "no command quotes the text");
}

#[test]
fn the_check_finds_what_controls_a_terminal() {
    assert!(!is_controlled("a\u{1b}[31;1mb\u{1b}[0m\r\n"));
    for text in ["\u{1b}[2J", "\u{1b}]0;a", "\u{9b}31m", "\u{7}", "\u{202e}"] {
        assert!(is_controlled(text), "{text:?}");
    }
}
