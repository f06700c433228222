//! Items with the same key in one list: what `render` warns of is what a server-side apply refuses.

use http::Request;
use largescale::core::live::duplicate_items;
use serde_json::{Value, json};

use crate::control_plane::ApiServer;
use crate::mutations::{Verdict, post, resources};
use crate::real_server::as_administrator;

/// Whether a create accepts the object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Create {
    Accepts,
    Refuses,
}

/// Objects, each with what a create does with it.
type Cases = Vec<(Create, Value)>;

/// Returns objects with the same key twice in one list, and others.
fn objects() -> (Cases, Cases) {
    let container = |field: &str, list: Value| {
        let mut container = json!({"name": "a", "image": "b"});
        container[field] = list;
        json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a", "namespace": "default"},
            "spec": {"containers": [container], "volumes": [{"name": "v", "emptyDir": {}}]}})
    };
    let pod = |field: &str, list: Value| {
        let mut pod = container("env", json!([]));
        pod["spec"][field] = list;
        pod
    };
    let metadata = |field: &str, list: Value| {
        let mut object = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "namespace": "default"}});
        object["metadata"][field] = list;
        object
    };
    let deployment = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "a", "namespace": "default"},
        "spec": {"selector": {"matchLabels": {"a": "b"}}, "template": {"metadata": {"labels": {"a": "b"}},
            "spec": {"containers": [{"name": "a", "image": "b", "env": [{"name": "A"}, {"name": "A", "value": "1"}]}]}}}});
    let account = json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "a", "namespace": "default"},
        "secrets": [{"name": "a"}, {"name": "a"}]});
    let spread = |skew: [i64; 2], key: [&str; 2]| {
        let constraint = |index: usize| {
            json!({"maxSkew": skew[index], "topologyKey": key[index],
            "whenUnsatisfiable": "DoNotSchedule", "labelSelector": {"matchLabels": {"a": "b"}}})
        };
        pod("topologySpreadConstraints", json!([constraint(0), constraint(1)]))
    };
    let service = |ports: Value| {
        json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a", "namespace": "default"},
        "spec": {"ports": ports}})
    };
    let duplicates = vec![
        (Create::Accepts, deployment),
        (Create::Accepts, account),
        (Create::Accepts, container("env", json!([{"name": "A"}, {"name": "B"}, {"name": "A"}]))),
        (
            Create::Accepts,
            container(
                "ports",
                json!([{"containerPort": 80}, {"containerPort": 80, "protocol": "TCP", "name": "b"}]),
            ),
        ),
        (
            Create::Accepts,
            pod("hostAliases", json!([{"ip": "192.0.2.1"}, {"ip": "192.0.2.1", "hostnames": ["a"]}])),
        ),
        (Create::Accepts, pod("imagePullSecrets", json!([{"name": "a"}, {"name": "a"}]))),
        (
            Create::Refuses,
            container(
                "volumeMounts",
                json!([{"name": "v", "mountPath": "/a"}, {"name": "v", "mountPath": "/a"}]),
            ),
        ),
        (Create::Refuses, spread([1, 2], ["a", "a"])),
        (Create::Refuses, service(json!([{"port": 80, "name": "a"}, {"port": 80, "name": "b"}]))),
        (Create::Accepts, metadata("finalizers", json!(["a.example/b", "a.example/b"]))),
    ];
    let others = vec![
        (
            Create::Accepts,
            container("ports", json!([{"containerPort": 80}, {"containerPort": 80, "protocol": "UDP"}])),
        ),
        (Create::Accepts, container("command", json!(["a", "a"]))),
        (
            Create::Accepts,
            container("envFrom", json!([{"configMapRef": {"name": "a"}}, {"configMapRef": {"name": "a"}}])),
        ),
        (
            Create::Accepts,
            pod(
                "tolerations",
                json!([{"key": "a", "operator": "Exists"}, {"key": "a", "operator": "Exists"}]),
            ),
        ),
        (Create::Accepts, spread([1, 1], ["a", "b"])),
        (
            Create::Accepts,
            service(json!([{"port": 80, "name": "a"}, {"port": 80, "name": "b", "protocol": "UDP"}])),
        ),
    ];
    (duplicates, others)
}

#[test]
fn a_server_side_apply_refuses_the_same_duplicates() {
    let Some(server) = ApiServer::shared() else { return };
    let (duplicates, others) = objects();
    let answers = as_administrator(server, async |client| {
        let resources = resources(&client).await;
        let mut answers = Vec::new();
        for (create, object) in duplicates.iter().chain(&others) {
            let kind =
                format!("{} {}", object["apiVersion"].as_str().unwrap(), object["kind"].as_str().unwrap());
            let (base, _) = &resources[&kind];
            let (version, plural) = base.rsplit_once('/').unwrap();
            let path = format!("{version}/namespaces/default/{plural}");
            let created = post(&client, &format!("{path}?dryRun=All"), object).await;
            let applied =
                apply(&client, &format!("{path}/a?dryRun=All&fieldManager=test&force=true"), object).await;
            answers.push((object.clone(), *create, created, applied));
        }
        answers
    });
    let mut wrong = Vec::new();
    for (object, create, created, applied) in answers {
        let has_duplicates = !duplicate_items(&object).is_empty();
        let is_refused = applied.as_ref().is_err_and(|message| message.contains("duplicate entries for key"));
        let is_expected = has_duplicates == duplicates.iter().any(|(_, duplicate)| *duplicate == object)
            && has_duplicates == is_refused
            && (created == Verdict::Accepted) == (create == Create::Accepts);
        if !is_expected {
            wrong.push(format!(
                "{object}\n  duplicates: {has_duplicates}, created: {created:?}, applied: {applied:?}"
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Returns the message of a refused server-side apply.
async fn apply(client: &kube::Client, path: &str, object: &Value) -> Result<(), String> {
    let request = Request::patch(path).header("Content-Type", "application/apply-patch+yaml");
    match client.request::<Value>(request.body(object.to_string().into_bytes()).unwrap()).await {
        Ok(_) => Ok(()),
        Err(kube::Error::Api(status)) => Err(status.message.clone()),
        Err(error) => panic!("{path}: {error}"),
    }
}
