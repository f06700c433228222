//! Reads nodes from the output of `kubectl get nodes -o json` or `-o yaml`, a NodeList, a JSON array of Nodes, single Nodes, several
//! documents, or a cluster model. JSON is read as a stream, so the memory grows with the kept fields of the nodes and not with the file.

mod stream;
#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::fmt;
use std::io::{self, BufRead, BufReader, Cursor, Read};

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use crate::core::bounds;
use crate::core::cluster_model::{planned_nodes, read_model};
use crate::core::encoding::{Encoding, Utf16Reader};
use crate::core::json::Bounded;
use crate::core::kubernetes::node::{Node, RawNode, Strings};
use crate::core::node_list::stream::{Item, Stream};
use crate::core::report::describe::kind_of;
use crate::core::report::diagnostic::{Diagnostic, Location};
use crate::core::yaml;

/// Reads all nodes of a stream; `file` is its path for messages.
pub fn read_nodes(file: &str, mut text: impl Read) -> Result<Vec<Node>, Diagnostic> {
    let mut start = Vec::with_capacity(LONGEST_MARK);
    (&mut text)
        .take(LONGEST_MARK as u64)
        .read_to_end(&mut start)
        .map_err(|error| unreadable(file, &error))?;
    let encoding = Encoding::of(&start);
    let text = BufReader::with_capacity(BUFFER, Cursor::new(start.split_off(encoding.mark())).chain(text));
    match encoding {
        Encoding::Utf8 | Encoding::MarkedUtf8 => read_decoded(file, text),
        Encoding::Utf16Le | Encoding::Utf16Be => {
            read_decoded(file, BufReader::new(Utf16Reader::new(text, encoding)))
        }
    }
}

/// Buffer size: a file with 100,000 nodes takes few reads, and the memory does not matter.
const BUFFER: usize = 1 << 18;

/// The bytes of the longest byte order mark.
const LONGEST_MARK: usize = 3;

fn read_decoded(file: &str, mut text: impl BufRead) -> Result<Vec<Node>, Diagnostic> {
    let mut reader = Reader::new(file);
    let mut space = String::new();
    loop {
        let start = text.fill_buf().map_err(|error| unreadable(file, &error))?;
        match start.first() {
            None => return Err(empty(file)),
            Some(&blank) if is_blank(blank) && (space.len() as u64) < bounds::MAX_FILE_BYTES => {
                space.push(char::from(blank));
                text.consume(1);
            }
            Some(b'{' | b'[') => {
                reader.before = lines(&space);
                let stream = Stream::new(&mut text, BUFFER);
                reader.json(serde_json::Deserializer::from_reader(&stream), Some(&stream))?;
                return reader.nodes();
            }
            Some(_) => {
                // The white space may be the indentation of the first line.
                let mut whole = space;
                let limit = bounds::MAX_FILE_BYTES;
                (&mut text)
                    .take(limit + 1)
                    .read_to_string(&mut whole)
                    .map_err(|error| unreadable(file, &error))?;
                if whole.len() as u64 > limit {
                    return Err(Diagnostic::error(format!(
                        "the YAML has more than {limit} bytes, which is the limit"
                    ))
                    .at(Location::file(file))
                    .hint("write the nodes as JSON, which is read in pieces: `kubectl get nodes -o json`"));
                }
                reader.yaml(&whole)?;
                return reader.nodes();
            }
        }
    }
}

/// Reads all nodes of a text in memory, which is faster for nodes that are not in a list.
pub fn read_nodes_in(file: &str, text: &[u8]) -> Result<Vec<Node>, Diagnostic> {
    let encoding = Encoding::of(text);
    let after_mark = &text[encoding.mark()..];
    let json = &after_mark[after_mark.iter().take_while(|byte| is_blank(**byte)).count()..];
    let is_utf16 = matches!(encoding, Encoding::Utf16Le | Encoding::Utf16Be);
    if is_utf16 || !json.starts_with(b"{") && !json.starts_with(b"[") {
        return read_nodes(file, text);
    }
    let mut reader = Reader::new(file);
    let space = &text[..text.len() - json.len()];
    reader.before = space.iter().filter(|byte| **byte == b'\n').count();
    reader.json(serde_json::Deserializer::from_slice(json), None)?;
    reader.nodes()
}

/// Whether JSON allows the byte between values. A form feed is not white space in JSON.
fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

fn lines(text: &str) -> usize {
    text.bytes().filter(|byte| *byte == b'\n').count()
}

fn unreadable(file: &str, error: &io::Error) -> Diagnostic {
    Diagnostic::error(format!("cannot read the file: {error}")).at(Location::file(file))
}

fn empty(file: &str) -> Diagnostic {
    Diagnostic::error("the file is empty").at(Location::file(file)).hint(EXPECTED)
}

const EXPECTED: &str = "write the nodes with `kubectl get nodes -o json`";

/// Recognizes other outputs of kubectl, which lack what decides the pools.
fn other_output(file: &str, text: &str) -> Option<Diagnostic> {
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let first = lines.next()?;
    let is_name = |line: &str| line.starts_with("node/") || line.starts_with("node.v1/");
    let mut columns = first.split_whitespace();
    let what = if is_name(first) && lines.all(is_name) {
        "only the names of nodes (`-o name`)"
    } else if columns.next() == Some("NAME")
        && columns.all(|column| !column.contains(|c: char| c.is_ascii_lowercase()))
    {
        "a table of nodes"
    } else if first.starts_with("Name:") && lines.any(|line| line.starts_with("Labels:")) {
        "the output of `kubectl describe`"
    } else {
        return None;
    };
    let problem = Diagnostic::error(format!("the file is {what}, expected a list of Nodes"));
    Some(problem.at(Location::file(file)).hint(EXPECTED))
}

struct Reader<'a> {
    file: &'a str,
    /// The lines before the JSON.
    before: usize,
    strings: Strings,
    nodes: Vec<Node>,
}

impl<'a> Reader<'a> {
    fn new(file: &'a str) -> Self {
        Self { file, before: 0, strings: Strings::default(), nodes: Vec::new() }
    }

    /// Returns the nodes, each of which must have its own name.
    fn nodes(self) -> Result<Vec<Node>, Diagnostic> {
        let mut names = HashSet::with_capacity(self.nodes.len());
        if let Some(twice) = self.nodes.iter().find(|node| !names.insert(&node.name)) {
            return Err(Diagnostic::error(format!("the node {} is in the list twice", twice.name))
                .at(Location::file(self.file))
                .hint("keep one of the two, or write the list again with `kubectl get nodes -o json`"));
        }
        Ok(self.nodes)
    }

    fn json<'de, R: serde_json::de::Read<'de>>(
        &mut self,
        mut json: serde_json::Deserializer<R>,
        stream: Option<&Stream>,
    ) -> Result<(), Diagnostic> {
        let (file, before) = (self.file, self.before);
        let not_json = |error: &serde_json::Error| {
            let text = error.to_string();
            let sentence = text.rfind(" at line ").map_or(text.as_str(), |end| &text[..end]);
            // A failed read has no line.
            let line = match error.line() {
                0 => 0,
                line => before + stream.map_or(0, Stream::lines_ahead) + line,
            };
            let problem = Diagnostic::error(format!("not a list of nodes: {sentence}"))
                .at(Location { file: file.to_owned(), line: u32::try_from(line).unwrap_or(0) });
            if error.is_eof() {
                problem.hint("the file is incomplete; write it again")
            } else {
                problem.hint(EXPECTED)
            }
        };
        // The end of the input is noticed by reading on: asking for it would count the lines of all earlier documents.
        let mut is_first = true;
        loop {
            let mut started = false;
            match (Document { reader: self, stream, started: &mut started }).deserialize(&mut json) {
                Ok(document) => self.take(document)?,
                Err(error) if error.is_eof() && !started && !is_first => return Ok(()),
                Err(error) => return Err(not_json(&error)),
            }
            is_first = false;
        }
    }

    fn yaml(&mut self, text: &str) -> Result<(), Diagnostic> {
        if let Some(problem) = other_output(self.file, text) {
            return Err(problem);
        }
        for document in yaml::read(self.file, text)? {
            let location = document.location("");
            let mut map = match document.value {
                Value::Object(map) => map,
                Value::Array(items) => {
                    items.into_iter().try_for_each(|item| self.node(item))?;
                    continue;
                }
                other => {
                    let what = kind_of(&other);
                    return Err(Diagnostic::error(format!(
                        "the document is {what}, expected a list of Nodes"
                    ))
                    .at(location)
                    .hint(EXPECTED));
                }
            };
            let items = map.remove("items");
            let has_items = items.is_some();
            if let Some(Value::Array(items)) = items {
                items.into_iter().try_for_each(|item| self.node(item))?;
            }
            self.take(Rest { map, has_items, is_array: false })?;
        }
        Ok(())
    }

    fn node(&mut self, value: Value) -> Result<(), Diagnostic> {
        let raw = serde_json::from_value(value).map_err(|error| self.not_a_node(&error.to_string()))?;
        self.push(raw).map_err(|message| self.not_a_node(&message))
    }

    fn not_a_node(&self, why: &str) -> Diagnostic {
        Diagnostic::error(format!("not a node: {why}")).at(Location::file(self.file)).hint(EXPECTED)
    }

    fn push(&mut self, raw: RawNode) -> Result<(), String> {
        if let Some(kind) = raw.kind.as_deref().filter(|kind| *kind != "Node") {
            return Err(format!("item {} of the list is a {kind}, expected a Node", self.nodes.len() + 1));
        }
        let node = raw.keep(&mut self.strings);
        self.nodes.push(node);
        Ok(())
    }

    /// Adds the planned nodes of a cluster model. The locations have no useful lines, because the text was not kept.
    fn model(&mut self, map: serde_json::Map<String, Value>) -> Result<(), Diagnostic> {
        let model = read_model(self.file, &Value::Object(map).to_string());
        match model.map_err(Vec::from).and_then(|model| planned_nodes(&model)) {
            Ok(nodes) => self.nodes.extend(nodes),
            Err(problems) => {
                let more = problems.len().saturating_sub(1);
                let Some(first) = problems.into_iter().next() else { return Ok(()) };
                let rest = if more == 0 { String::new() } else { format!(", and {more} more") };
                let message = format!("{}{rest}", first.message);
                return Err(Diagnostic { message, location: Some(Location::file(self.file)), ..first });
            }
        }
        Ok(())
    }

    /// Handles the rest of a document after its items: the header of a list, or a single node.
    fn take(&mut self, rest: Rest) -> Result<(), Diagnostic> {
        if rest.is_array {
            return Ok(());
        }
        let kind = rest.map.get("kind").and_then(Value::as_str).unwrap_or_default();
        match (kind, rest.has_items) {
            ("List" | "NodeList", true) => Ok(()),
            ("List" | "NodeList", false) => Err(self.not_a_node("the list has no `items`")),
            ("Node", _) => self.node(Value::Object(rest.map)),
            ("", false) if rest.map.contains_key("properties") => self.model(rest.map),
            ("", _) => Err(self.not_a_node("the document has no `kind`")),
            (other, _) => {
                Err(Diagnostic::error(format!("the document is a {other}, expected a List of Nodes"))
                    .at(Location::file(self.file))
                    .hint("expected the output of `kubectl get nodes -o json`"))
            }
        }
    }
}

/// A document without its items.
struct Rest {
    map: serde_json::Map<String, Value>,
    has_items: bool,
    /// A JSON array of nodes, such as `jq .items` writes.
    is_array: bool,
}

/// Reads one document, and its items directly into nodes.
struct Document<'a, 'b, 's> {
    reader: &'a mut Reader<'b>,
    stream: Option<&'a Stream<'s>>,
    /// Becomes true when the document has begun.
    started: &'a mut bool,
}

impl<'de> DeserializeSeed<'de> for Document<'_, '_, '_> {
    type Value = Rest;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Rest, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Document<'_, '_, '_> {
    type Value = Rest;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a List of Nodes")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<Rest, A::Error> {
        *self.started = true;
        Items(self.reader, self.stream).visit_seq(items)?;
        Ok(Rest { map: serde_json::Map::new(), has_items: true, is_array: true })
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Rest, A::Error> {
        *self.started = true;
        let mut rest = Rest { map: serde_json::Map::new(), has_items: false, is_array: false };
        let mut left = bounds::MAX_OWN_VALUES;
        while let Some(key) = entries.next_key::<String>()? {
            match key.as_str() {
                "items" => {
                    rest.has_items = true;
                    entries.next_value_seed(Items(self.reader, self.stream))?;
                }
                "apiVersion" | "kind" | "metadata" | "spec" | "status" | "properties" => {
                    let limit = bounds::MAX_OWN_VALUES;
                    let value = entries.next_value_seed(Bounded { left: &mut left, limit })?;
                    rest.map.insert(key, value);
                }
                _ => {
                    entries.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(rest)
    }
}

struct Items<'a, 'b, 's>(&'a mut Reader<'b>, Option<&'a Stream<'s>>);

impl<'de> DeserializeSeed<'de> for Items<'_, '_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Items<'_, '_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of nodes")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        while let Some(raw) = items.next_element_seed(Item(self.1))? {
            self.0.push(raw).map_err(serde::de::Error::custom)?;
        }
        Ok(())
    }
}
