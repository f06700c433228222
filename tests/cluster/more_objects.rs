//! Objects of all other kinds of Kubernetes' stable versions that a user may apply, some of them in unusual spellings.

use serde_json::{Value, json};

use crate::objects::Sample;

pub(crate) fn more_samples() -> Vec<Sample> {
    let all = [
        ("/api/v1/namespaces/default/pods", pod()),
        ("/api/v1/namespaces/default/podtemplates", pod_template()),
        ("/api/v1/namespaces/default/replicationcontrollers", replication_controller()),
        ("/api/v1/namespaces/default/persistentvolumeclaims", claim()),
        ("/api/v1/persistentvolumes", volume()),
        ("/api/v1/namespaces/default/endpoints", endpoints()),
        ("/api/v1/namespaces/kube-public/limitranges", limit_range()),
        ("/api/v1/namespaces/kube-public/resourcequotas", resource_quota()),
        ("/apis/apps/v1/namespaces/default/daemonsets", daemon_set()),
        ("/apis/apps/v1/namespaces/default/replicasets", replica_set()),
        ("/apis/apps/v1/namespaces/default/controllerrevisions", controller_revision()),
        ("/apis/batch/v1/namespaces/default/jobs", job()),
        ("/apis/batch/v1/namespaces/default/cronjobs", cron_job()),
        ("/apis/autoscaling/v1/namespaces/default/horizontalpodautoscalers", autoscaler()),
        ("/apis/networking.k8s.io/v1/ingressclasses", ingress_class()),
        ("/apis/rbac.authorization.k8s.io/v1/clusterroles", cluster_role()),
        ("/apis/rbac.authorization.k8s.io/v1/clusterrolebindings", binding("ClusterRoleBinding")),
        ("/apis/rbac.authorization.k8s.io/v1/namespaces/default/rolebindings", binding("RoleBinding")),
        ("/apis/storage.k8s.io/v1/storageclasses", storage_class()),
        ("/apis/storage.k8s.io/v1/csidrivers", csi_driver()),
        ("/apis/storage.k8s.io/v1/namespaces/default/csistoragecapacities", storage_capacity()),
        ("/apis/scheduling.k8s.io/v1/priorityclasses", priority_class()),
        ("/apis/node.k8s.io/v1/runtimeclasses", runtime_class()),
        ("/apis/coordination.k8s.io/v1/namespaces/default/leases", lease()),
        ("/apis/discovery.k8s.io/v1/namespaces/default/endpointslices", endpoint_slice()),
        ("/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations", webhook("Validating")),
        ("/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations", webhook("Mutating")),
        ("/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies", admission_policy()),
        ("/apis/flowcontrol.apiserver.k8s.io/v1/flowschemas", flow_schema()),
        ("/apis/flowcontrol.apiserver.k8s.io/v1/prioritylevelconfigurations", priority_level()),
        ("/apis/resource.k8s.io/v1/namespaces/default/resourceclaimtemplates", claim_template()),
        ("/apis/resource.k8s.io/v1/deviceclasses", device_class()),
    ];
    all.into_iter().map(|(collection, object)| Sample { collection, object }).collect()
}

/// Returns a pod with spellings that the server rewrites: quantities, zero values, and omitted defaults in atomic values.
fn pod_spec() -> Value {
    json!({
        "hostNetwork": false, "tolerations": [], "nodeSelector": {}, "imagePullSecrets": [], "priorityClassName": "",
        "hostPID": null, "terminationGracePeriodSeconds": 30.0, "securityContext": {"runAsUser": 0, "sysctls": []},
        "topologySpreadConstraints": [{"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "ScheduleAnyway"}],
        "containers": [{
            "name": "a", "image": "a", "command": null, "args": [], "stdin": false, "workingDir": "",
            "resources": {"requests": {"cpu": "1000m", "memory": "1024Mi"}, "limits": {"cpu": 2, "memory": "1.5Gi"}},
            "env": [{"name": "A", "value": ""}, {"name": "B", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
                {"name": "C", "valueFrom": {"resourceFieldRef": {"resource": "limits.cpu"}}},
                {"name": "D", "valueFrom": {"configMapKeyRef": {"name": "c", "key": "k", "optional": false}}}],
            "livenessProbe": {"httpGet": {"port": 80}, "timeoutSeconds": 0},
            "startupProbe": {"exec": {"command": ["true"]}}, "lifecycle": {},
            "ports": [{"containerPort": 80, "hostPort": 0}, {"containerPort": 53, "protocol": "UDP", "name": ""}],
            "securityContext": {"allowPrivilegeEscalation": false, "capabilities": {"add": [], "drop": ["ALL"]}},
            "volumeMounts": [{"name": "v", "mountPath": "/v", "readOnly": false}, {"name": "p", "mountPath": "/p", "subPath": ""}]}],
        "volumes": [{"name": "v", "emptyDir": {"sizeLimit": "1024Mi", "medium": ""}},
            {"name": "p", "projected": {"sources": [{"serviceAccountToken": {"path": "t"}},
                {"downwardAPI": {"items": [{"path": "l", "fieldRef": {"fieldPath": "metadata.labels"}}]}},
                {"configMap": {"name": "c", "items": []}}]}},
            {"name": "s", "secret": {"secretName": "s", "optional": false}}, {"name": "n", "emptyDir": null},
            {"name": "h", "hostPath": {"path": "/h"}}]})
}

fn template() -> Value {
    json!({"metadata": {"labels": {"app": "a"}, "annotations": {}}, "spec": pod_spec()})
}

fn pod() -> Value {
    let mut spec = pod_spec();
    // A Pod with a token needs a service account, which nothing creates here.
    spec["volumes"][1]["projected"]["sources"].as_array_mut().unwrap().remove(0);
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"labels": {"app": "a"}}, "spec": spec})
}

fn pod_template() -> Value {
    json!({"apiVersion": "v1", "kind": "PodTemplate", "metadata": {"labels": {}}, "template": template()})
}

fn replication_controller() -> Value {
    json!({"apiVersion": "v1", "kind": "ReplicationController", "metadata": {"labels": {"a": "b"}},
        "spec": {"replicas": 0, "selector": {"app": "a"}, "template": template()}})
}

fn daemon_set() -> Value {
    json!({"apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": {}, "spec": {"minReadySeconds": 0,
        "updateStrategy": {"rollingUpdate": {"maxUnavailable": "20%"}},
        "selector": {"matchLabels": {"app": "a"}, "matchExpressions": []}, "template": template()}})
}

fn replica_set() -> Value {
    json!({"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": {}, "spec": {"replicas": 0,
        "selector": {"matchLabels": {"app": "a"}}, "template": template()}})
}

fn controller_revision() -> Value {
    json!({"apiVersion": "apps/v1", "kind": "ControllerRevision", "metadata": {}, "revision": 1, "data": {"a": 1, "b": ""}})
}

fn job() -> Value {
    let mut template = template();
    template["spec"]["restartPolicy"] = "Never".into();
    json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"labels": {"a": "b"}}, "spec": {"suspend": false,
        "ttlSecondsAfterFinished": 0, "backoffLimit": 0, "template": template}})
}

fn cron_job() -> Value {
    let job = job();
    json!({"apiVersion": "batch/v1", "kind": "CronJob", "metadata": {}, "spec": {"schedule": "0 0 * * *",
        "timeZone": "Etc/UTC", "successfulJobsHistoryLimit": 0, "jobTemplate": {"metadata": {}, "spec": job["spec"]}}})
}

fn claim() -> Value {
    json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {}, "spec": {"accessModes": ["ReadWriteOnce"],
        "storageClassName": "", "volumeName": "", "resources": {"requests": {"storage": "1024Gi"}}}})
}

fn volume() -> Value {
    json!({"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {}, "spec": {"capacity": {"storage": "1024Mi"},
        "accessModes": ["ReadWriteMany"], "mountOptions": [], "nfs": {"server": "s", "path": "/", "readOnly": false}}})
}

fn endpoints() -> Value {
    json!({"apiVersion": "v1", "kind": "Endpoints", "metadata": {}, "subsets": [{"addresses": [{"ip": "192.0.2.1",
        "hostname": ""}], "ports": [{"port": 80, "name": "http"}, {"port": 53, "name": "dns", "protocol": "UDP"}]}]})
}

fn limit_range() -> Value {
    json!({"apiVersion": "v1", "kind": "LimitRange", "metadata": {}, "spec": {"limits": [
        {"type": "Container", "max": {"cpu": "2000m"}, "min": {"cpu": 0.5}}, {"type": "PersistentVolumeClaim", "max": {"storage": "1Ti"}}]}})
}

fn resource_quota() -> Value {
    json!({"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {}, "spec": {"scopes": ["NotTerminating"],
        "hard": {"pods": 10, "requests.cpu": "4000m", "limits.memory": "16384Mi"}}})
}

fn autoscaler() -> Value {
    json!({"apiVersion": "autoscaling/v1", "kind": "HorizontalPodAutoscaler", "metadata": {}, "spec": {"maxReplicas": 3,
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "a"}, "targetCPUUtilizationPercentage": 50}})
}

fn ingress_class() -> Value {
    json!({"apiVersion": "networking.k8s.io/v1", "kind": "IngressClass", "metadata": {}, "spec": {
        "controller": "example.com/a", "parameters": {"kind": "Parameters", "name": "a", "apiGroup": "example.com"}}})
}

fn cluster_role() -> Value {
    json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {}, "rules": [
        {"apiGroups": ["example.com"], "resources": ["widgets"], "verbs": ["get"], "resourceNames": []},
        {"nonResourceURLs": ["/metrics"], "verbs": ["get"]}]})
}

fn binding(kind: &str) -> Value {
    json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": kind, "metadata": {},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "unbound"},
        "subjects": [{"kind": "ServiceAccount", "name": "a", "namespace": "default"}, {"kind": "User", "name": "nobody"},
            {"kind": "Group", "name": "none", "apiGroup": "rbac.authorization.k8s.io"}]})
}

fn storage_class() -> Value {
    json!({"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {}, "provisioner": "example.com/a",
        "parameters": {"a": "", "b": "1"}, "allowVolumeExpansion": false, "mountOptions": [],
        "allowedTopologies": [{"matchLabelExpressions": [{"key": "zone", "values": ["a"]}]}]})
}

fn csi_driver() -> Value {
    json!({"apiVersion": "storage.k8s.io/v1", "kind": "CSIDriver", "metadata": {}, "spec": {"podInfoOnMount": true,
        "tokenRequests": [{"audience": ""}]}})
}

fn storage_capacity() -> Value {
    json!({"apiVersion": "storage.k8s.io/v1", "kind": "CSIStorageCapacity", "metadata": {}, "storageClassName": "a",
        "capacity": "1024Gi", "maximumVolumeSize": "100Gi", "nodeTopology": {"matchLabels": {"a": "b"}}})
}

fn priority_class() -> Value {
    json!({"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": {}, "value": 10, "globalDefault": false,
        "description": ""})
}

fn runtime_class() -> Value {
    json!({"apiVersion": "node.k8s.io/v1", "kind": "RuntimeClass", "metadata": {}, "handler": "runc",
        "overhead": {"podFixed": {"cpu": "0.25", "memory": "1024Ki"}}, "scheduling": {"nodeSelector": {"a": "b"},
            "tolerations": [{"key": "a", "operator": "Exists"}]}})
}

fn lease() -> Value {
    json!({"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {}, "spec": {"holderIdentity": "a",
        "leaseDurationSeconds": 15, "renewTime": "2026-01-01T00:00:00.000000Z"}})
}

fn endpoint_slice() -> Value {
    json!({"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "metadata": {"labels": {"a": "b"}},
        "addressType": "IPv4", "ports": [{"port": 80}, {"port": 53, "protocol": "UDP", "name": "dns"}],
        "endpoints": [{"addresses": ["192.0.2.1"], "conditions": {}, "zone": "a"}, {"addresses": ["192.0.2.2"], "nodeName": "n"}]})
}

/// Returns webhooks for a group that is not served.
fn webhook(kind: &str) -> Value {
    json!({"apiVersion": "admissionregistration.k8s.io/v1", "kind": format!("{kind}WebhookConfiguration"), "metadata": {},
        "webhooks": [{"name": "a.example.com", "sideEffects": "None", "admissionReviewVersions": ["v1"], "failurePolicy": "Ignore",
            "clientConfig": {"service": {"name": "a", "namespace": "default", "path": "/"}}, "matchConditions": [],
            "rules": [{"apiGroups": ["unserved.example.com"], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["as"]}]}]})
}

fn admission_policy() -> Value {
    json!({"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicy", "metadata": {}, "spec": {
        "matchConstraints": {"resourceRules": [{"apiGroups": ["unserved.example.com"], "apiVersions": ["v1"],
            "operations": ["CREATE"], "resources": ["as"]}]},
        "validations": [{"expression": "true", "message": ""}]}})
}

fn flow_schema() -> Value {
    json!({"apiVersion": "flowcontrol.apiserver.k8s.io/v1", "kind": "FlowSchema", "metadata": {}, "spec": {
        "matchingPrecedence": 9000, "priorityLevelConfiguration": {"name": "workload-low"},
        "distinguisherMethod": {"type": "ByUser"},
        "rules": [{"subjects": [{"kind": "User", "user": {"name": "nobody"}}], "resourceRules": [{"apiGroups": ["example.com"],
            "clusterScope": false, "namespaces": ["*"], "resources": ["*"], "verbs": ["get"]}]}]}})
}

fn priority_level() -> Value {
    json!({"apiVersion": "flowcontrol.apiserver.k8s.io/v1", "kind": "PriorityLevelConfiguration", "metadata": {}, "spec": {
        "type": "Limited", "limited": {"nominalConcurrencyShares": 1, "limitResponse": {"type": "Queue", "queuing": {"queues": 16}}}}})
}

fn claim_template() -> Value {
    json!({"apiVersion": "resource.k8s.io/v1", "kind": "ResourceClaimTemplate", "metadata": {}, "spec": {"metadata": {"labels": {"a": "b"}},
        "spec": {"devices": {"requests": [{"name": "a", "exactly": {"deviceClassName": "example.com"}}]}}}})
}

fn device_class() -> Value {
    json!({"apiVersion": "resource.k8s.io/v1", "kind": "DeviceClass", "metadata": {}, "spec": {
        "selectors": [{"cel": {"expression": "device.driver == 'a'"}}]}})
}
