//! Objects that are in the input more than once, as with a directory and a file in it, or a file and a dump of its objects.

use std::collections::{BTreeSet, HashMap};

use serde_json::Value;

use crate::core::import::defaults::comparable;
use crate::core::import::dropped::Dropped;
use crate::core::import::gateways::of_gateway::OfGateway;
use crate::core::import::origin::Origin;
use crate::core::json;
use crate::core::live::{FieldChange, changes, value_at};
use crate::core::manifest::Key;
use crate::core::pointer;
use crate::core::report::diagnostic::{Checked, Diagnostic};
use crate::core::yaml::Document;

/// The maximum number of fields in a message.
const SHOWN: usize = 3;

/// An object of the input.
#[derive(Clone, Debug)]
pub(crate) struct Candidate {
    /// As it was read.
    pub(crate) document: Document,
    /// What its user wrote.
    pub(crate) object: Value,
    /// Its origin.
    pub(crate) origin: Origin,
    /// The place in the input that the manifests show it at.
    pub(crate) place: Place,
    /// The Gateway, if `object` is the Service in front of one.
    pub(crate) of_gateway: Option<Box<OfGateway>>,
}

/// A place in the input: the file, and the number of the object.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The number of the object in the whole input. Files follow one another.
    pub index: usize,
    /// The name of the file, as in messages.
    pub file: String,
}

/// Keeps one of several equal objects; reports those that differ. `namespace` is that of objects that state none.
pub(crate) fn only_once(
    all: Vec<Candidate>,
    namespace: Option<&str>,
    dropped: &mut Dropped,
) -> Checked<Vec<Candidate>> {
    let stated: BTreeSet<String> = all
        .iter()
        .map(|candidate| Key::of(&candidate.object).namespace)
        .filter(|name| !name.is_empty())
        .collect();
    let only = stated.first().filter(|_| stated.len() == 1);
    let default = only.map(String::as_str).or(namespace).unwrap_or_default().to_owned();
    let key_of = |object: &Value| {
        let key = Key::of(object);
        let namespace = if key.namespace.is_empty() { default.clone() } else { key.namespace.clone() };
        Key { namespace, ..key }
    };
    let mut kept: Vec<Candidate> = Vec::with_capacity(all.len());
    let mut by_key: HashMap<Key, usize> = HashMap::new();
    let mut problems = Vec::new();
    for candidate in all {
        let key = key_of(&candidate.object);
        let Some(index) = by_key.get(&key) else {
            by_key.insert(key, kept.len());
            kept.push(candidate);
            continue;
        };
        let first = &mut kept[*index];
        let fields = differences(first, &candidate);
        if !fields.is_empty() {
            problems.push(differs(&key, first, &candidate, fields));
            continue;
        }
        dropped.object("that the input has twice".to_owned(), key.to_string());
        join(first, candidate);
    }
    if problems.is_empty() { Ok(kept) } else { Err(problems) }
}

/// Keeps the text of the file, and the knowledge of the cluster.
fn join(first: &mut Candidate, second: Candidate) {
    match (first.origin.is_live, second.origin.is_live) {
        (true, false) => {
            first.object = second.object;
            first.place = second.place;
        }
        (false, true) => {
            first.document = second.document;
            first.origin = second.origin;
        }
        _ => {}
    }
}

/// Returns the fields in which two objects differ. Ignores fields of a file that the live object has.
fn differences(one: &Candidate, other: &Candidate) -> Vec<String> {
    let compared = |candidate: &Candidate| {
        let mut object = comparable(&candidate.object);
        if let Some(metadata) = json::existing_map(&mut object, &["metadata"]) {
            metadata.remove("namespace");
        }
        object
    };
    let has = |candidate: &Candidate, at: &str, value: &Option<Value>| {
        candidate.origin.is_live
            && value.is_some()
            && value_at(at, &candidate.document.value) == value.as_ref()
    };
    // The server or a controller chose the fields that the user left out.
    let is_of_server = |candidate: &Candidate, at: &str, other: &Option<Value>| {
        candidate.origin.is_live && other.is_none() && candidate.origin.left_out(at)
    };
    let found = changes(&compared(one), &compared(other));
    let differ = found.into_iter().filter(|change| {
        let FieldChange { pointer, old, new } = change;
        !has(one, pointer, new)
            && !has(other, pointer, old)
            && !is_of_server(one, pointer, new)
            && !is_of_server(other, pointer, old)
    });
    differ.map(|change| format!("`{}`", pointer::field(&change.pointer))).collect()
}

fn differs(key: &Key, first: &Candidate, second: &Candidate, mut fields: Vec<String>) -> Diagnostic {
    let more = fields.len().saturating_sub(SHOWN);
    fields.truncate(SHOWN);
    if more > 0 {
        fields.push(format!("and {more} more"));
    }
    Diagnostic::error(format!(
        "{key} differs from the object with the same name at {} in {}",
        first.document.location("/metadata/name"),
        fields.join(", ")
    ))
    .at(second.document.location("/metadata/name"))
    .hint("import only one of them")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::yaml;

    fn read(texts: &[&str], namespace: Option<&str>) -> Result<Vec<String>, Vec<String>> {
        let mut all = Vec::new();
        for (number, text) in texts.iter().enumerate() {
            for document in yaml::read(&format!("{number}.yaml"), text).unwrap() {
                let origin = Origin::of(&document.value);
                let place = Place { index: all.len(), file: document.file().to_owned() };
                let mut object = document.value.clone();
                if let Some(metadata) = json::existing_map(&mut object, &["metadata"]) {
                    metadata.remove("uid");
                    metadata.remove("annotations");
                }
                all.push(Candidate { document, object, origin, place, of_gateway: None });
            }
        }
        let shown = |all: Vec<Candidate>| {
            all.iter()
                .map(|it| format!("{} {} {}", Key::of(&it.object), it.place.file, it.origin.is_live))
                .collect()
        };
        let found = only_once(all, namespace, &mut Dropped::default()).map(shown);
        found.map_err(|problems| problems.iter().map(ToString::to_string).collect())
    }

    fn service(metadata: &str, spec: &str) -> String {
        format!("apiVersion: v1\nkind: Service\nmetadata: {{name: a{metadata}}}\nspec: {{{spec}}}\n")
    }

    #[test]
    fn equal_objects_are_kept_once() {
        let file = service("", "ports: [{port: 80, nodePort: 30080}], type: LoadBalancer");
        let dump = service(
            ", namespace: web, uid: '1'",
            "ports: [{port: 80, nodePort: 30080, protocol: TCP, targetPort: 80}], type: LoadBalancer, sessionAffinity: None",
        );
        assert_eq!(read(&[&file, &file], None).unwrap(), ["service/a 0.yaml false"]);
        assert_eq!(read(&[&file, &dump], None).unwrap(), ["service/a 0.yaml true"]);
        assert_eq!(read(&[&dump, &file], None).unwrap(), ["service/a 1.yaml true"]);
        let elsewhere = service(", namespace: other", "type: ClusterIP");
        assert_eq!(read(&[&file, &dump, &elsewhere], Some("web")).unwrap().len(), 2);
        assert_eq!(read(&[&file, &dump, &elsewhere], None).unwrap().len(), 3, "the namespace is unknown");
    }

    #[test]
    fn what_the_server_chose_is_no_difference() {
        let file = service("", "ports: [{port: 80}], type: LoadBalancer");
        let dump = |applied: &str| {
            let note = format!(
                ", uid: '1', annotations: {{kubectl.kubernetes.io/last-applied-configuration: '{applied}'}}"
            );
            service(&note, "ports: [{port: 80}], type: LoadBalancer, ipFamilies: [IPv4]")
        };
        let known = dump(r#"{"kind":"Service","spec":{"ports":[{"port":80}]}}"#);
        assert_eq!(read(&[&file, &known], None).unwrap(), ["service/a 0.yaml true"]);
        let chosen = dump(r#"{"kind":"Service","spec":{"ipFamilies":["IPv4"]}}"#);
        for other in [chosen, dump("{}")] {
            assert!(
                read(&[&file, &other], None).unwrap_err()[0].ends_with("in `spec.ipFamilies`"),
                "{other}"
            );
        }
    }

    #[test]
    fn different_objects_are_reported_with_both_places() {
        let one = service("", "ports: [{port: 80}], type: LoadBalancer");
        let other = service("", "ports: [{port: 81}], type: LoadBalancer");
        assert_eq!(
            read(&[&one, &other], None).unwrap_err(),
            [
                "1.yaml:3: service/a differs from the object with the same name at 0.yaml:3 in `spec.ports.80,TCP`, `spec.ports.81,TCP`"
            ]
        );
    }
}
