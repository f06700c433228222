//! Finds the fields of an object that name other objects.

use serde_json::{Map, Value};

use crate::core::pointer;
use crate::core::references::rule::ReferenceTarget;
use crate::core::references::table::{Field, References};

/// A field that names another object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference<'a> {
    /// The text of the field.
    pub text: &'a str,
    /// The name in the text.
    pub name: &'a str,
    /// Where the namespace of the other object is.
    pub namespace: Stated<'a>,
    /// The kind of the other object.
    pub to: &'a ReferenceTarget,
}

/// Where the namespace of a reference is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stated<'a> {
    /// Nowhere: the other object is in the namespace of this one.
    Nowhere,
    /// In another field: its pointer and its text.
    Field(String, &'a str),
    /// In the text of the reference.
    Text(&'a str),
}

impl<'a> Reference<'a> {
    /// Returns the namespace of the other object. `own` is the namespace of the object with the reference.
    pub fn namespace(&self, own: &'a str) -> &'a str {
        match &self.namespace {
            Stated::Nowhere => own,
            Stated::Field(_, namespace) | Stated::Text(namespace) => namespace,
        }
    }

    /// Returns the text with another name, and another namespace if the text states one.
    pub fn renamed(&self, name: &str, namespace: &str) -> String {
        let Stated::Text(old) = self.namespace else { return name.to_owned() };
        match self.text.strip_prefix(self.name).and_then(|rest| rest.strip_prefix('.')?.strip_prefix(old)) {
            Some(rest) => format!("{name}.{namespace}{rest}"),
            None => format!("{namespace}/{name}"),
        }
    }
}

impl References {
    /// Calls `found` with the JSON pointer of each field of an object that names another object, and the reference.
    pub fn visit<'a>(&'a self, object: &'a Value, found: &mut dyn FnMut(&str, Reference<'a>)) {
        let version = object["apiVersion"].as_str().unwrap_or_default();
        let group = version.split_once('/').map_or("", |(group, _)| group);
        let Some(kind) = object["kind"].as_str() else { return };
        for field in self.of(group, kind) {
            let mut walk = Walk { field, at: String::new(), found };
            walk.enter(object, 0, None);
        }
    }
}

struct Walk<'a, 'f> {
    field: &'a Field,
    at: String,
    found: &'f mut dyn FnMut(&str, Reference<'a>),
}

/// The map around a name, and the length of its pointer.
type Around<'a> = Option<(&'a Map<String, Value>, usize)>;

impl<'a> Walk<'a, '_> {
    fn enter(&mut self, value: &'a Value, depth: usize, around: Around<'a>) {
        let Some(key) = self.field.path.get(depth) else {
            if let Value::String(text) = value
                && let Some(reference) = self.reference(text, around)
            {
                (self.found)(&self.at, reference);
            }
            return;
        };
        let length = self.at.len();
        match (value, key) {
            (Value::Object(map), Some(key)) => {
                if let Some(next) = map.get(key) {
                    pointer::push(&mut self.at, key);
                    self.enter(next, depth + 1, Some((map, length)));
                }
            }
            (Value::Object(map), None) => {
                for (key, next) in map {
                    pointer::push(&mut self.at, key);
                    self.enter(next, depth + 1, Some((map, length)));
                    self.at.truncate(length);
                }
            }
            (Value::Array(list), None) => {
                for (index, next) in list.iter().enumerate() {
                    self.at.push('/');
                    self.at.push_str(&index.to_string());
                    self.enter(next, depth + 1, around);
                    self.at.truncate(length);
                }
            }
            _ => {}
        }
        self.at.truncate(length);
    }

    fn reference(&self, text: &'a str, around: Around<'a>) -> Option<Reference<'a>> {
        let is_name = self.field.path.last().is_some_and(|key| key.as_deref() == Some("name"));
        let beside = |key: &str| around.and_then(|(map, _)| map.get(key)?.as_str());
        if let Some((key, wanted)) = &self.field.condition {
            let (map, _) = around?;
            let has = |value: &Value| value == wanted.as_str();
            let list = map.get(key)?.as_array()?;
            if !list.iter().any(has) {
                return None;
            }
        }
        let to = if is_name { self.target(&beside)? } else { self.field.to.first()? };
        let (name, in_text) = split(text, to)?;
        let key = self.field.namespace.as_deref().or(is_name.then_some("namespace"));
        let namespace = match (in_text, key) {
            (Some(namespace), _) => Stated::Text(namespace),
            (None, Some(key)) => match (beside(key), around) {
                (Some(text), Some((_, length))) if !text.is_empty() => {
                    Stated::Field(pointer::join(&self.at[..length], key), text)
                }
                _ => Stated::Nowhere,
            },
            (None, None) => Stated::Nowhere,
        };
        Some(Reference { text, name, namespace, to })
    }

    /// Returns the target that the fields beside the name describe.
    fn target(&self, beside: &dyn Fn(&str) -> Option<&'a str>) -> Option<&'a ReferenceTarget> {
        let version =
            beside("apiVersion").map(|version| version.split_once('/').map_or("", |(group, _)| group));
        let group = beside("group").or(beside("apiGroup")).or(version);
        let Some(kind) = beside("kind").filter(|kind| !kind.is_empty()) else { return self.field.to.first() };
        let is_meant = |to: &&ReferenceTarget| to.kind == kind && group.is_none_or(|group| to.group == group);
        self.field.to.iter().find(is_meant)
    }
}

/// Splits `NAME`, `NAMESPACE/NAME`, and for Services `NAME.NAMESPACE.svc.cluster.local` into the name and the namespace.
fn split<'a>(text: &'a str, to: &ReferenceTarget) -> Option<(&'a str, Option<&'a str>)> {
    if text.is_empty() {
        return None;
    }
    if let Some((namespace, name)) = text.split_once('/') {
        return (!namespace.is_empty() && !name.is_empty()).then_some((name, Some(namespace)));
    }
    let Some((name, rest)) = text.split_once('.').filter(|_| to.is_service()) else {
        return Some((text, None));
    };
    let (namespace, rest) = rest.split_once('.').unwrap_or((rest, "svc"));
    let is_service = rest == "svc" || rest.starts_with("svc.");
    (is_service && !name.is_empty() && !namespace.is_empty()).then_some((name, Some(namespace)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(object: &Value, expected: &[&str]) {
        let rule = json!({"kind": "Edge", "group": "example.com", "path": "/spec/*/backends/*/name"});
        let host = json!({"kind": "Edge", "path": "/spec/host"});
        let table =
            References::with(&[serde_json::from_value(rule).unwrap(), serde_json::from_value(host).unwrap()]);
        let mut found = Vec::new();
        table.visit(object, &mut |pointer, it| {
            found.push(format!("{pointer} {}/{}/{}", it.to.kind, it.namespace("own"), it.name));
        });
        assert_eq!(found, expected, "{object}");
    }

    #[test]
    fn names_kinds_and_namespaces_are_read() {
        let route = |refs: Value| {
            json!({"apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute",
                "spec": {"rules": [{"backendRefs": refs}]}})
        };
        check(&route(json!([{"name": "a"}])), &["/spec/rules/0/backendRefs/0/name Service/own/a"]);
        check(
            &route(json!([{"name": "a", "kind": "Service", "group": "", "namespace": "b"}])),
            &["/spec/rules/0/backendRefs/0/name Service/b/a"],
        );
        check(&route(json!([{"name": "a", "kind": "ServiceImport", "group": "multicluster.x-k8s.io"}])), &[]);
        check(&route(json!([{"name": "a", "kind": "Service", "group": "x.example"}])), &[]);
        check(&route(json!({"name": "a"})), &[]);
        check(&route(json!([{"name": 7}, null, []])), &[]);
        let scaler = |kind: Value| {
            json!({"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler",
                "spec": {"scaleTargetRef": {"apiVersion": "apps/v1", "kind": kind, "name": "a"}}})
        };
        check(&scaler(json!("StatefulSet")), &["/spec/scaleTargetRef/name StatefulSet/own/a"]);
        check(&scaler(json!("ReplicationController")), &[]);
        let slice = json!({"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
            "metadata": {"name": "x", "labels": {"kubernetes.io/service-name": "a", "namespace": "b", "kind": "c"}}});
        check(&slice, &["/metadata/labels/kubernetes.io~1service-name Service/own/a"]);
        let role = |resources: Value| {
            json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role",
                "rules": [{"resources": resources, "resourceNames": ["a"]}]})
        };
        check(&role(json!(["secrets"])), &["/rules/0/resourceNames/0 Secret/own/a"]);
        check(&role(json!(["pods"])), &[]);
        // The same kind in another group.
        check(
            &json!({"apiVersion": "x.example/v1", "kind": "StatefulSet", "spec": {"serviceName": "a"}}),
            &[],
        );
    }

    #[test]
    fn a_spec_adds_fields() {
        let edge = |version: &str| {
            json!({"apiVersion": version, "kind": "Edge",
                "spec": {"http": {"backends": [{"name": "a"}, {"name": "b", "namespace": "c"}]}}})
        };
        check(
            &edge("example.com/v1"),
            &["/spec/http/backends/0/name Service/own/a", "/spec/http/backends/1/name Service/c/b"],
        );
        check(&edge("other.example/v1"), &[]);
        let host = |text: &str| json!({"apiVersion": "a/v1", "kind": "Edge", "spec": {"host": text}});
        for (text, expected) in [
            ("a", Some("/spec/host Service/own/a")),
            ("b/a", Some("/spec/host Service/b/a")),
            ("a.b", Some("/spec/host Service/b/a")),
            ("a.b.svc.cluster.local", Some("/spec/host Service/b/a")),
            ("a.b.example", None),
            ("", None),
            ("/a", None),
            (".b", None),
        ] {
            check(&host(text), expected.as_slice());
        }
    }

    #[test]
    fn renamed_references_keep_their_form() {
        let table =
            References::with(&[
                serde_json::from_value(json!({"kind": "Edge", "path": "/spec/host"})).unwrap()
            ]);
        for (text, expected) in
            [("a", "new"), ("b/a", "there/new"), ("a.b", "new.there"), ("a.b.svc.x", "new.there.svc.x")]
        {
            let object = json!({"apiVersion": "a/v1", "kind": "Edge", "spec": {"host": text}});
            let mut renamed = Vec::new();
            table.visit(&object, &mut |_, it| renamed.push(it.renamed("new", "there")));
            assert_eq!(renamed, [expected]);
        }
    }
}
