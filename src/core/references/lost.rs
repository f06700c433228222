//! Finds references to Services whose names no longer exist.

use std::collections::{BTreeSet, HashMap};

use serde_json::Value;

use crate::core::references::find::Stated;
use crate::core::references::{References, known_namespace, text};

/// Names of Services that no longer exist, by number.
#[derive(Clone, Debug, Default)]
pub struct LostNames {
    by_name: HashMap<String, Namespaces>,
}

/// The Services with one name.
#[derive(Clone, Debug, Default)]
struct Namespaces {
    /// By namespace; an unknown one is `default`.
    known: HashMap<String, usize>,
    /// The first one whose namespace is unknown.
    unknown: Option<usize>,
    /// The first one.
    first: usize,
}

/// A place in an object that names such a Service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mention {
    /// The number of the Service.
    pub service: usize,
    /// The JSON pointer of the field.
    pub pointer: String,
    /// Whether it certainly names this Service.
    pub certainty: Certainty,
}

/// Whether a place certainly names a Service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Certainty {
    /// A field for the name of a Service in a known namespace.
    Field,
    /// A field for the name of a Service, but the namespace of one of them is unknown until the apply.
    FieldInSomeNamespace,
    /// Text that looks like the name of the Service.
    Text,
}

impl LostNames {
    /// Adds a Service; an empty namespace is unknown.
    pub fn add(&mut self, namespace: &str, name: &str, service: usize) {
        let entry = self.by_name.entry(name.to_owned());
        let same = entry.or_insert_with(|| Namespaces { first: service, ..Namespaces::default() });
        same.known.entry(known_namespace(namespace).to_owned()).or_insert(service);
        if namespace.is_empty() {
            same.unknown.get_or_insert(service);
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.by_name.is_empty()
    }

    /// Returns the places in an object that name one of the Services: every field, and the first text for each Service. `own`
    /// is the namespace of the object; empty if it is unknown.
    pub fn mentions(&self, object: &Value, own: &str, table: &References) -> Vec<Mention> {
        let mut found = Vec::new();
        table.visit(object, &mut |pointer, reference| {
            if !reference.to.is_service() {
                return;
            }
            let is_relative = reference.namespace == Stated::Nowhere;
            if let Some((service, certainty)) =
                self.get(reference.name, reference.namespace(own), is_relative)
            {
                found.push(Mention { service, pointer: pointer.to_owned(), certainty });
            }
        });
        let mut seen: BTreeSet<usize> = found.iter().map(|mention| mention.service).collect();
        let mut texts = Vec::new();
        text::scan(object, known_namespace(own), &mut |pointer, named| {
            let Some(same) = self.by_name.get(named.name) else { return };
            let known = same.known.get(named.namespace).copied();
            let Some(service) = known.or(same.unknown.filter(|_| named.is_service)) else { return };
            if seen.insert(service) {
                let pointer = pointer.to_owned();
                texts.push(Mention { service, pointer, certainty: Certainty::Text });
            }
        });
        found.extend(texts);
        found
    }

    /// Returns the Service that a field names.
    fn get(&self, name: &str, namespace: &str, is_relative: bool) -> Option<(usize, Certainty)> {
        let same = self.by_name.get(name)?;
        if let Some(service) = same.known.get(known_namespace(namespace)) {
            return Some((*service, Certainty::Field));
        }
        let perhaps = if namespace.is_empty() && is_relative { Some(same.first) } else { same.unknown };
        Some((perhaps?, Certainty::FieldInSomeNamespace))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn mentions(services: &[(&str, &str)], object: &Value) -> Vec<(usize, Certainty)> {
        let mut lost = LostNames::default();
        for (number, (namespace, name)) in services.iter().enumerate() {
            lost.add(namespace, name, number);
        }
        let own = object["metadata"]["namespace"].as_str().unwrap_or_default();
        let found = lost.mentions(object, own, &References::with(&[]));
        found.into_iter().map(|mention| (mention.service, mention.certainty)).collect()
    }

    #[test]
    fn namespaces_are_respected() {
        let set = |namespace: &str| {
            json!({"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"namespace": namespace},
                "spec": {"serviceName": "web"}})
        };
        let both = [("a", "web"), ("b", "web")];
        assert_eq!(mentions(&both, &set("a")), [(0, Certainty::Field)]);
        assert_eq!(mentions(&both, &set("b")), [(1, Certainty::Field)]);
        assert_eq!(mentions(&both, &set("c")), []);
        // The namespace of an object without one is known when it is applied.
        assert_eq!(mentions(&both, &set("")), [(0, Certainty::FieldInSomeNamespace)]);
        assert_eq!(mentions(&[("", "web")], &set("")), [(0, Certainty::Field)]);
        assert_eq!(mentions(&[("", "web")], &set("default")), [(0, Certainty::Field)]);
        assert_eq!(mentions(&[("", "web")], &set("a")), [(0, Certainty::FieldInSomeNamespace)]);
        assert_eq!(mentions(&[("a", "api")], &set("a")), []);
    }

    #[test]
    fn a_text_is_reported_once_for_each_service_without_a_field() {
        let object = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"namespace": "a"},
            "data": {"x": "web.a.svc web.a.svc api.b", "y": "web.a.svc http://web web.b"}});
        assert_eq!(
            mentions(&[("a", "web"), ("b", "api")], &object),
            [(0, Certainty::Text), (1, Certainty::Text)]
        );
        // A Service in an unknown namespace.
        let text = |text: &str| json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"namespace": "a"}, "data": {"x": text}});
        assert_eq!(mentions(&[("", "web")], &text("web.b.svc")), [(0, Certainty::Text)]);
        assert_eq!(mentions(&[("", "web")], &text("web.xml b/web")), []);
    }

    #[test]
    fn many_names_in_a_long_text_take_linear_time() {
        // With a search for each name, this would take hours.
        let names: Vec<String> = (0..10_000).map(|number| format!("s{number}")).collect();
        let mut lost = LostNames::default();
        for (number, name) in names.iter().enumerate() {
            lost.add(&format!("n{}", number % 7), name, number);
        }
        let text: String = (0..100_000).map(|number| format!("s{}.x{number} ", number % 10_000)).collect();
        let object = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {}, "data": {"x": text, "y": "s7.n0.svc"}});
        let found = lost.mentions(&object, "", &References::with(&[]));
        assert_eq!(
            found,
            [Mention { service: 7, pointer: "/data/y".to_owned(), certainty: Certainty::Text }]
        );
    }
}
