//! Creates an estate on the API server, adopts it, and changes it once.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use largescale::core::yaml;
use serde_json::{Map, Value};

use crate::app::App;
use crate::control_plane::ControlPlane;
use crate::estates::create::{SERVICES, create, dump, path};
use crate::estates::generate::{Creator, Estate, Source};
use crate::provider_nodes::label_of;
use crate::run::Run;

/// How the adoption of an estate ended, if it was right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Unchanged,
    Refused,
}

/// The exit code of invalid input and refusals.
const REFUSED: i32 = 5;

/// The exit code of a conflict with another field manager.
const CONFLICT: i32 = 6;

/// Adopts an estate, or returns what was wrong.
pub(crate) fn adopt(plane: &ControlPlane, estate: &Estate) -> Result<Verdict, String> {
    let app = App::empty(plane, &estate.namespaces[0]);
    for namespace in &estate.namespaces[1..] {
        plane.create_namespace(namespace);
    }
    create(plane, estate);
    let before = live(plane, estate);
    let result = adopt_in(plane, &app, estate, &before);
    // The node ports of a cluster are limited.
    for namespace in &estate.namespaces {
        plane.delete(&path(namespace, "v1", SERVICES));
    }
    result
}

fn adopt_in(
    plane: &ControlPlane,
    app: &App<'_>,
    estate: &Estate,
    before: &BTreeMap<String, Value>,
) -> Result<Verdict, String> {
    app.write("dump.json", &dump(plane, estate).to_string());
    app.write("nodes.json", &estate.nodes.to_string());
    let platform = &estate.platform.name;
    let mistakes: Vec<&str> = estate
        .services
        .iter()
        .filter(|service| service.pool.is_none())
        .filter_map(|service| service.object["metadata"]["name"].as_str())
        .collect();
    let mut arguments = vec!["init", "app", "--nodes", "nodes.json", "--platform", platform];
    match estate.source {
        Source::Dump => arguments.extend(["--from", "dump.json"]),
        Source::Cluster => arguments.push("--from-cluster"),
    }
    arguments.extend(["--namespace", &app.namespace]);
    if estate.platform.spec.pool_labels.is_empty() {
        arguments.extend(["--label", label_of(&estate.platform)]);
    }
    let init = app.run(&arguments);
    if let [wrong] = mistakes.as_slice() {
        let is_named = [" ", ":"]
            .iter()
            .any(|end| [" ", "/"].iter().any(|begin| init.err.contains(&format!("{begin}{wrong}{end}"))));
        return if init.code == Some(REFUSED) && is_named {
            Ok(Verdict::Refused)
        } else {
            Err(format!("expected a refusal of {wrong}: {init:?}"))
        };
    }
    succeeded("init", &init, app)?;
    if estate.source == Source::Cluster && !init.err.contains("adopting changes nothing: ") {
        return Err(format!("no proof: {init:?}"));
    }
    succeeded("render", &app.run(&["render", "-f", "app"]), app)?;
    same_pools(app, estate)?;
    let summary = app.run(&["diff", "--live", "--summary", "-f", "app"]);
    if !(summary.code == Some(1) && summary.out.contains("0 created") && summary.out.contains("0 pruned")) {
        return Err(format!("diff --live: {summary:?}"));
    }
    succeeded("apply", &app.run(&["apply", "-f", "app"]), app)?;
    unchanged(before, &live(plane, estate))?;
    let again = app.run(&["diff", "--live", "-f", "app"]);
    if again.code != Some(0) || !again.out.is_empty() {
        return Err(format!("diff --live after apply: {again:?}"));
    }
    change(app);
    succeeded("render", &app.run(&["render", "-f", "app"]), app)?;
    let mut apply = app.run(&["apply", "-f", "app"]);
    if estate.services.iter().any(|service| service.by == Creator::Another) {
        // Another program keeps its fields, until its owner gives them up.
        if apply.code != Some(CONFLICT) {
            return Err(format!("expected a conflict with another: {apply:?}"));
        }
        follow(app, &apply)?;
        apply = app.run(&["apply", "-f", "app"]);
    }
    succeeded("apply of a change", &apply, app)?;
    changed(before, &live(plane, estate))?;
    Ok(Verdict::Unchanged)
}

fn succeeded(what: &str, run: &Run, app: &App<'_>) -> Result<(), String> {
    if run.code == Some(0) {
        return Ok(());
    }
    let spec = fs::read_to_string(app.directory().join("app/largescale.yaml")).unwrap_or_default();
    Err(format!("{what}: exit {:?}\n{}{}{spec}", run.code, run.out, run.err))
}

/// Runs the command that an error names, as the user would.
fn follow(app: &App<'_>, run: &Run) -> Result<(), String> {
    let hints = run.err.lines().filter(|line| line.trim_start().starts_with("hint: "));
    let mut parts = hints.flat_map(|line| line.split('`'));
    let Some(command) = parts.find(|part| part.starts_with("kubectl largescale inventory adopt ")) else {
        return Err(format!("no command in the hint: {run:?}"));
    };
    let program = env!("CARGO_BIN_EXE_kubectl-largescale");
    let script = command.replacen("kubectl largescale", program, 1);
    app.write("hint.sh", &format!("{script} --yes\n"));
    succeeded(command, &app.shell("hint.sh"), app)
}

/// Returns the objects in the cluster, without what every change of an object changes.
fn live(plane: &ControlPlane, estate: &Estate) -> BTreeMap<String, Value> {
    let list = |namespace: &str, api_version: &str, kind: &'static str| {
        let objects = plane.list(&path(namespace, api_version, kind));
        objects.into_iter().map(move |object| (kind, object))
    };
    let of =
        |namespace: &String| list(namespace, "v1", SERVICES).chain(list(namespace, "apps/v1", "deployments"));
    estate
        .namespaces
        .iter()
        .flat_map(of)
        .map(|(kind, mut object)| {
            let text = |key: &str| object["metadata"][key].as_str().unwrap().to_owned();
            let name = format!("{kind}/{}/{}", text("namespace"), text("name"));
            object.as_object_mut().unwrap().remove("status");
            let metadata = object["metadata"].as_object_mut().unwrap();
            for key in ["managedFields", "resourceVersion", "generation", "finalizers"] {
                metadata.remove(key);
            }
            if let Some(annotations) = metadata.get_mut("annotations").and_then(Value::as_object_mut) {
                annotations.remove("kubectl.kubernetes.io/last-applied-configuration");
                annotations.remove("deployment.kubernetes.io/revision");
            }
            (name, object)
        })
        .collect()
}

/// Checks that the directory has exactly the Services of the estate, each for the pool that it was bound to.
fn same_pools(app: &App<'_>, estate: &Estate) -> Result<(), String> {
    let mut rendered = BTreeSet::new();
    for entry in fs::read_dir(app.directory().join("app/rendered")).unwrap() {
        let text = fs::read_to_string(entry.unwrap().path()).unwrap();
        let object = yaml::read_one("rendered", &text).unwrap().value;
        if object["kind"] == "Service" {
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            rendered.insert((
                text(&object["metadata"]["namespace"]),
                text(&object["metadata"]["name"]),
                text(&object["metadata"]["labels"]["largescale.dev/pool"]),
            ));
        }
    }
    let wanted: BTreeSet<(String, String, String)> = estate
        .services
        .iter()
        .map(|service| {
            let name = service.object["metadata"]["name"].as_str().unwrap().to_owned();
            (service.namespace.clone(), name, service.pool.clone().unwrap_or_default())
        })
        .collect();
    if rendered == wanted {
        return Ok(());
    }
    let spec = fs::read_to_string(app.directory().join("app/largescale.yaml")).unwrap_or_default();
    Err(format!("rendered {rendered:?}\n  wanted {wanted:?}\n{spec}"))
}

/// Checks that an apply added the labels of a member, and nothing else.
fn unchanged(before: &BTreeMap<String, Value>, after: &BTreeMap<String, Value>) -> Result<(), String> {
    let names = |objects: &BTreeMap<String, Value>| objects.keys().cloned().collect::<Vec<_>>();
    if names(before) != names(after) {
        return Err(format!("objects before {:?}\n  after {:?}", names(before), names(after)));
    }
    for (name, object) in after {
        let mut object = object.clone();
        without_ours(&mut object);
        let mut earlier = before[name].clone();
        without_ours(&mut earlier);
        if object != earlier {
            return Err(format!("{name} before {earlier}\n  after {object}"));
        }
    }
    Ok(())
}

/// Removes our labels.
fn without_ours(object: &mut Value) {
    let metadata = object["metadata"].as_object_mut().unwrap();
    if let Some(labels) = metadata.get_mut("labels").and_then(Value::as_object_mut) {
        labels
            .retain(|key, _| !key.starts_with("largescale.dev/") && key != "applyset.kubernetes.io/part-of");
        if labels.is_empty() {
            metadata.remove("labels");
        }
    }
    if metadata.get("annotations").and_then(Value::as_object).is_some_and(Map::is_empty) {
        metadata.remove("annotations");
    }
}

/// How much higher the changed port of each Service is.
const HIGHER: i64 = 1000;

/// Changes the first port of each Service in the manifests, and removes an environment variable.
fn change(app: &App<'_>) {
    for entry in fs::read_dir(app.directory().join("app/manifests")).unwrap() {
        let path = entry.unwrap().path();
        let documents = yaml::read("manifests", &fs::read_to_string(&path).unwrap()).unwrap();
        let texts: Vec<String> = documents
            .into_iter()
            .map(|document| {
                let mut object = document.value;
                if object["kind"] == "Service" {
                    let port = object["spec"]["ports"][0]["port"].as_i64().unwrap();
                    object["spec"]["ports"][0]["port"] = (port + HIGHER).into();
                } else if object["kind"] == "Deployment" {
                    let env = &mut object["spec"]["template"]["spec"]["containers"][0]["env"];
                    env.as_array_mut().unwrap().retain(|it| it["name"] != "REMOVE");
                }
                yaml::write_object(&object)
            })
            .collect();
        fs::write(&path, texts.join("---\n")).unwrap();
    }
}

/// Checks that the change, and nothing else, reached the cluster.
fn changed(before: &BTreeMap<String, Value>, after: &BTreeMap<String, Value>) -> Result<(), String> {
    for (name, object) in after {
        let mut expected = before[name].clone();
        let mut found = object.clone();
        without_ours(&mut expected);
        without_ours(&mut found);
        if name.starts_with(SERVICES) {
            let port = expected["spec"]["ports"][0]["port"].as_i64().unwrap();
            expected["spec"]["ports"][0]["port"] = (port + HIGHER).into();
            // Another port may have another node port.
            for object in [&mut expected, &mut found] {
                for port in object["spec"]["ports"].as_array_mut().unwrap() {
                    port.as_object_mut().unwrap().remove("nodePort");
                }
                object["spec"]["ports"].as_array_mut().unwrap().sort_by_key(|port| port["port"].as_i64());
            }
        } else {
            let env = &mut expected["spec"]["template"]["spec"]["containers"][0]["env"];
            env.as_array_mut().unwrap().retain(|it| it["name"] != "REMOVE");
        }
        if expected != found {
            return Err(format!("{name} after the change: expected {expected}\n  found {found}"));
        }
    }
    Ok(())
}
