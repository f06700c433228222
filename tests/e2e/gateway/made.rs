//! The objects that Envoy Gateway makes for the Gateways of a case, without what differs between two runs.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use crate::control_plane::ControlPlane;
use crate::gateway::controller::NAMESPACE;

/// The fields of a Service that a load balancer depends on.
const SERVICE_FIELDS: [&str; 9] = [
    "type",
    "loadBalancerClass",
    "externalTrafficPolicy",
    "internalTrafficPolicy",
    "loadBalancerSourceRanges",
    "loadBalancerIP",
    "allocateLoadBalancerNodePorts",
    "sessionAffinity",
    "selector",
];

const OWNER: &str = "gateway.envoyproxy.io/owning-gateway-namespace";

/// Returns the objects of a resource in the namespace of the controller that belong to Gateways of a namespace.
pub(super) fn owned(plane: &ControlPlane, api: &str, resource: &str, gateways_in: &str) -> Vec<Value> {
    plane.list(&format!("{api}/namespaces/{NAMESPACE}/{resource}?labelSelector={OWNER}%3D{gateways_in}"))
}

/// Returns a Service without what the API server and controllers of load balancers add.
pub(super) fn service(live: &Value) -> Value {
    let spec = &live["spec"];
    let mut kept: Map<String, Value> = SERVICE_FIELDS
        .iter()
        .filter(|field| !spec[**field].is_null())
        .map(|field| ((*field).to_owned(), spec[*field].clone()))
        .collect();
    let ports: Vec<Value> = spec["ports"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|port| json!({"name": port["name"], "port": port["port"], "protocol": port["protocol"], "targetPort": port["targetPort"]}))
        .collect();
    kept.insert("ports".to_owned(), ports.into());
    json!({"apiVersion": "v1", "kind": "Service", "metadata": metadata(live), "spec": kept})
}

/// Returns a Deployment or `DaemonSet` with the labels, nodes and ports of its pods only.
pub(super) fn workload(live: &Value) -> Value {
    let template = &live["spec"]["template"];
    let ports: Vec<Value> = template["spec"]["containers"]
        .as_array()
        .into_iter()
        .flatten()
        .filter(|container| container["name"] == "envoy")
        .flat_map(|container| container["ports"].as_array().cloned().unwrap_or_default())
        .collect();
    let mut pods = Map::new();
    if !template["spec"]["nodeSelector"].is_null() {
        pods.insert("nodeSelector".to_owned(), template["spec"]["nodeSelector"].clone());
    }
    pods.insert("containers".to_owned(), json!([{"name": "envoy", "ports": ports}]));
    json!({"apiVersion": "apps/v1", "kind": live["kind"], "metadata": metadata(live), "spec": {
        "selector": live["spec"]["selector"],
        "template": {"metadata": {"labels": template["metadata"]["labels"]}, "spec": pods},
    }})
}

/// Returns the nodes of the endpoints of a Service. Their addresses differ in each run.
pub(super) fn endpoint_slice(service: &str, live: &Value) -> Value {
    let nodes: BTreeSet<&str> =
        live["endpoints"].as_array().into_iter().flatten().filter_map(|it| it["nodeName"].as_str()).collect();
    let endpoint = |(index, node): (usize, &&str)| json!({"addresses": [format!("192.0.2.{}", index + 1)], "conditions": {"ready": true}, "nodeName": node});
    json!({"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
        "metadata": {"name": service, "namespace": NAMESPACE, "labels": {"kubernetes.io/service-name": service}},
        "addressType": "IPv4", "endpoints": nodes.iter().enumerate().map(endpoint).collect::<Vec<_>>()})
}

fn metadata(live: &Value) -> Value {
    let mut kept = Map::new();
    for field in ["name", "namespace", "labels", "annotations"] {
        if live["metadata"][field].as_object().is_none_or(|map| !map.is_empty())
            && !live["metadata"][field].is_null()
        {
            kept.insert(field.to_owned(), live["metadata"][field].clone());
        }
    }
    // Kubernetes' own annotations of a workload.
    if let Some(Value::Object(annotations)) = kept.get_mut("annotations") {
        annotations.remove("deployment.kubernetes.io/revision");
        annotations.remove("deprecated.daemonset.template.generation");
        if annotations.is_empty() {
            kept.remove("annotations");
        }
    }
    Value::Object(kept)
}
