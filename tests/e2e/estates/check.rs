//! Creates an estate on the API server, adopts it, and changes it once.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use largescale::core::yaml;
use serde_json::{Map, Value, json};

use crate::app::App;
use crate::control_plane::ControlPlane;
use crate::estates::forms::put;
use crate::estates::generate::{Creator, Estate, Source};
use crate::provider_nodes::label_of;
use crate::run::Run;

/// How the adoption of an estate ended, if it was right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Unchanged,
    Refused,
}

const LAST_APPLIED: &str = "/metadata/annotations/kubectl.kubernetes.io~1last-applied-configuration";
const SERVICES: &str = "services";

/// The exit code of invalid input and refusals.
const REFUSED: i32 = 5;

/// Adopts an estate, or returns what was wrong.
pub(crate) fn adopt(plane: &ControlPlane, estate: &Estate) -> Result<Verdict, String> {
    let name = format!("estate-{}", estate.seed);
    let app = App::empty(plane, &name);
    create(plane, &app, estate);
    let before = live(plane, &app);
    let result = adopt_in(plane, &app, estate, &before);
    // The node ports of a cluster are limited.
    plane.delete(&app.path("v1", SERVICES));
    result
}

fn adopt_in(
    plane: &ControlPlane,
    app: &App<'_>,
    estate: &Estate,
    before: &BTreeMap<String, Value>,
) -> Result<Verdict, String> {
    app.write("dump.json", &dump(plane, app).to_string());
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
        let is_named = [" ", ":"].iter().any(|end| init.err.contains(&format!("Service {wrong}{end}")))
            || init.err.contains(&format!("/{wrong} belongs to Helm"));
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
    unchanged(before, &live(plane, app))?;
    let again = app.run(&["diff", "--live", "-f", "app"]);
    if again.code != Some(0) || !again.out.is_empty() {
        return Err(format!("diff --live after apply: {again:?}"));
    }
    // Another program keeps its fields, so a change of them is a conflict.
    if estate.services.iter().any(|service| service.by == Creator::Another) {
        return Ok(Verdict::Unchanged);
    }
    change(app);
    succeeded("render", &app.run(&["render", "-f", "app"]), app)?;
    succeeded("apply of a change", &app.run(&["apply", "-f", "app"]), app)?;
    changed(before, &live(plane, app))?;
    Ok(Verdict::Unchanged)
}

fn succeeded(what: &str, run: &Run, app: &App<'_>) -> Result<(), String> {
    if run.code == Some(0) {
        return Ok(());
    }
    let spec = fs::read_to_string(app.directory().join("app/largescale.yaml")).unwrap_or_default();
    Err(format!("{what}: exit {:?}\n{}{}{spec}", run.code, run.out, run.err))
}

/// Creates all objects as their authors did.
fn create(plane: &ControlPlane, app: &App<'_>, estate: &Estate) {
    for service in &estate.services {
        create_by(plane, &app.path("v1", SERVICES), &service.object, service.by);
        let name = service.object["metadata"]["name"].as_str().unwrap();
        let added: Map<String, Value> =
            service.controller.iter().map(|(key, value)| ((*key).to_owned(), (*value).into())).collect();
        if !added.is_empty() {
            let path = app.path("v1", &format!("{SERVICES}/{name}"));
            let change = json!({"metadata": {"annotations": added}});
            send(plane, "PATCH", &format!("{path}?fieldManager=controller"), MERGE, &change);
        }
    }
    create_by(plane, &app.path("apps/v1", "deployments"), &estate.workload, estate.workload_by);
}

const JSON: &str = "application/json";
const MERGE: &str = "application/merge-patch+json";

/// Creates an object with the field managers and annotations that kubectl leaves.
fn create_by(plane: &ControlPlane, list: &str, object: &Value, by: Creator) {
    let name = object["metadata"]["name"].as_str().unwrap();
    let path = format!("{list}/{name}");
    let edited = json!({"metadata": {"labels": {"edited": "yes"}}});
    match by {
        Creator::ClientSideApply | Creator::ApplyThenEdit => {
            let mut applied = object.clone();
            put(&mut applied, LAST_APPLIED, format!("{object}\n").into());
            send(plane, "POST", &format!("{list}?fieldManager=kubectl-client-side-apply"), JSON, &applied);
        }
        Creator::Another => {
            let path = format!("{path}?fieldManager=another&force=true");
            send(plane, "PATCH", &path, "application/apply-patch+yaml", object);
        }
        Creator::Create | Creator::Edit | Creator::Replace => {
            send(plane, "POST", &format!("{list}?fieldManager=kubectl-create"), JSON, object);
        }
    }
    match by {
        Creator::Edit | Creator::ApplyThenEdit => {
            send(plane, "PATCH", &format!("{path}?fieldManager=kubectl-edit"), MERGE, &edited);
        }
        Creator::Replace => {
            let mut now = plane.get(&path).unwrap();
            put(&mut now, "/metadata/labels/edited", "yes".into());
            send(plane, "PUT", &format!("{path}?fieldManager=kubectl-replace"), JSON, &now);
        }
        Creator::ClientSideApply | Creator::Create | Creator::Another => {}
    }
}

#[track_caller]
fn send(plane: &ControlPlane, method: &str, path: &str, media_type: &str, body: &Value) {
    // A controller may write at the same moment.
    for _ in 0..10 {
        let (status, answer) = plane.request(method, path, media_type, Some(body));
        match status {
            200 | 201 => return,
            409 if method == "PUT" => {
                let now = plane.get(path.split('?').next().unwrap()).unwrap();
                let mut body = body.clone();
                body["metadata"]["resourceVersion"] = now["metadata"]["resourceVersion"].clone();
                if plane.request(method, path, media_type, Some(&body)).0 == 200 {
                    return;
                }
            }
            _ => panic!("{method} {path}: {status} {answer}"),
        }
    }
    panic!("{method} {path}: conflict");
}

/// Returns the objects of the namespace as `kubectl get services,deployments -o json` prints them.
fn dump(plane: &ControlPlane, app: &App<'_>) -> Value {
    let with_type = |api_version: &str, kind: &str, list: &str| -> Vec<Value> {
        let mut items = plane.list(&app.path(api_version, list));
        for item in &mut items {
            item["apiVersion"] = api_version.into();
            item["kind"] = kind.into();
            item["metadata"].as_object_mut().unwrap().remove("managedFields");
        }
        items
    };
    let mut items = with_type("v1", "Service", SERVICES);
    items.extend(with_type("apps/v1", "Deployment", "deployments"));
    json!({"apiVersion": "v1", "kind": "List", "items": items})
}

/// Returns the objects in the cluster, without what every change of an object changes.
fn live(plane: &ControlPlane, app: &App<'_>) -> BTreeMap<String, Value> {
    let services = plane.list(&app.path("v1", SERVICES));
    let deployments = plane.list(&app.path("apps/v1", "deployments"));
    let all = services.into_iter().map(|it| ("service", it));
    all.chain(deployments.into_iter().map(|it| ("deployment", it)))
        .map(|(kind, mut object)| {
            let name = format!("{kind}/{}", object["metadata"]["name"].as_str().unwrap());
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
                text(&object["metadata"]["name"]),
                text(&object["metadata"]["labels"]["largescale.dev/pool"]),
            ));
        }
    }
    let wanted: BTreeSet<(String, String)> = estate
        .services
        .iter()
        .map(|service| {
            let name = service.object["metadata"]["name"].as_str().unwrap().to_owned();
            (name, service.pool.clone().unwrap_or_default())
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
                } else {
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
        if name.starts_with("service/") {
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
