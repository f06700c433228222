//! A kind whose definition is in the rendered directory, with an unusual name for its list kind.

use crate::app::App;
use crate::control_plane::ControlPlane;

/// A namespace, a kind and an object of it, in an order in which applying them one by one would fail.
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

    // Objects that left the tree are pruned, except for those that may contain foreign objects.
    let manifests = std::fs::read_to_string(app.directory().join("web.yaml")).unwrap();
    app.write("web.yaml", manifests.split("---\napiVersion: kinds-new").next().unwrap());
    app.run(&["render"]).ok();
    let run = app.run(&["apply", "--prune", "--yes"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(run.err.contains("6 unchanged, 2 pruned in "), "{run:?}");
    for kept in ["namespace/kinds-new-more", "customresourcedefinition/widgets.kinds-new.example.com"] {
        assert!(
            run.err.contains(&format!("{kept} is no longer in the tree, but is not pruned: ")),
            "{run:?}"
        );
    }
}
