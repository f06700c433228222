//! Masks the values of Secrets in all output. Equal values get the same number, so that changes are still visible.
//!
//! [`is_secret_kind`] decides what a Secret is. It errs on the safe side: the case of the kind and the API group do not
//! matter, and every field is masked that is not known to hold no secret.

use std::cell::OnceCell;
use std::collections::{BTreeSet, HashMap};
use std::mem::{replace, take};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

use crate::core::pointer;
use crate::core::report::secret_text::contains_one;

/// Annotations in which tools store the whole object, including secrets: kubectl, kapp, Rancher and Banzai Cloud.
const COPIES_OF_THE_OBJECT: &[&str] = &[
    "kubectl.kubernetes.io/last-applied-configuration",
    "kapp.k14s.io/original",
    "objectset.rio.cattle.io/applied",
    "banzaicloud.com/last-applied",
];

/// The fields of a Secret that hold no secret value.
const SHOWN: &[&str] = &["apiVersion", "kind", "metadata", "type", "immutable"];

/// The same for a kind of the same name in another group, whose `spec` usually refers to a secret store.
const SHOWN_IN_OTHER_GROUPS: &[&str] = &["spec", "status"];

/// Replaces the values of Secrets; equal values get the same number in all objects.
#[derive(Debug, Default)]
pub struct Mask {
    numbers: HashMap<String, usize>,
    /// The masked values, also decoded, to find them in annotations.
    texts: BTreeSet<String>,
    /// Those of the object that is being masked.
    own: BTreeSet<String>,
}

/// What an object in another one is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// The object itself, or an item of a list.
    Object,
    /// An item of a `SecretList`, which may lack its kind.
    SecretItem,
    /// A field. It may be a reference (`kind: Secret`, `name`), so only its data is masked.
    Field,
}

/// Returns whether a kind is that of a Secret.
pub fn is_secret_kind(kind: &str) -> bool {
    kind.trim().eq_ignore_ascii_case("Secret")
}

/// Returns whether an object is a Secret.
pub fn is_secret(object: &Value) -> bool {
    object.get("kind").and_then(Value::as_str).is_some_and(is_secret_kind)
}

/// Returns whether a message must not show the field at a JSON pointer, or a part of it. The field need not exist.
pub fn hides(object: &Value, at: &str) -> bool {
    Hidden::of(object).hides(at)
}

/// The fields of one object that messages must not show. Masks the object once, for any number of questions.
#[derive(Debug)]
pub struct Hidden<'a> {
    object: &'a Value,
    masked: OnceCell<Value>,
}

impl<'a> Hidden<'a> {
    /// Begins with an object.
    pub fn of(object: &'a Value) -> Self {
        Self { object, masked: OnceCell::new() }
    }

    /// Returns whether a message must not show the field at a JSON pointer, or a part of it. The field need not exist.
    pub fn hides(&self, at: &str) -> bool {
        let object = self.object;
        if is_secret(object) {
            let mut keys = pointer::keys(at);
            match keys.next().as_deref() {
                // Annotations may contain the whole object.
                Some("metadata") => {}
                first => return !first.is_some_and(|first| is_shown(first, object["apiVersion"].as_str())),
            }
        }
        let mut at = at;
        // A field that does not exist is as secret as the nearest parent that does.
        while object.pointer(at).is_none() {
            let Some((parent, _)) = at.rsplit_once('/') else { break };
            at = parent;
        }
        let masked = self.masked.get_or_init(|| Mask::default().apply(object));
        masked.pointer(at) != object.pointer(at)
    }
}

/// Returns the values of all Secrets in a value, as they are written and decoded.
pub fn secret_texts(value: &Value) -> BTreeSet<String> {
    let mut mask = Mask::default();
    let _ = mask.apply(value);
    mask.texts
}

impl Mask {
    /// Returns the object without its secret values. Also masks Secrets in lists and in other objects.
    #[must_use]
    pub fn apply(&mut self, object: &Value) -> Value {
        let known = self.texts.len();
        let mut masked = object.clone();
        self.hide(&mut masked, Place::Object);
        if self.texts.len() > known {
            // What comes before a value may contain it, too.
            masked = object.clone();
            self.hide(&mut masked, Place::Object);
        }
        masked
    }

    /// Learns the values of Secrets in an object, so that they are masked also in objects that are shown before it.
    pub fn learn_from(&mut self, object: &Value) {
        self.hide(&mut object.clone(), Place::Object);
    }

    fn hide(&mut self, value: &mut Value, place: Place) {
        match value {
            Value::Array(items) => items.iter_mut().for_each(|item| self.hide(item, place)),
            Value::Object(map) => {
                let kind = map.get("kind").and_then(Value::as_str).unwrap_or_default();
                if is_secret_kind(kind) || place == Place::SecretItem {
                    return self.hide_secret(map, place);
                }
                let items = if kind.trim().eq_ignore_ascii_case("SecretList") {
                    Place::SecretItem
                } else {
                    Place::Object
                };
                let outer = take(&mut self.own);
                for (_, value) in map.iter_mut().filter(|(key, _)| *key != "items") {
                    self.hide(value, Place::Field);
                }
                let own = replace(&mut self.own, outer);
                if place == Place::Object && !own.is_empty() {
                    // A Secret in another object, which may have copies of its values beside it.
                    map.values_mut().for_each(|value| cover(value, &own));
                } else {
                    self.own.extend(own);
                }
                if let Some(value) = map.get_mut("items") {
                    self.hide(value, items);
                }
            }
            _ => {}
        }
    }

    fn hide_secret(&mut self, secret: &mut Map<String, Value>, place: Place) {
        let version = secret.get("apiVersion").and_then(Value::as_str).map(str::to_owned);
        for (field, value) in secret.iter_mut() {
            if is_data(field) || place != Place::Field && !is_shown(field, version.as_deref()) {
                self.hide_values(value);
            }
        }
        if let Some(metadata) = secret.get_mut("metadata").and_then(Value::as_object_mut) {
            for (field, value) in
                metadata.iter_mut().filter(|(field, _)| !["name", "namespace"].contains(&field.as_str()))
            {
                self.hide_copies(field, value);
            }
        }
    }

    /// Masks the values of a map one by one, and values of other shapes as a whole.
    fn hide_values(&mut self, value: &mut Value) {
        match value {
            Value::Null => {}
            Value::Object(map) => map.values_mut().for_each(|value| self.hide_value(value)),
            Value::Array(items) => items.iter_mut().for_each(|item| self.hide_value(item)),
            scalar => self.hide_value(scalar),
        }
    }

    fn hide_value(&mut self, value: &mut Value) {
        self.learn(value);
        let next = self.numbers.len() + 1;
        let number = *self.numbers.entry(value.to_string()).or_insert(next);
        *value = format!("<value #{number} not shown>").into();
    }

    fn learn(&mut self, value: &Value) {
        let mut texts = BTreeSet::new();
        add_texts(value, &mut texts);
        self.own.extend(texts.iter().cloned());
        self.texts.extend(texts);
    }

    /// Masks metadata that contains the object, or one of the values that were masked so far.
    fn hide_copies(&mut self, field: &str, value: &mut Value) {
        match value {
            Value::Object(map) => map.iter_mut().for_each(|(field, value)| self.hide_copies(field, value)),
            Value::Array(items) => items.iter_mut().for_each(|item| self.hide_copies(field, item)),
            Value::String(text)
                if COPIES_OF_THE_OBJECT.contains(&field)
                    || is_object_with_data(text)
                    || contains_one(text, &self.texts) =>
            {
                *value = "<not shown>".into();
            }
            _ => {}
        }
    }
}

/// Adds the texts in which a value of a Secret may be written: as it is, decoded and encoded.
pub fn add_texts(value: &Value, texts: &mut BTreeSet<String>) {
    match value {
        Value::String(text) => {
            let decoded = STANDARD.decode(text.trim()).ok().and_then(|bytes| String::from_utf8(bytes).ok());
            texts.extend(decoded);
            texts.insert(STANDARD.encode(text));
            texts.insert(text.clone());
        }
        Value::Array(items) => items.iter().for_each(|item| add_texts(item, texts)),
        Value::Object(map) => map.values().for_each(|value| add_texts(value, texts)),
        Value::Null | Value::Bool(_) => {}
        number @ Value::Number(_) => drop(texts.insert(number.to_string())),
    }
}

/// Returns whether a text or number contains one of the texts; for lists and maps, whether one of their values does.
pub fn mentions_one(value: &Value, texts: &BTreeSet<String>) -> bool {
    match value {
        Value::String(text) => contains_one(text, texts),
        Value::Number(number) => texts.contains(&number.to_string()),
        Value::Array(items) => items.iter().any(|item| mentions_one(item, texts)),
        Value::Object(map) => map.values().any(|value| mentions_one(value, texts)),
        Value::Null | Value::Bool(_) => false,
    }
}

/// Returns whether the value at a JSON pointer is one of a Secret, by its place. The value need not exist.
pub fn is_value_of_secret(object: &Value, at: &str) -> bool {
    let mut value = object;
    let mut place = Place::Object;
    for key in pointer::keys(at) {
        if let Value::Object(map) = value {
            let kind = map.get("kind").and_then(Value::as_str).unwrap_or_default();
            let version = map.get("apiVersion").and_then(Value::as_str);
            if is_secret_kind(kind) && (is_data(&key) || place == Place::Object && !is_shown(&key, version)) {
                return true;
            }
            if key != "items" {
                place = Place::Field;
            }
        }
        let next = match value {
            Value::Object(map) => map.get(&*key),
            Value::Array(items) => key.parse().ok().and_then(|index: usize| items.get(index)),
            _ => None,
        };
        let Some(next) = next else { return false };
        value = next;
    }
    false
}

/// Masks the strings and numbers that contain one of the texts.
fn cover(value: &mut Value, texts: &BTreeSet<String>) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| cover(item, texts)),
        Value::Object(map) => map.values_mut().for_each(|value| cover(value, texts)),
        plain if mentions_one(plain, texts) => *plain = "<not shown>".into(),
        _ => {}
    }
}

fn is_data(field: &str) -> bool {
    ["data", "stringData"].iter().any(|known| known.eq_ignore_ascii_case(field))
}

fn is_shown(field: &str, version: Option<&str>) -> bool {
    let is_of_other_group = version.is_some_and(|version| version.contains('/'));
    SHOWN.contains(&field) || is_of_other_group && SHOWN_IN_OTHER_GROUPS.contains(&field)
}

/// Returns whether a text is a JSON object with the data of a Secret.
fn is_object_with_data(text: &str) -> bool {
    let is_json = text.trim_start().starts_with('{');
    is_json
        && serde_json::from_str::<Map<String, Value>>(text)
            .is_ok_and(|map| map.keys().any(|key| is_data(key)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn equal_secret_values_get_the_same_number() {
        let mut mask = Mask::default();
        let old = mask
            .apply(&json!({"kind": "Secret", "data": {"a": "eA==", "b": "eQ=="}, "stringData": {"c": "p"}}));
        let new = mask.apply(&json!({"kind": "Secret", "data": {"a": "eA==", "b": "eg=="}}));
        assert_eq!(old["data"]["a"], new["data"]["a"]);
        assert_ne!(old["data"]["b"], new["data"]["b"]);
        assert!(!format!("{old}{new}").contains("eA"));
        let plain = json!({"kind": "ConfigMap", "data": {"a": "b"}});
        assert_eq!(mask.apply(&plain), plain);
        assert!(new.get("stringData").is_none(), "no field is added");
    }

    /// The values in all shapes that a Secret can have in an unchecked file; `hunter2` is the value.
    fn secrets() -> Vec<Value> {
        let value = || json!({"password": "hunter2"});
        let encoded = || json!({"password": STANDARD.encode("hunter2")});
        let applied = json!({"data": {"password": STANDARD.encode("hunter2")}}).to_string();
        let shapes = [
            json!({"stringData": value()}),
            json!({"data": encoded()}),
            json!({"data": "hunter2", "stringData": "hunter2"}),
            json!({"data": ["hunter2", {"a": "hunter2"}], "stringData": [["hunter2"]]}),
            json!({"data": {"a": {"b": "hunter2"}}, "stringData": {"a": ["hunter2"]}}),
            json!({"stringdata": value(), "Data": encoded(), "binaryData": encoded(), "password": "hunter2"}),
            json!({"data": null, "stringData": {"a": null, "b": "hunter2"}}),
            json!({"metadata": {"name": "s", "annotations": {
                "kubectl.kubernetes.io/last-applied-configuration": applied,
                "example.com/copy": applied}}}),
            json!({"data": encoded(), "metadata": {"name": "s", "labels": {"leak": "hunter2"},
                "annotations": {"a": "the password is hunter2", "b": STANDARD.encode("hunter2")}}}),
        ];
        let mut found = Vec::new();
        for shape in shapes {
            for (version, kind) in [
                ("v1", "Secret"),
                ("v1", "secret"),
                ("v1", "SECRET "),
                ("v2", "SecreT"),
                ("core/v1", "Secret"),
            ] {
                // In another group, `password` and others are masked, too.
                let mut secret = shape.clone();
                let fields = secret.as_object_mut().unwrap();
                fields.insert("apiVersion".to_owned(), version.into());
                fields.insert("kind".to_owned(), kind.into());
                found.extend([
                    json!({"apiVersion": "v1", "kind": "List", "items": [secret]}),
                    json!({"apiVersion": "v1", "kind": "list", "items": [{"kind": "List", "items": [secret]}]}),
                    json!([secret]),
                    secret,
                ]);
            }
        }
        found.push(json!({"kind": "SecretList", "items": [{"metadata": {"name": "s"}, "data": "hunter2"}]}));
        found
            .push(json!({"kind": "Template", "spec": {"object": {"kind": "Secret", "stringData": value()}}}));
        found
    }

    #[test]
    fn values_of_every_shape_are_masked() {
        let secret = ["hunter2".to_owned(), STANDARD.encode("hunter2")];
        for object in secrets() {
            let masked = Mask::default().apply(&object).to_string();
            assert!(!secret.iter().any(|text| masked.contains(text)), "{object}\n{masked}");
        }
    }

    #[test]
    fn no_field_that_contains_a_value_may_be_shown() {
        fn check(object: &Value, value: &Value, at: &str) {
            let text = value.to_string();
            if text.contains("hunter2") || text.contains(&STANDARD.encode("hunter2")) {
                assert!(hides(object, at), "{object} {at}");
            }
            match value {
                Value::Object(map) => {
                    map.iter().for_each(|(key, v)| check(object, v, &pointer::join(at, key)));
                }
                Value::Array(list) => {
                    list.iter().enumerate().for_each(|(i, v)| check(object, v, &format!("{at}/{i}")));
                }
                _ => {}
            }
        }
        for object in secrets() {
            check(&object, &object, "");
        }
        let secret =
            json!({"kind": "Secret", "type": "Opaque", "metadata": {"name": "s", "annotations": {"a": "b"}}});
        for at in ["/kind", "/type", "/metadata/name", "/metadata/annotations/a", "/metadata/labels/x"] {
            assert!(!hides(&secret, at), "{at}");
        }
        for at in ["/data", "/data/absent", "/stringData/x/y", "/other", ""] {
            assert!(hides(&secret, at), "{at}");
        }
    }

    #[test]
    fn the_order_of_objects_and_fields_does_not_matter() {
        let copy = json!({"kind": "Secret", "metadata": {"name": "s", "annotations": {"a": "hunter2"}}});
        let secret = json!({"kind": "Secret", "stringData": {"a": "hunter2"}});
        let nested = json!({"apiVersion": "v1", "before": {"a": "is hunter2", "b": "other"},
            "kind": "Template", "spec": {"objects": [secret]}, "z": [STANDARD.encode("hunter2")]});
        for objects in [[&copy, &secret, &nested], [&secret, &copy, &nested], [&nested, &copy, &secret]] {
            let mut mask = Mask::default();
            for object in objects {
                mask.learn_from(object);
            }
            for object in objects {
                let masked = mask.apply(object).to_string();
                assert!(!masked.contains("hunter2"), "{masked}");
                assert!(!masked.contains(&STANDARD.encode("hunter2")), "{masked}");
            }
            assert_eq!(mask.apply(&nested)["before"]["b"], "other");
        }
        // Only the object with the Secret in it.
        let list =
            json!({"kind": "List", "items": [nested, {"kind": "ConfigMap", "data": {"a": "hunter2"}}]});
        let masked = Mask::default().apply(&list);
        assert_eq!(masked["items"][1], list["items"][1]);
        assert_eq!(masked["items"][0]["before"]["a"], "<not shown>");
    }

    #[test]
    fn places_of_values_are_known() {
        let object =
            json!({"apiVersion": "v1", "kind": "Secret", "data": {"a": "b"}, "metadata": {"name": "s"}});
        let outer = json!({"kind": "Template", "spec": {"list": [{"kind": "secret", "stringData": {}}]}});
        let list = json!({"kind": "List", "items": [object]});
        for (object, at, expected) in [
            (&object, "/data", true),
            (&object, "/data/new", true),
            (&object, "/stringdata/x", true),
            (&object, "/spec", true),
            (&object, "/metadata/annotations/a", false),
            (&object, "/type", false),
            (&object, "", false),
            (&outer, "/spec/list/0/stringData/x", true),
            (&outer, "/spec/list/0/data", true),
            (&outer, "/spec/list/0/other", false),
            (&outer, "/spec/other", false),
            (&list, "/items/0/data/a", true),
            (&list, "/items/0/other", true),
        ] {
            assert_eq!(is_value_of_secret(object, at), expected, "{at}");
        }
    }

    #[test]
    fn references_to_secrets_stay() {
        for object in [
            json!({"kind": "Gateway", "spec": {"certificateRefs": [{"kind": "Secret", "group": "", "name": "tls"}]}}),
            json!({"kind": "HelmRelease", "spec": {"valuesFrom": [{"kind": "Secret", "name": "a", "valuesKey": "b"}]}}),
            json!({"kind": "SealedSecret", "spec": {"encryptedData": {"a": "AgB"}}}),
            json!({"apiVersion": "example.com/v1", "kind": "Secret", "spec": {"path": "a"}, "status": {"ready": true}}),
        ] {
            assert_eq!(Mask::default().apply(&object), object);
        }
    }
}
