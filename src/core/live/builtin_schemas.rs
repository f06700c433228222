//! What the schemas of Kubernetes' own kinds say that neither an object nor its managed fields tell.
//!
//! From `applyconfigurations/internal/internal.go` of k8s.io/client-go 0.36.

/// Groups whose schemas the names below are from; a custom resource may use a name differently.
const GROUPS: &[&str] =
    &["", "apps", "autoscaling", "batch", "networking.k8s.io", "policy", "rbac.authorization.k8s.io"];

/// Fields that hold a map which is owned as a whole, under whichever kind of these groups they stand.
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

/// Lists that are merged by key, with items that are owned as a whole.
const ATOMIC_ITEMS: &[&str] = &["imagePullSecrets", "ownerReferences", "secrets"];

/// Lists that are merged by key.
const LIST_KEYS: &[(&str, &[&str])] = &[
    ("containers", &["name"]),
    ("env", &["name"]),
    ("ephemeralContainers", &["name"]),
    ("hostAliases", &["ip"]),
    ("imagePullSecrets", &["name"]),
    ("initContainers", &["name"]),
    ("ownerReferences", &["uid"]),
    ("topologySpreadConstraints", &["topologyKey", "whenUnsatisfiable"]),
    ("volumeDevices", &["devicePath"]),
    ("volumeMounts", &["mountPath"]),
    ("volumes", &["name"]),
];

/// The maps that are owned as a whole in objects of a version; none for kinds that are not Kubernetes' own.
pub(super) fn atomic_maps(api_version: &str) -> &'static [&'static str] {
    if is_own(api_version) { ATOMIC_MAPS } else { &[] }
}

/// The same for items of lists, by the name of the list.
pub(super) fn atomic_items(api_version: &str) -> &'static [&'static str] {
    if is_own(api_version) { ATOMIC_ITEMS } else { &[] }
}

/// The key fields of a list that is merged by them, by its name; none for a list that is not, or of which its name
/// alone does not tell (`ports`).
pub(super) fn list_keys(name: &str) -> &'static [&'static str] {
    LIST_KEYS.iter().find(|(list, _)| *list == name).map_or(&[], |(_, keys)| keys)
}

fn is_own(api_version: &str) -> bool {
    let group = api_version.split_once('/').map_or("", |(group, _)| group);
    GROUPS.contains(&group)
}
