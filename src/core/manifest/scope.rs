//! Which kinds are namespaced.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::core::manifest::Object;

/// Kubernetes' own cluster-scoped kinds by group (`kubectl api-resources --namespaced=false`, v1.36).
const CLUSTER_SCOPED: &[(&str, &[&str])] = &[
    ("", &["ComponentStatus", "Namespace", "Node", "PersistentVolume"]),
    (
        "admissionregistration.k8s.io",
        &[
            "MutatingAdmissionPolicy",
            "MutatingAdmissionPolicyBinding",
            "MutatingWebhookConfiguration",
            "ValidatingAdmissionPolicy",
            "ValidatingAdmissionPolicyBinding",
            "ValidatingWebhookConfiguration",
        ],
    ),
    ("apiextensions.k8s.io", &["CustomResourceDefinition"]),
    ("apiregistration.k8s.io", &["APIService"]),
    ("authentication.k8s.io", &["SelfSubjectReview", "TokenReview"]),
    ("authorization.k8s.io", &["SelfSubjectAccessReview", "SelfSubjectRulesReview", "SubjectAccessReview"]),
    ("certificates.k8s.io", &["CertificateSigningRequest", "ClusterTrustBundle"]),
    ("flowcontrol.apiserver.k8s.io", &["FlowSchema", "PriorityLevelConfiguration"]),
    ("networking.k8s.io", &["IngressClass", "IPAddress", "ServiceCIDR"]),
    ("node.k8s.io", &["RuntimeClass"]),
    ("rbac.authorization.k8s.io", &["ClusterRole", "ClusterRoleBinding"]),
    ("resource.k8s.io", &["DeviceClass", "DeviceTaintRule", "ResourceSlice"]),
    ("scheduling.k8s.io", &["PriorityClass"]),
    (
        "storage.k8s.io",
        &["CSIDriver", "CSINode", "StorageClass", "VolumeAttachment", "VolumeAttributesClass"],
    ),
    ("storagemigration.k8s.io", &["StorageVersionMigration"]),
];

/// Cluster-scoped kinds of other well-known APIs, whose CustomResourceDefinitions are rarely in the manifests.
const WELL_KNOWN: &[(&str, &[&str])] = &[
    ("cert-manager.io", &["ClusterIssuer"]),
    (
        "cilium.io",
        &[
            "CiliumBGPAdvertisement",
            "CiliumBGPClusterConfig",
            "CiliumBGPNodeConfig",
            "CiliumBGPNodeConfigOverride",
            "CiliumBGPPeerConfig",
            "CiliumBGPPeeringPolicy",
            "CiliumCIDRGroup",
            "CiliumClusterwideEnvoyConfig",
            "CiliumClusterwideNetworkPolicy",
            "CiliumEgressGatewayPolicy",
            "CiliumL2AnnouncementPolicy",
            "CiliumLoadBalancerIPPool",
        ],
    ),
    ("gateway.networking.k8s.io", &["GatewayClass"]),
];

/// The known scopes: those of Kubernetes' own kinds, and of the CustomResourceDefinitions in the manifests.
#[derive(Clone, Debug, Default)]
pub struct Scopes {
    /// The group and kind of custom resources, and whether they are namespaced.
    custom: BTreeMap<(String, String), bool>,
}

impl Scopes {
    /// Reads the CustomResourceDefinitions among the objects.
    pub fn of(objects: &[Object]) -> Self {
        let mut custom = BTreeMap::new();
        for object in objects.iter().filter(|object| object.value()["kind"] == "CustomResourceDefinition") {
            let text =
                |pointer: &str| object.value().pointer(pointer).and_then(Value::as_str).unwrap_or_default();
            let key = (text("/spec/group").to_owned(), text("/spec/names/kind").to_owned());
            custom.insert(key, text("/spec/scope") != "Cluster");
        }
        Self { custom }
    }

    /// Returns whether objects of this kind are namespaced. Unknown kinds count as namespaced, as in kustomize.
    pub fn is_namespaced(&self, group: &str, kind: &str) -> bool {
        if let Some(namespaced) = self.custom.get(&(group.to_owned(), kind.to_owned())) {
            return *namespaced;
        }
        let mut known = CLUSTER_SCOPED.iter().chain(WELL_KNOWN);
        !known.any(|(known, kinds)| *known == group && kinds.contains(&kind))
    }
}
