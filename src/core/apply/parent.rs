//! The parent of an ApplySet: its contents and its owner.

use serde_json::{Value, json};

use crate::core::apply::apply_set::{
    ApplySet, GroupKind, ID, KINDS, LOCK_ID, MemberScope, NAMESPACES, PARENT_MANAGER, RESOURCES, TOOL,
    TOOLING,
};
use crate::core::kubernetes::name_rules;
use crate::core::live::{Entry, LiveObject, entries};
use crate::core::lock::LockId;
use crate::core::report::diagnostic::Diagnostic;

/// The contents of a parent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parent {
    /// The kinds and namespaces of the members.
    pub scope: MemberScope,
    /// The program that manages the ApplySet, with its version: `kubectl/v1.36.3`.
    pub tooling: String,
    /// The lock ID of the directory that the ApplySet is applied from; any text, `None` if the annotation is missing.
    pub lock_id: Option<String>,
}

/// An annotation on a parent that this program did not write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForeignAnnotation {
    /// The key of the annotation.
    pub key: String,
    /// The field manager that wrote it; `None` if the server does not report one.
    pub manager: Option<String>,
}

/// Returns the annotations on a parent that our field manager does not own, sorted by key. Annotations decide where
/// members are searched, so a forged annotation can choose what a prune deletes.
pub fn foreign_annotations(live: &LiveObject) -> Vec<ForeignAnnotation> {
    let entries = entries(live).unwrap_or_default();
    let owns = |entry: &Entry<'_>, key: &str| {
        let annotations = entry.fields.field("metadata").and_then(|metadata| metadata.field("annotations"));
        annotations.is_some_and(|annotations| annotations.field(key).is_some())
    };
    live.annotation_keys()
        .filter(|key| !entries.iter().any(|entry| entry.manager == PARENT_MANAGER && owns(entry, key)))
        .map(|key| ForeignAnnotation {
            key: key.to_owned(),
            manager: entries.iter().find(|entry| owns(entry, key)).map(|entry| entry.manager.to_owned()),
        })
        .collect()
}

/// The owner that a parent must have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// This program.
    Ours,
    /// Any program: the parent is about to be adopted, or is only read.
    Anyone,
}

/// Reads a parent. Runs the same checks as kubectl, in the same order.
pub fn read_parent(set: &ApplySet, live: &LiveObject, owner: Owner) -> Result<Parent, Diagnostic> {
    let name = format!("configmap/{}/{}", set.namespace, set.name);
    if !is_parent(live) {
        return Err(Diagnostic::refusal(format!(
            "{name} already exists and is not the parent of an ApplySet"
        ))
        .hint("change `metadata.name` in the spec, or rename that ConfigMap"));
    }
    let Some(tooling) = live.annotation(TOOLING) else {
        return Err(missing(&name, "annotation", TOOLING));
    };
    let tool = tool_of(tooling);
    if tool != TOOL && owner == Owner::Ours {
        return Err(Diagnostic::refusal(format!("{name}: the ApplySet is managed by {tooling}, not by kubectl-largescale"))
            .hint("to take it over, run `kubectl largescale inventory adopt`; until then use that program to apply and prune"));
    }
    let Some(id) = live.label(ID) else {
        return Err(missing(&name, "label", ID));
    };
    if id != set.id() {
        return Err(Diagnostic::refusal(format!(
            "{name} has the ID of another ApplySet: the label {ID} is {id}, expected {}",
            set.id()
        ))
        .hint("if it was copied from another namespace or name, `kubectl largescale inventory verify --fix` corrects it"));
    }
    let Some(kinds) = live.annotation(KINDS) else {
        return Err(missing(&name, "annotation", KINDS));
    };
    let namespaces = live.annotation(NAMESPACES).unwrap_or_default();
    let (scope, invalid) = scope_of(set, kinds, namespaces);
    if let Some(invalid) = invalid.first() {
        return Err(Diagnostic::refusal(format!("{name}, the parent of the ApplySet, lists {invalid}"))
            .hint("`kubectl largescale inventory verify --fix` rewrites it from the labels of the members"));
    }
    let lock_id = live.annotation(LOCK_ID).map(str::to_owned);
    Ok(Parent { scope, tooling: tooling.to_owned(), lock_id })
}

/// Reads the valid parts of a parent that [`read_parent`] refuses, to repair it.
pub fn salvage_parent(set: &ApplySet, live: &LiveObject) -> Parent {
    let text = |key: &str| live.annotation(key);
    let (scope, _) = scope_of(set, text(KINDS).unwrap_or_default(), text(NAMESPACES).unwrap_or_default());
    let tooling = text(TOOLING).unwrap_or_default().to_owned();
    Parent { scope, tooling, lock_id: text(LOCK_ID).map(str::to_owned) }
}

/// Returns the scope in the two annotations, and a description of each invalid entry.
fn scope_of(set: &ApplySet, kinds: &str, namespaces: &str) -> (MemberScope, Vec<String>) {
    let split = |text: &str| -> Vec<String> {
        text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned).collect()
    };
    let mut invalid = Vec::new();
    let mut scope = MemberScope::default();
    scope.namespaces.insert(set.namespace.clone());
    for namespace in split(namespaces) {
        if name_rules::is_label(&namespace) {
            scope.namespaces.insert(namespace);
        } else {
            invalid.push(format!("the invalid namespace {namespace:?}"));
        }
    }
    for kind in split(kinds) {
        match GroupKind::parse(&kind) {
            Some(kind) => drop(scope.kinds.insert(kind)),
            None => invalid.push(format!("the invalid kind {kind:?}")),
        }
    }
    (scope, invalid)
}

/// Refuses an ApplySet whose lock ID differs from that of the lock file. Another directory with the same name and
/// namespace would prune the objects that this one applies. An ApplySet without a lock ID gets one at the next apply.
/// `flags` name the spec in the commands of the hint.
pub fn check_lock_id(
    set: &ApplySet,
    parent: &Parent,
    own: Option<&LockId>,
    flags: &str,
) -> Result<(), Diagnostic> {
    let name = format!("configmap/{}/{}", set.namespace, set.name);
    match (parent.lock_id.as_deref(), own) {
        (None, _) => Ok(()),
        (Some(found), Some(own)) if found == own.as_str() => Ok(()),
        (Some(found), own) => {
            // Anyone who may patch the ConfigMap can set this text, so only a valid ID is shown.
            let found = LockId::parse(found).map_or_else(|| "invalid".to_owned(), |id| id.to_string());
            let (here, first) = match own {
                Some(own) => (format!("this lock file has {own}"), String::new()),
                None => (
                    "this lock file has none".to_owned(),
                    format!("`kubectl largescale render{flags} --new-id` and then "),
                ),
            };
            Err(Diagnostic::refusal(format!(
                "{name}: the ApplySet belongs to another directory: its lock ID is {found}, but {here}"
            ))
            .hint(format!(
                "if two apps have the same name, change `metadata.name` of this one and run `kubectl largescale render{flags} --new-id`; to take the ApplySet over, run {first}`kubectl largescale inventory adopt{flags}`"
            )))
        }
    }
}

/// Returns the patch that removes the ApplySet from a parent that holds other data and must not be deleted.
pub fn removal_patch(parent: &LiveObject) -> Option<Value> {
    let holds = |field: &str| parent.field(field).as_object().is_some_and(|map| !map.is_empty());
    let patch = json!({ "metadata": {
        "uid": parent.uid(),
        "resourceVersion": parent.resource_version(),
        "labels": { ID: null },
        "annotations": { TOOLING: null, KINDS: null, RESOURCES: null, NAMESPACES: null, LOCK_ID: null },
    } });
    (holds("data") || holds("binaryData")).then_some(patch)
}

/// Returns whether an unreadable parent may be rewritten: it is a parent, and no other program claims it.
pub fn is_repairable(live: &LiveObject) -> bool {
    is_parent(live) && live.annotation(TOOLING).is_none_or(|tooling| tool_of(tooling) == TOOL)
}

fn is_parent(live: &LiveObject) -> bool {
    live.label(ID).is_some() || [TOOLING, KINDS, RESOURCES].iter().any(|key| live.annotation(key).is_some())
}

/// Returns the name of the program in a tooling annotation.
pub fn tool_of(tooling: &str) -> &str {
    tooling.rsplit_once('/').map_or(tooling, |(name, _)| name)
}

fn missing(name: &str, what: &str, key: &str) -> Diagnostic {
    Diagnostic::refusal(format!("{name}, the parent of the ApplySet, has no {what} {key}"))
        .hint("`kubectl largescale inventory verify --fix` rewrites it from the labels of the members")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::manifest::Key;

    fn read_parent(set: &ApplySet, live: &Value, owner: Owner) -> Result<Parent, Diagnostic> {
        super::read_parent(set, &LiveObject::sample(live), owner)
    }

    fn set(name: &str, namespace: &str) -> ApplySet {
        ApplySet { name: name.to_owned(), namespace: namespace.to_owned() }
    }

    fn key(kind: &str, group: &str, namespace: &str) -> Key {
        let text = str::to_owned;
        Key { kind: text(kind), group: text(group), namespace: text(namespace), name: text("a") }
    }

    #[test]
    fn parents_round_trip() {
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
    fn invalid_parents_are_refused() {
        let set = set("web", "prod");
        let parent = set.parent(&set.scope([]), None);
        let message = |change: &dyn Fn(&mut Value)| {
            let mut parent = parent.clone();
            change(&mut parent);
            read_parent(&set, &parent, Owner::Ours).unwrap_err().message
        };
        let note = |key: &'static str| {
            move |parent: &mut Value| {
                drop(parent["metadata"]["annotations"].as_object_mut().unwrap().remove(key));
            }
        };
        assert!(message(&note(TOOLING)).ends_with("has no annotation applyset.kubernetes.io/tooling"));
        assert!(
            message(&note(KINDS)).ends_with("has no annotation applyset.kubernetes.io/contains-group-kinds")
        );
        assert!(
            message(&|parent| parent["metadata"]["labels"] = json!({}))
                .ends_with("has no label applyset.kubernetes.io/id")
        );
        assert!(
            message(&|parent| parent["metadata"]["labels"][ID] = "x".into())
                .contains("has the ID of another ApplySet")
        );
        assert!(
            message(&|parent| parent["metadata"] = json!({"name": "web"}))
                .ends_with("is not the parent of an ApplySet")
        );
        let theirs =
            |parent: &mut Value| parent["metadata"]["annotations"][TOOLING] = "kubectl/v1.36.3".into();
        assert!(
            message(&theirs)
                .ends_with("the ApplySet is managed by kubectl/v1.36.3, not by kubectl-largescale")
        );
        let mut kubectl = parent.clone();
        theirs(&mut kubectl);
        assert_eq!(read_parent(&set, &kubectl, Owner::Anyone).unwrap().tooling, "kubectl/v1.36.3");
        assert_eq!(tool_of("a/b/v1"), "a/b");
    }

    #[test]
    fn parents_that_may_be_repaired() {
        let check = |labels: Value, annotations: Value, expected: bool| {
            let live = json!({"metadata": {"labels": labels, "annotations": annotations}});
            assert_eq!(is_repairable(&LiveObject::sample(&live)), expected, "{live}");
        };
        check(json!({ID: "x"}), json!({TOOLING: "kubectl-largescale/v0.1.0"}), true);
        check(json!({ID: "x"}), json!({}), true);
        check(json!({}), json!({KINDS: ""}), true);
        check(json!({ID: "x"}), json!({TOOLING: "kubectl/v1.36.3"}), false);
        check(json!({}), json!({TOOLING: "kubectl/v1.36.3"}), false);
        check(json!({"app": "web"}), json!({}), false);
    }

    #[test]
    fn invalid_kinds_and_namespaces_are_refused_and_the_rest_is_readable() {
        let set = set("web", "prod");
        for (kinds, namespaces, problem) in [
            ("Service", "a,Prod!", "lists the invalid namespace \"Prod!\""),
            ("Service", "a,../x", "lists the invalid namespace \"../x\""),
            ("Service", "a,\u{1b}[31m", "lists the invalid namespace \"\\u{1b}[31m\""),
            ("Service,1x", "a", "lists the invalid kind \"1x\""),
            ("Service,X.y/z", "a", "lists the invalid kind \"X.y/z\""),
        ] {
            let mut parent = set.parent(&set.scope([]), None);
            parent["metadata"]["annotations"][KINDS] = kinds.into();
            parent["metadata"]["annotations"][NAMESPACES] = namespaces.into();
            let message = read_parent(&set, &parent, Owner::Ours).unwrap_err().message;
            assert_eq!(message, format!("configmap/prod/web, the parent of the ApplySet, {problem}"));
            let scope = set.scope(&[key("Service", "", "a")]);
            assert_eq!(
                salvage_parent(&set, &LiveObject::sample(&parent)).scope,
                scope,
                "{kinds} {namespaces}"
            );
        }
    }

    #[test]
    fn annotations_of_other_field_managers() {
        let entry = |manager: &str, keys: &[&str]| {
            let keys: serde_json::Map<_, _> =
                keys.iter().map(|key| (format!("f:{key}"), json!({}))).collect();
            json!({"manager": manager, "operation": "Apply", "apiVersion": "v1", "fieldsType": "FieldsV1",
                "fieldsV1": {"f:metadata": {"f:annotations": keys}}})
        };
        let check = |entries: Value, expected: &[(&str, Option<&str>)]| {
            let live = json!({"metadata": {"annotations": {KINDS: "Secret", TOOLING: "t"}, "managedFields": entries}});
            let found = foreign_annotations(&LiveObject::sample(&live));
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
    fn the_lock_id_tells_directories_apart() {
        let set = set("web", "prod");
        let (a, b) = (LockId::from_bytes([0xaa; 16]), LockId::from_bytes([0xbb; 16]));
        let parent =
            |id: Option<&LockId>| read_parent(&set, &set.parent(&set.scope([]), id), Owner::Ours).unwrap();
        let check = |parent: &Parent, own: Option<&LockId>| {
            check_lock_id(&set, parent, own, " -f web").map_err(|problem| problem.message)
        };
        assert_eq!(check(&parent(None), None), Ok(()));
        assert_eq!(check(&parent(None), Some(&a)), Ok(()));
        assert_eq!(check(&parent(Some(&a)), Some(&a)), Ok(()));
        let other = "configmap/prod/web: the ApplySet belongs to another directory: its lock ID is";
        assert_eq!(
            check(&parent(Some(&b)), Some(&a)),
            Err(format!("{other} {b}, but this lock file has {a}"))
        );
        assert_eq!(check(&parent(Some(&b)), None), Err(format!("{other} {b}, but this lock file has none")));
        let forged = Parent { lock_id: Some("\u{1b}[31m".to_owned()), ..parent(None) };
        assert_eq!(check(&forged, Some(&a)), Err(format!("{other} invalid, but this lock file has {a}")));
    }
}
