//! Which members of the set leave the cluster because they left the tree, and which stay all the same.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use serde_json::Value;

use crate::core::apply::apply_set::ApplySet;
use crate::core::live::{MANAGER, entries};
use crate::core::manifest::Key;

/// What is done about members that the tree does not hold.
#[derive(Clone, Debug, Default)]
pub struct Candidates {
    /// These are deleted.
    pub delete: Vec<Deletion>,
    /// These stay.
    pub kept: Vec<(Key, Kept)>,
}

/// An object to delete, as it was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deletion {
    /// Which.
    pub key: Key,
    /// Its UID.
    pub uid: String,
    /// Its resourceVersion.
    pub resource_version: String,
    /// Addresses and host names that are lost with it.
    pub addresses: Vec<String>,
}

/// Why an object stays.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Kept {
    /// Its controller deletes it with itself, and has copied our label.
    #[error("{0} looks after it")]
    Child(String),
    /// Deleting it takes more with it than itself.
    #[error("a {0} is not deleted by us, for what is in it goes with it; delete it by hand")]
    Precious(String),
    /// Somebody has said that it shall stay.
    #[error("{0} protects it")]
    Protected(&'static str),
    /// We never wrote it.
    #[error("kubectl-largescale never applied it; somebody has copied its label")]
    NotOurs,
    /// It is on its way.
    #[error("it is being deleted already")]
    Leaving,
}

/// Kinds that controllers make, with copies of the labels of what they are made for.
const CHILDREN: &[(&str, &str)] = &[
    ("", "Endpoints"),
    ("", "Pod"),
    ("apps", "ControllerRevision"),
    ("apps", "ReplicaSet"),
    ("discovery.k8s.io", "EndpointSlice"),
];

/// Kinds whose deletion deletes what nobody has looked at.
const PRECIOUS: &[(&str, &str)] = &[
    ("", "Namespace"),
    ("", "PersistentVolume"),
    ("", "PersistentVolumeClaim"),
    ("apiextensions.k8s.io", "CustomResourceDefinition"),
];

/// Sorts the members that the tree does not hold.
pub fn candidates(set: &ApplySet, members: &[Value], wanted: &BTreeSet<Key>) -> Candidates {
    let mut found = Candidates::default();
    let mut seen = BTreeSet::new();
    for object in members {
        let key = Key::of(object);
        let is_parent = key.kind == "ConfigMap" && key.name == set.name && key.namespace == set.namespace;
        if wanted.contains(&key) || is_parent || !set.is_member(object) || !seen.insert(key.clone()) {
            continue;
        }
        match reason_to_stay(&key, object) {
            Some(why) => found.kept.push((key, why)),
            None => found.delete.push(Deletion {
                key,
                uid: text(&object["metadata"]["uid"]),
                resource_version: text(&object["metadata"]["resourceVersion"]),
                addresses: addresses(object),
            }),
        }
    }
    found
}

/// What a load balancer has been given: addresses and host names.
pub fn addresses(service: &Value) -> Vec<String> {
    let entries = service["status"]["loadBalancer"]["ingress"].as_array().into_iter().flatten();
    entries
        .filter_map(|entry| entry["ip"].as_str().or(entry["hostname"].as_str()))
        .map(str::to_owned)
        .collect()
}

fn reason_to_stay(key: &Key, object: &Value) -> Option<Kept> {
    let metadata = &object["metadata"];
    let is_of = |kinds: &[(&str, &str)]| kinds.contains(&(key.group.as_str(), key.kind.as_str()));
    let note = |name: &str| metadata["annotations"][name].as_str().unwrap_or_default();
    let either = |name: &str| metadata["labels"][name].as_str().unwrap_or(note(name));
    let controller = metadata["ownerReferences"].as_array().into_iter().flatten();
    if let Some(owner) = controller.into_iter().find(|owner| owner["controller"] == true) {
        let kind = text(&owner["kind"]).to_lowercase();
        return Some(Kept::Child(format!("{kind}/{}", text(&owner["name"]))));
    }
    if is_of(CHILDREN) {
        return Some(Kept::Child("a controller".to_owned()));
    }
    if !metadata["deletionTimestamp"].is_null() {
        return Some(Kept::Leaving);
    }
    if is_of(PRECIOUS) {
        return Some(Kept::Precious(key.kind.clone()));
    }
    if note("argocd.argoproj.io/sync-options").split(',').any(|option| option.trim() == "Prune=false") {
        return Some(Kept::Protected("Argo CD's annotation `sync-options: Prune=false`"));
    }
    if either("kustomize.toolkit.fluxcd.io/prune").eq_ignore_ascii_case("disabled") {
        return Some(Kept::Protected("Flux's `kustomize.toolkit.fluxcd.io/prune: disabled`"));
    }
    if note("helm.sh/resource-policy") == "keep" {
        return Some(Kept::Protected("Helm's annotation `helm.sh/resource-policy: keep`"));
    }
    let managers = entries(object).unwrap_or_default();
    (!managers.iter().any(|entry| entry.manager == MANAGER)).then_some(Kept::NotOurs)
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// How many members may be deleted at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MaxPrune {
    /// So many.
    Count(usize),
    /// So many percent of the members, and at least one.
    Percent(u8),
}

impl MaxPrune {
    /// Whether so many of so many members may be deleted.
    pub fn allows(self, deletions: usize, members: usize) -> bool {
        match self {
            Self::Count(count) => deletions <= count,
            Self::Percent(0) => deletions == 0,
            Self::Percent(percent) => deletions <= (members * usize::from(percent) / 100).max(1),
        }
    }
}

impl Default for MaxPrune {
    fn default() -> Self {
        Self::Percent(50)
    }
}

impl fmt::Display for MaxPrune {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Count(count) => write!(f, "{count}"),
            Self::Percent(percent) => write!(f, "{percent}%"),
        }
    }
}

impl FromStr for MaxPrune {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is neither a number, such as 3, nor a percentage from 0% to 100%");
        match text.strip_suffix('%') {
            None => text.parse().map(Self::Count).map_err(|_| wrong()),
            Some(number) => {
                let percent = number.parse().ok().filter(|percent| *percent <= 100);
                percent.map(Self::Percent).ok_or_else(wrong)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn set() -> ApplySet {
        ApplySet { name: "web".to_owned(), namespace: "prod".to_owned() }
    }

    fn member(version: &str, kind: &str, further: &Value) -> Value {
        let mut object = json!({"apiVersion": version, "kind": kind, "metadata": {
            "name": "a", "namespace": "prod", "uid": "u1", "resourceVersion": "7", "managedFields": [
                {"manager": MANAGER, "operation": "Apply", "apiVersion": "v1", "fieldsType": "FieldsV1", "fieldsV1": {}}]}});
        set().mark(&mut object);
        json_patch::merge(&mut object, further);
        object
    }

    #[track_caller]
    fn stays(version: &str, kind: &str, further: &Value, why: &str) {
        let found = candidates(&set(), &[member(version, kind, further)], &BTreeSet::new());
        assert_eq!(found.delete, []);
        assert_eq!(found.kept.iter().map(|(_, kept)| kept.to_string()).collect::<Vec<_>>(), [why]);
    }

    #[test]
    fn what_left_the_tree_is_deleted() {
        let address =
            json!({"status": {"loadBalancer": {"ingress": [{"ip": "1.2.3.4"}, {"hostname": "a.example"}]}}});
        let service = member("v1", "Service", &address);
        let found = candidates(&set(), std::slice::from_ref(&service), &BTreeSet::new());
        let deletion = Deletion {
            key: Key::of(&service),
            uid: "u1".to_owned(),
            resource_version: "7".to_owned(),
            addresses: vec!["1.2.3.4".to_owned(), "a.example".to_owned()],
        };
        assert_eq!((found.delete, found.kept), (vec![deletion], vec![]));
    }

    #[test]
    fn what_is_wanted_or_of_nobody_or_the_parent_is_no_candidate() {
        let service = member("v1", "Service", &json!({}));
        let wanted = BTreeSet::from([Key::of(&service)]);
        let parent = member("v1", "ConfigMap", &json!({"metadata": {"name": "web"}}));
        let stranger = member("v1", "Secret", &json!({"metadata": {"labels": {super::super::PART_OF: "x"}}}));
        let found = candidates(&set(), &[service, parent, stranger], &wanted);
        assert_eq!((found.delete.len(), found.kept.len()), (0, 0));
    }

    #[test]
    fn what_stays() {
        let owner = json!({"metadata": {"ownerReferences": [{"kind": "Service", "name": "web", "controller": true}]}});
        stays("discovery.k8s.io/v1", "EndpointSlice", &owner, "service/web looks after it");
        stays("v1", "Service", &owner, "service/web looks after it");
        for (version, kind) in [
            ("discovery.k8s.io/v1", "EndpointSlice"),
            ("v1", "Endpoints"),
            ("v1", "Pod"),
            ("apps/v1", "ReplicaSet"),
            ("apps/v1", "ControllerRevision"),
        ] {
            stays(version, kind, &json!({}), "a controller looks after it");
        }
        for (version, kind) in [
            ("v1", "Namespace"),
            ("v1", "PersistentVolume"),
            ("v1", "PersistentVolumeClaim"),
            ("apiextensions.k8s.io/v1", "CustomResourceDefinition"),
        ] {
            let why =
                format!("a {kind} is not deleted by us, for what is in it goes with it; delete it by hand");
            stays(version, kind, &json!({}), &why);
        }
        let note = |key: &str, value: &str| json!({"metadata": {"annotations": {key: value}}});
        stays(
            "v1",
            "Service",
            &note("argocd.argoproj.io/sync-options", "Validate=false, Prune=false"),
            "Argo CD's annotation `sync-options: Prune=false` protects it",
        );
        let flux = "Flux's `kustomize.toolkit.fluxcd.io/prune: disabled` protects it";
        stays("v1", "Service", &note("kustomize.toolkit.fluxcd.io/prune", "disabled"), flux);
        stays(
            "v1",
            "Service",
            &json!({"metadata": {"labels": {"kustomize.toolkit.fluxcd.io/prune": "Disabled"}}}),
            flux,
        );
        stays(
            "v1",
            "Service",
            &note("helm.sh/resource-policy", "keep"),
            "Helm's annotation `helm.sh/resource-policy: keep` protects it",
        );
        stays(
            "v1",
            "Service",
            &json!({"metadata": {"managedFields": null}}),
            "kubectl-largescale never applied it; somebody has copied its label",
        );
        stays(
            "v1",
            "Service",
            &json!({"metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z"}}),
            "it is being deleted already",
        );
    }

    #[test]
    fn what_protects_nothing() {
        let note = |key: &str, value: &str| json!({"metadata": {"annotations": {key: value}}});
        for further in [
            note("argocd.argoproj.io/sync-options", "Prune=confirm,Validate=false"),
            note("kustomize.toolkit.fluxcd.io/prune", "enabled"),
            note("helm.sh/resource-policy", "drop"),
            json!({"metadata": {"ownerReferences": [{"kind": "Service", "name": "web"}]}}),
        ] {
            let found = candidates(&set(), &[member("v1", "Service", &further)], &BTreeSet::new());
            assert_eq!(found.delete.len(), 1, "{further}");
        }
    }

    #[test]
    fn how_many() {
        for (max, deletions, members, expected) in [
            ("50%", 1, 1, true),
            ("50%", 2, 3, false),
            ("50%", 2, 4, true),
            ("50%", 3, 4, false),
            ("0%", 1, 100, false),
            ("100%", 4, 4, true),
            ("0", 0, 9, true),
            ("0", 1, 9, false),
            ("3", 3, 3, true),
            ("3", 4, 100, false),
        ] {
            let max: MaxPrune = max.parse().unwrap();
            assert_eq!(max.allows(deletions, members), expected, "{deletions} of {members}, at most {max}");
        }
        for wrong in ["", "%", "101%", "-1", "half", "1.5"] {
            assert!(wrong.parse::<MaxPrune>().is_err(), "{wrong}");
        }
        assert_eq!(MaxPrune::default().to_string(), "50%");
    }
}
