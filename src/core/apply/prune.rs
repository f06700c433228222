//! Selects the members of an ApplySet to prune: those that the directory no longer holds and that have no reason to stay.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use crate::core::apply::apply_set::ApplySet;
use crate::core::live::{LiveObject, MANAGER, entries};
use crate::core::manifest::Key;
use crate::core::status::gateway_addresses;

/// The members that the rendered directory no longer holds.
#[derive(Clone, Debug, Default)]
pub struct Candidates<'a> {
    /// Members to delete.
    pub delete: Vec<(Deletion, &'a LiveObject)>,
    /// Members to keep, with the reason.
    pub kept: Vec<(Kept, &'a LiveObject)>,
}

/// An object to delete, in the state in which it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deletion {
    /// The object.
    pub key: Key,
    /// The UID.
    pub uid: String,
    /// The resourceVersion.
    pub resource_version: String,
    /// The addresses and host names of its load balancer, which are lost with it.
    pub addresses: Vec<String>,
}

/// The reason why a member is kept.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Kept {
    /// A controller created it with our label, and deletes it with its owner.
    #[error("{0} manages it")]
    Child(String),
    /// Deleting it would also delete other objects or data.
    #[error(
        "kubectl-largescale does not delete a {0}, because its contents would be deleted too; delete it by hand"
    )]
    Precious(String),
    /// An annotation or label protects it.
    #[error("{0} protects it")]
    Protected(&'static str),
    /// This program never applied it.
    #[error("kubectl-largescale never applied it; its label was copied from another object")]
    NotOurs,
    /// It has a deletion timestamp.
    #[error("it is already being deleted")]
    Leaving,
}

/// Kinds that controllers create with copies of their owner's labels.
const CHILDREN: &[(&str, &str)] = &[
    ("", "Endpoints"),
    ("", "Pod"),
    ("apps", "ControllerRevision"),
    ("apps", "ReplicaSet"),
    ("discovery.k8s.io", "EndpointSlice"),
];

/// Kinds whose deletion also deletes objects or data that no diff shows.
const PRECIOUS: &[(&str, &str)] = &[
    ("", "Namespace"),
    ("", "PersistentVolume"),
    ("", "PersistentVolumeClaim"),
    ("apiextensions.k8s.io", "CustomResourceDefinition"),
];

/// Sorts the members that are not in `wanted` into those to delete and those to keep.
pub fn candidates<'a>(
    set: &ApplySet,
    members: impl IntoIterator<Item = &'a LiveObject>,
    wanted: &BTreeSet<Key>,
) -> Candidates<'a> {
    let mut found = Candidates::default();
    let mut seen = BTreeSet::new();
    for object in members {
        let key = object.key();
        let is_parent = key.kind == "ConfigMap" && key.name == set.name && key.namespace == set.namespace;
        if wanted.contains(&key) || is_parent || !set.is_member(object) || !seen.insert(key.clone()) {
            continue;
        }
        if let Some(why) = reason_to_keep(&key, object) {
            found.kept.push((why, object));
            continue;
        }
        let deletion = Deletion {
            key,
            uid: object.uid().unwrap_or_default().to_owned(),
            resource_version: object.resource_version().unwrap_or_default().to_owned(),
            addresses: addresses(object),
        };
        found.delete.push((deletion, object));
    }
    found
}

/// Returns the addresses and host names of a Service's load balancer, or of a Gateway.
pub fn addresses(object: &LiveObject) -> Vec<String> {
    if object.kind() == "Gateway" {
        return gateway_addresses(object.value()).iter().map(ToString::to_string).collect();
    }
    let entries = object.field("status")["loadBalancer"]["ingress"].as_array().into_iter().flatten();
    entries
        .filter_map(|entry| entry["ip"].as_str().or(entry["hostname"].as_str()))
        .map(str::to_owned)
        .collect()
}

fn reason_to_keep(key: &Key, object: &LiveObject) -> Option<Kept> {
    let is_of = |kinds: &[(&str, &str)]| kinds.contains(&(key.group.as_str(), key.kind.as_str()));
    let note = |name: &str| object.annotation(name).unwrap_or_default();
    let either = |name: &str| object.label(name).unwrap_or(note(name));
    if let Some((kind, name)) = object.controller() {
        return Some(Kept::Child(format!("{}/{name}", kind.to_lowercase())));
    }
    if is_of(CHILDREN) {
        return Some(Kept::Child("a controller".to_owned()));
    }
    if object.is_being_deleted() {
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

/// The limit on the members that one run may delete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MaxPrune {
    /// A number of members.
    Count(usize),
    /// A percentage of the members. Unless it is zero, one deletion is always allowed.
    Percent(u8),
}

impl MaxPrune {
    /// Returns whether this limit allows a number of deletions among a number of members.
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
    use serde_json::{Value, json};

    use super::*;

    fn set() -> ApplySet {
        ApplySet { name: "web".to_owned(), namespace: "prod".to_owned() }
    }

    fn member(version: &str, kind: &str, further: &Value) -> LiveObject {
        let mut object = json!({"apiVersion": version, "kind": kind, "metadata": {
            "name": "a", "namespace": "prod", "uid": "u1", "resourceVersion": "7", "managedFields": [
                {"manager": MANAGER, "operation": "Apply", "apiVersion": "v1", "fieldsType": "FieldsV1", "fieldsV1": {}}]}});
        set().mark(&mut object);
        json_patch::merge(&mut object, further);
        LiveObject::sample(&object)
    }

    #[track_caller]
    fn is_kept(version: &str, kind: &str, further: &Value, why: &str) {
        let object = member(version, kind, further);
        let found = candidates(&set(), [&object], &BTreeSet::new());
        assert!(found.delete.is_empty());
        assert_eq!(found.kept.iter().map(|(kept, _)| kept.to_string()).collect::<Vec<_>>(), [why]);
    }

    #[test]
    fn members_that_are_not_rendered_are_deleted() {
        let address =
            json!({"status": {"loadBalancer": {"ingress": [{"ip": "1.2.3.4"}, {"hostname": "a.example"}]}}});
        let service = member("v1", "Service", &address);
        let found = candidates(&set(), [&service], &BTreeSet::new());
        let deletion = Deletion {
            key: service.key(),
            uid: "u1".to_owned(),
            resource_version: "7".to_owned(),
            addresses: vec!["1.2.3.4".to_owned(), "a.example".to_owned()],
        };
        assert_eq!((found.delete, found.kept), (vec![(deletion, &service)], vec![]));
    }

    #[test]
    fn wanted_objects_the_parent_and_non_members_are_no_candidates() {
        let service = member("v1", "Service", &json!({}));
        let wanted = BTreeSet::from([service.key()]);
        let parent = member("v1", "ConfigMap", &json!({"metadata": {"name": "web"}}));
        let stranger = member("v1", "Secret", &json!({"metadata": {"labels": {super::super::PART_OF: "x"}}}));
        let found = candidates(&set(), [&service, &parent, &stranger], &wanted);
        assert_eq!((found.delete.len(), found.kept.len()), (0, 0));
    }

    #[test]
    fn only_the_parent_itself_is_exempt() {
        let named = |kind: &str, name: &str, namespace: &str| {
            let version = if kind == "Deployment" { "apps/v1" } else { "v1" };
            member(version, kind, &json!({"metadata": {"name": name, "namespace": namespace}}))
        };
        for (kind, name, namespace, deleted) in [
            ("ConfigMap", "web", "prod", 0),
            ("ConfigMap", "web", "other", 1),
            ("ConfigMap", "settings", "prod", 1),
            ("Deployment", "web", "prod", 1),
            ("Service", "web", "prod", 1),
        ] {
            let object = named(kind, name, namespace);
            let found = candidates(&set(), [&object], &BTreeSet::new());
            assert_eq!(found.delete.len(), deleted, "{kind} {namespace}/{name}");
        }
    }

    #[test]
    fn members_that_are_kept() {
        let owner = json!({"metadata": {"ownerReferences": [{"kind": "Service", "name": "web", "controller": true}]}});
        is_kept("discovery.k8s.io/v1", "EndpointSlice", &owner, "service/web manages it");
        is_kept("v1", "Service", &owner, "service/web manages it");
        for (version, kind) in [
            ("discovery.k8s.io/v1", "EndpointSlice"),
            ("v1", "Endpoints"),
            ("v1", "Pod"),
            ("apps/v1", "ReplicaSet"),
            ("apps/v1", "ControllerRevision"),
        ] {
            is_kept(version, kind, &json!({}), "a controller manages it");
        }
        for (version, kind) in [
            ("v1", "Namespace"),
            ("v1", "PersistentVolume"),
            ("v1", "PersistentVolumeClaim"),
            ("apiextensions.k8s.io/v1", "CustomResourceDefinition"),
        ] {
            let why = format!(
                "kubectl-largescale does not delete a {kind}, because its contents would be deleted too; delete it by hand"
            );
            is_kept(version, kind, &json!({}), &why);
        }
        let note = |key: &str, value: &str| json!({"metadata": {"annotations": {key: value}}});
        is_kept(
            "v1",
            "Service",
            &note("argocd.argoproj.io/sync-options", "Validate=false, Prune=false"),
            "Argo CD's annotation `sync-options: Prune=false` protects it",
        );
        let flux = "Flux's `kustomize.toolkit.fluxcd.io/prune: disabled` protects it";
        is_kept("v1", "Service", &note("kustomize.toolkit.fluxcd.io/prune", "disabled"), flux);
        is_kept(
            "v1",
            "Service",
            &json!({"metadata": {"labels": {"kustomize.toolkit.fluxcd.io/prune": "Disabled"}}}),
            flux,
        );
        is_kept(
            "v1",
            "Service",
            &note("helm.sh/resource-policy", "keep"),
            "Helm's annotation `helm.sh/resource-policy: keep` protects it",
        );
        is_kept(
            "v1",
            "Service",
            &json!({"metadata": {"managedFields": null}}),
            "kubectl-largescale never applied it; its label was copied from another object",
        );
        is_kept(
            "v1",
            "Service",
            &json!({"metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z"}}),
            "it is already being deleted",
        );
    }

    #[test]
    fn annotations_that_do_not_protect() {
        let note = |key: &str, value: &str| json!({"metadata": {"annotations": {key: value}}});
        for further in [
            note("argocd.argoproj.io/sync-options", "Prune=confirm,Validate=false"),
            note("kustomize.toolkit.fluxcd.io/prune", "enabled"),
            note("helm.sh/resource-policy", "drop"),
            json!({"metadata": {"ownerReferences": [{"kind": "Service", "name": "web"}]}}),
        ] {
            let object = member("v1", "Service", &further);
            let found = candidates(&set(), [&object], &BTreeSet::new());
            assert_eq!(found.delete.len(), 1, "{further}");
        }
    }

    #[test]
    fn limits_on_deletions() {
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
