//! Finds the imported Services that other objects refer to, and whose names the Services of the pools will not have.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::core::import::Imported;
use crate::core::manifest::Key;
use crate::core::references::{Certainty, LostNames, References};

impl Imported {
    /// Sets `spec.clusterIPServices` for each Service that other objects refer to. `namespace` is that of the spec.
    pub fn keep_referenced(&mut self, namespace: Option<&str>) {
        let own = |value: &Value| {
            let stated = value["metadata"]["namespace"].as_str().unwrap_or_default();
            if stated.is_empty() { namespace.unwrap_or_default() } else { stated }.to_owned()
        };
        let given: BTreeSet<&String> = self.names.values().flat_map(BTreeMap::values).collect();
        let services: Vec<(String, String)> = self
            .objects
            .iter()
            .filter(|object| object["kind"] == "Service" && object["spec"]["type"] == "LoadBalancer")
            .map(|service| (own(service), Key::of(service).name))
            .filter(|(_, name)| !given.contains(name))
            .collect();
        let mut lost = LostNames::default();
        for (index, (namespace, name)) in services.iter().enumerate() {
            lost.add(namespace, name, index);
        }
        if lost.is_empty() {
            return;
        }
        let table = References::with(&[]);
        let mut referenced: BTreeMap<usize, String> = BTreeMap::new();
        for object in &self.objects {
            for mention in lost.mentions(object, &own(object), &table) {
                if mention.certainty != Certainty::FieldInSomeNamespace {
                    referenced.entry(mention.service).or_insert_with(|| Key::of(object).to_string());
                }
            }
        }
        for (index, object) in referenced {
            let (namespace, name) = &services[index];
            let is_twice = services.iter().filter(|(_, other)| other == name).count() > 1;
            let text = if is_twice { format!("{namespace}/{name}") } else { name.clone() };
            self.changes.push(format!(
                "{object} refers to Service {name}: `spec.clusterIPServices` keeps a Service of type ClusterIP with this name"
            ));
            self.cluster_ip_services.push(text);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn services_that_others_refer_to_are_kept() {
        let service = |namespace: Option<&str>, name: &str| {
            json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "namespace": namespace},
                "spec": {"type": "LoadBalancer"}})
        };
        let set = |namespace: Option<&str>, of: &str| {
            json!({"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "set", "namespace": namespace},
                "spec": {"serviceName": of}})
        };
        let config = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c", "namespace": "b"},
            "data": {"x": "http://web.a.svc"}});
        let kept = |objects: Vec<Value>, namespace: Option<&str>, given: Option<&str>| {
            let given =
                given.map(|name| ("x".to_owned(), BTreeMap::from([("pool".to_owned(), name.to_owned())])));
            let mut imported =
                Imported { objects, names: given.into_iter().collect(), ..Imported::default() };
            imported.keep_referenced(namespace);
            assert_eq!(imported.changes.len(), imported.cluster_ip_services.len());
            imported.cluster_ip_services
        };
        assert_eq!(kept(vec![service(None, "web"), set(None, "web")], None, None), ["web"]);
        assert_eq!(kept(vec![service(None, "web"), set(None, "api")], None, None), [""; 0]);
        assert_eq!(kept(vec![service(None, "web"), set(None, "web")], None, Some("web")), [""; 0]);
        assert_eq!(kept(vec![service(Some("a"), "web"), config.clone()], None, None), ["web"]);
        assert_eq!(kept(vec![service(None, "web"), config], Some("a"), None), ["web"]);
        assert_eq!(kept(vec![service(Some("a"), "web"), set(Some("b"), "web")], None, None), [""; 0]);
        assert_eq!(
            kept(
                vec![service(Some("a"), "web"), service(Some("b"), "web"), set(Some("b"), "web")],
                None,
                None
            ),
            ["b/web"]
        );
    }
}
