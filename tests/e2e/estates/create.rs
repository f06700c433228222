//! Creates the objects of an estate as their authors did.

use serde_json::{Map, Value, json};

use crate::control_plane::ControlPlane;
use crate::estates::forms::put;
use crate::estates::generate::{Creator, Estate};
use crate::estates::selecting;

const LAST_APPLIED: &str = "/metadata/annotations/kubectl.kubernetes.io~1last-applied-configuration";
pub(crate) const SERVICES: &str = "services";

/// Returns the API path of an object in a namespace, or of a list.
pub(crate) fn path(namespace: &str, api_version: &str, below: &str) -> String {
    let root = if api_version.contains('/') { "apis" } else { "api" };
    format!("/{root}/{api_version}/namespaces/{namespace}/{below}")
}

/// Creates all objects as their authors did.
pub(crate) fn create(plane: &ControlPlane, estate: &Estate) {
    for object in &estate.selecting {
        create_by(plane, &selecting::list(object), object, Creator::ClientSideApply);
    }
    for service in &estate.services {
        let list = path(&service.namespace, "v1", SERVICES);
        create_by(plane, &list, &service.object, service.by);
        let name = service.object["metadata"]["name"].as_str().unwrap();
        let added: Map<String, Value> =
            service.controller.iter().map(|(key, value)| ((*key).to_owned(), (*value).into())).collect();
        if !added.is_empty() {
            let change = json!({"metadata": {"annotations": added}});
            send(plane, "PATCH", &format!("{list}/{name}?fieldManager=controller"), MERGE, &change);
        }
    }
    for namespace in &estate.namespaces {
        let list = path(namespace, "apps/v1", "deployments");
        create_by(plane, &list, &estate.workload, estate.workload_by);
    }
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

/// Returns the objects of the namespaces as `kubectl get services,deployments -o json` prints them, and those that select nodes.
pub(crate) fn dump(plane: &ControlPlane, estate: &Estate) -> Value {
    let with_type = |namespace: &str, api_version: &str, kind: &str, list: &str| -> Vec<Value> {
        let mut items = plane.list(&path(namespace, api_version, list));
        for item in &mut items {
            item["apiVersion"] = api_version.into();
            item["kind"] = kind.into();
            item["metadata"].as_object_mut().unwrap().remove("managedFields");
        }
        items
    };
    let mut items = Vec::new();
    for namespace in &estate.namespaces {
        items.extend(with_type(namespace, "v1", "Service", SERVICES));
        items.extend(with_type(namespace, "apps/v1", "Deployment", "deployments"));
    }
    let paths = estate.selecting.iter().map(|object| {
        format!("{}/{}", selecting::list(object), object["metadata"]["name"].as_str().unwrap())
    });
    items.extend(paths.map(|path| plane.get(&path).unwrap()));
    json!({"apiVersion": "v1", "kind": "List", "items": items})
}
