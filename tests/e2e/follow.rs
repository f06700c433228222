//! Follows the hints of commands that need a cluster: runs the printed command as it is printed, then the command that printed it
//! again. tests/cli/follow.rs does the same for the hints that need none.

use std::collections::BTreeMap;
use std::fs;

use serde_json::{Value, json};

use crate::app::App;
use crate::control_plane::ControlPlane;
use crate::objects::Patch;
use crate::run::Run;

/// A state in which a command prints a hint.
struct State {
    /// The name of the app and its namespace.
    name: &'static str,
    arrange: fn(&ControlPlane, &App<'_>),
    /// The command that prints the hint.
    line: &'static str,
    /// A part of the message that the hint is about.
    said: &'static str,
    /// The beginning of the command in the hint: a hint may have several ways.
    way: &'static str,
}

const STATES: &[State] = &[
    State {
        name: "follow-namespace",
        arrange: |_, app| {
            app.edit("largescale.yaml", "namespace: follow-namespace", "namespace: follow-namespace-new");
            app.run(&["render"]).ok();
        },
        line: "kubectl largescale apply",
        said: "namespace `follow-namespace-new` not found",
        way: "kubectl create namespace",
    },
    State {
        name: "follow-rename",
        arrange: |_, app| {
            applied(app);
            app.edit("largescale.yaml", "{name: follow-rename,", "{name: follow-renamed,");
            app.run(&["render"]).ok();
        },
        line: "kubectl largescale apply",
        said: "the ApplySet would move",
        way: "kubectl largescale move",
    },
    State {
        name: "follow-lock",
        arrange: |_, app| {
            applied(app);
            fs::remove_file(app.directory().join("largescale.lock")).unwrap();
            fs::remove_dir_all(app.directory().join("rendered")).unwrap();
            app.run(&["render"]).ok();
        },
        line: "kubectl largescale apply",
        said: "the ApplySet belongs to another directory",
        way: "kubectl largescale inventory adopt",
    },
    State {
        name: "follow-parent",
        arrange: |plane, app| {
            applied(app);
            annotate(plane, app, "applyset.kubernetes.io/additional-namespaces", &"Prod!".into());
        },
        line: "kubectl largescale apply --prune --yes",
        said: "lists the invalid namespace",
        way: "kubectl largescale inventory verify --fix",
    },
    State {
        name: "follow-tooling",
        arrange: |plane, app| {
            applied(app);
            annotate(plane, app, "applyset.kubernetes.io/tooling", &"kubectl/v1.36.0".into());
        },
        line: "kubectl largescale apply",
        said: "is managed by kubectl/v1.36.0",
        way: "kubectl largescale inventory adopt",
    },
    State {
        name: "follow-file",
        arrange: |_, app| {
            applied(app);
            fs::remove_file(app.directory().join("rendered/service-web-pool01.yaml")).unwrap();
        },
        line: "kubectl largescale apply --prune --yes",
        said: "a file of the rendered directory is missing",
        way: "kubectl largescale render",
    },
    State {
        name: "follow-pending",
        arrange: |_, app| {
            applied(app);
            let lock = fs::read_to_string(app.directory().join("largescale.lock")).unwrap();
            app.write("largescale.lock", &format!("{lock}pending:\n  configmap-web.yaml: \"1\"\n"));
        },
        line: "kubectl largescale prune --yes",
        said: "the last render was interrupted",
        way: "kubectl largescale render",
    },
    State {
        name: "follow-prune",
        arrange: |_, app| {
            app.run(&["render"]).ok();
        },
        line: "kubectl largescale prune --yes",
        said: "are not applied yet",
        way: "kubectl largescale apply",
    },
    State {
        name: "follow-port",
        arrange: |_, app| {
            applied(app);
            let edit = r#"[{"op": "replace", "path": "/spec/ports/0/port", "value": 8080}]"#;
            app.kubectl(&["patch", "service/web-pool00", "--type=json", "-p", edit]).ok();
        },
        line: "kubectl largescale apply",
        said: "spec.ports[1].name: Required value",
        way: "kubectl largescale inventory adopt",
    },
    State {
        name: "follow-selector",
        arrange: |_, app| {
            applied(app);
            app.edit("web.yaml", "    matchLabels:\n      app: web", "    matchLabels:\n      tier: web");
            app.edit(
                "web.yaml",
                "      labels:\n        app: web",
                "      labels:\n        app: web\n        tier: web",
            );
            app.run(&["render"]).ok();
        },
        line: "kubectl largescale apply",
        said: "the server returned status 422",
        way: "kubectl delete deployment.apps web",
    },
    State {
        name: "follow-copy",
        arrange: |plane, app| {
            applied(app);
            let labels = plane.get(&app.path("v1", "configmaps/web")).unwrap()["metadata"]["labels"].clone();
            let copy = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "copy", "labels": labels}});
            plane.create(&app.path("v1", "configmaps"), &copy);
        },
        line: "kubectl largescale inventory verify",
        said: "its label was copied",
        way: "kubectl label configmap copy",
    },
    State {
        name: "follow-label",
        arrange: |_, app| {
            applied(app);
            app.kubectl(&["label", "configmap", "web", "applyset.kubernetes.io/part-of-"]).ok();
        },
        line: "kubectl largescale inventory verify",
        said: "without the label of the ApplySet",
        way: "kubectl largescale apply",
    },
    State {
        name: "follow-pool",
        arrange: |_, app| {
            app.write("nodes.sh", NODES_OF_THREE_POOLS);
            app.shell("nodes.sh").ok();
            app.run(&["render", "--nodes", "three.json"]).ok();
            app.run(&["apply", "--wait", "address"]).ok();
        },
        line: "kubectl largescale status",
        said: "but no Service in the directory",
        way: "kubectl largescale render",
    },
];

/// Leaves out the nodes of one pool.
const NODES_OF_THREE_POOLS: &str = "kubectl get nodes -l 'agentpool!=pool03' -o json > three.json\n";

fn applied(app: &App<'_>) {
    app.run(&["render"]).ok();
    app.run(&["apply", "--wait", "address"]).ok();
}

fn annotate(plane: &ControlPlane, app: &App<'_>, key: &str, value: &Value) {
    let parent = app.path("v1", &format!("configmaps/{}", app.namespace));
    plane.patch(&parent, Patch::Merge, &json!({"metadata": {"annotations": {key: value}}}));
}

/// Returns the UID and the addresses of each Service.
fn services(plane: &ControlPlane, app: &App<'_>) -> BTreeMap<String, (Value, Value)> {
    let of = |service: &Value| {
        let name = service["metadata"]["name"].as_str().unwrap_or_default().to_owned();
        (name, (service["metadata"]["uid"].clone(), service["status"]["loadBalancer"].clone()))
    };
    plane.list(&app.path("v1", "services")).iter().map(of).collect()
}

fn run(app: &App<'_>, line: &str) -> Run {
    app.shell_line(&line.replace("kubectl largescale", env!("CARGO_BIN_EXE_kubectl-largescale")))
}

/// Returns the command that begins with `way` in the hint below the message with this text.
fn command<'a>(text: &'a str, said: &str, way: &str) -> Option<&'a str> {
    let mut lines = text.lines().skip_while(|line| !line.contains(said)).skip(1);
    let hint = lines.find_map(|line| line.trim_start().strip_prefix("hint: "))?;
    hint.split('`').skip(1).step_by(2).find(|part| part.starts_with(way))
}

/// Runs the printed command, with the confirmation that it asks for.
fn follow(app: &App<'_>, command: &str) -> Result<(), String> {
    let mut followed = run(app, command);
    if followed.code == Some(5) && followed.err.contains("--yes") {
        followed = run(app, &format!("{command} --yes"));
    }
    if followed.code == Some(0) { Ok(()) } else { Err(format!("`{command}`: {followed:?}")) }
}

fn check(plane: &ControlPlane, state: &State) -> Result<(), String> {
    let app = App::new(plane, state.name);
    (state.arrange)(plane, &app);
    let before = services(plane, &app);
    let printed = run(&app, state.line);
    let text = format!("{}{}", printed.out, printed.err);
    let command = command(&text, state.said, state.way)
        .ok_or_else(|| format!("no hint with `{}`: {text}", state.way))?;
    follow(&app, command)?;
    let after = services(plane, &app);
    if let Some((name, _)) = before.iter().find(|(name, service)| after.get(*name) != Some(service)) {
        return Err(format!(
            "`{command}` changed service/{name}: {:?}, {:?}",
            before.get(name),
            after.get(name)
        ));
    }
    let again = run(&app, state.line);
    // A status may have more to say, but not the same again.
    let is_well = again.code == Some(0) || state.line.ends_with("status");
    if !is_well || again.out.contains(state.said) || again.err.contains(state.said) {
        return Err(format!("after `{command}`: {again:?}"));
    }
    Ok(())
}

#[test]
fn printed_commands_work_and_lose_no_address() {
    let Some(plane) = ControlPlane::shared() else { return };
    let wrong: Vec<String> = STATES
        .iter()
        .filter_map(|state| check(plane, state).err().map(|why| format!("{}: {why}", state.name)))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}
