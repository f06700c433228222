//! Objects of commonly applied kinds, complete enough that no field within an atomic value is defaulted.

use serde_json::{Value, json};

/// The collection of a kind and an object of it, without a name.
pub(crate) struct Sample {
    pub(crate) collection: &'static str,
    pub(crate) object: Value,
}

const GROUP: &str = "unchanged.example.com";

pub(crate) fn samples() -> Vec<Sample> {
    let all = [
        ("/api/v1/namespaces/default/services", service()),
        ("/api/v1/namespaces/default/services", load_balancer()),
        ("/apis/apps/v1/namespaces/default/deployments", workload("Deployment")),
        ("/apis/apps/v1/namespaces/default/statefulsets", workload("StatefulSet")),
        ("/api/v1/namespaces/default/configmaps", config_map()),
        ("/api/v1/namespaces/default/secrets", secret()),
        ("/api/v1/namespaces/default/serviceaccounts", service_account()),
        ("/apis/networking.k8s.io/v1/namespaces/default/networkpolicies", network_policy()),
        ("/apis/networking.k8s.io/v1/namespaces/default/ingresses", ingress()),
        ("/apis/rbac.authorization.k8s.io/v1/namespaces/default/roles", role()),
        ("/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers", autoscaler()),
        ("/apis/policy/v1/namespaces/default/poddisruptionbudgets", disruption_budget()),
        ("/api/v1/namespaces", namespace()),
        ("/apis/unchanged.example.com/v1/namespaces/default/widgets", widget()),
        ("/apis/unchanged.example.com/v1/namespaces/default/gadgets", gadget()),
    ];
    all.into_iter().map(|(collection, object)| Sample { collection, object }).collect()
}

/// Returns the definitions of two custom resources: one with every list and map type, one without a schema.
pub(crate) fn definitions() -> [Value; 2] {
    let keyed = |item: Value, keys: Value| {
        json!({"type": "array", "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": keys, "items": item})
    };
    let integer = json!({"type": "integer"});
    let text = json!({"type": "string"});
    let port = json!({"type": "object", "required": ["port"], "properties": {
        "port": integer, "protocol": {"type": "string", "default": "TCP"}, "weight": {"type": "integer", "default": 1},
        "note": text, "more": {"type": "object", "properties": {"a": integer, "b": {"type": "integer", "default": 5}}}}});
    let named =
        json!({"type": "object", "required": ["name"], "properties": {"name": text, "size": integer}});
    let spec = json!({"type": "object", "properties": {
        "size": integer, "ratio": {"type": "number"}, "mode": {"type": "string", "default": "auto"},
        "on": {"type": "boolean"},
        "perhaps": {"type": "string", "nullable": true},
        "either": {"x-kubernetes-int-or-string": true},
        "ports": keyed(port, json!(["port", "protocol"])),
        "tags": {"type": "array", "x-kubernetes-list-type": "set", "items": text},
        "numbers": {"type": "array", "x-kubernetes-list-type": "set", "items": integer},
        "plain": {"type": "array", "items": named},
        "whole": {"type": "object", "x-kubernetes-map-type": "atomic", "additionalProperties": text},
        "byName": {"type": "object", "additionalProperties": {"type": "object", "properties": {
            "a": integer, "b": {"type": "integer", "default": 7}}}},
        "lists": {"type": "object", "additionalProperties": keyed(named.clone(), json!(["name"]))},
        "selector": {"type": "object", "properties": {"a": integer, "b": {"type": "integer", "default": 2}}},
        "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": true},
    }});
    let free = json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true});
    [("Widget", spec), ("Gadget", free)].map(|(kind, spec)| {
        let plural = format!("{}s", kind.to_lowercase());
        json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
            "metadata": {"name": format!("{plural}.{GROUP}")},
            "spec": {"group": GROUP, "scope": "Namespaced",
                "names": {"kind": kind, "plural": plural, "singular": kind.to_lowercase()},
                "versions": [{"name": "v1", "served": true, "storage": true, "subresources": {"status": {}},
                    "schema": {"openAPIV3Schema": {"type": "object", "properties": {"spec": spec,
                        "status": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}}}}}]}})
    })
}

fn service() -> Value {
    json!({"apiVersion": "v1", "kind": "Service",
        "metadata": {"labels": {"app": "nginx", "tier": "front"}, "finalizers": ["example.com/one", "example.com/two"]},
        "spec": {"selector": {"app": "nginx", "tier": "front"},
            "ports": [{"name": "http", "port": 80, "targetPort": 8080}, {"name": "dns", "port": 53, "protocol": "UDP"},
                {"name": "dns-tcp", "port": 53, "protocol": "TCP", "targetPort": "dns"}]}})
}

fn load_balancer() -> Value {
    json!({"apiVersion": "v1", "kind": "Service",
        "metadata": {"labels": {"app": "nginx"}, "annotations": {
            "service.beta.kubernetes.io/azure-load-balancer-mode": "pool1", "a.b/c": ""}},
        "spec": {"type": "LoadBalancer", "externalTrafficPolicy": "Local", "selector": {"app": "nginx"},
            "loadBalancerSourceRanges": ["10.0.0.0/8", "192.168.0.0/16"],
            "ports": [{"name": "https", "port": 443, "protocol": "TCP"}, {"name": "http", "port": 80, "appProtocol": "http"}]}})
}

fn workload(kind: &str) -> Value {
    let mut object = json!({"apiVersion": "apps/v1", "kind": kind,
        "metadata": {"labels": {"app": "nginx"}, "annotations": {"note": "a\u{e9}\n"}},
        "spec": {"replicas": 2, "selector": {"matchLabels": {"app": "nginx"}},
            "template": {"metadata": {"labels": {"app": "nginx"}, "annotations": {"checksum": "1"}},
                "spec": {
                    "nodeSelector": {"kubernetes.io/os": "linux"},
                    "imagePullSecrets": [{"name": "registry"}],
                    "securityContext": {},
                    "tolerations": [{"key": "pool", "operator": "Equal", "value": "one", "effect": "NoSchedule"},
                        {"key": "pool", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300}],
                    "topologySpreadConstraints": [{"maxSkew": 1, "topologyKey": "agentpool",
                        "whenUnsatisfiable": "DoNotSchedule", "labelSelector": {"matchLabels": {"app": "nginx"}}}],
                    "affinity": {"podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 1,
                        "podAffinityTerm": {"topologyKey": "zone", "labelSelector": {"matchLabels": {"app": "nginx"}}}}]}},
                    "initContainers": [{"name": "first", "image": "busybox:1", "command": ["sh", "-c", "true"]}],
                    "containers": [
                        {"name": "nginx", "image": "nginx:1.27", "args": ["-g", "daemon off;"],
                            "ports": [{"containerPort": 80}, {"containerPort": 53, "protocol": "UDP", "name": "dns"}],
                            "env": [{"name": "A", "value": "1"}, {"name": "B", "valueFrom": {"fieldRef": {
                                "apiVersion": "v1", "fieldPath": "metadata.name"}}}, {"name": "C", "valueFrom":
                                {"secretKeyRef": {"name": "s", "key": "k"}}}],
                            "resources": {"requests": {"cpu": "500m", "memory": "1Gi"}, "limits": {"memory": "1Gi"}},
                            "readinessProbe": {"httpGet": {"path": "/", "port": 80}, "periodSeconds": 5},
                            "volumeMounts": [{"name": "data", "mountPath": "/data"}, {"name": "config", "mountPath": "/etc/x"}]},
                        {"name": "sidecar", "image": "busybox", "securityContext": {"runAsNonRoot": true}}],
                    "volumes": [{"name": "data", "emptyDir": {}}, {"name": "config", "configMap": {"name": "nginx"}}]}}}});
    let (name, value) = match kind {
        "Deployment" => (
            "strategy",
            json!({"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": "10%"}}),
        ),
        _ => ("serviceName", json!("nginx")),
    };
    object["spec"][name] = value;
    object
}

fn config_map() -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"labels": {"a": "1"}},
        "data": {"one": "1", "two.conf": "a = b\n", "three": "", "k.four": "x"}, "binaryData": {"b": "AAEC"}})
}

fn secret() -> Value {
    json!({"apiVersion": "v1", "kind": "Secret", "type": "Opaque", "metadata": {},
        "data": {"user": "YWRtaW4=", "password": "cGFzcw=="}})
}

fn service_account() -> Value {
    json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"annotations": {"a": "b"}},
        "automountServiceAccountToken": false, "imagePullSecrets": [{"name": "one"}, {"name": "two"}],
        "secrets": [{"name": "three"}]})
}

fn network_policy() -> Value {
    json!({"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {},
        "spec": {"podSelector": {"matchLabels": {"app": "nginx"}}, "policyTypes": ["Ingress", "Egress"],
            "ingress": [{"from": [{"ipBlock": {"cidr": "10.0.0.0/8", "except": ["10.1.0.0/16"]}},
                {"namespaceSelector": {"matchLabels": {"a": "b"}}, "podSelector": {}}],
                "ports": [{"port": 80, "protocol": "TCP"}, {"port": "dns", "protocol": "UDP"}]}],
            "egress": [{}]}})
}

fn ingress() -> Value {
    let backend = |name: &str| json!({"service": {"name": name, "port": {"number": 80}}});
    json!({"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": {"annotations": {"a/b": "c"}},
        "spec": {"ingressClassName": "nginx", "defaultBackend": backend("other"),
            "tls": [{"hosts": ["a.example.com"], "secretName": "tls"}],
            "rules": [{"host": "a.example.com", "http": {"paths": [
                {"path": "/", "pathType": "Prefix", "backend": backend("nginx")},
                {"path": "/b", "pathType": "Exact", "backend": backend("b")}]}}]}})
}

fn role() -> Value {
    json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": {"labels": {"a": "1"}},
        "rules": [{"apiGroups": [""], "resources": ["pods", "services"], "verbs": ["get", "list"]},
            {"apiGroups": ["apps"], "resources": ["deployments"], "resourceNames": ["a"], "verbs": ["*"]}]})
}

fn autoscaler() -> Value {
    json!({"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": {},
        "spec": {"minReplicas": 2, "maxReplicas": 9,
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "nginx"},
            "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 60}}},
                {"type": "Pods", "pods": {"metric": {"name": "x"}, "target": {"type": "AverageValue", "averageValue": "500m"}}}],
            "behavior": {"scaleDown": {"stabilizationWindowSeconds": 60}}}})
}

fn disruption_budget() -> Value {
    json!({"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {},
        "spec": {"maxUnavailable": "10%", "selector": {"matchLabels": {"app": "nginx"},
            "matchExpressions": [{"key": "tier", "operator": "In", "values": ["a", "b"]}]}}})
}

fn namespace() -> Value {
    json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {}})
}

fn widget() -> Value {
    json!({"apiVersion": "unchanged.example.com/v1", "kind": "Widget", "metadata": {"labels": {"a": "1"}},
        "spec": {"size": 3, "ratio": 0.5, "on": true, "either": "10%", "perhaps": "x",
            "ports": [{"port": 80, "note": "a"}, {"port": 80, "protocol": "UDP", "more": {"a": 1}}, {"port": 53, "protocol": "TCP"}],
            "tags": ["x", "y", "z"], "numbers": [3, 1, 2],
            "plain": [{"name": "a", "size": 1}, {"name": "b", "size": 2}],
            "byName": {"one": {"a": 1}, "two": {"a": 2, "b": 3}},
            "lists": {"first": [{"name": "a", "size": 1}, {"name": "b"}]},
            "selector": {"a": 1},
            "free": {"deep": {"list": [{"x": 1.5}, {}], "number": 12}, "on": false}}})
}

fn gadget() -> Value {
    json!({"apiVersion": "unchanged.example.com/v1", "kind": "Gadget", "metadata": {"annotations": {"a": "b"}},
        "spec": {"selector": {"a": "b"}, "ports": [{"port": 80}, {"port": 81}], "number": 7, "ratio": 2.25,
            "text": "x", "f:a": 1, ".": {"f:b": 2}, "map": {"list": ["a", "b"], "empty": {}}}})
}
