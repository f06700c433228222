//! Parses YAML into values with their lines.

use std::collections::HashMap;
use std::fmt;

use serde::de::{Deserialize, DeserializeOwned, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};
use serde_saphyr::Spanned;

use crate::core::pointer;
use crate::core::report::diagnostic::{Diagnostic, Location};

/// One YAML document (or JSON, which is YAML), with the line of each value.
#[derive(Clone, Debug)]
pub struct Document {
    /// The content.
    pub value: Value,
    file: String,
    line: u32,
    lines: HashMap<String, u32>,
}

impl Document {
    /// Returns the location of the value at a JSON pointer, or of the nearest parent that exists.
    pub fn location(&self, pointer: &str) -> Location {
        let mut pointer = pointer;
        let line = loop {
            if pointer.is_empty() {
                break self.line;
            }
            if let Some(line) = self.lines.get(pointer) {
                break *line;
            }
            pointer = &pointer[..pointer.rfind('/').unwrap_or(0)];
        };
        Location { file: self.file.clone(), line }
    }

    /// Returns the name of the file, as the user wrote it.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// Returns a part as a document, with its lines.
    pub fn part(&self, pointer: &str) -> Option<Self> {
        let value = self.value.pointer(pointer)?.clone();
        let lines = self
            .lines
            .iter()
            .filter_map(|(key, line)| {
                let rest = key.strip_prefix(pointer)?;
                rest.starts_with('/').then(|| (rest.to_owned(), *line))
            })
            .collect();
        Some(Self { value, file: self.file.clone(), line: self.location(pointer).line, lines })
    }

    /// Copies the value at `from` to `to`, with its lines. A `-` at the end of `to` appends to a list, which is created
    /// if it does not exist.
    pub fn copy(&mut self, from: &str, to: &str) {
        let Some(part) = self.part(from) else { return };
        let (parent, key) = to.rsplit_once('/').unwrap_or(("", to));
        let Some(parent_value) = self.value.pointer_mut(parent) else {
            return self.make_list(parent, from, to);
        };
        let at = match parent_value {
            Value::Array(list) => {
                list.push(part.value);
                format!("{parent}/{}", list.len() - 1)
            }
            Value::Object(map) => {
                map.insert(key.to_owned(), part.value);
                to.to_owned()
            }
            _ => return,
        };
        let below = format!("{at}/");
        self.lines.retain(|key, _| !key.starts_with(&below));
        self.lines.extend(part.lines.into_iter().map(|(key, line)| (format!("{at}{key}"), line)));
        self.lines.insert(at, part.line);
    }

    fn make_list(&mut self, list: &str, from: &str, to: &str) {
        let Some((parent, key)) = list.rsplit_once('/') else { return };
        if let (true, Some(Value::Object(map))) = (to.ends_with("/-"), self.value.pointer_mut(parent)) {
            map.insert(key.to_owned(), Value::Array(Vec::new()));
            self.copy(from, to);
        }
    }
}

/// Reads all documents of a text; empty documents are skipped.
pub fn read(file: &str, text: &str) -> Result<Vec<Document>, Diagnostic> {
    let parsed = serde_saphyr::from_multiple_with_options::<Spanned<Tree>>(text, options())
        .map_err(|error| syntax_error(file, &error))?;
    parsed
        .into_iter()
        .map(|root| {
            let mut document = Document {
                value: Value::Null,
                file: file.to_owned(),
                line: line_of(&root),
                lines: HashMap::new(),
            };
            document.value = document.take(root.value, &mut String::new())?;
            Ok(document)
        })
        .collect()
}

/// Reads a text that must have exactly one document.
pub fn read_one(file: &str, text: &str) -> Result<Document, Diagnostic> {
    let mut documents = read(file, text)?;
    let Some(document) = documents.pop() else {
        return Err(Diagnostic::error("the file is empty").at(Location::file(file)));
    };
    if documents.is_empty() {
        return Ok(document);
    }
    Err(Diagnostic::error("more than one document, expected one").at(document.location("")))
}

/// Reads a text into a type, for files that only this program writes.
pub fn read_typed<T: DeserializeOwned>(file: &str, text: &str) -> Result<T, Diagnostic> {
    serde_saphyr::from_str_with_options(text, options()).map_err(|error| syntax_error(file, &error))
}

/// Returns the parser options. `0644` is 420, as in kubectl. No budget is set, because a manifest of 10 MB is the user's
/// own file and not an attack.
/// Errors have no snippets, because a manifest may hold a Secret, and errors end up in logs.
fn options() -> serde_saphyr::Options {
    serde_saphyr::options! { legacy_octal_numbers: true, budget: None, with_snippet: false }
}

fn syntax_error(file: &str, error: &serde_saphyr::Error) -> Diagnostic {
    let text = error.without_snippet().to_string();
    let line = error.location().map_or(0, |location| u32::try_from(location.line()).unwrap_or(0));
    // The location is already at the beginning of the message.
    let sentence = text.rfind(" at line ").map_or(text.as_str(), |end| &text[..end]);
    let sentence = match sentence.strip_prefix("duplicate mapping key: ") {
        Some(rest) => {
            let key = rest.split(", set DuplicateKeyPolicy").next().unwrap_or(rest);
            format!("duplicate key `{key}`")
        }
        None => format!("invalid YAML: {sentence}"),
    };
    Diagnostic::error(sentence).at(Location { file: file.to_owned(), line })
}

fn line_of<T>(spanned: &Spanned<T>) -> u32 {
    u32::try_from(spanned.referenced.line()).unwrap_or(0)
}

impl Document {
    /// Converts the located tree into a value and records the lines; `at` is the pointer of `tree`.
    fn take(&mut self, tree: Tree, at: &mut String) -> Result<Value, Diagnostic> {
        Ok(match tree {
            Tree::Null => Value::Null,
            Tree::Bool(flag) => Value::Bool(flag),
            Tree::Text(text) => Value::String(text),
            Tree::Number(number) => {
                if number.as_i64().is_none() && number.is_u64() {
                    return Err(Diagnostic::error(format!(
                        "the number {number} is too large: Kubernetes would round it"
                    ))
                    .at(self.location(at))
                    .hint("write it as a string"));
                }
                Value::Number(number)
            }
            Tree::List(items) => {
                let mut list = Vec::with_capacity(items.len());
                for (index, item) in items.into_iter().enumerate() {
                    let length = at.len();
                    pointer::push(at, &index.to_string());
                    self.lines.insert(at.clone(), line_of(&item));
                    list.push(self.take(item.value, at)?);
                    at.truncate(length);
                }
                Value::Array(list)
            }
            Tree::Map(entries) => {
                let mut map = Map::new();
                for (key, item) in entries {
                    let length = at.len();
                    pointer::push(at, &key.value);
                    self.lines.insert(at.clone(), line_of(&key));
                    let value = self.take(item.value, at)?;
                    map.insert(key.value, value);
                    at.truncate(length);
                }
                Value::Object(map)
            }
        })
    }
}

enum Tree {
    Null,
    Bool(bool),
    Number(Number),
    Text(String),
    List(Vec<Spanned<Tree>>),
    Map(Vec<(Spanned<String>, Spanned<Tree>)>),
}

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TreeVisitor)
    }
}

struct TreeVisitor;

impl<'de> Visitor<'de> for TreeVisitor {
    type Value = Tree;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a YAML value")
    }

    fn visit_unit<E>(self) -> Result<Tree, E> {
        Ok(Tree::Null)
    }

    fn visit_none<E>(self) -> Result<Tree, E> {
        Ok(Tree::Null)
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Tree, E> {
        Ok(Tree::Bool(flag))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Tree, E> {
        Ok(Tree::Number(number.into()))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Tree, E> {
        Ok(Tree::Number(number.into()))
    }

    fn visit_f64<E: serde::de::Error>(self, number: f64) -> Result<Tree, E> {
        Number::from_f64(number)
            .map(Tree::Number)
            .ok_or_else(|| E::custom("the number cannot be represented in JSON"))
    }

    fn visit_str<E>(self, text: &str) -> Result<Tree, E> {
        Ok(Tree::Text(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Tree, E> {
        Ok(Tree::Text(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Tree, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Tree::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Tree, A::Error> {
        let mut map = Vec::new();
        while let Some(entry) = entries.next_entry()? {
            map.push(entry);
        }
        Ok(Tree::Map(map))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn problem(text: &str) -> String {
        read("f.yaml", text).unwrap_err().to_string()
    }

    #[test]
    fn values_as_kubectl_reads_them() {
        let text = "mode: 0644\nyes: \"yes\"\non: yes\nfloat: 1.5\nnothing:\n";
        let document = read_one("f.yaml", text).unwrap();
        assert_eq!(
            document.value,
            json!({"mode": 420, "yes": "yes", "on": true, "float": 1.5, "nothing": null})
        );
    }

    #[test]
    fn every_value_has_its_line() {
        let text = "# a comment\na:\n  b:\n  - x: 1\n  - y/z: 2\n---\n---\nlast: 1\n";
        let documents = read("f.yaml", text).unwrap();
        assert_eq!(documents.len(), 2);
        assert_eq!(documents[0].location("/a/b/0/x").to_string(), "f.yaml:4");
        assert_eq!(documents[0].location("/a/b/1/y~1z").to_string(), "f.yaml:5");
        assert_eq!(documents[0].location("/a/b/7/none").to_string(), "f.yaml:3", "the nearest parent");
        assert_eq!(documents[1].location("").to_string(), "f.yaml:8");
        let part = documents[0].part("/a/b/1").unwrap();
        assert_eq!(part.value, json!({"y/z": 2}));
        assert_eq!(part.location("/y~1z").to_string(), "f.yaml:5");
    }

    #[test]
    fn errors_have_the_line_of_the_problem() {
        assert_eq!(problem("a: 1\na: 2\n"), "f.yaml:2: duplicate key `a`");
        assert_eq!(
            problem("a: b: c"),
            "f.yaml:1: invalid YAML: mapping values are not allowed in this context"
        );
        assert_eq!(
            problem("x: 18446744073709551615"),
            "f.yaml:1: the number 18446744073709551615 is too large: Kubernetes would round it"
        );
        assert!(problem("a: .nan").starts_with("f.yaml:1: invalid YAML: non-finite float"));
        assert_eq!(read_one("f.yaml", "# nothing\n").unwrap_err().to_string(), "f.yaml: the file is empty");
        assert_eq!(
            read_one("f.yaml", "a: 1\n---\nb: 1\n").unwrap_err().to_string(),
            "f.yaml:3: more than one document, expected one"
        );
    }
}
