//! Answers of a server with fields of a wrong type: each is an error that names the request, the server and the field.

use largescale::cluster::{ApiCall, DryRun, Force, ObjectRef};
use largescale::core::live::Resource;
use serde_json::{Value, json};

use crate::fake_server::{FakeServer, Reply, Seen};
use crate::node_pages::page_of_nodes;
use crate::program::Project;
use crate::setup::{cluster, shown};

fn service() -> ObjectRef {
    let resource = Resource::core("Service", "services");
    ObjectRef { resource, namespace: "web".to_owned(), name: "a".to_owned() }
}

#[track_caller]
fn check(call: &ApiCall, body: &Value, expected: &str) {
    let server = FakeServer::always(Reply::json(200, body.to_string()));
    let message = shown(cluster(&server).call(call));
    let wanted =
        format!("at {}: the response is invalid: {expected}\nhint: check that this is", server.url());
    assert!(message.contains(&wanted), "{body}\n{message}");
}

#[test]
fn objects() {
    let apply = ApiCall::Apply {
        at: service(),
        body: json!({}),
        manager: "m",
        force: Force::Never,
        dry_run: DryRun::None,
    };
    let object = |metadata: Value| json!({"apiVersion": "v1", "kind": "Service", "metadata": metadata});
    let texts = "an object whose values are strings";
    for call in [ApiCall::Get(service()), apply] {
        for (metadata, expected) in [
            (json!(null), "metadata is null, expected an object".to_owned()),
            (json!({"name": 7}), "metadata.name is a number, expected a string that is not empty".to_owned()),
            (json!({"name": "a", "labels": ["x"]}), format!("metadata.labels is a list, expected {texts}")),
            (
                json!({"name": "a", "annotations": {"x": 1}}),
                "metadata.annotations[] is a number, expected a string".to_owned(),
            ),
            (
                json!({"name": "a", "deletionTimestamp": true}),
                "metadata.deletionTimestamp is a boolean, expected a string".to_owned(),
            ),
            (
                json!({"name": "a", "namespace": "x"}),
                "metadata.namespace is another value, expected web".to_owned(),
            ),
            (
                json!({"name": "b", "namespace": "web"}),
                "metadata.name is another value, expected a".to_owned(),
            ),
        ] {
            check(&call, &object(metadata), &expected);
        }
    }
}

#[test]
fn lists() {
    let services = Resource::core("Service", "services");
    let call = ApiCall::list(services, Some("web".to_owned()), None);
    let valid = json!({"metadata": {"name": "a", "namespace": "web"}});
    let invalid = json!({"metadata": {"name": "a", "namespace": "web", "managedFields": {"x": []}}});
    for (items, expected) in [
        (json!([7]), "items[0] is a number, expected an object"),
        (json!([valid, null]), "items[1] is null, expected an object"),
        (json!([valid, {"metadata": "x"}]), "items[1].metadata is a string, expected an object"),
        (json!([valid, invalid]), "items[1].metadata.managedFields is an object, expected a list of objects"),
        (
            json!([{"kind": "Secret", "metadata": {"name": "a"}}]),
            "items[0].kind is another value, expected Service",
        ),
        (
            json!([{"metadata": {"name": "a", "namespace": "x"}}]),
            "items[0].metadata.namespace is another value, expected web",
        ),
    ] {
        check(
            &call,
            &json!({"apiVersion": "v1", "kind": "ServiceList", "metadata": {}, "items": items}),
            expected,
        );
    }
}

#[test]
fn kinds_and_groups() {
    let resources = ApiCall::Resources { group: String::new(), version: "v1".to_owned() };
    let list =
        |resources: Value| json!({"kind": "APIResourceList", "groupVersion": "v1", "resources": resources});
    check(&resources, &list(json!({"a": 1})), "resources is an object, expected a list of objects");
    check(
        &resources,
        &list(json!([{"name": "pods"}])),
        "resources[0].kind is null, expected a string that is not empty",
    );
    let groups = json!({"kind": "APIGroupList", "groups": [{"name": "apps", "preferredVersion": "v1"}]});
    check(
        &ApiCall::Groups,
        &groups,
        "groups[0].preferredVersion.version is null, expected a string that is not empty",
    );
}

/// A cluster with one pool that serves Services and ConfigMaps, whose Services are these items.
fn answer(seen: &Seen, services: &Value) -> Reply {
    let path = seen.line.trim_start_matches("GET ").split('?').next().unwrap_or_default();
    let kind = |name: &str, kind: &str| json!({"name": name, "kind": kind, "namespaced": true});
    let body = match path {
        "/api/v1/nodes" => return page_of_nodes(1, seen),
        "/api/v1/namespaces/kube-system" => {
            json!({"kind": "Namespace", "metadata": {"name": "kube-system", "uid": "u"}})
        }
        "/api/v1" => json!({"kind": "APIResourceList", "groupVersion": "v1",
            "resources": [kind("services", "Service"), kind("configmaps", "ConfigMap")]}),
        path if path.ends_with("/services") => {
            json!({"kind": "ServiceList", "metadata": {}, "items": services})
        }
        path if path.ends_with("/configmaps") => {
            json!({"kind": "ConfigMapList", "metadata": {}, "items": services})
        }
        path if path.ends_with("/secrets") => json!({"kind": "SecretList", "metadata": {}, "items": []}),
        path if path.contains("/services/") => match services.get(0) {
            Some(Value::Object(service)) => {
                let mut service = service.clone();
                service
                    .extend([("apiVersion".to_owned(), "v1".into()), ("kind".to_owned(), "Service".into())]);
                service.into()
            }
            _ => json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": 7}}),
        },
        _ => {
            let missing = json!({"kind": "Status", "status": "Failure", "reason": "NotFound", "code": 404,
                "message": "not found", "details": {"name": "web", "kind": "configmaps"}});
            return Reply::json(404, missing.to_string());
        }
    };
    Reply::json(200, body.to_string())
}

#[test]
fn every_command_that_reads_live_objects_reports_them() {
    let project = Project::new();
    let flags = |server: &FakeServer| ["--server".to_owned(), server.url(), "-n=web".to_owned()];
    let healthy = FakeServer::start(|_, seen| answer(seen, &json!([])));
    let rendered = project.run(&["render", "--server", &healthy.url()]);
    assert_eq!(rendered.code, Some(0), "{}", rendered.err);
    let labels = json!([{"metadata": {"name": "web-pool0", "namespace": "web", "labels": ["x"]}}]);
    for items in [json!([7]), json!([null]), labels, json!([{"metadata": {"name": ["x"]}}])] {
        let shown = items.clone();
        let server = FakeServer::start(move |_, seen| answer(seen, &items));
        for command in [
            "status",
            "diff --live",
            "apply --dry-run client",
            "apply --yes",
            "prune --dry-run",
            "inventory view",
            "inventory verify",
            "inventory adopt --dry-run",
            "inventory disband --dry-run",
            "inventory list",
        ] {
            let flags = flags(&server);
            let arguments: Vec<&str> = command.split(' ').chain(flags.iter().map(String::as_str)).collect();
            let run = project.run(&arguments);
            let errors: Vec<&str> = run.err.lines().filter(|line| line.starts_with("error: ")).collect();
            assert_eq!(run.code, Some(4), "{command} {shown}\n{}{}", run.out, run.err);
            assert_eq!(errors.len(), 1, "{command} {shown}\n{}", run.err);
            assert!(errors[0].contains(": the response is invalid: "), "{command} {shown}\n{}", run.err);
        }
        let writes = server.seen().into_iter().filter(|seen| !seen.line.starts_with("GET ")).count();
        assert_eq!(writes, 0, "{shown}: something was changed");
    }
}
