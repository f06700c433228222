//! The ApplySet protocol, version 1. It tells kubectl and other tools which objects a prune may delete.
//!
//! Sources: KEP-3659, and where the two differ, kubectl's `pkg/cmd/apply/applyset.go`. Each member carries a label with
//! the ApplySet's ID. The parent, here always a `ConfigMap`, lists the kinds and namespaces of the members.

use std::collections::BTreeSet;
use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::core::json;
use crate::core::kubernetes::name_rules;
use crate::core::live::LiveObject;
use crate::core::lock::LockId;
use crate::core::manifest::{Key, set_label};

/// Label on a member: the ID of its ApplySet.
pub const PART_OF: &str = "applyset.kubernetes.io/part-of";

/// Label on a parent: the ID of the ApplySet.
pub const ID: &str = "applyset.kubernetes.io/id";

/// Annotation on a parent: the program that manages the ApplySet.
pub const TOOLING: &str = "applyset.kubernetes.io/tooling";

/// Annotation on a parent: the kinds of the members.
pub const KINDS: &str = "applyset.kubernetes.io/contains-group-kinds";

/// Annotation on a parent of an older ApplySet: the kinds of the members as resource names.
pub(super) const RESOURCES: &str = "applyset.kubernetes.io/contains-group-resources";

/// Annotation on a parent: the namespaces of members other than its own.
pub const NAMESPACES: &str = "applyset.kubernetes.io/additional-namespaces";

/// Annotation on a parent: the lock ID of the directory that the ApplySet belongs to.
pub const LOCK_ID: &str = "largescale.dev/lock-id";

/// The field manager that writes parents.
pub const PARENT_MANAGER: &str = "kubectl-largescale-applyset";

/// The name of this program in the tooling annotation.
pub const TOOL: &str = "kubectl-largescale";

/// An ApplySet, identified by its parent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApplySet {
    /// The name of the parent.
    pub name: String,
    /// The namespace of the parent.
    pub namespace: String,
}

/// A kind without a version: `Deployment.apps`, `Service`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct GroupKind {
    /// The kind; the first field, because the protocol sorts by the written form.
    pub kind: String,
    /// The API group; empty for the core group.
    pub group: String,
}

/// The kinds and namespaces of the members.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MemberScope {
    /// The kinds of the members.
    pub kinds: BTreeSet<GroupKind>,
    /// The namespaces of the members.
    pub namespaces: BTreeSet<String>,
}

impl ApplySet {
    /// Returns the ID of the ApplySet.
    pub fn id(&self) -> String {
        id_of(&self.name, &self.namespace, "ConfigMap", "")
    }

    /// Returns name and namespace for a sentence.
    pub fn name_and_namespace(&self) -> String {
        format!("{} in namespace {}", self.name, self.namespace)
    }

    /// Returns namespace and name, as in a path.
    pub fn namespaced_name(&self) -> String {
        format!("{}/{}", self.namespace, self.name)
    }

    /// Returns the label selector that matches the members.
    pub fn selector(&self) -> String {
        format!("{PART_OF}={}", self.id())
    }

    /// Returns the scope of these objects and of the parent.
    pub fn scope<'a>(&self, keys: impl IntoIterator<Item = &'a Key>) -> MemberScope {
        let mut scope = MemberScope::default();
        scope.namespaces.insert(self.namespace.clone());
        for key in keys {
            scope.kinds.insert(GroupKind { kind: key.kind.clone(), group: key.group.clone() });
            if !key.namespace.is_empty() {
                scope.namespaces.insert(key.namespace.clone());
            }
        }
        scope
    }

    /// Adds the member label. Only objects sent to the cluster have it; rendered files do not.
    pub fn mark(&self, object: &mut Value) {
        set_label(object, PART_OF, &self.id());
    }

    /// Returns whether an object is a member of this ApplySet.
    pub fn is_member(&self, object: &LiveObject) -> bool {
        object.label(PART_OF) == Some(&self.id())
    }

    /// Returns the parent to apply for the directory with this lock ID.
    pub fn parent(&self, scope: &MemberScope, lock_id: Option<&LockId>) -> Value {
        let mut parent = self.parent_of(scope, &format!("{TOOL}/v{}", env!("CARGO_PKG_VERSION")));
        if let Some(id) = lock_id {
            json::put(&mut parent, &["metadata", "annotations", LOCK_ID], id.as_str());
        }
        parent
    }

    /// Returns the parent of an ApplySet that the given program manages.
    pub fn parent_of(&self, scope: &MemberScope, tooling: &str) -> Value {
        let kinds: BTreeSet<String> = scope.kinds.iter().map(ToString::to_string).collect();
        let kinds: Vec<String> = kinds.into_iter().collect();
        let others: Vec<&str> = scope
            .namespaces
            .iter()
            .map(String::as_str)
            .filter(|name| *name != self.namespace && !name.is_empty())
            .collect();
        json!({
            "apiVersion": "v1", "kind": "ConfigMap",
            "metadata": {
                "name": self.name, "namespace": self.namespace,
                "labels": { ID: self.id() },
                "annotations": { TOOLING: tooling, KINDS: kinds.join(","), NAMESPACES: others.join(",") },
            },
        })
    }
}

impl MemberScope {
    /// Returns the union of both scopes.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        Self {
            kinds: self.kinds.union(&other.kinds).cloned().collect(),
            namespaces: self.namespaces.union(&other.namespaces).cloned().collect(),
        }
    }

    /// Returns whether this scope includes all of the other.
    pub fn covers(&self, other: &Self) -> bool {
        self.kinds.is_superset(&other.kinds) && self.namespaces.is_superset(&other.namespaces)
    }
}

impl fmt::Display for GroupKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.group.is_empty() {
            f.write_str(&self.kind)
        } else {
            write!(f, "{}.{}", self.kind, self.group)
        }
    }
}

impl GroupKind {
    /// Parses the format that [`fmt::Display`] writes; `None` if the text is not a valid kind or group.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (kind, group) = text.split_once('.').unwrap_or((text, ""));
        let is_kind = kind.starts_with(|c: char| c.is_ascii_alphabetic())
            && kind.bytes().all(|byte| byte.is_ascii_alphanumeric());
        let is_group = group.is_empty() || group.split('.').all(name_rules::is_label);
        (is_kind && is_group).then(|| Self { kind: kind.to_owned(), group: group.to_owned() })
    }
}

fn id_of(name: &str, namespace: &str, kind: &str, group: &str) -> String {
    let hash = Sha256::digest(format!("{name}.{namespace}.{kind}.{group}"));
    format!("applyset-{}-v1", URL_SAFE_NO_PAD.encode(hash))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(name: &str, namespace: &str) -> ApplySet {
        ApplySet { name: name.to_owned(), namespace: namespace.to_owned() }
    }

    fn key(kind: &str, group: &str, namespace: &str) -> Key {
        let text = str::to_owned;
        Key { kind: text(kind), group: text(group), namespace: text(namespace), name: text("a") }
    }

    #[test]
    fn ids_are_those_that_kubectl_computes() {
        let of_secret = "applyset-0eFHV8ySqp7XoShsGvyWFQD3s96yqwHmzc4e0HR1dsY-v1"; // typos:ignore
        assert_eq!(id_of("my-set", "test", "Secret", ""), of_secret);
        let custom = "applyset-rhp1a-HVAVT_dFgyEygyA1BEB82HPp2o10UiFTpqtAs-v1";
        assert_eq!(id_of("my-set", "", "ApplySet", "company.com"), custom);
        let ours = "applyset-V7xW1ZwU_L_n0LOZsTEWHanM7gdq1x172Tfq_gowcvQ-v1";
        assert_eq!(set("largescale", "demo").id(), ours);
    }

    #[test]
    fn marked_objects_are_members() {
        let set = set("web", "prod");
        let mut object = json!({"metadata": {"name": "a"}});
        assert!(!set.is_member(&LiveObject::sample(&object)));
        set.mark(&mut object);
        assert!(set.is_member(&LiveObject::sample(&object)));
        assert_eq!(set.selector(), format!("{PART_OF}={}", set.id()));
    }

    #[test]
    fn unions_of_scopes() {
        let set = set("web", "prod");
        let small = set.scope(&[key("Service", "", "prod")]);
        let large = small.union(&set.scope(&[key("Service", "", "x"), key("Secret", "", "prod")]));
        assert!(large.covers(&small) && !small.covers(&large));
    }
}
