//! Writes values as YAML: in Kubernetes' key order, and without scalars that a YAML 1.1 reader interprets differently.

use std::borrow::Cow;
use std::fmt::Write;

use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};
use serde_json::Value;

use crate::core::report::escape::{is_reordered, reorders};

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
    if is_reordered(text) {
        return plain.to_owned();
    }
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
    let text = serde_saphyr::to_string_with_options(value, options)
        .expect("strings, numbers, lists and maps have a YAML form");
    if !is_reordered(&text) && !text.contains(MARKED_SEPARATOR) {
        return text;
    }
    // The library writes them as they are. They are inside double quotes, where an escape has the same meaning.
    let mut escaped = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        for c in without_mark(line).chars() {
            if reorders(c) {
                let _ = write!(escaped, "\\u{:04X}", u32::from(c));
            } else {
                escaped.push(c);
            }
        }
    }
    escaped
}

/// Starts a key that must be in double quotes. The library decides about the quotes of a key; with this character it
/// writes them.
const QUOTED_KEY: char = '\u{1}';

/// The mark as the library writes it, and the start of a key that kubectl would take for the line between two documents.
const MARKED_SEPARATOR: &str = "\\x01---";

/// Whether a key must be in double quotes: its text reorders the line, or it begins like the line between two documents.
fn needs_quotes(key: &str) -> bool {
    // With the mark in front, a key that begins with the same character stays another key.
    key.trim_start_matches(QUOTED_KEY).starts_with("---") || is_reordered(key)
}

/// Returns a line without the mark of its key.
fn without_mark(line: &str) -> Cow<'_, str> {
    const WRITTEN: &str = "\"\\x01";
    let start = line.len() - line.trim_start_matches(['-', ' ']).len();
    let Some(rest) = line[start..].strip_prefix(WRITTEN) else { return line.into() };
    let needed_quotes =
        |key: &str| key.trim_start_matches("\\x01").starts_with("---") || key.contains(reorders);
    // A value that begins with the same character has no colon after its closing quote.
    let is_marked = end_of_quotes(rest)
        .is_some_and(|end| needed_quotes(&rest[..end]) && rest[end + 1..].starts_with(':'));
    if is_marked { format!("{}\"{rest}", &line[..start]).into() } else { line.into() }
}

/// Returns the position of the quote that ends a text in double quotes.
fn end_of_quotes(text: &str) -> Option<usize> {
    let mut is_escaped = false;
    text.bytes().position(|byte| {
        let ends = byte == b'"' && !is_escaped;
        is_escaped = byte == b'\\' && !is_escaped;
        ends
    })
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
                    let value = Self { value, order: self.order.below(key) };
                    if needs_quotes(key) {
                        out.serialize_entry(&format!("{QUOTED_KEY}{key}"), &value)?;
                    } else {
                        out.serialize_entry(&Text(key), &value)?;
                    }
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
        let starts_with_tab = self.0.trim_start_matches(['\n', ' ']).starts_with('\t');
        // A reviewer must see text that reorders the line it is on, and only double quotes have escapes.
        if starts_with_tab || is_reordered(self.0) {
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
    fn no_text_reorders_the_line_that_shows_it() {
        let value = json!({"a\u{202e}b": "x\u{2066}y", "c": ["\u{200f}\nz\n", "a\u{200d}\u{1f469}"], "d": "\u{61c}\\u202e\""});
        for text in [write_object(&value), write_plain(&value)] {
            assert!(!text.contains(reorders), "{text}");
            assert!(
                text.contains(r#""a\u202Eb": "x\u2066y""#) && text.contains("a\u{200d}\u{1f469}"),
                "{text}"
            );
            assert_eq!(crate::core::yaml::read_one("", &text).unwrap().value, value);
        }
        let marked = json!({
            "\u{1}\u{202e}": 1, "\u{1}x": "\u{202e}", "c": ["\u{1}\u{202e}", {"\u{202e}\": '#": {"\u{1}\\\u{202e}\"": ["\u{202e}: a"]}}]
        });
        let text = write_plain(&marked);
        assert!(!text.contains(reorders), "{text}");
        assert_eq!(crate::core::yaml::read_one("", &text).unwrap().value, marked, "{text}");
        assert_eq!(write_scalar("a\u{202e}, [b]"), r#""a\u202E, [b]""#);
    }

    #[test]
    fn keys_like_the_line_between_documents_are_quoted() {
        assert_eq!(write_plain(&json!({"---a": 1, "b": "---"})), "\"---a\": 1\nb: \"---\"\n");
        for key in ["---", "--- a", "---a", "---\u{202e}", "...", "... a", "-- a", "--", "\u{1}---"] {
            for object in [json!({key: {key: [{key: key}, key]}}), json!([{key: 1}])] {
                let text = write_plain(&object);
                let read = crate::core::yaml::read_one("a.yaml", &text).map(|document| document.value);
                assert_eq!(read, Ok(object), "{text}");
            }
        }
    }

    #[test]
    fn text_with_a_leading_tab_is_quoted() {
        assert_eq!(write_object(&json!({"a": "\n\tb"})), "a: \"\\n\\tb\"\n");
    }
}
