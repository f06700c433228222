//! Strings go through `write_object` and come back from kubectl, and from our own reader, as they went in.

use largescale::core::yaml;
use serde_json::{Value, json};

use crate::kubectl::Kubectl;
use crate::strings::{label_strings, strings};

/// How many strings there are of each kind.
const ANY: usize = 12_000;
const LABELS: usize = 4_000;

/// A place in an object, and the object (or objects) with all strings in that place.
struct Position {
    name: &'static str,
    objects: fn(&[String]) -> Vec<Value>,
}

const fn position(name: &'static str, objects: fn(&[String]) -> Vec<Value>) -> Position {
    Position { name, objects }
}

/// Where any string may stand.
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
        // kubectl cuts documents at every line that starts with `---`, and refuses `---a: b` with an error. No object of
        // Kubernetes has such a field.
        let cut = |text: &&String| !text.starts_with("---");
        let mut object = json!({"apiVersion": "example.com/v1", "kind": "Thing", "metadata": {"name": "x"}});
        for text in strings.iter().filter(|text| !taken.contains(&text.as_str())).filter(cut) {
            object[text] = text.as_str().into();
        }
        vec![object]
    }),
];

/// Where Kubernetes takes only what it takes as a label.
const LABELLED: &[Position] = &[
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

/// Writes the strings in one place, has the text read, and says what came back otherwise.
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
        Ok(_) => Some("it came back as something else".to_owned()),
    }
}

/// The strings that do not come back, each found by halving.
fn offenders(
    position: &Position,
    strings: &[String],
    read: &dyn Fn(&str) -> Result<Vec<Value>, String>,
    found: &mut Vec<String>,
) {
    // The first few are enough to see what is wrong.
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
            "{} strings as {}, each of which is read alone: {}",
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
    for (positions, strings) in [(ANYWHERE, &any), (LABELLED, &labels)] {
        for position in positions {
            offenders(position, strings, read, &mut found);
        }
    }
    assert!(found.is_empty(), "{} or more strings do not come back:\n{}", found.len(), found.join("\n"));
}

#[test]
fn strings_come_back_from_kubectl_as_they_went_in() {
    let Some(kubectl) = Kubectl::find() else { return };
    come_back(&|text| kubectl.read(text));
}

#[test]
fn strings_come_back_from_our_reader_as_they_went_in() {
    come_back(&|text| {
        let documents = yaml::read("objects.yaml", text).map_err(|problem| problem.to_string())?;
        Ok(documents.into_iter().map(|document| document.value).collect())
    });
}
