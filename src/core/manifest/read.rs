//! Reads and checks manifests.

use std::collections::HashMap;

use serde_json::Value;

use crate::core::manifest::{Key, Object, check_names, server_fields, validate};
use crate::core::report::describe::kind_of;
use crate::core::report::diagnostic::{Checked, Diagnostic, Location};
use crate::core::yaml;
use crate::core::yaml::Document;

/// A manifest file.
#[derive(Clone, Debug)]
pub struct ManifestFile {
    /// The path relative to the spec, with `/`; it is written to the rendered files.
    pub source: String,
    /// The path as the user would open it, for messages.
    pub shown: String,
    /// The documents in the file.
    pub text: String,
}

/// Returns all objects of the manifests in the order of the files, or every problem.
pub fn read_manifests(files: &[ManifestFile]) -> Checked<Vec<Object>> {
    let mut problems = Vec::new();
    let mut objects = Vec::new();
    for file in files {
        match yaml::read(&file.shown, &file.text) {
            Err(problem) => problems.push(problem),
            Ok(documents) if documents.is_empty() => {
                problems.push(Diagnostic::error("the file is empty").at(Location::file(&file.shown)));
            }
            Ok(documents) => {
                for document in documents {
                    take(document, &file.source, &mut objects, &mut problems);
                }
            }
        }
    }
    find_duplicates(&objects, &mut problems);
    server_fields::drop_fields(&mut objects);
    if problems.is_empty() { Ok(objects) } else { Err(problems) }
}

/// Checks one document and adds its object, or the objects of a List.
fn take(document: Document, source: &str, objects: &mut Vec<Object>, problems: &mut Vec<Diagnostic>) {
    if document.value.is_object() && document.is_list() {
        for item in document.into_items() {
            take(item, source, objects, problems);
        }
        return;
    }
    if let Some(problem) = not_an_object(&document) {
        problems.push(problem);
        return;
    }
    let missing = missing_fields(&document);
    if missing.is_empty() {
        problems.extend(validate(&document.value, |pointer| document.location(pointer)));
        objects.push(Object::new(document, source));
    } else {
        problems.extend(missing);
        problems.extend(check_names(&document.value, |pointer| document.location(pointer)));
    }
}

/// Reports a document that is not a Kubernetes object, or an object without a kind or a name. Lists must be unpacked before.
pub fn check_header(document: &Document) -> Vec<Diagnostic> {
    not_an_object(document).map_or_else(|| missing_fields(document), |problem| vec![problem])
}

fn not_an_object(document: &Document) -> Option<Diagnostic> {
    if !document.value.is_object() {
        let message = format!("the document is {}, expected a Kubernetes object", kind_of(&document.value));
        return Some(Diagnostic::error(message).at(document.location("")));
    }
    if document.value["kind"] == "List" {
        let message = format!("`items` of a List is {}, expected a list", kind_of(&document.value["items"]));
        return Some(Diagnostic::error(message).at(document.location("/items")));
    }
    if document.value["apiVersion"].as_str().is_some_and(|version| version.starts_with("largescale.dev/")) {
        let kind = document.value["kind"].as_str().unwrap_or_default();
        return Some(
            Diagnostic::error(format!("the {kind} is a file of kubectl largescale, not a manifest"))
                .at(document.location("/apiVersion"))
                .hint("list only Kubernetes objects in `spec.manifests`"),
        );
    }
    None
}

fn missing_fields(document: &Document) -> Vec<Diagnostic> {
    let mut problems = Vec::new();
    for pointer in ["/apiVersion", "/kind", "/metadata/name"] {
        let field = pointer.trim_start_matches('/').replace('/', ".");
        match document.value.pointer(pointer) {
            Some(Value::String(text)) if !text.is_empty() => {}
            None | Some(Value::Null)
                if pointer == "/metadata/name" && !document.value["metadata"]["generateName"].is_null() =>
            {
                problems.push(
                    Diagnostic::error("`metadata.generateName` would create a new object with each apply")
                        .at(document.location("/metadata/generateName"))
                        .hint("use `metadata.name` instead"),
                );
            }
            None | Some(Value::Null) => {
                problems.push(
                    Diagnostic::error(format!("the field `{field}` is missing"))
                        .at(document.location(pointer)),
                );
            }
            Some(other) => problems.push(
                Diagnostic::error(format!("`{field}` is {}, expected a string", kind_of(other)))
                    .at(document.location(pointer)),
            ),
        }
    }
    problems
}

fn find_duplicates(objects: &[Object], problems: &mut Vec<Diagnostic>) {
    let mut seen: HashMap<Key, &Object> = HashMap::new();
    for object in objects {
        let key = object.key();
        if let Some(first) = seen.get(&key) {
            problems.push(
                Diagnostic::error(format!(
                    "duplicate object {key}; first defined at {}",
                    first.location("/metadata/name")
                ))
                .at(object.location("/metadata/name")),
            );
            continue;
        }
        seen.insert(key, object);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[&str]) {
        let found: Vec<String> = match read_manifests(&[ManifestFile {
            source: "m.yaml".into(),
            shown: "m.yaml".into(),
            text: text.into(),
        }]) {
            Ok(objects) => objects.iter().map(|o| format!("{} at {}", o.key(), o.location(""))).collect(),
            Err(problems) => problems.iter().map(ToString::to_string).collect(),
        };
        assert_eq!(found, expected);
    }

    #[test]
    fn lists_and_documents_are_read() {
        check(
            "apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: ConfigMap, metadata: {name: a}}\n---\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: b\n  namespace: web\n",
            &["configmap/a at m.yaml:4", "configmap/web/b at m.yaml:6"],
        );
    }

    #[test]
    fn typed_lists_give_their_items_a_kind() {
        check(
            "apiVersion: v1\nkind: ServiceAccountList\nitems:\n- metadata: {name: a}\n- {apiVersion: v1, kind: ConfigMap, metadata: {name: b}}\n",
            &["serviceaccount/a at m.yaml:4", "configmap/b at m.yaml:5"],
        );
        // An item with one of the two is incomplete for kubectl, too.
        check(
            "apiVersion: v1\nkind: ServiceList\nitems:\n- {kind: Service, metadata: {name: a}}\n",
            &["m.yaml:4: the field `apiVersion` is missing"],
        );
        check(
            "apiVersion: v1\nkind: List\nmetadata: {name: x}\nitems: {a: b}\n",
            &["m.yaml:4: `items` of a List is an object, expected a list"],
        );
        // A custom resource.
        check(
            "apiVersion: example.com/v1\nkind: AllowList\nmetadata: {name: a}\n",
            &["allowlist/a at m.yaml:1"],
        );
    }

    #[test]
    fn files_as_kubectl_reads_them() {
        let object = |name: &str| {
            format!(
                "{{\"apiVersion\": \"v1\", \"kind\": \"ConfigMap\", \"metadata\": {{\"name\": \"{name}\"}}}}"
            )
        };
        check(
            &format!("{}\n{}", object("a"), object("b")),
            &["configmap/a at m.yaml:1", "configmap/b at m.yaml:2"],
        );
        check(
            &format!("# a\n---\n{}\n---\n\u{feff}{}", object("a"), object("b")),
            &["configmap/a at m.yaml:3", "configmap/b at m.yaml:5"],
        );
        check(
            &format!("---\n{}\n{}\n", object("a"), object("b")),
            &["m.yaml:3: another document begins here, which kubectl ignores"],
        );
    }

    #[test]
    fn all_problems_are_reported() {
        check(
            "- 1\n---\nkind: ConfigMap\nmetadata: {generateName: x}\n---\napiVersion: 1\nkind: A\nmetadata: {name: a}\n",
            &[
                "m.yaml:1: the document is a list, expected a Kubernetes object",
                "m.yaml:3: the field `apiVersion` is missing",
                "m.yaml:4: `metadata.generateName` would create a new object with each apply",
                "m.yaml:6: `apiVersion` is 1, a number, expected a string",
            ],
        );
        // YAML 1.1, which kubectl uses, reads `n` as false.
        check(
            "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n  namespace: n\n",
            &["m.yaml:5: `metadata.namespace` is false, a boolean, expected a string"],
        );
        check("# nothing\n", &["m.yaml: the file is empty"]);
        let twice = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n---\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n";
        check(twice, &["m.yaml:9: duplicate object configmap/a; first defined at m.yaml:4"]);
    }

    #[test]
    fn misspelled_fields_show_their_line() {
        check(
            "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: a\nspec:\n  replica: 3\n  template:\n    spec:\n      containers:\n      - name: x\n        imagee: y\n        ports:\n        - containerPort: '80'\n",
            &[
                "m.yaml:6: unknown field `spec.replica`, did you mean `replicas`?",
                "m.yaml:11: unknown field `spec.template.spec.containers[0].imagee`, did you mean `image`?",
                "m.yaml:13: `spec.template.spec.containers[0].ports[0].containerPort` is \"80\", a string, expected a whole number",
                "m.yaml:10: missing required field `spec.template.spec.containers[0].image`",
                "m.yaml:5: missing required field `spec.selector`",
            ],
        );
        check(
            "apiVersion: apps/v1beta1\nkind: Deployment\nmetadata: {name: a}\n",
            &["m.yaml:1: Deployment of apps/v1beta1 was removed in Kubernetes 1.16"],
        );
    }
}
