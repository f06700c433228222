//! Facts from the schemas of Kubernetes' own kinds that neither an object nor its managed fields show.
//!
//! From `applyconfigurations/internal/internal.go` of k8s.io/client-go 0.36.

/// The groups whose schemas the names below are from; a custom resource may use the same name in another way.
const GROUPS: &[&str] =
    &["", "apps", "autoscaling", "batch", "networking.k8s.io", "policy", "rbac.authorization.k8s.io"];

/// Fields that hold an atomic map, in any kind of these groups.
const ATOMIC_MAPS: &[&str] = &[
    "claimRef",
    "configMapKeyRef",
    "dataSource",
    "fieldRef",
    "fileKeyRef",
    "labelSelector",
    "namespaceSelector",
    "nodeSelector",
    "podSelector",
    "port",
    "preference",
    "required",
    "requiredDuringSchedulingIgnoredDuringExecution",
    "resourceFieldRef",
    "roleRef",
    "scopeSelector",
    "secretKeyRef",
    "selector",
    "targetRef",
];

/// Lists that are merged by key and have atomic items.
const ATOMIC_ITEMS: &[&str] = &["imagePullSecrets", "ownerReferences", "secrets"];

/// Returns the fields that hold atomic maps in objects of a version; empty for kinds that are not Kubernetes' own.
pub(super) fn atomic_maps(api_version: &str) -> &'static [&'static str] {
    if is_own(api_version) { ATOMIC_MAPS } else { &[] }
}

/// Returns the lists that have atomic items, in objects of a version.
pub(super) fn atomic_items(api_version: &str) -> &'static [&'static str] {
    if is_own(api_version) { ATOMIC_ITEMS } else { &[] }
}

fn is_own(api_version: &str) -> bool {
    let group = api_version.split_once('/').map_or("", |(group, _)| group);
    GROUPS.contains(&group)
}
