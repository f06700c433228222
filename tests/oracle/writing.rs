//! Strings written by `write_object` are read back unchanged by kubectl and by our own parser.

use largescale::core::yaml;
use serde_json::{Value, json};

use crate::kubectl::Kubectl;
use crate::strings::{label_strings, strings};

/// Number of strings of each kind.
const ANY: usize = 12_000;
const LABELS: usize = 4_000;

/// A position in an object, and a function that returns objects with all strings in that position.
struct Position {
    name: &'static str,
    objects: fn(&[String]) -> Vec<Value>,
}

const fn position(name: &'static str, objects: fn(&[String]) -> Vec<Value>) -> Position {
    Position { name, objects }
}

/// Positions for any string.
const ANYWHERE: &[Position] = &[
    position("a value of a ConfigMap", |strings| vec![config_map(&json!({"data": numbered(strings)}))]),
    position("a value of an annotation", |strings| {
        vec![config_map(&json!({"metadata": {"name": "x", "annotations": numbered(strings)}}))]
    }),
    position("an argument of a container", |strings| {
        vec![deployment(
            &json!({"template": {"spec": {"containers": [{"name": "x", "image": "x", "args": strings}]}}}),
        )]
    }),
    position("a value of a container's environment", |strings| {
        let env: Vec<Value> = strings.iter().map(|text| json!({"name": "X", "value": text})).collect();
        vec![deployment(
            &json!({"template": {"spec": {"containers": [{"name": "x", "image": "x", "env": env}]}}}),
        )]
    }),
    position("a key and value, deep in a custom resource", |strings| {
        let deep: Vec<Value> =
            strings.iter().map(|text| json!({"a": [{"b": {(text.clone()): text}}], "c": [[text]]})).collect();
        vec![
            json!({"apiVersion": "example.com/v1", "kind": "Thing", "metadata": {"name": "x"}, "spec": {"deep": deep}}),
        ]
    }),
    position("a key beside all others", |strings| {
        let keys: serde_json::Map<String, Value> =
            strings.iter().map(|text| (text.clone(), json!("value"))).collect();
        vec![
            json!({"apiVersion": "example.com/v1", "kind": "Thing", "metadata": {"name": "x"}, "spec": {"keys": keys}}),
        ]
    }),
    position("a key of the object itself", |strings| {
        let taken = ["apiVersion", "kind", "metadata"];
        // kubectl splits documents at every line that starts with `---`, and rejects `---a: b`. No object of
        // Kubernetes has such a field.
        let cut = |text: &&String| !text.starts_with("---");
        let mut object = json!({"apiVersion": "example.com/v1", "kind": "Thing", "metadata": {"name": "x"}});
        for text in strings.iter().filter(|text| !taken.contains(&text.as_str())).filter(cut) {
            object[text] = text.as_str().into();
        }
        vec![object]
    }),
];

/// Positions where Kubernetes accepts only valid label values.
const LABELS_ONLY: &[Position] = &[
    position("a key and value of a label", |strings| {
        let labels: serde_json::Map<String, Value> =
            named(strings).map(|text| (text.clone(), text.as_str().into())).collect();
        vec![config_map(&json!({"metadata": {"name": "x", "labels": labels}}))]
    }),
    position("a key of an annotation with a prefix", |strings| {
        let keys: serde_json::Map<String, Value> =
            named(strings).map(|text| (format!("example.com/{text}"), text.as_str().into())).collect();
        vec![config_map(&json!({"metadata": {"name": "x", "annotations": keys}}))]
    }),
    position("a selector", |strings| {
        let labels: serde_json::Map<String, Value> =
            named(strings).map(|text| (text.clone(), text.as_str().into())).collect();
        vec![deployment(
            &json!({"selector": {"matchLabels": labels}, "template": {"spec": {"nodeSelector": labels}}}),
        )]
    }),
    position("a name and a namespace", |strings| {
        let object = |name: &String| json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": name}});
        named(strings).step_by(4).map(object).collect()
    }),
];

fn named(strings: &[String]) -> impl Iterator<Item = &String> {
    strings.iter().filter(|text| !text.is_empty())
}

fn numbered(strings: &[String]) -> Value {
    strings
        .iter()
        .enumerate()
        .map(|(index, text)| (format!("k{index}"), Value::from(text.as_str())))
        .collect()
}

fn config_map(more: &Value) -> Value {
    let mut object = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}});
    object.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    object
}

fn deployment(spec: &Value) -> Value {
    json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "x"}, "spec": spec})
}

/// Writes the strings in one position, reads the text, and returns the difference if there is one.
fn differs(
    position: &Position,
    strings: &[String],
    read: &dyn Fn(&str) -> Result<Vec<Value>, String>,
) -> Option<String> {
    let objects = (position.objects)(strings);
    let text: String = objects.iter().map(|object| format!("---\n{}", yaml::write_object(object))).collect();
    match read(&text) {
        Err(why) => Some(why),
        Ok(found) if found == objects => None,
        Ok(_) => Some("it was read as something else".to_owned()),
    }
}

/// Finds the strings that are read differently, by bisection.
fn offenders(
    position: &Position,
    strings: &[String],
    read: &dyn Fn(&str) -> Result<Vec<Value>, String>,
    found: &mut Vec<String>,
) {
    // The first few are enough to find the cause.
    if strings.is_empty() || found.len() >= 5 {
        return;
    }
    let Some(why) = differs(position, strings, read) else { return };
    if let [text] = strings {
        let written: String = (position.objects)(strings).iter().map(yaml::write_object).collect();
        found.push(format!("{text:?} as {}: {}\n{written}", position.name, why.trim()));
        return;
    }
    let before = found.len();
    let (first, second) = strings.split_at(strings.len() / 2);
    offenders(position, first, read, found);
    offenders(position, second, read, found);
    if found.len() == before {
        found.push(format!(
            "{} strings as {}, each of which is read correctly alone: {}",
            strings.len(),
            position.name,
            why.trim()
        ));
    }
}

fn come_back(read: &dyn Fn(&str) -> Result<Vec<Value>, String>) {
    let (any, labels) = (strings(ANY), label_strings(LABELS));
    assert!(any.len() + labels.len() >= 10_000);
    let mut found = Vec::new();
    for (positions, strings) in [(ANYWHERE, &any), (LABELS_ONLY, &labels)] {
        for position in positions {
            offenders(position, strings, read, &mut found);
        }
    }
    assert!(found.is_empty(), "{} or more strings are read differently:\n{}", found.len(), found.join("\n"));
}

#[test]
fn kubectl_reads_strings_unchanged() {
    let Some(kubectl) = Kubectl::find() else { return };
    come_back(&|text| kubectl.read(text));
}

#[test]
fn our_parser_reads_strings_unchanged() {
    come_back(&|text| {
        let documents = yaml::read("objects.yaml", text).map_err(|problem| problem.to_string())?;
        Ok(documents.into_iter().map(|document| document.value).collect())
    });
}
