//! Compares the verdicts of `render` with those of an API server, for objects that were changed in one field each.
//!
//! The objects are those of `tests/charts`. The program must not refuse an object that the server accepts in a dry run.
//! `mutations.txt` lists the objects that the server refuses and the program accepts; `UPDATE_MUTATIONS=1` rewrites it.
//!
//! The server accepts more than older versions: the gates `RelaxedDNSSearchValidation`,
//! `RelaxedEnvironmentVariableValidation` and `RelaxedServiceNameValidation` are on in Kubernetes 1.36. A second server has all alpha features on.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::Arc;

use http::Request;
use largescale::core::manifest::validate;
use largescale::core::report::diagnostic::Location;
use largescale::core::yaml;
use serde_json::{Map, Value, json};

use crate::control_plane::ApiServer;
use crate::real_server::as_administrator;

/// Requests in flight.
const WORKERS: usize = 16;

/// Fields that are not changed: the identity of the object, which other tests change.
const IDENTITY: &[&str] = &["/apiVersion", "/kind", "/metadata/name", "/metadata/namespace", "/status"];

/// Changes that the server refuses, but not in a dry run, which allocates no port of the nodes.
const NOT_IN_A_DRY_RUN: &[[&str; 2]] = &[["v1 Service", "spec.ports.*.nodePort"]];

/// A changed object, and how it was changed.
struct Mutation {
    /// The kind, the field and the change.
    title: [String; 3],
    object: Value,
    /// The path of the collection on the server.
    path: Arc<str>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Accepted,
    Refused(String),
    /// The answer depends on the cluster, such as a missing `PriorityClass`.
    Unknown,
}

#[test]
fn the_server_refuses_whatever_the_program_refuses() {
    let Some(server) = ApiServer::shared() else { return };
    let compared = compare(server);
    assert!(
        compared.false_refusals.is_empty(),
        "refused, but the server accepts:\n{}",
        compared.false_refusals.join("\n")
    );
    assert!(compared.refused_by_both > 3_000, "only {} were refused by both", compared.refused_by_both);
    let path = file("tests/cluster/mutations.txt");
    let found = compared.list();
    if std::env::var_os("UPDATE_MUTATIONS").is_some() {
        std::fs::write(&path, &found).unwrap();
    }
    let known = std::fs::read_to_string(&path).unwrap();
    assert!(
        known == found,
        "tests/cluster/mutations.txt has changed; UPDATE_MUTATIONS=1 rewrites it:\n{}",
        difference(&known, &found)
    );
}

#[test]
fn a_server_with_all_features_refuses_it_too() {
    let Some(server) = ApiServer::with_all_features() else { return };
    let compared = compare(server);
    assert!(
        compared.false_refusals.is_empty(),
        "refused, but the server accepts:\n{}",
        compared.false_refusals.join("\n")
    );
}

/// The result of a comparison.
#[derive(Default)]
struct Compared {
    false_refusals: Vec<String>,
    refused_by_both: usize,
    /// Kind and field, and the changes that only the server refuses.
    lenient: BTreeMap<[String; 2], BTreeSet<String>>,
}

impl Compared {
    fn list(&self) -> String {
        let mut out = "# Changes that the API server refuses and `render` does not: kind, field, changes. UPDATE_MUTATIONS=1 writes this file.\n".to_owned();
        for ([kind, field], changes) in &self.lenient {
            let changes: Vec<&str> = changes.iter().map(String::as_str).collect();
            writeln!(out, "{kind} {field}: {}", changes.join(", ")).unwrap();
        }
        out
    }
}

fn compare(server: &ApiServer) -> Compared {
    let mutations = as_administrator(server, async |client| {
        let resources = resources(&client).await;
        let mut seen = BTreeSet::new();
        let mut mutations = Vec::new();
        for object in charts() {
            let Some(path) = collection(&resources, &object) else { continue };
            let namespace = &object["metadata"]["namespace"];
            if namespace.is_string() {
                let namespace =
                    json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}});
                let _ = post(&client, "/api/v1/namespaces", &namespace).await;
            }
            mutate(&object, &kind_of(&object), &path.into(), &mut seen, &mut mutations);
        }
        mutations
    });
    let mutations = Arc::new(mutations);
    let verdicts = as_administrator(server, async |client| {
        let workers: Vec<_> = (0..WORKERS)
            .map(|worker| {
                let (client, mutations) = (client.clone(), Arc::clone(&mutations));
                tokio::spawn(async move {
                    let mut verdicts = Vec::new();
                    for number in (worker..mutations.len()).step_by(WORKERS) {
                        let mutation = &mutations[number];
                        verdicts.push((number, post(&client, &mutation.path, &mutation.object).await));
                    }
                    verdicts
                })
            })
            .collect();
        let mut all = Vec::new();
        for worker in workers {
            all.extend(worker.await.unwrap());
        }
        all
    });
    let mut compared = Compared::default();
    for (number, verdict) in verdicts {
        let Mutation { title: [kind, field, change], object, .. } = &mutations[number];
        let problems = validate(object, |at| Location::file(at));
        match (verdict, problems.first()) {
            (Verdict::Accepted, Some(_)) if NOT_IN_A_DRY_RUN.contains(&[kind.as_str(), field.as_str()]) => {}
            (Verdict::Accepted, Some(problem)) => {
                compared.false_refusals.push(format!("{kind} {field}: {change}: {problem}"));
            }
            (Verdict::Refused(_), None) => {
                compared.lenient.entry([kind.clone(), field.clone()]).or_default().insert(change.clone());
            }
            (Verdict::Refused(_), Some(_)) => compared.refused_by_both += 1,
            _ => {}
        }
    }
    compared.false_refusals.sort();
    compared
}

fn kind_of(object: &Value) -> String {
    format!("{} {}", text(&object["apiVersion"]), text(&object["kind"]))
}

/// Returns the path to which a new object is sent in a dry run; `None` if the server has no such kind.
pub(crate) fn collection(resources: &BTreeMap<String, (String, bool)>, object: &Value) -> Option<String> {
    let (base, is_namespaced) = resources.get(&kind_of(object))?;
    let (version, plural) = base.rsplit_once('/')?;
    let namespace = text(&object["metadata"]["namespace"]);
    let path =
        if *is_namespaced { format!("{version}/namespaces/{namespace}/{plural}") } else { base.clone() };
    Some(format!("{path}?dryRun=All&fieldValidation=Strict"))
}

/// Returns the path and the scope of each kind.
pub(crate) async fn resources(client: &kube::Client) -> BTreeMap<String, (String, bool)> {
    let get = async |path: String| {
        let request = Request::get(path).body(Vec::new()).unwrap();
        client.request::<Value>(request).await.unwrap()
    };
    let mut versions = vec![("v1".to_owned(), "/api/v1".to_owned())];
    for group in get("/apis".to_owned()).await["groups"].as_array().unwrap() {
        for version in group["versions"].as_array().unwrap() {
            let version = text(&version["groupVersion"]);
            versions.push((version.to_owned(), format!("/apis/{version}")));
        }
    }
    let mut resources = BTreeMap::new();
    for (version, path) in versions {
        for resource in get(path.clone()).await["resources"].as_array().unwrap() {
            let name = text(&resource["name"]);
            if !name.contains('/') {
                let kind = format!("{version} {}", text(&resource["kind"]));
                resources.insert(kind, (format!("{path}/{name}"), resource["namespaced"] == true));
            }
        }
    }
    resources
}

pub(crate) async fn post(client: &kube::Client, path: &str, object: &Value) -> Verdict {
    let request =
        Request::post(path).header("Content-Type", "application/json").body(object.to_string().into_bytes());
    match client.request::<Value>(request.unwrap()).await {
        Ok(_) => Verdict::Accepted,
        Err(kube::Error::Api(status)) if matches!(status.code, 400 | 422) => {
            Verdict::Refused(status.message.clone())
        }
        Err(kube::Error::Api(_)) => Verdict::Unknown,
        Err(error) => panic!("{path}: {error}"),
    }
}

/// Returns the objects of the charts.
fn charts() -> Vec<Value> {
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(file("tests/charts")).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let documents = files.iter().flat_map(|path| {
        let text = std::fs::read_to_string(path).unwrap();
        yaml::read(&path.display().to_string(), &text).unwrap()
    });
    documents.map(|document| document.value).collect()
}

/// Adds the object itself, and the object with each change of each field. A field of a kind is changed once.
fn mutate(
    object: &Value,
    kind: &str,
    path: &Arc<str>,
    seen: &mut BTreeSet<[String; 3]>,
    mutations: &mut Vec<Mutation>,
) {
    let name = text(&object["metadata"]["name"]);
    mutations.push(Mutation {
        title: [kind.to_owned(), name.to_owned(), "none".to_owned()],
        object: object.clone(),
        path: Arc::clone(path),
    });
    let mut fields = Vec::new();
    walk(object, "", &mut fields);
    for at in fields {
        if at == "/metadata" || IDENTITY.iter().any(|field| at.starts_with(field)) {
            continue;
        }
        for (change, value) in changes(object.pointer(&at).unwrap()) {
            // Lists have the same fields in each item.
            let field: Vec<&str> = at
                .split('/')
                .skip(1)
                .map(|key| if key.parse::<usize>().is_ok() { "*" } else { key })
                .collect();
            let title = [kind.to_owned(), field.join("."), change.to_owned()];
            if seen.insert(title.clone()) {
                let object = replaced(object, &at, value);
                mutations.push(Mutation { title, object, path: Arc::clone(path) });
            }
        }
    }
}

/// Adds the pointers of all values below the root.
fn walk(value: &Value, at: &str, fields: &mut Vec<String>) {
    if !at.is_empty() {
        fields.push(at.to_owned());
    }
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                walk(value, &format!("{at}/{}", key.replace('~', "~0").replace('/', "~1")), fields);
            }
        }
        Value::Array(list) => {
            for (index, value) in list.iter().enumerate() {
                walk(value, &format!("{at}/{index}"), fields);
            }
        }
        _ => {}
    }
}

/// Returns changes of a value, by name; `None` removes it.
fn changes(value: &Value) -> Vec<(&'static str, Option<Value>)> {
    let mut changes = vec![("absent", None), ("null", Some(Value::Null))];
    let mut add = |name, value: Value| changes.push((name, Some(value)));
    match value {
        Value::String(text) => {
            add("a number", json!(7));
            add("empty", json!(""));
            add("odd characters", json!("Bad_Value!"));
            add("a slash", json!("a/b/c"));
            add("digits", json!("8080"));
            add("long", json!("a".repeat(300)));
            add("64 letters", json!("a".repeat(64)));
            add("lower case", json!(text.to_lowercase()));
            add("upper case", json!(text.to_uppercase()));
            add("a dash at the end", json!(format!("{text}-")));
            add("a list", json!([text]));
        }
        Value::Number(_) => {
            add("-1", json!(-1));
            add("0", json!(0));
            add("1", json!(1));
            add("101", json!(101));
            add("70000", json!(70000));
            add("3000000000", json!(3_000_000_000_u64));
            add("1.5", json!(1.5));
            add("digits", json!("5"));
            add("a percentage", json!("150%"));
            add("a word", json!("word"));
        }
        Value::Bool(flag) => {
            add("a string", json!("true"));
            add("the other", json!(!flag));
        }
        Value::Array(list) => {
            add("empty", json!([]));
            add("a map", json!({"a": "b"}));
            let twice: Vec<Value> = list.iter().chain(list.first()).cloned().collect();
            add("the first item twice", json!(twice));
            let empty: Vec<Value> = list.iter().cloned().chain([json!({})]).collect();
            add("an empty item", json!(empty));
        }
        Value::Object(map) => {
            add("empty", json!({}));
            add("a list", json!([]));
            add("a string", json!("x"));
            for (name, key, value) in [
                ("an unknown field", "unknownField", json!({"a": 1})),
                ("an odd key", "odd key!", json!("x")),
                ("a number in it", "a", json!(1)),
            ] {
                let mut more: Map<String, Value> = map.clone();
                more.insert(key.to_owned(), value);
                add(name, more.into());
            }
        }
        Value::Null => {}
    }
    changes
}

/// Returns an object with another value at a pointer, or without it.
fn replaced(object: &Value, at: &str, value: Option<Value>) -> Value {
    let mut object = object.clone();
    let (parent, key) = at.rsplit_once('/').unwrap();
    let key = key.replace("~1", "/").replace("~0", "~");
    match (object.pointer_mut(parent).unwrap(), value) {
        (Value::Object(map), Some(value)) => drop(map.insert(key, value)),
        (Value::Object(map), None) => drop(map.remove(&key)),
        (Value::Array(list), Some(value)) => list[key.parse::<usize>().unwrap()] = value,
        (Value::Array(list), None) => drop(list.remove(key.parse().unwrap())),
        _ => unreachable!("a parent is a collection"),
    }
    object
}

fn difference(known: &str, found: &str) -> String {
    let (known, found): (BTreeSet<&str>, BTreeSet<&str>) = (known.lines().collect(), found.lines().collect());
    let gone = known.difference(&found).map(|line| format!("-{line}\n"));
    gone.chain(found.difference(&known).map(|line| format!("+{line}\n"))).collect()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn file(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(path)
}
