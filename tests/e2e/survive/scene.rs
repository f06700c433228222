//! A rendered project in a cluster with foreign objects, and the four assertions of these tests.

use std::collections::BTreeMap;
use std::fs;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use largescale::core::tree::objects;
use serde_json::{Value, json};

use super::told::{Told, told, total};
use crate::app::App;
use crate::control_plane::ControlPlane;
use crate::proxy::Proxy;
use crate::run::Run;

/// An app, and foreign objects next to its own.
pub(crate) struct Scene<'a> {
    pub(crate) plane: &'a ControlPlane,
    pub(crate) app: App<'a>,
    /// Paths of foreign objects, with the resourceVersion that they must keep.
    strangers: Vec<(String, Value)>,
}

/// The state before a run: the UID of each of our objects.
pub(crate) struct Before(BTreeMap<String, Value>);

/// A desired object.
struct Wanted {
    key: String,
    path: String,
    value: Value,
}

impl<'a> Scene<'a> {
    /// Returns a rendered project that has not been applied.
    #[track_caller]
    pub(crate) fn rendered(plane: &'a ControlPlane, name: &str) -> Self {
        Self::with(plane, App::rendered(plane, name))
    }

    /// Returns an applied project with nothing left to do.
    #[track_caller]
    pub(crate) fn applied(plane: &'a ControlPlane, name: &str) -> Self {
        let scene = Self::rendered(plane, name);
        scene.app.run(&["apply"]).ok();
        scene
    }

    /// Creates foreign objects next to an app. One has a copy of our label, one belongs to another ApplySet.
    #[track_caller]
    pub(crate) fn with(plane: &'a ControlPlane, app: App<'a>) -> Self {
        let named = |kind: &str, name: &str, labels: Value| json!({"apiVersion": "v1", "kind": kind, "metadata": {"name": name, "labels": labels}});
        let part_of = "applyset.kubernetes.io/part-of";
        let mut service = named("Service", "stranger", json!({"app": "web"}));
        service["spec"] = json!({"ports": [{"port": 80}]});
        let made = [
            ("configmaps", named("ConfigMap", "stranger", json!({}))),
            ("configmaps", named("ConfigMap", "copied", json!({part_of: set_id(&app.namespace)}))),
            ("configmaps", named("ConfigMap", "of-another-set", json!({part_of: "applyset-other-v1"}))),
            ("secrets", named("Secret", "stranger", json!({}))),
            ("services", service),
        ];
        let strangers = made.map(|(resource, object)| {
            let path = app.path("v1", resource);
            let name = object["metadata"]["name"].as_str().unwrap();
            let made = plane.create(&path, &object);
            (format!("{path}/{name}"), made["metadata"]["resourceVersion"].clone())
        });
        Self { plane, app, strangers: strangers.into() }
    }

    /// Adds a foreign object.
    #[track_caller]
    pub(crate) fn add_stranger(&mut self, path: &str) {
        let live = self.plane.get(path).unwrap_or_else(|| panic!("there is no {path}"));
        self.strangers.push((path.to_owned(), live["metadata"]["resourceVersion"].clone()));
    }

    /// Changes the text in the `ConfigMap` and renders, without applying.
    #[track_caller]
    pub(crate) fn greet(&self, from: &str, to: &str) {
        self.app.edit("web.yaml", &format!("greeting: {from}\n"), &format!("greeting: {to}\n"));
        self.app.run(&["render"]).ok();
    }

    /// Removes the `ConfigMap` from the tree, so that it is to be pruned.
    #[track_caller]
    pub(crate) fn forget_the_config_map(&self) {
        let text = fs::read_to_string(self.app.directory().join("web.yaml")).unwrap();
        let (rest, config) = text.rsplit_once("---\n").unwrap();
        assert!(config.contains("kind: ConfigMap"), "{config}");
        self.app.write("web.yaml", rest);
        self.app.run(&["render"]).ok();
    }

    /// Returns the current state.
    pub(crate) fn before(&self) -> Before {
        let uid = |wanted: &Wanted| Some((wanted.key.clone(), self.live(wanted)?["metadata"]["uid"].clone()));
        Before(self.wanted().iter().filter_map(uid).collect())
    }

    /// Runs the program through a proxy and asserts all four; `again` is the command that completes the work.
    #[track_caller]
    pub(crate) fn survives(&self, proxy: &Proxy, arguments: &[&str], again: &[&str]) -> Run {
        let before = self.before();
        let run = self.app.run_through(proxy, arguments);
        self.is_told(&before, &run);
        self.converges(again);
        run
    }

    /// Asserts that foreign objects were not touched, that the report is true, and that the exit code is 0 only
    /// if all is done.
    #[track_caller]
    pub(crate) fn is_told(&self, before: &Before, run: &Run) {
        self.leaves_strangers_alone(run);
        let wanted = self.wanted();
        let keys: Vec<String> = wanted.iter().map(|wanted| wanted.key.clone()).collect();

        let parent = format!("configmap/{0}/{0}", self.app.namespace);
        let told = told(run, &[&keys[..], &[parent]].concat());
        for Wanted { key, path, value } in &wanted {
            let live = self.plane.get(path);
            let is_done = live.as_ref().is_some_and(|live| holds(live, value) && self.is_member(live));
            let was = before.0.get(key);
            let is_the_same = live.as_ref().map(|live| &live["metadata"]["uid"]) == was;
            let is_true = match told.get(key) {
                Some(Told::Created) => is_done && !is_the_same,
                Some(Told::Configured | Told::Unchanged) => is_done && is_the_same,
                Some(Told::Failed | Told::NotApplied) => !is_done,
                Some(Told::Pruned) => false,
                Some(Told::Unknown) => true,
                // `prune` does not report objects that stay.
                None => total(run).is_none() || !keys.iter().any(|key| told.contains_key(key)),
            };
            assert!(is_true, "{key} is reported as {:?}, and is {live:?}: {run:?}", told.get(key));
            assert!(is_done || run.code != Some(0), "{key} is not done, and the exit code is 0: {run:?}");
        }
        for (key, what) in told.iter().filter(|(key, _)| !keys.contains(key)) {
            let path = path_of(key);
            let live = self.plane.get(&path);
            let is_gone = live.is_none_or(|live| !live["metadata"]["deletionTimestamp"].is_null());
            let is_true = match what {
                Told::Pruned => is_gone,
                Told::NotApplied | Told::Failed => !is_gone,
                Told::Unknown => true,
                Told::Created | Told::Configured | Told::Unchanged => false,
            };
            assert!(is_true, "{key} has left the tree and is reported as {what:?}: {run:?}");
        }
        let done = [Told::Created, Told::Configured, Told::Unchanged, Told::Pruned];
        let is_all = total(run).is_some() && told.values().all(|what| done.contains(what));
        assert!(is_all || run.code != Some(0), "not all is done: {run:?}");
    }

    /// Asserts that a second run completes the work, and that a third has nothing to do and writes nothing.
    #[track_caller]
    pub(crate) fn converges(&self, again: &[&str]) {
        let second = self.app.run(again);
        assert_eq!(second.code, Some(0), "a second run does not complete the work: {second:?}");
        let proxy = Proxy::passing(self.plane);
        let before = self.before();
        let third = self.app.run_through(&proxy, again);
        assert_eq!(third.code, Some(0), "{third:?}");
        assert!(third.out.lines().all(|line| line.ends_with(" unchanged")), "{third:?}");
        assert_eq!(third.out.lines().count(), self.wanted().len(), "{third:?}");
        self.is_told(&before, &third);
        assert!(proxy.writes().is_empty(), "nothing was left to do: {:?}", proxy.writes());
    }

    /// Asserts that the foreign objects have not changed.
    #[track_caller]
    pub(crate) fn leaves_strangers_alone(&self, run: &Run) {
        for (path, version) in &self.strangers {
            let live = self.plane.get(path).unwrap_or_default();
            assert_eq!(live["metadata"]["resourceVersion"], *version, "{path} is not ours: {live}: {run:?}");
        }
    }

    /// Returns the desired objects of the tree, with their paths.
    fn wanted(&self) -> Vec<Wanted> {
        let mut wanted = Vec::new();
        for entry in fs::read_dir(self.app.directory().join("rendered")).unwrap() {
            let text = fs::read_to_string(entry.unwrap().path()).unwrap();
            for objects::Desired { mut key, mut value, .. } in objects::read_file("tree", &text).unwrap() {
                let is_wide = ["Namespace", "CustomResourceDefinition"].contains(&key.kind.as_str());
                if !is_wide && key.namespace.is_empty() {
                    key.namespace.clone_from(&self.app.namespace);
                }
                encode(&mut value);
                let path = path(value["apiVersion"].as_str().unwrap(), &key.kind, &key.namespace, &key.name);
                wanted.push(Wanted { key: key.to_string(), path, value });
            }
        }
        wanted
    }

    fn live(&self, wanted: &Wanted) -> Option<Value> {
        self.plane.get(&wanted.path)
    }

    fn is_member(&self, live: &Value) -> bool {
        live["metadata"]["labels"]["applyset.kubernetes.io/part-of"] == set_id(&self.app.namespace)
    }
}

/// Returns the ID of the ApplySet that an app has in its own namespace, according to the protocol.
pub(crate) fn set_id(name: &str) -> String {
    largescale::core::apply::ApplySet { name: name.to_owned(), namespace: name.to_owned() }.id()
}

fn path(api_version: &str, kind: &str, namespace: &str, name: &str) -> String {
    let root = if api_version.contains('/') { "apis" } else { "api" };
    let location = if namespace.is_empty() { String::new() } else { format!("namespaces/{namespace}/") };
    format!("/{root}/{api_version}/{location}{}s/{name}", kind.to_lowercase())
}

/// Returns the path of one of our objects that left the tree; supports only the kinds that these tests prune.
fn path_of(key: &str) -> String {
    let parts: Vec<&str> = key.split('/').collect();
    let [kind, namespace, name] = parts[..] else { panic!("{key} is in no namespace") };
    path("v1", kind, namespace, name)
}

/// Encodes `stringData` of a Secret into `data`, as the server does.
fn encode(object: &mut Value) {
    for (name, text) in object["stringData"].take().as_object().into_iter().flatten() {
        object["data"][name] = STANDARD.encode(text.as_str().unwrap()).into();
    }
    object.as_object_mut().unwrap().remove("stringData");
}

/// Returns whether all desired fields are there, whatever else is.
fn holds(live: &Value, wanted: &Value) -> bool {
    match (live, wanted) {
        (Value::Object(live), Value::Object(wanted)) => {
            wanted.iter().all(|(name, value)| live.get(name).is_some_and(|found| holds(found, value)))
        }
        (Value::Array(live), Value::Array(wanted)) => {
            live.len() == wanted.len() && live.iter().zip(wanted).all(|(live, wanted)| holds(live, wanted))
        }
        (live, wanted) => live == wanted,
    }
}
