//! An object of a cluster. The types of its metadata are checked once, when the answer of the API server is read.

use serde_json::{Map, Value};

use crate::core::json;
use crate::core::live::field_type::{InvalidObject, Type};
use crate::core::live::resource::Resource;
use crate::core::manifest::{Key, set_label};

/// An object as the API server returned it.
#[derive(Clone, Debug, PartialEq)]
pub struct LiveObject(Value);

/// The optional fields of `metadata` that this program reads. Each may be null.
const METADATA: &[(&str, Type)] = &[
    ("annotations", Type::Texts),
    ("creationTimestamp", Type::Text),
    ("deletionTimestamp", Type::Text),
    ("finalizers", Type::Strings),
    ("generation", Type::Integer),
    ("labels", Type::Texts),
    ("managedFields", Type::Objects),
    ("namespace", Type::Text),
    ("ownerReferences", Type::Objects),
    ("resourceVersion", Type::Text),
    ("uid", Type::Text),
];

impl LiveObject {
    /// Checks an object: it has an apiVersion, a kind and a name, and its metadata has the types of Kubernetes.
    pub fn read(value: Value) -> Result<Self, InvalidObject> {
        let metadata = &value["metadata"];
        Type::Object.require("", &value)?;
        Type::Name.require("apiVersion", &value["apiVersion"])?;
        Type::Name.require("kind", &value["kind"])?;
        Type::Object.require("metadata", metadata)?;
        Type::Name.require("metadata.name", &metadata["name"])?;
        for (name, wanted) in METADATA.iter().filter(|(name, _)| !metadata[*name].is_null()) {
            wanted.require(name, &metadata[*name]).map_err(|problem| problem.below("metadata"))?;
        }
        Ok(Self(value))
    }

    /// Checks an item of a list. Items lack apiVersion and kind, which the list has.
    pub fn read_item(mut item: Value, resource: &Resource) -> Result<Self, InvalidObject> {
        if let Value::Object(fields) = &mut item {
            for (field, wanted) in [("apiVersion", resource.api_version()), ("kind", resource.kind.clone())] {
                let found = fields.entry(field).or_insert_with(|| wanted.as_str().into());
                if *found != wanted.as_str() {
                    return Err(InvalidObject::new(field, "another value", &wanted));
                }
            }
        }
        Self::read(item)
    }

    /// Checks that it is the object with this name, or one of this namespace; `None` allows any.
    pub fn located(self, namespace: Option<&str>, name: Option<&str>) -> Result<Self, InvalidObject> {
        for (field, found, wanted) in
            [("namespace", self.namespace(), namespace), ("name", self.name(), name)]
        {
            if let Some(wanted) = wanted.filter(|wanted| *wanted != found) {
                return Err(InvalidObject::new(field, "another value", wanted).below("metadata"));
            }
        }
        Ok(self)
    }

    /// Returns the whole object.
    pub fn value(&self) -> &Value {
        &self.0
    }

    /// Returns the whole object.
    pub fn into_value(self) -> Value {
        self.0
    }

    /// Returns a field at the top level, such as `spec`; null if it is missing.
    pub fn field(&self, name: &str) -> &Value {
        &self.0[name]
    }

    /// Returns the identity of the object.
    pub fn key(&self) -> Key {
        Key::of(&self.0)
    }

    /// Returns the API version, such as `apps/v1`.
    pub fn api_version(&self) -> &str {
        self.0["apiVersion"].as_str().unwrap_or_default()
    }

    /// Returns the kind.
    pub fn kind(&self) -> &str {
        self.0["kind"].as_str().unwrap_or_default()
    }

    /// Returns the name.
    pub fn name(&self) -> &str {
        self.text("name").unwrap_or_default()
    }

    /// Returns the namespace; empty for an object without one.
    pub fn namespace(&self) -> &str {
        self.text("namespace").unwrap_or_default()
    }

    /// Returns the UID. Every stored object has one.
    pub fn uid(&self) -> Option<&str> {
        self.text("uid")
    }

    /// Returns the resourceVersion.
    pub fn resource_version(&self) -> Option<&str> {
        self.text("resourceVersion")
    }

    /// Returns the time of its creation, in the format of RFC 3339.
    pub fn created(&self) -> Option<&str> {
        self.text("creationTimestamp")
    }

    /// Returns the generation of its specification; 0 if the kind has none.
    pub fn generation(&self) -> i64 {
        self.metadata("generation").as_i64().unwrap_or_default()
    }

    /// Whether it has a deletion timestamp.
    pub fn is_being_deleted(&self) -> bool {
        self.text("deletionTimestamp").is_some()
    }

    /// Returns the value of a label.
    pub fn label(&self, key: &str) -> Option<&str> {
        self.metadata("labels")[key].as_str()
    }

    /// Returns the value of an annotation.
    pub fn annotation(&self, key: &str) -> Option<&str> {
        self.metadata("annotations")[key].as_str()
    }

    /// Returns the keys of its annotations, sorted.
    pub fn annotation_keys(&self) -> impl Iterator<Item = &str> {
        self.metadata("annotations").as_object().into_iter().flat_map(Map::keys).map(String::as_str)
    }

    /// Returns the owner that manages it, as kind and name.
    pub fn controller(&self) -> Option<(&str, &str)> {
        let owners = self.metadata("ownerReferences").as_array().into_iter().flatten();
        let owner = owners.into_iter().find(|owner| owner["controller"] == true)?;
        let text = |field: &str| owner[field].as_str().unwrap_or_default();
        Some((text("kind"), text("name")))
    }

    /// Returns `metadata.managedFields` without interpretation.
    pub fn managed_fields(&self) -> &[Value] {
        self.metadata("managedFields").as_array().map_or(&[], Vec::as_slice)
    }

    /// Returns a copy with a label, unless the object has a label with this key.
    #[must_use]
    pub fn with_label(&self, key: &str, value: &str) -> Self {
        let mut copy = self.clone();
        if self.label(key).is_none() {
            set_label(&mut copy.0, key, value);
        }
        copy
    }

    /// Returns a copy with other managed fields.
    #[must_use]
    pub(super) fn with_managed_fields(&self, entries: Vec<Value>) -> Self {
        let mut copy = self.clone();
        json::put(&mut copy.0, &["metadata", "managedFields"], entries);
        copy
    }

    fn text(&self, field: &str) -> Option<&str> {
        self.metadata(field).as_str()
    }

    fn metadata(&self, field: &str) -> &Value {
        &self.0["metadata"][field]
    }
}

#[cfg(test)]
impl LiveObject {
    /// Returns the live object of a test, which need not have an apiVersion, a kind and a name.
    pub(crate) fn sample(value: &Value) -> Self {
        let mut whole = value.clone();
        let fields = whole.as_object_mut().expect("an object");
        fields.entry("apiVersion").or_insert("v1".into());
        fields.entry("kind").or_insert("ConfigMap".into());
        let metadata = fields.entry("metadata").or_insert(Map::new().into());
        metadata.as_object_mut().expect("an object").entry("name").or_insert("a".into());
        Self::read(whole).expect("a valid object")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn service() -> Value {
        json!({"apiVersion": "v1", "kind": "Service", "metadata": {
            "name": "a", "namespace": "web", "uid": "1", "resourceVersion": "2", "generation": 3,
            "creationTimestamp": "2026-01-01T00:00:00Z", "labels": {"x": "y"}, "annotations": null,
            "finalizers": ["f"], "managedFields": [{"manager": "m"}],
            "ownerReferences": [{"kind": "App", "name": "o", "controller": true}]}})
    }

    fn with(pointer: &str, value: Value) -> Value {
        let mut object = service();
        *object.pointer_mut(pointer).unwrap() = value;
        object
    }

    #[test]
    fn fields_of_an_object() {
        let live = LiveObject::read(service()).unwrap();
        assert_eq!(live.key().to_string(), "service/web/a");
        assert_eq!((live.uid(), live.resource_version(), live.generation()), (Some("1"), Some("2"), 3));
        assert_eq!((live.label("x"), live.label("y"), live.annotation("x")), (Some("y"), None, None));
        assert_eq!((live.controller(), live.managed_fields().len()), (Some(("App", "o")), 1));
        assert!(!live.is_being_deleted());
        let minimal = json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "a"}});
        let minimal = LiveObject::read(minimal).unwrap();
        assert_eq!((minimal.namespace(), minimal.uid(), minimal.managed_fields()), ("", None, &[][..]));
    }

    #[test]
    fn fields_of_a_wrong_type_are_errors() {
        for (pointer, value, expected) in [
            ("", json!(7), "the object is a number, expected an object"),
            ("", json!([]), "the object is a list, expected an object"),
            ("/apiVersion", json!(1), "apiVersion is a number, expected a string that is not empty"),
            ("/kind", json!(""), "kind is an empty string, expected a string that is not empty"),
            ("/metadata", json!(["x"]), "metadata is a list, expected an object"),
            ("/metadata/name", json!(null), "metadata.name is null, expected a string that is not empty"),
            (
                "/metadata/labels",
                json!(["x"]),
                "metadata.labels is a list, expected an object whose values are strings",
            ),
            ("/metadata/labels/x", json!(true), "metadata.labels[] is a boolean, expected a string"),
            ("/metadata/uid", json!({}), "metadata.uid is an object, expected a string"),
            ("/metadata/generation", json!("3"), "metadata.generation is a string, expected an integer"),
            ("/metadata/finalizers/0", json!(1), "metadata.finalizers[0] is a number, expected a string"),
            (
                "/metadata/managedFields",
                json!({}),
                "metadata.managedFields is an object, expected a list of objects",
            ),
            (
                "/metadata/managedFields/0",
                json!("x"),
                "metadata.managedFields[0] is a string, expected an object",
            ),
        ] {
            let problem = LiveObject::read(with(pointer, value)).unwrap_err();
            assert_eq!(problem.to_string(), expected, "{pointer}");
        }
    }

    #[test]
    fn items_get_the_kind_of_their_list() {
        let services = Resource::core("Service", "services");
        let item = |item: Value| {
            LiveObject::read_item(item, &services).map_err(|problem| problem.in_list("items", 4))
        };
        let live = item(json!({"metadata": {"name": "a"}})).unwrap();
        assert_eq!((live.api_version(), live.kind()), ("v1", "Service"));
        assert_eq!(item(service()).unwrap().value(), &service());
        for (value, expected) in [
            (json!(7), "items[4] is a number, expected an object"),
            (json!({}), "items[4].metadata is null, expected an object"),
            (with("/kind", json!("Secret")), "items[4].kind is another value, expected Service"),
            (
                with("/metadata/labels", json!(1)),
                "items[4].metadata.labels is a number, expected an object whose values are strings",
            ),
        ] {
            assert_eq!(item(value).unwrap_err().to_string(), expected);
        }
    }

    #[test]
    fn objects_of_other_places_are_errors() {
        let located = |namespace, name| {
            let live = LiveObject::read(service()).unwrap();
            live.located(namespace, name).map(|_| ()).map_err(|problem| problem.to_string())
        };
        assert_eq!(located(None, None), Ok(()));
        assert_eq!(located(Some("web"), Some("a")), Ok(()));
        let error = |text: &str| Err(text.to_owned());
        assert_eq!(located(Some("x"), None), error("metadata.namespace is another value, expected x"));
        assert_eq!(located(None, Some("b")), error("metadata.name is another value, expected b"));
    }

    #[test]
    fn a_label_is_added_once() {
        let live = LiveObject::read(service()).unwrap();
        let labeled = live.with_label("z", "1").with_label("x", "2").with_label("z", "3");
        assert_eq!((labeled.label("x"), labeled.label("z")), (Some("y"), Some("1")));
        let bare = LiveObject::read(with("/metadata/labels", Value::Null)).unwrap();
        assert_eq!(bare.with_label("z", "1").label("z"), Some("1"));
    }
}
