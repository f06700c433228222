//! Reads nodes from the output of `kubectl get nodes -o json` or `-o yaml`, a NodeList, single Nodes, several documents, or a
//! cluster model. JSON is read as a stream, so the memory grows with the kept fields of the nodes and not with the file.

use std::fmt;
use std::io::{BufRead, Read};

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use crate::core::bounds;
use crate::core::cluster_model::{planned_nodes, read_model};
use crate::core::json::Bounded;
use crate::core::kubernetes::node::{Node, RawNode, Strings};
use crate::core::report::describe::kind_of;
use crate::core::report::diagnostic::{Diagnostic, Location};
use crate::core::yaml;

/// Reads all nodes of a stream; `file` is its path for messages.
pub fn read_nodes(file: &str, mut text: impl BufRead) -> Result<Vec<Node>, Diagnostic> {
    let unreadable = |error: &std::io::Error| {
        Diagnostic::error(format!("cannot read the file: {error}")).at(Location::file(file))
    };
    let mut reader = Reader::new(file);
    loop {
        let start = text.fill_buf().map_err(|error| unreadable(&error))?;
        match start.first() {
            None => return Err(empty(file)),
            Some(b' ' | b'\t' | b'\r' | b'\n') => text.consume(1),
            Some(b'{') => {
                reader.json(serde_json::Deserializer::from_reader(text))?;
                return Ok(reader.nodes);
            }
            Some(_) => {
                let mut whole = String::new();
                let limit = bounds::MAX_FILE_BYTES;
                (&mut text).take(limit + 1).read_to_string(&mut whole).map_err(|error| unreadable(&error))?;
                if whole.len() as u64 > limit {
                    return Err(Diagnostic::error(format!(
                        "the YAML has more than {limit} bytes, which is the limit"
                    ))
                    .at(Location::file(file))
                    .hint("write the nodes as JSON, which is read in pieces: `kubectl get nodes -o json`"));
                }
                reader.yaml(&whole)?;
                return Ok(reader.nodes);
            }
        }
    }
}

/// Reads all nodes of a text in memory, which is three times as fast.
pub fn read_nodes_in(file: &str, text: &[u8]) -> Result<Vec<Node>, Diagnostic> {
    let text = text.trim_ascii_start();
    if !text.starts_with(b"{") {
        return read_nodes(file, text);
    }
    let mut reader = Reader::new(file);
    reader.json(serde_json::Deserializer::from_slice(text))?;
    Ok(reader.nodes)
}

fn empty(file: &str) -> Diagnostic {
    Diagnostic::error("the file is empty")
        .at(Location::file(file))
        .hint("expected the output of `kubectl get nodes -o json`")
}

struct Reader<'a> {
    file: &'a str,
    strings: Strings,
    nodes: Vec<Node>,
}

impl<'a> Reader<'a> {
    fn new(file: &'a str) -> Self {
        Self { file, strings: Strings::default(), nodes: Vec::new() }
    }

    fn json<'de, R: serde_json::de::Read<'de>>(
        &mut self,
        mut json: serde_json::Deserializer<R>,
    ) -> Result<(), Diagnostic> {
        let file = self.file;
        let not_json = |error: &serde_json::Error| {
            let text = error.to_string();
            let sentence = text.rfind(" at line ").map_or(text.as_str(), |end| &text[..end]);
            let problem = Diagnostic::error(format!("not a list of nodes: {sentence}"))
                .at(Location { file: file.to_owned(), line: u32::try_from(error.line()).unwrap_or(0) });
            if error.is_eof() { problem.hint("the file is incomplete; write it again") } else { problem }
        };
        // The end of the input is noticed by reading on: asking for it would count the lines of all earlier documents.
        let mut is_first = true;
        loop {
            let mut started = false;
            match (Document { reader: self, started: &mut started }).deserialize(&mut json) {
                Ok(document) => self.take(document)?,
                Err(error) if error.is_eof() && !started && !is_first => return Ok(()),
                Err(error) => return Err(not_json(&error)),
            }
            is_first = false;
        }
    }

    fn yaml(&mut self, text: &str) -> Result<(), Diagnostic> {
        for document in yaml::read(self.file, text)? {
            let Value::Object(mut map) = document.value else {
                return Err(Diagnostic::error(format!(
                    "the document is {}, expected a list of nodes",
                    kind_of(&document.value)
                ))
                .at(document.location("")));
            };
            let items = map.remove("items");
            let has_items = items.is_some();
            if let Some(Value::Array(items)) = items {
                items.into_iter().try_for_each(|item| self.node(item))?;
            }
            self.take(Rest { map, has_items })?;
        }
        Ok(())
    }

    fn node(&mut self, value: Value) -> Result<(), Diagnostic> {
        let raw = serde_json::from_value(value).map_err(|error| self.not_a_node(&error.to_string()))?;
        self.push(raw).map_err(|message| self.not_a_node(&message))
    }

    fn not_a_node(&self, why: &str) -> Diagnostic {
        Diagnostic::error(format!("not a node: {why}")).at(Location::file(self.file))
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
}

/// Reads one document, and its items directly into nodes.
struct Document<'a, 'b> {
    reader: &'a mut Reader<'b>,
    /// Becomes true when the document has begun.
    started: &'a mut bool,
}

impl<'de> DeserializeSeed<'de> for Document<'_, '_> {
    type Value = Rest;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Rest, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Document<'_, '_> {
    type Value = Rest;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a List of Nodes")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Rest, A::Error> {
        *self.started = true;
        let mut rest = Rest { map: serde_json::Map::new(), has_items: false };
        let mut left = bounds::MAX_OWN_VALUES;
        while let Some(key) = entries.next_key::<String>()? {
            match key.as_str() {
                "items" => {
                    rest.has_items = true;
                    entries.next_value_seed(Items(self.reader))?;
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

struct Items<'a, 'b>(&'a mut Reader<'b>);

impl<'de> DeserializeSeed<'de> for Items<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Items<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of nodes")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        while let Some(raw) = items.next_element::<RawNode>()? {
            self.0.push(raw).map_err(serde::de::Error::custom)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        for read in [read_nodes("n", text.as_bytes()), read_nodes_in("n", text.as_bytes())] {
            let shown = match read {
                Ok(nodes) => nodes.iter().map(|node| node.name.to_string()).collect::<Vec<_>>().join(" "),
                Err(problem) => problem.to_string(),
            };
            assert_eq!(shown, expected);
        }
    }

    #[test]
    fn all_input_formats() {
        check(
            r#"{"apiVersion":"v1","items":[{"kind":"Node","metadata":{"name":"a"}}],"kind":"List","metadata":{"resourceVersion":""}}"#,
            "a",
        );
        check(
            r#" {"kind":"NodeList","metadata":{},"items":[{"metadata":{"name":"a"}},{"metadata":{"name":"b"}}]}"#,
            "a b",
        );
        check(
            "{\"kind\":\"Node\",\"metadata\":{\"name\":\"a\"}}\n{\"kind\":\"Node\",\"metadata\":{\"name\":\"b\"}}\n",
            "a b",
        );
        check(
            "kind: Node\nmetadata: {name: a}\n---\nkind: List\nitems:\n- kind: Node\n  metadata: {name: b}\n",
            "a b",
        );
        check(r#"{"kind":"List","items":[]}"#, "");
        check(
            r#"{"apiVersion":"vlabs","properties":{"masterProfile":{"dnsPrefix":"foo_master"},"agentPoolProfiles":[{"name":"a","count":1}]}}"#,
            "k8s-master-24569115-0 k8s-a-24569115-vmss000000",
        );
    }

    #[test]
    fn invalid_input_is_refused() {
        check("", "n: the file is empty");
        check(
            r#"{"kind":"List","items":[{"kind":"Pod","metadata":{"name":"a"}}]}"#,
            "n:1: not a list of nodes: item 1 of the list is a Pod, expected a Node",
        );
        check(r#"{"kind":"PodList","items":[]}"#, "n: the document is a PodList, expected a List of Nodes");
        check(
            "{\"kind\":\"List\",\n\"items\":[{\"kind\":\"Node\",\"meta",
            "n:2: not a list of nodes: EOF while parsing a string",
        );
        check(
            "<html>no</html>",
            "n:1: the document is \"<html>no</html>\", a string, expected a list of nodes",
        );
        check("kind: List\n", "n: not a node: the list has no `items`");
        check(r#"{"properties":{}}"#, "n: the cluster model has no apiVersion");
        check("{}", "n: not a node: the document has no `kind`");
        check(
            "NAME   STATUS   ROLES\nk8s-a-0  Ready  agent\n",
            "n:1: the document is a string, expected a list of nodes",
        );
    }

    #[test]
    fn concatenated_nodes_are_read_in_linear_time() {
        // With a step for each line of the earlier nodes, this would take an hour.
        let one = |index: usize| {
            let lines = "\n".repeat(20);
            format!("{{\"kind\":\"Node\",{lines}\"metadata\":{{\"name\":\"n{index}\"}}}}\n")
        };
        let text: String = (0..100_000).map(one).collect();
        for read in [read_nodes("n", text.as_bytes()), read_nodes_in("n", text.as_bytes())] {
            assert_eq!(read.unwrap().len(), 100_000);
        }
    }

    #[test]
    fn input_has_a_bound() {
        let deep = format!("{{\"kind\":\"Node\",\"spec\":{}", "[".repeat(100_000));
        check(&deep, "n:1: not a list of nodes: recursion limit exceeded");
        let wide = format!("{{\"kind\":\"Node\",\"spec\":[{}0]}}", "{},".repeat(400_000));
        check(&wide, "n:1: not a list of nodes: more than 300000 values, which is the limit");
    }
}
