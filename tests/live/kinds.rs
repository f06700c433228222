//! Kinds that come with the tree, kinds that are gone, and labels that controllers copy.

use serde_json::{Value, json};

use crate::app::App;
use crate::control_plane::ControlPlane;
use crate::objects::Patch;
use crate::wait::until;

/// A namespace, a kind and an object of it, in the order in which nothing would work.
const ALL_AT_ONCE: &str = "---
apiVersion: GROUP/v1
kind: Widget
metadata: {name: one, namespace: NAME-more}
spec: {size: 1}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: more, namespace: NAME-more}
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.GROUP}
spec:
  group: GROUP
  scope: Namespaced
  names: {plural: widgets, singular: widget, kind: Widget, listKind: Widgetry}
  versions:
  - name: v1
    served: true
    storage: true
    schema:
      openAPIV3Schema:
        type: object
        properties: {spec: {type: object, properties: {size: {type: integer}}}}
---
apiVersion: v1
kind: Namespace
metadata: {name: NAME-more}
";

fn with_kinds<'a>(plane: &'a ControlPlane, name: &str) -> App<'a> {
    let app = App::new(plane, name);
    let manifests = std::fs::read_to_string(app.directory().join("web.yaml")).unwrap();
    let more = ALL_AT_ONCE.replace("GROUP", &format!("{name}.example.com")).replace("NAME", name);
    app.write("web.yaml", &(manifests + &more));
    app.run(&["render"]).ok();
    app
}

#[test]
fn a_namespace_a_kind_and_an_object_of_it_from_nothing() {
    let Some(plane) = ControlPlane::shared() else { return };
    let app = with_kinds(plane, "kinds-new");
    let seen = app.run(&["diff", "--live", "--summary"]);
    assert_eq!(
        (seen.code, seen.out.as_str()),
        (Some(1), "10 created, 0 configured, 0 pruned, 0 unchanged\n"),
        "{seen:?}"
    );
    let run = app.run(&["apply"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(run.err.starts_with("10 created in "), "{run:?}");
    let widget = plane.get("/apis/kinds-new.example.com/v1/namespaces/kinds-new-more/widgets/one").unwrap();
    assert_eq!(widget["spec"]["size"], 1);
    let again = app.run(&["apply", "--prune"]);
    assert!(again.err.starts_with("10 unchanged in "), "{again:?}");

    // What leaves the tree goes, but for what others may have put something into.
    let manifests = std::fs::read_to_string(app.directory().join("web.yaml")).unwrap();
    app.write("web.yaml", manifests.split("---\napiVersion: kinds-new").next().unwrap());
    app.run(&["render"]).ok();
    let run = app.run(&["apply", "--prune", "--yes"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(run.err.contains("6 unchanged, 2 pruned in "), "{run:?}");
    for kept in ["namespace/kinds-new-more", "customresourcedefinition/widgets.kinds-new.example.com"] {
        assert!(run.err.contains(&format!("{kept} has left the tree and stays: ")), "{run:?}");
    }
}

#[test]
fn a_kind_that_is_gone() {
    let Some(plane) = ControlPlane::shared() else { return };
    let app = with_kinds(plane, "kinds-gone");
    app.run(&["apply"]).ok();
    let manifests = std::fs::read_to_string(app.directory().join("web.yaml")).unwrap();
    app.write("web.yaml", manifests.split("---\napiVersion: kinds-gone").next().unwrap());
    app.run(&["render"]).ok();
    plane.delete("/apis/apiextensions.k8s.io/v1/customresourcedefinitions/widgets.kinds-gone.example.com");
    until("the kind is gone", || {
        plane
            .get("/apis/kinds-gone.example.com/v1/namespaces/kinds-gone-more/widgets/one")
            .is_none()
            .then_some(())
    });
    until("nobody announces it", || {
        let groups = plane.get("/apis").unwrap();
        let group = |group: &Value| group["name"] == "kinds-gone.example.com";
        (!groups["groups"].as_array().unwrap().iter().any(group)).then_some(())
    });
    let run = app.run(&["apply", "--prune", "--yes"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    let said =
        "the set has members of kind Widget.kinds-gone.example.com, which the cluster does not know any more";
    assert!(run.err.contains(said), "{run:?}");
    assert!(run.err.contains("6 unchanged, 1 pruned in "), "{run:?}");
    let again = app.run(&["apply", "--prune"]);
    assert_eq!(again.code, Some(0), "{again:?}");
    assert!(!again.err.contains("Widget"), "it is forgotten: {again:?}");
}

#[test]
fn labels_that_are_copied_to_endpoint_slices() {
    let Some(plane) = ControlPlane::shared() else { return };
    let app = App::rendered(plane, "kinds-copies");
    app.run(&["apply"]).ok();
    let slices = app.path("discovery.k8s.io/v1", "endpointslices");
    let label = "applyset.kubernetes.io/part-of";
    let copies = || -> Vec<Value> {
        let copied = |slice: &Value| slice["metadata"]["labels"][label].is_string();
        plane.list(&slices).into_iter().filter(copied).map(|slice| slice["metadata"]["uid"].clone()).collect()
    };
    until("the controller has copied the label", || (copies().len() == 4).then_some(()));
    let before = copies();
    // Somebody has told the parent that EndpointSlices are members.
    let kinds = "ConfigMap,Deployment.apps,EndpointSlice.discovery.k8s.io,Service";
    let change = json!({"metadata": {"annotations": {"applyset.kubernetes.io/contains-group-kinds": kinds}}});
    plane.patch(&app.path("v1", "configmaps/kinds-copies"), Patch::Merge, &change);
    let run = app.run(&["apply", "--prune", "--yes"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(!run.out.contains("pruned"), "{run:?}");
    assert_eq!(copies(), before);
    let run = app.run(&["prune", "--yes"]);
    assert!(run.err.starts_with("nothing to do in "), "{run:?}");
    let parent = plane.get(&app.path("v1", "configmaps/kinds-copies")).unwrap();
    let said = &parent["metadata"]["annotations"]["applyset.kubernetes.io/contains-group-kinds"];
    assert_eq!(said, "ConfigMap,Deployment.apps,Service");
}
