//! The desired objects: those in a rendered directory.

use std::collections::HashMap;

use serde_json::Value;

use crate::core::kubernetes::object_shape;
use crate::core::manifest::Key;
use crate::core::report::describe::kind_of;
use crate::core::report::diagnostic::{Checked, Diagnostic, Location};
use crate::core::yaml;
use crate::core::yaml::Document;

/// A desired object.
#[derive(Clone, Debug)]
pub struct Desired {
    /// The key.
    pub key: Key,
    /// The content.
    pub value: Value,
    /// The location in the directory.
    pub location: Location,
}

/// Reads the objects of one file; `shown` is the file name in messages. Items of lists become separate objects.
pub fn read_file(shown: &str, text: &str) -> Checked<Vec<Desired>> {
    let mut problems = Vec::new();
    let mut objects = Vec::new();
    match yaml::read(shown, text) {
        Ok(documents) => {
            for document in documents {
                take(document, &mut objects, &mut problems);
            }
        }
        Err(problem) => problems.push(problem),
    }
    if problems.is_empty() { Ok(objects) } else { Err(problems) }
}

/// Reports objects that occur more than once.
pub fn duplicates<'a>(objects: impl IntoIterator<Item = (&'a Key, &'a Location)>) -> Vec<Diagnostic> {
    let mut seen: HashMap<&Key, &Location> = HashMap::new();
    let mut problems = Vec::new();
    for (key, location) in objects {
        if let Some(first) = seen.insert(key, location) {
            problems.push(
                Diagnostic::error(format!("duplicate object {key}; first defined at {first}"))
                    .at(location.clone()),
            );
        }
    }
    problems
}

fn take(document: Document, objects: &mut Vec<Desired>, problems: &mut Vec<Diagnostic>) {
    if document.is_list() {
        for item in document.into_items() {
            take(item, objects, problems);
        }
        return;
    }
    let value = &document.value;
    let location = document.location("");
    let missing = ["/apiVersion", "/kind", "/metadata/name"]
        .into_iter()
        .find(|pointer| value.pointer(pointer).and_then(Value::as_str).is_none_or(str::is_empty));
    match missing {
        _ if !value.is_object() => problems.push(
            Diagnostic::error(format!("the document is {}, expected a Kubernetes object", kind_of(value)))
                .at(location),
        ),
        Some(pointer) => {
            let field = pointer.trim_start_matches('/').replace('/', ".");
            problems.push(Diagnostic::error(format!("missing required field `{field}`")).at(location));
        }
        None if !object_shape::wrong_types(value).is_empty() => {
            problems.extend(object_shape::wrong_types(value).into_iter().map(|wrong| {
                Diagnostic::error(wrong.message)
                    .at(document.location(&wrong.pointer))
                    .hint("render the directory again, or correct the file")
            }));
        }
        None => objects.push(Desired { key: Key::of(value), value: document.value, location }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[&str]) {
        let found: Vec<String> = match read_file("out/a.yaml", text) {
            Ok(objects) => {
                objects.iter().map(|object| format!("{} at {}", object.key, object.location)).collect()
            }
            Err(problems) => problems.iter().map(ToString::to_string).collect(),
        };
        assert_eq!(found, expected);
    }

    #[test]
    fn objects_and_items_of_lists_are_read() {
        check(
            "# Made\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: web}\n---\napiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: Namespace, metadata: {name: b}}\n",
            &["configmap/web/a at out/a.yaml:2", "namespace/b at out/a.yaml:9"],
        );
        check("", &[]);
    }

    #[test]
    fn documents_without_required_fields_are_errors() {
        check(
            "- 1\n---\nkind: A\nmetadata: {name: a}\n",
            &[
                "out/a.yaml:1: the document is a list, expected a Kubernetes object",
                "out/a.yaml:3: missing required field `apiVersion`",
            ],
        );
    }

    #[test]
    fn duplicates_name_both_locations() {
        let duplicates =
            |objects: &[Desired]| duplicates(objects.iter().map(|object| (&object.key, &object.location)));
        let mut objects = read_file("a", "{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}").unwrap();
        assert_eq!(duplicates(&objects), []);
        objects.extend(read_file("b", "{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}").unwrap());
        assert_eq!(
            duplicates(&objects)[0].to_string(),
            "b:1: duplicate object configmap/a; first defined at a:1"
        );
    }
}
