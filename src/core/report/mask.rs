//! Masks the values of Secrets in all output. Equal values get the same number, so that changes are still visible.

use std::collections::HashMap;

use serde_json::Value;

/// The annotation in which `kubectl apply` stores the whole object, including secrets.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// Replaces the values of Secrets; equal values get the same number in all objects.
#[derive(Debug, Default)]
pub struct Mask(HashMap<String, usize>);

impl Mask {
    /// Returns the object without its secret values.
    #[must_use]
    pub fn apply(&mut self, object: &Value) -> Value {
        let mut object = object.clone();
        if object["kind"] != "Secret" {
            return object;
        }
        for field in ["data", "stringData"] {
            let values = object.get_mut(field).and_then(Value::as_object_mut);
            for value in values.into_iter().flat_map(serde_json::Map::values_mut) {
                let next = self.0.len() + 1;
                let number = *self.0.entry(value.to_string()).or_insert(next);
                *value = format!("<value #{number} not shown>").into();
            }
        }
        if let Some(applied) =
            object.pointer_mut("/metadata/annotations").and_then(|notes| notes.get_mut(LAST_APPLIED))
        {
            *applied = "<not shown>".into();
        }
        object
    }
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
}
