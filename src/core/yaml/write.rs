//! Writes values as YAML: in Kubernetes' key order, and without scalars that a YAML 1.1 reader interprets differently.

use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};
use serde_json::Value;

/// Writes a Kubernetes object in canonical key order.
pub fn write_object(object: &Value) -> String {
    emit(&Ordered { value: object, order: Order::Object })
}

/// Writes any value, with its keys in the order of serde.
///
/// # Panics
///
/// Panics if the type has no JSON form. All types of this program have one. Without the panic, an empty text would
/// overwrite a valid file.
pub fn write_plain<T: Serialize>(value: &T) -> String {
    let value = serde_json::to_value(value).expect("our types have string keys and no failing serializer");
    emit(&Ordered { value: &value, order: Order::Sorted })
}

/// Writes a text on one line, for use after a colon or in a list in brackets.
pub fn write_scalar(text: &str) -> String {
    let plain = write_plain(&text);
    let plain = plain.trim_end_matches('\n');
    let is_block = plain.contains('\n') || plain.starts_with(['|', '>']);
    let ends_in_brackets = !plain.starts_with(['"', '\'']) && plain.contains([',', '[', ']', '{', '}']);
    if is_block || ends_in_brackets {
        return emit(&serde_saphyr::DoubleQuoted(text)).trim_end_matches('\n').to_owned();
    }
    plain.to_owned()
}

fn emit<T: Serialize>(value: &T) -> String {
    // No `>` folding: a long argument stays on its line, so that a diff shows what changed in it.
    let options = serde_saphyr::ser_options! { folded_wrap_chars: usize::MAX };
    // Without the panic, an empty text would overwrite a valid file.
    serde_saphyr::to_string_with_options(value, options)
        .expect("strings, numbers, lists and maps have a YAML form")
}

#[derive(Clone, Copy)]
enum Order {
    /// The top level of an object: apiVersion, kind, metadata, then the rest by name.
    Object,
    /// `metadata`: name, namespace, labels, annotations, then the rest by name.
    Metadata,
    /// Other objects: `name` first, then the rest by name.
    NameFirst,
    /// Maps whose keys are the user's: sorted by name.
    Sorted,
}

impl Order {
    fn rank(self, key: &str) -> usize {
        let first: &[&str] = match self {
            Self::Object => &["apiVersion", "kind", "metadata"],
            Self::Metadata => &["name", "generateName", "namespace", "labels", "annotations"],
            Self::NameFirst => &["name"],
            Self::Sorted => &[],
        };
        first.iter().position(|known| *known == key).unwrap_or(first.len())
    }

    fn below(self, key: &str) -> Self {
        match (self, key) {
            (Self::Object | Self::NameFirst, "metadata") => Self::Metadata,
            (Self::Sorted, _)
            | (Self::Object, "data" | "stringData" | "binaryData")
            | (_, "labels" | "annotations" | "matchLabels" | "nodeSelector") => Self::Sorted,
            _ => Self::NameFirst,
        }
    }
}

struct Ordered<'a> {
    value: &'a Value,
    order: Order,
}

impl Serialize for Ordered<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.value {
            Value::Object(map) => {
                let mut out = serializer.serialize_map(Some(map.len()))?;
                // The map is already sorted by name.
                let mut entries: Vec<_> = map.iter().collect();
                entries.sort_by_key(|(key, _)| self.order.rank(key));
                for (key, value) in entries {
                    out.serialize_entry(&Text(key), &Self { value, order: self.order.below(key) })?;
                }
                out.end()
            }
            Value::Array(list) => {
                let mut out = serializer.serialize_seq(Some(list.len()))?;
                for value in list {
                    out.serialize_element(&Self { value, order: self.order })?;
                }
                out.end()
            }
            Value::String(text) => Text(text).serialize(serializer),
            plain => plain.serialize(serializer),
        }
    }
}

struct Text<'a>(&'a str);

impl Serialize for Text<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // go-yaml rejects a block scalar whose first line with text starts with a tab.
        if self.0.trim_start_matches(['\n', ' ']).starts_with('\t') {
            return serde_saphyr::DoubleQuoted(self.0).serialize(serializer);
        }
        serializer.serialize_str(self.0)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn objects_have_kubernetes_key_order() {
        let object = json!({
            "kind": "Deployment", "apiVersion": "apps/v1", "spec": {"template": {"spec": {"containers": [
                {"image": "nginx", "args": ["on", "1_000", "0777"], "name": "web"}]}}},
            "metadata": {"labels": {"name": "x", "app": "on"}, "namespace": "web", "name": "nginx", "annotations": {"a": "b\nc\n"}}
        });
        assert_eq!(
            write_object(&object),
            "apiVersion: apps/v1
kind: Deployment
metadata:
  name: nginx
  namespace: web
  labels:
    app: \"on\"
    name: x
  annotations:
    a: |
      b
      c
spec:
  template:
    spec:
      containers:
      - name: web
        args:
        - \"on\"
        - \"1_000\"
        - \"0777\"
        image: nginx
"
        );
    }

    #[test]
    fn scalars_are_written_on_one_line() {
        for (text, expected) in [
            ("manifests/web.yaml", "manifests/web.yaml"),
            ("on", "\"on\""),
            ("a,b{c}[d].yaml", "\"a,b{c}[d].yaml\""),
            ("a\nb\n", "\"a\\nb\\n\""),
            ("a\u{a0}", "a\u{a0}"),
        ] {
            assert_eq!(write_scalar(text), expected);
        }
        for text in [
            "\n",
            "a\u{85}b",
            "\u{2028}",
            "\u{feff}a",
            "a: b",
            "a #b",
            "#a",
            "'",
            "\"",
            "- a",
            "a\r",
            "\u{1b}",
            ",",
            "]",
        ] {
            let scalar = write_scalar(text);
            assert!(!scalar.contains('\n'), "{scalar}");
            let read =
                crate::core::yaml::read_one("", &format!("a: {scalar}\nb: [{scalar}, {scalar}]\n")).unwrap();
            assert_eq!(read.value, json!({"a": text, "b": [text, text]}));
        }
    }

    #[test]
    fn text_with_a_leading_tab_is_quoted() {
        assert_eq!(write_object(&json!({"a": "\n\tb"})), "a: \"\\n\\tb\"\n");
    }
}
