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

use crate::core::diagnostic::Diagnostic;
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
const RESOURCES: &str = "applyset.kubernetes.io/contains-group-resources";

/// The annotation of a parent: namespaces of members besides its own.
pub const NAMESPACES: &str = "applyset.kubernetes.io/additional-namespaces";

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
pub struct Scope {
    /// Their kinds.
    pub kinds: BTreeSet<GroupKind>,
    /// Their namespaces.
    pub namespaces: BTreeSet<String>,
}

/// What a parent says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parent {
    /// Where members are.
    pub scope: Scope,
    /// The program that looks after the set, with its version: `kubectl/v1.36.3`.
    pub tooling: String,
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
    pub fn scope<'a>(&self, keys: impl IntoIterator<Item = &'a Key>) -> Scope {
        let mut scope = Scope::default();
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

    /// The parent, as it is applied.
    pub fn parent(&self, scope: &Scope) -> Value {
        self.parent_of(scope, &format!("{TOOL}/v{}", env!("CARGO_PKG_VERSION")))
    }

    /// The parent of a set that a program looks after.
    pub fn parent_of(&self, scope: &Scope, tooling: &str) -> Value {
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

impl Scope {
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
    fn parse(text: &str) -> Self {
        let (kind, group) = text.split_once('.').unwrap_or((text, ""));
        Self { kind: kind.to_owned(), group: group.to_owned() }
    }
}

/// Whose set a parent is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// Ours, and nobody else's.
    Ours,
    /// Anybody's: it is about to become ours, or is only looked at.
    Anyone,
}

/// Reads a parent, with the checks of kubectl in their order.
pub fn read_parent(set: &ApplySet, live: &Value, owner: Owner) -> Result<Parent, Diagnostic> {
    let name = format!("configmap/{}/{}", set.namespace, set.name);
    let text = |field: &str, key: &str| live["metadata"][field][key].as_str();
    if !is_parent(live) {
        return Err(Diagnostic::refusal(format!(
            "{name} is there already and is not the inventory of a set"
        ))
        .hint("give the spec another `metadata.name`, or that ConfigMap"));
    }
    let Some(tooling) = text("annotations", TOOLING) else {
        return Err(lacks(&name, "annotation", TOOLING));
    };
    let tool = tool_of(tooling);
    if tool != TOOL && owner == Owner::Ours {
        return Err(Diagnostic::refusal(format!("{name}: the set is looked after by {tooling}, not by us"))
            .hint("`kubectl largescale inventory adopt` takes it over; until then let that program apply and prune"));
    }
    let Some(id) = text("labels", ID) else {
        return Err(lacks(&name, "label", ID));
    };
    if id != set.id() {
        return Err(Diagnostic::refusal(format!(
            "{name} has the ID of another set: the label {ID} is {id}, expected {}",
            set.id()
        ))
        .hint("was it copied from another namespace or name? `kubectl largescale inventory verify --fix` puts it right"));
    }
    let Some(kinds) = text("annotations", KINDS) else {
        return Err(lacks(&name, "annotation", KINDS));
    };
    let split = |text: &str| -> Vec<String> {
        text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned).collect()
    };
    let mut namespaces: BTreeSet<String> =
        split(text("annotations", NAMESPACES).unwrap_or_default()).into_iter().collect();
    namespaces.insert(set.namespace.clone());
    let kinds = split(kinds).iter().map(|kind| GroupKind::parse(kind)).collect();
    Ok(Parent { scope: Scope { kinds, namespaces }, tooling: tooling.to_owned() })
}

/// What takes the set out of a parent that holds something besides, and so is not ours to delete.
pub fn undone(parent: &Value) -> Option<Value> {
    let holds = |field: &str| parent[field].as_object().is_some_and(|map| !map.is_empty());
    let patch = json!({ "metadata": {
        "uid": parent["metadata"]["uid"],
        "resourceVersion": parent["metadata"]["resourceVersion"],
        "labels": { ID: null },
        "annotations": { TOOLING: null, KINDS: null, RESOURCES: null, NAMESPACES: null },
    } });
    (holds("data") || holds("binaryData")).then_some(patch)
}

/// Whether a parent that cannot be read may be written anew: it is one, and no other program says that it is its own.
pub fn is_ours_to_mend(live: &Value) -> bool {
    let tooling = live["metadata"]["annotations"][TOOLING].as_str();
    is_parent(live) && tooling.is_none_or(|tooling| tool_of(tooling) == TOOL)
}

fn is_parent(live: &Value) -> bool {
    let has = |field: &str, key: &str| live["metadata"][field].get(key).is_some();
    has("labels", ID) || [TOOLING, KINDS, RESOURCES].iter().any(|key| has("annotations", key))
}

/// The name of the program in a tooling annotation.
pub fn tool_of(tooling: &str) -> &str {
    tooling.rsplit_once('/').map_or(tooling, |(name, _)| name)
}

fn lacks(name: &str, what: &str, key: &str) -> Diagnostic {
    Diagnostic::refusal(format!("{name}, the inventory of the set, lacks the {what} {key}"))
        .hint("`kubectl largescale inventory verify --fix` writes it anew from the labels of the members")
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
    fn a_parent_is_read_as_it_is_written() {
        let set = set("web", "prod");
        let keys = [key("Service", "", "prod"), key("Deployment", "apps", "other"), key("Namespace", "", "")];
        let scope = set.scope(&keys);
        let parent = set.parent(&scope);
        let notes = &parent["metadata"]["annotations"];
        assert_eq!(notes[KINDS], "Deployment.apps,Namespace,Service");
        assert_eq!(notes[NAMESPACES], "other");
        assert!(notes[TOOLING].as_str().unwrap().starts_with("kubectl-largescale/v"));
        assert_eq!(read_parent(&set, &parent, Owner::Ours).unwrap().scope, scope);
        let empty = set.parent(&set.scope([]));
        assert_eq!(empty["metadata"]["annotations"][KINDS], "");
        assert_eq!(read_parent(&set, &empty, Owner::Ours).unwrap().scope, set.scope([]));
    }

    #[test]
    fn parents_that_are_refused() {
        let set = set("web", "prod");
        let parent = set.parent(&set.scope([]));
        let said = |change: &dyn Fn(&mut Value)| {
            let mut parent = parent.clone();
            change(&mut parent);
            read_parent(&set, &parent, Owner::Ours).unwrap_err().message
        };
        let note = |key: &'static str| {
            move |parent: &mut Value| {
                drop(parent["metadata"]["annotations"].as_object_mut().unwrap().remove(key));
            }
        };
        assert!(said(&note(TOOLING)).ends_with("lacks the annotation applyset.kubernetes.io/tooling"));
        assert!(
            said(&note(KINDS)).ends_with("lacks the annotation applyset.kubernetes.io/contains-group-kinds")
        );
        assert!(
            said(&|parent| parent["metadata"]["labels"] = json!({}))
                .ends_with("lacks the label applyset.kubernetes.io/id")
        );
        assert!(
            said(&|parent| parent["metadata"]["labels"][ID] = "x".into())
                .contains("has the ID of another set")
        );
        assert!(
            said(&|parent| parent["metadata"] = json!({"name": "web"}))
                .ends_with("is not the inventory of a set")
        );
        let theirs =
            |parent: &mut Value| parent["metadata"]["annotations"][TOOLING] = "kubectl/v1.36.3".into();
        assert!(said(&theirs).ends_with("the set is looked after by kubectl/v1.36.3, not by us"));
        let mut kubectl = parent.clone();
        theirs(&mut kubectl);
        assert_eq!(read_parent(&set, &kubectl, Owner::Anyone).unwrap().tooling, "kubectl/v1.36.3");
        assert_eq!(tool_of("a/b/v1"), "a/b");
    }

    #[test]
    fn who_may_mend_a_parent() {
        let check = |labels: Value, annotations: Value, expected: bool| {
            let live = json!({"metadata": {"labels": labels, "annotations": annotations}});
            assert_eq!(is_ours_to_mend(&live), expected, "{live}");
        };
        check(json!({ID: "x"}), json!({TOOLING: "kubectl-largescale/v0.1.0"}), true);
        check(json!({ID: "x"}), json!({}), true);
        check(json!({}), json!({KINDS: ""}), true);
        check(json!({ID: "x"}), json!({TOOLING: "kubectl/v1.36.3"}), false);
        check(json!({}), json!({TOOLING: "kubectl/v1.36.3"}), false);
        check(json!({"app": "web"}), json!({}), false);
        assert!(!is_ours_to_mend(&Value::Null));
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
