//! The ApplySet protocol, version 1, by which kubectl and others tell who may prune what.
//!
//! Sources: KEP-3659, and where it disagrees with it, kubectl's `pkg/cmd/apply/applyset.go`. A member carries a label
//! with the set's ID; the parent, here always a `ConfigMap`, says in which kinds and namespaces members are.

use std::collections::BTreeSet;
use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::core::kubernetes::names;
use crate::core::lock::LockId;
use crate::core::manifest::Key;

/// The label of a member.
pub const PART_OF: &str = "applyset.kubernetes.io/part-of";

/// The label of a parent.
pub const ID: &str = "applyset.kubernetes.io/id";

/// The annotation of a parent: which program looks after the set.
pub const TOOLING: &str = "applyset.kubernetes.io/tooling";

/// The annotation of a parent: the kinds of the members.
pub const KINDS: &str = "applyset.kubernetes.io/contains-group-kinds";

/// The same as resources, in sets of old.
pub(super) const RESOURCES: &str = "applyset.kubernetes.io/contains-group-resources";

/// The annotation of a parent: namespaces of members besides its own.
pub const NAMESPACES: &str = "applyset.kubernetes.io/additional-namespaces";

/// The annotation of a parent: the id of the directory that the set belongs to.
pub const LOCK_ID: &str = "largescale.dev/lock-id";

/// In whose name a parent is written.
pub const PARENT_MANAGER: &str = "kubectl-largescale-applyset";

/// Our name in parents.
pub const TOOL: &str = "kubectl-largescale";

/// A set, by its parent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApplySet {
    /// The name of the parent.
    pub name: String,
    /// Its namespace.
    pub namespace: String,
}

/// A kind without a version: `Deployment.apps`, `Service`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct GroupKind {
    /// The kind; first, as the protocol sorts by what is written.
    pub kind: String,
    /// The API group; empty for core.
    pub group: String,
}

/// Where members are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MemberScope {
    /// Their kinds.
    pub kinds: BTreeSet<GroupKind>,
    /// Their namespaces.
    pub namespaces: BTreeSet<String>,
}

impl ApplySet {
    /// The ID.
    pub fn id(&self) -> String {
        id_of(&self.name, &self.namespace, "ConfigMap", "")
    }

    /// What selects the members.
    pub fn selector(&self) -> String {
        format!("{PART_OF}={}", self.id())
    }

    /// Where these objects are, and the parent.
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

    /// Makes an object a member: on its way to the cluster, never in the directory.
    pub fn mark(&self, object: &mut Value) {
        if object["metadata"]["labels"].is_null() {
            object["metadata"]["labels"] = json!({});
        }
        object["metadata"]["labels"][PART_OF] = self.id().into();
    }

    /// Whether an object carries our label.
    pub fn is_member(&self, object: &Value) -> bool {
        object["metadata"]["labels"][PART_OF] == self.id()
    }

    /// The parent, as it is applied for the directory with this id.
    pub fn parent(&self, scope: &MemberScope, lock_id: Option<&LockId>) -> Value {
        let mut parent = self.parent_of(scope, &format!("{TOOL}/v{}", env!("CARGO_PKG_VERSION")));
        if let Some(id) = lock_id {
            parent["metadata"]["annotations"][LOCK_ID] = id.as_str().into();
        }
        parent
    }

    /// The parent of a set that a program looks after.
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
    /// Both.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        Self {
            kinds: self.kinds.union(&other.kinds).cloned().collect(),
            namespaces: self.namespaces.union(&other.namespaces).cloned().collect(),
        }
    }

    /// Whether nothing of the other is outside.
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
    /// Reads what [`fmt::Display`] writes; `None` for what no kind or group is called.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (kind, group) = text.split_once('.').unwrap_or((text, ""));
        let is_kind = kind.starts_with(|c: char| c.is_ascii_alphabetic())
            && kind.bytes().all(|byte| byte.is_ascii_alphanumeric());
        let is_group = group.is_empty() || group.split('.').all(names::is_label);
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
    fn ids_as_kubectl_computes_them() {
        let secret = "applyset-0eFHV8ySqp7XoShsGvyWFQD3s96yqwHmzc4e0HR1dsY-v1";
        assert_eq!(id_of("my-set", "test", "Secret", ""), secret);
        let custom = "applyset-rhp1a-HVAVT_dFgyEygyA1BEB82HPp2o10UiFTpqtAs-v1";
        assert_eq!(id_of("my-set", "", "ApplySet", "company.com"), custom);
        let ours = "applyset-V7xW1ZwU_L_n0LOZsTEWHanM7gdq1x172Tfq_gowcvQ-v1";
        assert_eq!(set("largescale", "demo").id(), ours);
    }

    #[test]
    fn members_are_marked_and_known() {
        let set = set("web", "prod");
        let mut object = json!({"metadata": {"name": "a"}});
        assert!(!set.is_member(&object));
        set.mark(&mut object);
        assert!(set.is_member(&object));
        assert_eq!(set.selector(), format!("{PART_OF}={}", set.id()));
    }

    #[test]
    fn scopes() {
        let set = set("web", "prod");
        let small = set.scope(&[key("Service", "", "prod")]);
        let large = small.union(&set.scope(&[key("Service", "", "x"), key("Secret", "", "prod")]));
        assert!(large.covers(&small) && !small.covers(&large));
    }
}
