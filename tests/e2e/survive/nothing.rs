//! A rendered directory that contains its own namespace and kinds.

use super::kinds::definition;
use super::scene::Scene;
use crate::app::App;
use crate::control_plane::ControlPlane;
use crate::fake_server::Reply;
use crate::proxy::{Fault, Proxy, Sent};

/// Returns a scene whose tree contains its namespace, a kind and an object of it.
fn scene<'a>(plane: &'a ControlPlane, beside: &str, name: &str) -> Scene<'a> {
    let mut scene = Scene::with(plane, App::new(plane, beside));
    let group = format!("{name}.example.com");
    let metadata = format!("name: {beside}, namespace: {beside}");
    scene.app.edit("largescale.yaml", &metadata, &format!("name: {name}, namespace: {name}"));
    let manifests = std::fs::read_to_string(scene.app.directory().join("web.yaml")).unwrap();
    // JSON is YAML.
    let more = format!(
        "apiVersion: {group}/v1\nkind: Widget\nmetadata:\n  name: web\nspec: {{size: 1}}\n---\n{manifests}---\n{}\n---\n\
         apiVersion: v1\nkind: Namespace\nmetadata:\n  name: {name}\n",
        definition(&group)
    );
    scene.app.write("web.yaml", &more);
    name.clone_into(&mut scene.app.namespace);
    scene.app.run(&["render"]).ok();
    scene
}

/// Returns the kinds in the paths of the writes, in order.
fn order(proxy: &Proxy) -> Vec<String> {
    let kind = |sent: &Sent| sent.path.rsplit('/').nth(1).unwrap().to_owned();
    let mut kinds: Vec<String> = proxy.writes().iter().map(kind).collect();
    kinds.dedup();
    kinds
}

#[test]
fn all_from_nothing_in_one_run() {
    let Some(plane) = ControlPlane::shared() else { return };
    let scene = scene(plane, "survive-nothing", "survive-tree");
    let proxy = Proxy::passing(plane);
    let run = scene.survives(&proxy, &["apply"], &["apply"]);
    assert_eq!((run.code, run.out.matches(" created\n").count()), (Some(0), 9), "{run:?}");
    let written = order(&proxy);
    let groundwork: Vec<&str> = written.iter().map(String::as_str).collect();
    let (first, rest) = groundwork.split_at(2);
    assert!(first.contains(&"namespaces") && first.contains(&"customresourcedefinitions"), "{written:?}");
    // The parent of the ApplySet is also a ConfigMap.
    assert_eq!(rest, ["configmaps", "deployments", "services", "widgets"]);
    let parent = &proxy.writes()[2];
    assert!(parent.path.ends_with("/configmaps/survive-tree"), "{parent:?}");
}

/// The report must list what was done and what was not.
#[test]
fn the_parent_cannot_be_written_in_the_middle() {
    let Some(plane) = ControlPlane::shared() else { return };
    let scene = scene(plane, "survive-half", "survive-middle");
    let proxy = Proxy::start(plane, |sent| {
        let no = Reply::status(500, "InternalError", "no");
        if sent.is("PATCH", "/configmaps/survive-middle") { Fault::Answer(no) } else { Fault::Pass }
    });
    let run = scene.survives(&proxy, &["apply"], &["apply"]);
    assert_eq!((run.code, run.out.matches(" created\n").count()), (Some(6), 2), "{run:?}");
    assert!(run.err.contains("cannot patch configmap/survive-middle/survive-middle"), "{run:?}");
    assert!(run.err.contains("2 created, 7 not applied in namespace survive-middle"), "{run:?}");
}
