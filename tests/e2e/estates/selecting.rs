//! The objects of a cluster that select the nodes of Services, such as an `L2Advertisement`, and their kinds.

use std::sync::Once;

use largescale::core::platform::{Platform, builtin_names, read_builtin};
use serde_json::{Value, json};

use crate::control_plane::ControlPlane;
use crate::estates::forms::put;
use crate::provider_nodes::label_of;
use crate::wait::until;

/// The label of a Service that names the object for it, on platforms whose objects select Services by their labels.
pub(crate) const SERVICE_LABEL: &str = "/metadata/labels/example.com~1announced-by";

/// The name of the object that selects the nodes of two pools, after the beginning.
pub(crate) const BOTH: &str = "both";

/// Returns an object for each pool, and one for two pools. `beginning` is that of their names.
pub(crate) fn objects(platform: &Platform, pools: &[String], beginning: &str) -> Vec<Value> {
    let Some(template) = platform.spec.selecting_object() else { return Vec::new() };
    let one =
        |name: &str, pools: &[String]| object(platform, template, &format!("{beginning}-{name}"), pools);
    let each = pools.iter().map(|pool| one(pool, std::slice::from_ref(pool)));
    each.chain(pools.get(..2).map(|two| one(BOTH, two))).collect()
}

fn object(platform: &Platform, template: &Value, name: &str, pools: &[String]) -> Value {
    let form = platform.spec.selection.as_ref().and_then(|selection| selection.objects.as_ref()).unwrap();
    let mut object =
        json!({"apiVersion": template["apiVersion"], "kind": template["kind"], "metadata": {"name": name}});
    if is_namespaced(template) {
        object["metadata"]["namespace"] = NAMESPACE.into();
    }
    let expressions =
        json!({"matchExpressions": [{"key": label_of(platform), "operator": "In", "values": pools}]});
    let is_list = template.pointer(&form.nodes).is_some_and(Value::is_array);
    put(&mut object, &form.nodes, if is_list { json!([expressions]) } else { expressions });
    if let Some(names) = &form.names {
        put(&mut object, names, json!([name]));
    }
    if let Some(services) = &form.services {
        put(&mut object, services, json!({"matchLabels": {"example.com/announced-by": name}}));
    }
    object
}

/// The namespace of the controller.
const NAMESPACE: &str = "metallb-system";

fn is_namespaced(template: &Value) -> bool {
    template["metadata"].get("namespace").is_some()
}

/// Returns the API path of the list that an object is in.
pub(crate) fn list(object: &Value) -> String {
    let (version, plural) = (object["apiVersion"].as_str().unwrap(), plural(object));
    if is_namespaced(object) {
        format!("/apis/{version}/namespaces/{NAMESPACE}/{plural}")
    } else {
        format!("/apis/{version}/{plural}")
    }
}

fn plural(object: &Value) -> String {
    let singular = object["kind"].as_str().unwrap().to_lowercase();
    singular.strip_suffix('y').map_or_else(|| format!("{singular}s"), |stem| format!("{stem}ies"))
}

/// Defines the kinds of all platforms, once. Their schemas accept everything: the tests of the providers' code check the fields.
pub(crate) fn define_kinds(plane: &ControlPlane) {
    static DEFINED: Once = Once::new();
    DEFINED.call_once(|| {
        plane.create_namespace(NAMESPACE);
        let platforms = builtin_names().map(|name| read_builtin(name).unwrap().unwrap());
        let mut defined = Vec::new();
        for template in platforms.flat_map(|platform| platform.spec.objects) {
            let path = list(&template);
            if !defined.contains(&path) {
                plane.create(
                    "/apis/apiextensions.k8s.io/v1/customresourcedefinitions",
                    &definition(&template),
                );
                defined.push(path);
            }
        }
        for path in defined {
            until(&format!("{path} is served"), || {
                (plane.request("GET", &path, "application/json", None).0 == 200).then_some(())
            });
        }
    });
}

fn definition(template: &Value) -> Value {
    let (group, version) = template["apiVersion"].as_str().unwrap().split_once('/').unwrap();
    let (kind, plural) = (template["kind"].as_str().unwrap(), plural(template));
    let scope = if is_namespaced(template) { "Namespaced" } else { "Cluster" };
    let schema = json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true});
    json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": format!("{plural}.{group}")},
        "spec": {"group": group, "scope": scope,
            "names": {"plural": plural, "singular": kind.to_lowercase(), "kind": kind, "listKind": format!("{kind}List")},
            "versions": [{"name": version, "served": true, "storage": true, "schema": {"openAPIV3Schema": schema}}]}})
}
