//! Apply order: the objects that others depend on come first.

/// A stage of an apply. All objects of a stage are applied before the next stage begins. Deletions use the reverse order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// Namespaces and CustomResourceDefinitions.
    Groundwork,
    /// Objects that workloads refer to.
    Configuration,
    /// Workloads.
    Workloads,
    /// Services.
    Services,
    /// Everything else, such as Ingresses, autoscalers and custom resources.
    Rest,
}

/// Kubernetes' own kinds by group. Disruption budgets and network policies come before the pods that they select, so
/// that no pod runs without them.
const KINDS: &[(Stage, &str, &[&str])] = &[
    (Stage::Groundwork, "", &["Namespace"]),
    (Stage::Groundwork, "apiextensions.k8s.io", &["CustomResourceDefinition"]),
    (
        Stage::Configuration,
        "",
        &[
            "ConfigMap",
            "LimitRange",
            "PersistentVolume",
            "PersistentVolumeClaim",
            "ResourceQuota",
            "Secret",
            "ServiceAccount",
        ],
    ),
    (Stage::Configuration, "networking.k8s.io", &["NetworkPolicy"]),
    (Stage::Configuration, "node.k8s.io", &["RuntimeClass"]),
    (Stage::Configuration, "policy", &["PodDisruptionBudget"]),
    (
        Stage::Configuration,
        "rbac.authorization.k8s.io",
        &["ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"],
    ),
    (Stage::Configuration, "scheduling.k8s.io", &["PriorityClass"]),
    (Stage::Configuration, "storage.k8s.io", &["StorageClass"]),
    (Stage::Workloads, "", &["Pod", "ReplicationController"]),
    (Stage::Workloads, "apps", &["DaemonSet", "Deployment", "ReplicaSet", "StatefulSet"]),
    (Stage::Workloads, "batch", &["CronJob", "Job"]),
    (Stage::Services, "", &["Service"]),
];

impl Stage {
    /// Returns the stage of a kind.
    pub fn of(group: &str, kind: &str) -> Self {
        let known = KINDS.iter().find(|(_, known, kinds)| *known == group && kinds.contains(&kind));
        known.map_or(Self::Rest, |(stage, ..)| *stage)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_map_to_stages() {
        for (group, kind, expected) in [
            ("", "Namespace", Stage::Groundwork),
            ("apiextensions.k8s.io", "CustomResourceDefinition", Stage::Groundwork),
            ("", "Secret", Stage::Configuration),
            ("policy", "PodDisruptionBudget", Stage::Configuration),
            ("apps", "Deployment", Stage::Workloads),
            ("", "Service", Stage::Services),
            ("serving.knative.dev", "Service", Stage::Rest),
            ("autoscaling", "HorizontalPodAutoscaler", Stage::Rest),
            ("networking.k8s.io", "Ingress", Stage::Rest),
        ] {
            assert_eq!(Stage::of(group, kind), expected, "{kind}.{group}");
        }
        assert!(Stage::Groundwork < Stage::Configuration && Stage::Workloads < Stage::Services);
    }
}
