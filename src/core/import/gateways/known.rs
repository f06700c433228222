//! What the input says about its Gateways: their implementations and parameters, and the Services that these implementations create.

use std::collections::{BTreeMap, HashMap};

use serde_json::{Map, Value, json};

use crate::core::gateway::choose::{builtin, of_controller};
use crate::core::gateway::{GATEWAY_GROUP, Implementation, group_of};
use crate::core::json;
use crate::core::manifest::Key;
use crate::core::pointer;

/// The fields of a Gateway that show that it was read from a cluster, besides its addresses.
const LIVE_FIELDS: [&str; 3] = ["uid", "resourceVersion", "creationTimestamp"];

/// The objects of the input, by what Gateways name.
pub(super) struct Known<'a> {
    objects: Vec<&'a Value>,
    /// The controllers of classes, by name.
    classes: BTreeMap<String, String>,
    /// What classes say about parameters, by the name of the class.
    of_classes: HashMap<&'a str, &'a Value>,
    by_key: HashMap<Key, usize>,
    /// The namespace of objects that state none.
    namespace: &'a str,
}

impl<'a> Known<'a> {
    pub(super) fn of(
        objects: Vec<&'a Value>,
        classes: &BTreeMap<String, String>,
        namespace: Option<&'a str>,
    ) -> Self {
        let namespace = namespace.unwrap_or_default();
        let mut known = Self {
            by_key: HashMap::new(),
            of_classes: HashMap::new(),
            classes: classes.clone(),
            objects,
            namespace,
        };
        for (index, object) in known.objects.iter().enumerate() {
            known.by_key.insert(with_namespace(object, namespace), index);
            let is_class = object["kind"] == "GatewayClass" && group_of(object) == GATEWAY_GROUP;
            let Some(name) = object["metadata"]["name"].as_str().filter(|_| is_class) else { continue };
            known.of_classes.insert(name, &object["spec"]["parametersRef"]);
            if let Some(controller) = object["spec"]["controllerName"].as_str() {
                known.classes.insert(name.to_owned(), controller.to_owned());
            }
        }
        known
    }

    /// Returns the implementation of a Gateway: that of its class, or the one whose parameters it names.
    pub(super) fn implementation(&self, gateway: &Value) -> Option<&'static Implementation> {
        let by_class = self.classes.get(class_of(gateway)).map(|controller| of_controller(controller));
        by_class.unwrap_or_else(|| {
            let reference = &gateway["spec"]["infrastructure"]["parametersRef"];
            builtin().iter().find(|it| is_kind_of_parameters(it, reference))
        })
    }

    /// Whether the input has the GatewayClass of a Gateway.
    pub(super) fn has_class(&self, gateway: &Value) -> bool {
        self.of_classes.contains_key(class_of(gateway))
    }

    /// Returns the index of the parameters that a Gateway itself names, if the input has them.
    pub(super) fn own_parameters(&self, gateway: &Value) -> Option<usize> {
        let implementation = self.implementation(gateway)?;
        let reference = &gateway["spec"]["infrastructure"]["parametersRef"];
        let namespace = with_namespace(gateway, self.namespace).namespace;
        self.parameters(implementation, reference, namespace)
    }

    /// Returns the index of the parameters that a class names, if the input has them.
    pub(super) fn class_parameters(&self, gateway: &Value) -> Option<usize> {
        let reference = *self.of_classes.get(class_of(gateway))?;
        let namespace = reference["namespace"].as_str().unwrap_or(self.namespace);
        self.parameters(self.implementation(gateway)?, reference, namespace.to_owned())
    }

    fn parameters(
        &self,
        implementation: &Implementation,
        reference: &Value,
        namespace: String,
    ) -> Option<usize> {
        if !is_kind_of_parameters(implementation, reference) {
            return None;
        }
        let text = |field: &str| reference[field].as_str().unwrap_or_default().to_owned();
        let key = Key { group: text("group"), kind: text("kind"), namespace, name: text("name") };
        self.by_key.get(&key).copied()
    }

    /// Returns the Service that the implementation creates for a Gateway, as far as the Gateway and its parameters decide it.
    pub(super) fn service(&self, gateway: &Value) -> Value {
        let mut metadata = Map::new();
        let own = &gateway["metadata"];
        for field in ["name", "namespace"].iter().chain(&LIVE_FIELDS) {
            if let Some(value) = own.get(*field) {
                metadata.insert((*field).to_owned(), value.clone());
            }
        }
        let infrastructure = &gateway["spec"]["infrastructure"];
        for field in ["labels", "annotations"] {
            if let Some(map) = infrastructure[field].as_object() {
                metadata.insert(field.to_owned(), Value::Object(map.clone()));
            }
        }
        let mut service = json!({"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": {"type": "LoadBalancer"}});
        if let Some(addresses) = gateway.pointer("/status/addresses") {
            json::put(&mut service, &["status", "loadBalancer", "ingress"], addresses.clone());
        }
        let form = self.implementation(gateway).and_then(|it| it.spec.parameters.as_ref());
        let index = self.own_parameters(gateway).or_else(|| self.class_parameters(gateway));
        if let (Some(form), Some(index)) = (form, index) {
            for field in &form.fields {
                if let Some(found) = self.objects[index].pointer(&field.parameters) {
                    set(&mut service, &field.service, found.clone());
                }
            }
        }
        service
    }
}

/// Returns the key of an object, with the namespace that it gets.
pub(super) fn with_namespace(object: &Value, namespace: &str) -> Key {
    let key = Key::of(object);
    if key.namespace.is_empty() { Key { namespace: namespace.to_owned(), ..key } } else { key }
}

fn is_kind_of_parameters(implementation: &Implementation, reference: &Value) -> bool {
    implementation.spec.parameters.as_ref().is_some_and(|form| {
        let group = form.api_version.split_once('/').map_or("", |(group, _)| group);
        reference["group"] == group && reference["kind"] == form.kind.as_str()
    })
}

pub(super) fn class_of(gateway: &Value) -> &str {
    gateway["spec"]["gatewayClassName"].as_str().unwrap_or_default()
}

/// Sets the value at a JSON pointer, and creates the maps on its way.
pub(super) fn set(value: &mut Value, at: &str, new: Value) {
    let keys: Vec<_> = pointer::keys(at).collect();
    let keys: Vec<&str> = keys.iter().map(AsRef::as_ref).collect();
    json::put(value, &keys, new);
}
