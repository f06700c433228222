//! Removes from a Service what only load balancers have, for the Services in `spec.clusterIPServices`.
//!
//! Until all patches are applied, such a Service looks like the Service in the manifests, so that patches for all Services fit
//! it. Clients in the cluster see what they saw before: the selector, the ports, the session affinity, the IP families and the
//! internal traffic policy do not change.

use std::borrow::Cow;
use std::collections::HashSet;

use serde_json::Value;

use crate::core::json;
use crate::core::pointer;
use crate::core::render::draft::{Input, PendingObject, Role};

/// Fields of `spec` that the API server accepts in Services of type LoadBalancer or NodePort only (`ValidateService` and
/// `dropTypeDependentFields` in kubernetes/kubernetes).
const LOAD_BALANCER_FIELDS: &[&str] = &[
    "allocateLoadBalancerNodePorts",
    "externalTrafficPolicy",
    "healthCheckNodePort",
    "loadBalancerClass",
    "loadBalancerIP",
    "loadBalancerSourceRanges",
];

/// The beginnings of annotations that controllers of load balancers and external-dns read.
const LOAD_BALANCER_ANNOTATIONS: &[&str] = &[
    "external-dns.alpha.kubernetes.io/",
    "external-dns.kubernetes.io/",
    "io.cilium.nodeipam/",
    "io.cilium/lb-ipam-",
    "kube-vip.io/",
    "kubernetes.civo.com/",
    "kubernetes.io/elb.",
    "lbipam.cilium.io/",
    "load-balancer.hetzner.cloud/",
    "loadbalancer.openstack.org/",
    "loadbalancer.ovhcloud.com/",
    "metallb.io/",
    "metallb.universe.tf/",
    "networking.gke.io/load-balancer-",
    "oci-network-load-balancer.oraclecloud.com/",
    "oci.oraclecloud.com/",
    "service.beta.kubernetes.io/",
    "service.kubernetes.io/ibm-load-balancer-",
    "service.kubernetes.io/qcloud-loadbalancer-",
    "svccontroller.k3s.cattle.io/",
];

/// The end of the annotations with which external-dns publishes the address of a ClusterIP Service.
const INTERNAL_HOSTNAME: &str = "/internal-hostname";

/// Removes the fields and annotations of load balancers from the Services of type ClusterIP.
pub(super) fn remove(input: Input<'_>, pending: &mut [PendingObject<'_>]) {
    let mut kept = pending.iter_mut().filter(|draft| draft.role == Role::ClusterIp).peekable();
    if kept.peek().is_none() {
        return;
    }
    let known = platform_annotations(input);
    for draft in kept {
        to_cluster_ip(&mut draft.value, &known);
    }
}

fn to_cluster_ip(service: &mut Value, known: &HashSet<String>) {
    json::put(service, &["spec", "type"], "ClusterIP");
    if let Some(spec) = json::existing_map(service, &["spec"]) {
        spec.retain(|field, _| !LOAD_BALANCER_FIELDS.contains(&field.as_str()));
        let ports = spec.get_mut("ports").and_then(Value::as_array_mut);
        for port in ports.into_iter().flatten().filter_map(Value::as_object_mut) {
            port.remove("nodePort");
        }
    }
    if let Some(annotations) = json::existing_map(service, &["metadata", "annotations"]) {
        annotations.retain(|key, _| !is_of_load_balancer(key, known));
    }
}

fn is_of_load_balancer(key: &str, known: &HashSet<String>) -> bool {
    let is_listed = LOAD_BALANCER_ANNOTATIONS.iter().any(|prefix| key.starts_with(prefix));
    known.contains(key) || is_listed && !key.ends_with(INTERNAL_HOSTNAME)
}

/// Returns the annotations that the platform writes, reads or checks.
fn platform_annotations(input: Input<'_>) -> HashSet<String> {
    let mut known = HashSet::new();
    let platform = input.platform;
    let written = platform.binding.added_paths().chain(platform.internal.added_paths());
    known.extend(written.filter_map(annotation));
    annotations_in(&serde_json::to_value(&platform.spec).unwrap_or_default(), &mut known);
    known
}

fn annotations_in(value: &Value, known: &mut HashSet<String>) {
    match value {
        Value::String(text) => known.extend(annotation(text)),
        Value::Array(list) => list.iter().for_each(|item| annotations_in(item, known)),
        Value::Object(map) => map.values().for_each(|value| annotations_in(value, known)),
        _ => {}
    }
}

/// Returns the annotation that a JSON pointer points to.
fn annotation(path: &str) -> Option<String> {
    let key = path.strip_prefix("/metadata/annotations")?;
    pointer::keys(key).next().map(Cow::into_owned)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::core::{overlay, platform};

    #[test]
    fn what_only_load_balancers_have_is_removed() {
        let mut service = json!({
            "apiVersion": "v1", "kind": "Service",
            "metadata": {"name": "web", "labels": {"a": "b"}, "annotations": {
                "example.com/binding": "x",
                "service.beta.kubernetes.io/azure-load-balancer-internal": "true",
                "external-dns.alpha.kubernetes.io/hostname": "a.example",
                "external-dns.alpha.kubernetes.io/internal-hostname": "b.example",
                "service.kubernetes.io/topology-mode": "Auto",
                "cloud.google.com/neg": "{}"}},
            "spec": {
                "type": "LoadBalancer", "selector": {"app": "web"}, "externalTrafficPolicy": "Local",
                "allocateLoadBalancerNodePorts": false, "healthCheckNodePort": 1, "loadBalancerClass": "a/b",
                "loadBalancerIP": "192.0.2.1", "loadBalancerSourceRanges": ["10.0.0.0/8"],
                "sessionAffinity": "ClientIP", "sessionAffinityConfig": {"clientIP": {"timeoutSeconds": 7}},
                "ipFamilyPolicy": "PreferDualStack", "ipFamilies": ["IPv6", "IPv4"],
                "internalTrafficPolicy": "Local", "trafficDistribution": "PreferClose",
                "publishNotReadyAddresses": true,
                "ports": [{"name": "http", "port": 80, "targetPort": "http", "nodePort": 30080, "appProtocol": "http"}]},
        });
        let known = ["example.com/binding".to_owned()].into();
        to_cluster_ip(&mut service, &known);
        let expected = json!({
            "apiVersion": "v1", "kind": "Service",
            "metadata": {"name": "web", "labels": {"a": "b"}, "annotations": {
                "external-dns.alpha.kubernetes.io/internal-hostname": "b.example",
                "service.kubernetes.io/topology-mode": "Auto",
                "cloud.google.com/neg": "{}"}},
            "spec": {
                "type": "ClusterIP", "selector": {"app": "web"},
                "sessionAffinity": "ClientIP", "sessionAffinityConfig": {"clientIP": {"timeoutSeconds": 7}},
                "ipFamilyPolicy": "PreferDualStack", "ipFamilies": ["IPv6", "IPv4"],
                "internalTrafficPolicy": "Local", "trafficDistribution": "PreferClose",
                "publishNotReadyAddresses": true,
                "ports": [{"name": "http", "port": 80, "targetPort": "http", "appProtocol": "http"}]},
        });
        assert_eq!(service, expected);
    }

    #[test]
    fn the_annotations_of_all_built_in_overlays_and_bindings_are_known() {
        let none = HashSet::new();
        for name in overlay::builtin_names() {
            let overlay = overlay::read_builtin(name).unwrap().unwrap();
            let paths = overlay.patches.iter().flat_map(|patch| patch.patch.added_paths());
            for key in paths.filter_map(annotation) {
                assert!(is_of_load_balancer(&key, &none), "{key} of the overlay {name}");
            }
        }
        for name in platform::builtin_names() {
            let platform = platform::read_builtin(name).unwrap().unwrap();
            let paths = platform.binding.added_paths().chain(platform.internal.added_paths());
            for key in paths.filter_map(annotation) {
                assert!(is_of_load_balancer(&key, &none), "{key} of the platform {name}");
            }
        }
    }
}
