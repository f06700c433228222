//! The parent of a set: what it says, and whose it is.

use serde_json::{Value, json};

use crate::core::apply::apply_set::{
    ApplySet, GroupKind, ID, KINDS, LOCK_ID, MemberScope, NAMESPACES, PARENT_MANAGER, RESOURCES, TOOL,
    TOOLING,
};
use crate::core::kubernetes::names;
use crate::core::live::{Entry, entries};
use crate::core::lock::LockId;
use crate::core::report::diagnostic::Diagnostic;

/// What a parent says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parent {
    /// Where members are.
    pub scope: MemberScope,
    /// The program that looks after the set, with its version: `kubectl/v1.36.3`.
    pub tooling: String,
    /// The id of the directory that the set is applied from, if it says one; whatever text it is.
    pub lock_id: Option<String>,
}

/// An annotation of a parent that this program did not write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForeignAnnotation {
    /// Its key.
    pub key: String,
    /// The field manager that wrote it; `None` where the server does not tell.
    pub manager: Option<String>,
}

/// The annotations of a parent that our field manager does not own, in order of their keys. They decide where members
/// are looked for, so whoever forged them can choose what a prune deletes.
pub fn foreign_annotations(live: &Value) -> Vec<ForeignAnnotation> {
    let entries = entries(live).unwrap_or_default();
    let owns = |entry: &Entry<'_>, key: &str| {
        let annotations = entry.fields.field("metadata").and_then(|metadata| metadata.field("annotations"));
        annotations.is_some_and(|annotations| annotations.field(key).is_some())
    };
    let keys = live["metadata"]["annotations"].as_object().into_iter().flat_map(|map| map.keys());
    keys.filter(|key| !entries.iter().any(|entry| entry.manager == PARENT_MANAGER && owns(entry, key)))
        .map(|key| ForeignAnnotation {
            key: key.clone(),
            manager: entries.iter().find(|entry| owns(entry, key)).map(|entry| entry.manager.to_owned()),
        })
        .collect()
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
    let namespaces = text("annotations", NAMESPACES).unwrap_or_default();
    let (scope, invalid) = scope_of(set, kinds, namespaces);
    if let Some(invalid) = invalid.first() {
        return Err(Diagnostic::refusal(format!("{name}, the inventory of the set, names {invalid}")).hint(
            "`kubectl largescale inventory verify --fix` writes it again from the labels of the members",
        ));
    }
    let lock_id = text("annotations", LOCK_ID).map(str::to_owned);
    Ok(Parent { scope, tooling: tooling.to_owned(), lock_id })
}

/// Reads as much as is valid of a parent that [`read_parent`] refuses, to repair it.
pub fn salvage_parent(set: &ApplySet, live: &Value) -> Parent {
    let text = |key: &str| live["metadata"]["annotations"][key].as_str();
    let (scope, _) = scope_of(set, text(KINDS).unwrap_or_default(), text(NAMESPACES).unwrap_or_default());
    let tooling = text(TOOLING).unwrap_or_default().to_owned();
    Parent { scope, tooling, lock_id: text(LOCK_ID).map(str::to_owned) }
}

/// The scope that two annotations tell, and what of them is invalid.
fn scope_of(set: &ApplySet, kinds: &str, namespaces: &str) -> (MemberScope, Vec<String>) {
    let split = |text: &str| -> Vec<String> {
        text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned).collect()
    };
    let mut invalid = Vec::new();
    let mut scope = MemberScope::default();
    scope.namespaces.insert(set.namespace.clone());
    for namespace in split(namespaces) {
        if names::is_label(&namespace) {
            scope.namespaces.insert(namespace);
        } else {
            invalid.push(format!("the namespace {namespace:?}, which is invalid"));
        }
    }
    for kind in split(kinds) {
        match GroupKind::parse(&kind) {
            Some(kind) => drop(scope.kinds.insert(kind)),
            None => invalid.push(format!("the kind {kind:?}, which is invalid")),
        }
    }
    (scope, invalid)
}

/// Refuses a set with another id than that of the lock. Another directory with the same name and namespace would prune
/// what this one applies. A set without an id gets that of the lock at the next apply.
pub fn check_lock_id(set: &ApplySet, parent: &Parent, own: Option<&LockId>) -> Result<(), Diagnostic> {
    let name = format!("configmap/{}/{}", set.namespace, set.name);
    match (parent.lock_id.as_deref(), own) {
        (None, _) => Ok(()),
        (Some(found), Some(own)) if found == own.as_str() => Ok(()),
        (Some(found), own) => {
            // Anyone who may patch the ConfigMap chose the text: only an id is worth showing.
            let found =
                LockId::parse(found).map_or_else(|| "that is invalid".to_owned(), |id| id.to_string());
            let (here, first) = match own {
                Some(own) => (format!("this lock has {own}"), ""),
                None => ("this lock has none".to_owned(), "`kubectl largescale render --new-id`, and then "),
            };
            Err(Diagnostic::refusal(format!(
                "{name}: the set belongs to another directory: its lock id is {found}, and {here}"
            ))
            .hint(format!(
                "for two apps of one name, change `metadata.name` of this one and `kubectl largescale render --new-id`; to take the set over: {first}`kubectl largescale inventory adopt`"
            )))
        }
    }
}

/// What takes the set out of a parent that holds something besides, and so is not ours to delete.
pub fn undone(parent: &Value) -> Option<Value> {
    let holds = |field: &str| parent[field].as_object().is_some_and(|map| !map.is_empty());
    let patch = json!({ "metadata": {
        "uid": parent["metadata"]["uid"],
        "resourceVersion": parent["metadata"]["resourceVersion"],
        "labels": { ID: null },
        "annotations": { TOOLING: null, KINDS: null, RESOURCES: null, NAMESPACES: null, LOCK_ID: null },
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::manifest::Key;

    fn set(name: &str, namespace: &str) -> ApplySet {
        ApplySet { name: name.to_owned(), namespace: namespace.to_owned() }
    }

    fn key(kind: &str, group: &str, namespace: &str) -> Key {
        let text = str::to_owned;
        Key { kind: text(kind), group: text(group), namespace: text(namespace), name: text("a") }
    }

    #[test]
    fn a_parent_is_read_as_it_is_written() {
        let set = set("web", "prod");
        let keys = [key("Service", "", "prod"), key("Deployment", "apps", "other"), key("Namespace", "", "")];
        let scope = set.scope(&keys);
        let parent = set.parent(&scope, None);
        let notes = &parent["metadata"]["annotations"];
        assert_eq!(notes[KINDS], "Deployment.apps,Namespace,Service");
        assert_eq!(notes[NAMESPACES], "other");
        assert!(notes[TOOLING].as_str().unwrap().starts_with("kubectl-largescale/v"));
        assert_eq!(read_parent(&set, &parent, Owner::Ours).unwrap().scope, scope);
        let empty = set.parent(&set.scope([]), None);
        assert_eq!(empty["metadata"]["annotations"][KINDS], "");
        assert_eq!(read_parent(&set, &empty, Owner::Ours).unwrap().scope, set.scope([]));
    }

    #[test]
    fn parents_that_are_refused() {
        let set = set("web", "prod");
        let parent = set.parent(&set.scope([]), None);
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
    fn invalid_kinds_and_namespaces_are_refused_and_the_rest_is_readable() {
        let set = set("web", "prod");
        for (kinds, namespaces, said) in [
            ("Service", "a,Prod!", "names the namespace \"Prod!\", which is invalid"),
            ("Service", "a,../x", "names the namespace \"../x\", which is invalid"),
            ("Service", "a,\u{1b}[31m", "names the namespace \"\\u{1b}[31m\", which is invalid"),
            ("Service,1x", "a", "names the kind \"1x\", which is invalid"),
            ("Service,X.y/z", "a", "names the kind \"X.y/z\", which is invalid"),
        ] {
            let mut parent = set.parent(&set.scope([]), None);
            parent["metadata"]["annotations"][KINDS] = kinds.into();
            parent["metadata"]["annotations"][NAMESPACES] = namespaces.into();
            let message = read_parent(&set, &parent, Owner::Ours).unwrap_err().message;
            assert_eq!(message, format!("configmap/prod/web, the inventory of the set, {said}"));
            let scope = set.scope(&[key("Service", "", "a")]);
            assert_eq!(salvage_parent(&set, &parent).scope, scope, "{kinds} {namespaces}");
        }
    }

    #[test]
    fn annotations_of_other_managers() {
        let entry = |manager: &str, keys: &[&str]| {
            let keys: serde_json::Map<_, _> =
                keys.iter().map(|key| (format!("f:{key}"), json!({}))).collect();
            json!({"manager": manager, "operation": "Apply", "apiVersion": "v1", "fieldsType": "FieldsV1",
                "fieldsV1": {"f:metadata": {"f:annotations": keys}}})
        };
        let check = |entries: Value, expected: &[(&str, Option<&str>)]| {
            let live = json!({"metadata": {"annotations": {KINDS: "Secret", TOOLING: "t"}, "managedFields": entries}});
            let found = foreign_annotations(&live);
            let found: Vec<_> = found.iter().map(|it| (it.key.as_str(), it.manager.as_deref())).collect();
            assert_eq!(found, expected);
        };
        check(json!([entry(PARENT_MANAGER, &[KINDS, TOOLING])]), &[]);
        check(
            json!([entry(PARENT_MANAGER, &[TOOLING]), entry("mallory", &[KINDS])]),
            &[(KINDS, Some("mallory"))],
        );
        check(json!([entry(PARENT_MANAGER, &[KINDS, TOOLING]), entry("kubectl-applyset", &[KINDS])]), &[]);
        check(json!([]), &[(KINDS, None), (TOOLING, None)]);
        check(Value::Null, &[(KINDS, None), (TOOLING, None)]);
    }

    #[test]
    fn whose_directory_a_set_is_of() {
        let set = set("web", "prod");
        let (a, b) = (LockId::from_bytes([0xaa; 16]), LockId::from_bytes([0xbb; 16]));
        let parent =
            |id: Option<&LockId>| read_parent(&set, &set.parent(&set.scope([]), id), Owner::Ours).unwrap();
        let check = |parent: &Parent, own: Option<&LockId>| {
            check_lock_id(&set, parent, own).map_err(|problem| problem.message)
        };
        assert_eq!(check(&parent(None), None), Ok(()));
        assert_eq!(check(&parent(None), Some(&a)), Ok(()));
        assert_eq!(check(&parent(Some(&a)), Some(&a)), Ok(()));
        let other = "configmap/prod/web: the set belongs to another directory: its lock id is";
        assert_eq!(check(&parent(Some(&b)), Some(&a)), Err(format!("{other} {b}, and this lock has {a}")));
        assert_eq!(check(&parent(Some(&b)), None), Err(format!("{other} {b}, and this lock has none")));
        let forged = Parent { lock_id: Some("\u{1b}[31m".to_owned()), ..parent(None) };
        assert_eq!(check(&forged, Some(&a)), Err(format!("{other} that is invalid, and this lock has {a}")));
    }
}
