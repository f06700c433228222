//! One object of the manifests.

use std::fmt;

use serde_json::Value;

use crate::core::report::diagnostic::Location;
use crate::core::yaml::Document;

/// An object with the file and lines that it came from.
#[derive(Clone, Debug)]
pub struct Object {
    document: Document,
    source: String,
    origin: Origin,
    /// The key of the object that led to this one.
    cause: Option<Key>,
    /// The fields that only the API server writes, which were dropped.
    pub(super) dropped: Vec<String>,
}

/// Where an object comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The manifests.
    Manifests,
    /// The Service of a Gateway in the manifests, which the implementation of the Gateway API creates.
    GatewayImplementation,
    /// The Service in front of the proxies of a Gateway in the manifests, which `render` writes.
    SharedGateway,
}

/// The identity of an object. In messages: `service/nginx`, `deployment/web/nginx`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// The API group; empty for the core group.
    pub group: String,
    /// The kind.
    pub kind: String,
    /// The namespace; empty for an object without one.
    pub namespace: String,
    /// The name.
    pub name: String,
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = self.kind.to_lowercase();
        if self.namespace.is_empty() {
            write!(f, "{kind}/{}", self.name)
        } else {
            write!(f, "{kind}/{}/{}", self.namespace, self.name)
        }
    }
}

impl Key {
    /// Returns the key of an object.
    pub fn of(object: &Value) -> Self {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let group = object["apiVersion"].as_str().and_then(|version| Some(version.split_once('/')?.0));
        let metadata = &object["metadata"];
        Self {
            group: group.unwrap_or_default().to_owned(),
            kind: text(&object["kind"]),
            namespace: text(&metadata["namespace"]),
            name: text(&metadata["name"]),
        }
    }
}

impl Object {
    /// Wraps a document that was checked to be an object with a kind and a name.
    pub(super) fn new(document: Document, source: &str) -> Self {
        Self {
            document,
            source: source.to_owned(),
            origin: Origin::Manifests,
            cause: None,
            dropped: Vec::new(),
        }
    }

    /// Returns an object that this one leads to, with the same file and lines.
    #[must_use]
    pub fn derive(&self, value: Value, origin: Origin) -> Self {
        let mut document = self.document.clone();
        document.value = value;
        let cause = Some(self.key());
        Self { document, source: self.source.clone(), origin, cause, dropped: Vec::new() }
    }

    /// Returns the key that users know: that of the object in the manifests which led to this one.
    pub fn known_key(&self) -> Key {
        self.cause.clone().unwrap_or_else(|| self.key())
    }

    /// Returns where the object comes from.
    pub fn origin(&self) -> Origin {
        self.origin
    }

    /// Returns the object as JSON.
    pub fn value(&self) -> &Value {
        &self.document.value
    }

    pub(super) fn value_mut(&mut self) -> &mut Value {
        &mut self.document.value
    }

    /// Returns the key of the object.
    pub fn key(&self) -> Key {
        Key::of(self.value())
    }

    /// Returns the location of the value at a pointer.
    pub fn location(&self, pointer: &str) -> Location {
        self.document.location(pointer)
    }

    /// Returns the file of the object, relative to the spec, so that it is the same on every machine.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Returns whether it is a Service of type LoadBalancer, which becomes one Service for each pool.
    pub fn is_load_balancer(&self) -> bool {
        let value = self.value();
        value["apiVersion"] == "v1" && value["kind"] == "Service" && value["spec"]["type"] == "LoadBalancer"
    }
}
