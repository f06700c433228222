//! Objects that only carry the label, and members whose kind was removed.

use serde_json::{Value, json};

use super::kinds::{definition, definitions};
use super::scene::{Scene, set_id};
use crate::control_plane::ControlPlane;
use crate::objects::Patch;
use crate::proxy::Proxy;
use crate::wait::until;

const PRUNE: [&str; 3] = ["apply", "--prune", "--yes"];

fn kinds(scene: &Scene<'_>) -> Value {
    let name = scene.app.namespace.as_str();
    let parent = scene.plane.get(&scene.app.path("v1", &format!("configmaps/{name}"))).unwrap();
    parent["metadata"]["annotations"]["applyset.kubernetes.io/contains-group-kinds"].clone()
}

#[test]
fn the_kind_of_a_member_is_gone() {
    let Some(plane) = ControlPlane::shared() else { return };
    let scene = Scene::applied(plane, "survive-kind");
    let group = "kind.survive.example.com";
    let path = format!("{}/widgets.{group}", definitions());
    plane.create(definitions(), &definition(group));
    let widget =
        format!("---\napiVersion: {group}/v1\nkind: Widget\nmetadata:\n  name: web\nspec: {{size: 1}}\n");
    let manifests = std::fs::read_to_string(scene.app.directory().join("web.yaml")).unwrap();
    scene.app.write("web.yaml", &format!("{manifests}{widget}"));
    scene.app.run(&["render"]).ok();
    until("the kind is served", || (scene.app.run(&["apply"]).code == Some(0)).then_some(()));
    assert_eq!(kinds(&scene), json!(format!("ConfigMap,Deployment.apps,Service,Widget.{group}")));
    scene.converges(&["apply"]);

    plane.delete(&path);
    until("the kind is deleted", || plane.get(&path).is_none().then_some(()));
    until("it is no longer served", || plane.get(&format!("/apis/{group}/v1")).is_none().then_some(()));
    // The tree still contains it, so the user must decide first.
    let before = scene.before();
    let run = scene.app.run(&PRUNE);
    assert_eq!(run.code, Some(3), "{run:?}");
    assert!(run.err.contains(&format!("the cluster does not serve Widget of {group}/v1")), "{run:?}");
    scene.is_told(&before, &run);

    scene.app.write("web.yaml", &manifests);
    scene.app.run(&["render"]).ok();
    scene.forget_the_config_map();
    let run = scene.survives(&Proxy::passing(plane), &PRUNE, &PRUNE);
    assert_eq!(run.code, Some(0), "{run:?}");
    let warning = format!("the ApplySet lists kind Widget.{group}, which the cluster no longer serves");
    assert!(run.err.contains(&warning), "{run:?}");
    assert_eq!(kinds(&scene), json!("Deployment.apps,Service"));
}

#[test]
fn a_label_that_controllers_copied() {
    let Some(plane) = ControlPlane::shared() else { return };
    let mut scene = Scene::applied(plane, "survive-slices");
    let name = scene.app.namespace.clone();
    // The controller copies the labels of a Service to its EndpointSlices, including ours.
    let slices = scene.app.path("discovery.k8s.io/v1", "endpointslices");
    let selector = format!("{slices}?labelSelector=applyset.kubernetes.io%2Fpart-of%3D{}", set_id(&name));
    let copied = until("every Service has a slice", || {
        let found = plane.list(&selector);
        (found.len() == plane.pools).then_some(found)
    });
    // One without an owner.
    let by_hand = json!({"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
        "endpoints": [], "metadata": {"name": "by-hand",
            "labels": {"applyset.kubernetes.io/part-of": set_id(&name)}}});
    plane.create(&slices, &by_hand);
    scene.add_stranger(&format!("{slices}/by-hand"));
    let kinds_by_hand = json!({"metadata": {"annotations": {"applyset.kubernetes.io/contains-group-kinds":
        "ConfigMap,Deployment.apps,EndpointSlice.discovery.k8s.io,Service"}}});
    let parent = scene.app.path("v1", &format!("configmaps/{name}"));
    plane.patch(&parent, Patch::Merge, &kinds_by_hand);

    scene.forget_the_config_map();
    let run = scene.survives(&Proxy::passing(plane), &PRUNE, &PRUNE);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_eq!(run.out.matches(" pruned\n").count(), 1, "{run:?}");
    let uids = |slices: Vec<Value>| {
        let mut uids: Vec<String> = slices.iter().map(|slice| slice["metadata"]["uid"].to_string()).collect();
        uids.sort_unstable();
        uids
    };
    let left: Vec<Value> =
        plane.list(&selector).into_iter().filter(|slice| slice["metadata"]["name"] != "by-hand").collect();
    assert_eq!(uids(left), uids(copied), "{run:?}");
    assert_eq!(
        kinds(&scene),
        json!("Deployment.apps,Service"),
        "the ApplySet must not list the kinds of other objects"
    );
}
