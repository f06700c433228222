//! Reads and sets the metadata of desired objects. Live objects are read through [`crate::core::live::LiveObject`].

use serde_json::{Map, Value};

/// Returns the value of a label.
pub fn label<'a>(object: &'a Value, key: &str) -> Option<&'a str> {
    object["metadata"]["labels"][key].as_str()
}

/// Sets a label. Does nothing if the metadata has another type, which the API server rejects.
pub fn set_label(object: &mut Value, key: &str, value: &str) {
    let Some(Value::Object(metadata)) = object.get_mut("metadata") else { return };
    let labels = metadata.entry("labels").or_insert(Value::Null);
    if labels.is_null() {
        *labels = Map::new().into();
    }
    if let Value::Object(labels) = labels {
        labels.insert(key.to_owned(), value.into());
    }
}

/// Returns whether the metadata of an object has a field.
pub fn has_metadata(object: &Value, field: &str) -> bool {
    object.get("metadata").is_some_and(|metadata| metadata.get(field).is_some())
}

/// Sets a field of the metadata, such as `namespace`. Does nothing if the metadata has another type.
pub fn set_metadata(object: &mut Value, field: &str, text: &str) {
    if let Some(Value::Object(metadata)) = object.get_mut("metadata") {
        metadata.insert(field.to_owned(), text.into());
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn labels_and_fields_are_set_if_the_metadata_is_valid() {
        for (mut object, expected) in [
            (json!({"metadata": {}}), json!({"metadata": {"labels": {"a": "b"}, "uid": "1"}})),
            (json!({"metadata": {"labels": null}}), json!({"metadata": {"labels": {"a": "b"}, "uid": "1"}})),
            (
                json!({"metadata": {"labels": {"a": "x", "c": "d"}}}),
                json!({"metadata": {"labels": {"a": "b", "c": "d"}, "uid": "1"}}),
            ),
            (json!({"metadata": {"labels": ["a"]}}), json!({"metadata": {"labels": ["a"], "uid": "1"}})),
            (json!({"metadata": 7}), json!({"metadata": 7})),
            (json!([]), json!([])),
        ] {
            set_label(&mut object, "a", "b");
            set_metadata(&mut object, "uid", "1");
            assert_eq!(object, expected);
        }
    }
}
