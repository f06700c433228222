//! Parses YAML into values with their lines.

use std::fmt;
use std::sync::Arc;

use serde::de::{Deserialize, DeserializeOwned, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};
use serde_saphyr::budget::BudgetBreach;
use serde_saphyr::{Error, Spanned};

use crate::core::bounds;
use crate::core::pointer;
use crate::core::report::diagnostic::{Diagnostic, Location};
use crate::core::yaml::document::{Below, Document, Lines};

/// Reads all documents of a text; empty documents are skipped.
pub fn read(file: &str, text: &str) -> Result<Vec<Document>, Diagnostic> {
    read_within(file, text, Limits::of(text))
}

/// Reads all documents of one of our own files, such as a patch. It may have fewer values than a manifest.
pub fn read_own(file: &str, text: &str) -> Result<Vec<Document>, Diagnostic> {
    read_within(file, text, Limits { values: bounds::MAX_OWN_VALUES, ..Limits::of(text) })
}

/// Reads a text that must have exactly one document.
pub fn read_one(file: &str, text: &str) -> Result<Document, Diagnostic> {
    only(file, read(file, text)?)
}

/// Reads one of our own files, which must have exactly one document: a spec, an overlay or a platform.
pub fn read_own_one(file: &str, text: &str) -> Result<Document, Diagnostic> {
    only(file, read_own(file, text)?)
}

/// Reads a text into a type, for files that only this program writes.
pub fn read_typed<T: DeserializeOwned>(file: &str, text: &str) -> Result<T, Diagnostic> {
    let limits = Limits::of(text);
    serde_saphyr::from_str_with_options(text, options(text, limits))
        .map_err(|error| syntax_error(file, &error, limits))
}

/// The limits on what a text becomes when its aliases are replaced.
#[derive(Clone, Copy, Debug)]
struct Limits {
    values: usize,
    anchored_events: usize,
    alias_bytes: usize,
}

impl Limits {
    fn of(text: &str) -> Self {
        Self {
            values: bounds::max_values(text.len()),
            anchored_events: bounds::MAX_ANCHORED_EVENTS,
            alias_bytes: bounds::MAX_ALIAS_BYTES,
        }
    }
}

fn read_within(file: &str, text: &str, limits: Limits) -> Result<Vec<Document>, Diagnostic> {
    let parsed = serde_saphyr::from_multiple_with_options::<Node>(text, options(text, limits))
        .map_err(|error| syntax_error(file, &error, limits))?;
    let file = Arc::from(file);
    let documents: Vec<Document> =
        parsed.into_iter().map(|node| Document::new(node.value, &file, node.lines)).collect();
    documents.iter().try_for_each(refuse_large_numbers)?;
    Ok(documents)
}

fn only(file: &str, mut documents: Vec<Document>) -> Result<Document, Diagnostic> {
    let Some(document) = documents.pop() else {
        return Err(Diagnostic::error("the file is empty").at(Location::file(file)));
    };
    if documents.is_empty() {
        return Ok(document);
    }
    Err(Diagnostic::error("more than one document, expected one").at(document.location("")))
}

/// Returns the parser options. `0644` is 420, as in kubectl. Errors have no
/// snippets, because a manifest may hold a Secret, and errors end up in logs.
///
/// The size of a text limits its values, but not its depth. The other limits are for aliases.
fn options(text: &str, limits: Limits) -> serde_saphyr::Options {
    let Limits { values, anchored_events, alias_bytes } = limits;
    let events = values.saturating_mul(2).saturating_add(text.len());
    let bytes = text.len().saturating_add(alias_bytes);
    serde_saphyr::options! {
        legacy_octal_numbers: true,
        with_snippet: false,
        budget: serde_saphyr::budget! {
            max_reader_input_bytes: None,
            // One more than the depth, so that the limit of the depth is reached first.
            flow_nesting_limit: bounds::MAX_DEPTH + 1,
            max_depth: bounds::MAX_DEPTH,
            max_events: events,
            max_nodes: values,
            max_documents: values,
            max_aliases: values,
            max_anchors: values,
            max_merge_keys: values,
            max_recorded_anchor_events: anchored_events,
            max_recorded_anchor_bytes: bytes,
            max_total_scalar_bytes: bytes,
            enforce_alias_anchor_ratio: false,
        },
        alias_limits: serde_saphyr::alias_limits! {
            max_total_replayed_events: events,
        },
    }
}

fn syntax_error(file: &str, error: &Error, limits: Limits) -> Diagnostic {
    let mut error = error.without_snippet();
    let line = error.location().map_or(0, |location| u32::try_from(location.line()).unwrap_or(0));
    let location = Location { file: file.to_owned(), line };
    let text = error.to_string();
    while let Error::AliasError { error: inner, .. } = error {
        error = inner;
    }
    match error {
        Error::Budget { breach, .. } => return too_much(breach, limits).at(location),
        Error::AliasReplayLimitExceeded { .. } => return too_many_values(limits.values).at(location),
        Error::AliasReplayStackDepthExceeded { .. } => return too_deep().at(location),
        _ => {}
    }
    // The location is already at the beginning of the message.
    let sentence = text.rfind(" at line ").map_or(text.as_str(), |end| &text[..end]);
    // The scanner is ahead of the parser that counts levels.
    if sentence == "recursion limit exceeded" {
        return too_deep().at(location);
    }
    let sentence = match sentence.strip_prefix("duplicate mapping key: ") {
        Some(rest) => {
            let key = rest.split(", set DuplicateKeyPolicy").next().unwrap_or(rest);
            format!("duplicate key `{key}`")
        }
        None => format!("invalid YAML: {sentence}"),
    };
    Diagnostic::error(sentence).at(location)
}

/// Describes the limit that a text exceeds.
fn too_much(breach: &BudgetBreach, limits: Limits) -> Diagnostic {
    match breach {
        BudgetBreach::Depth { .. } => too_deep(),
        BudgetBreach::ScalarBytes { total_scalar_bytes: bytes }
        | BudgetBreach::RecordedAnchorBytes { recorded_anchor_bytes: bytes } => Diagnostic::error(format!(
            "with its aliases the text has {bytes} bytes, the limit is {} bytes more than the file",
            limits.alias_bytes
        ))
        .hint("use fewer aliases (`*name`), or aliases of shorter values"),
        BudgetBreach::RecordedAnchorEvents { recorded_anchor_events: events } => Diagnostic::error(format!(
            "the anchors keep {events} values, the limit is {}",
            limits.anchored_events
        ))
        .hint("put anchors (`&name`) on small values only, and not one inside the other"),
        _ => too_many_values(limits.values),
    }
}

fn too_deep() -> Diagnostic {
    Diagnostic::error(format!("more than {} levels of lists and maps, which is the limit", bounds::MAX_DEPTH))
        .hint("remove levels: `kubectl` and this program read no more")
}

fn too_many_values(values: usize) -> Diagnostic {
    Diagnostic::error(format!(
        "more than {values} values (keys, scalars, lists and maps, with those of aliases), which is the limit for the file"
    ))
    .hint("split the file, or use fewer aliases (`*name`)")
}

/// Refuses numbers that Kubernetes would round.
fn refuse_large_numbers(document: &Document) -> Result<(), Diagnostic> {
    let mut at = String::new();
    let Some(number) = large_number(&document.value, &mut at) else { return Ok(()) };
    Err(Diagnostic::error(format!("the number {number} is too large: Kubernetes would round it"))
        .at(document.location(&at))
        .hint("write it as a string"))
}

/// Returns the first number that no signed 64-bit integer can hold; `at` becomes its pointer.
fn large_number<'a>(value: &'a Value, at: &mut String) -> Option<&'a Number> {
    let mut below = |key: &str, value: &'a Value| {
        if !matches!(value, Value::Array(_) | Value::Object(_) | Value::Number(_)) {
            return None;
        }
        let length = at.len();
        pointer::push(at, key);
        let found = large_number(value, at);
        if found.is_none() {
            at.truncate(length);
        }
        found
    };
    match value {
        Value::Number(number) => (number.as_i64().is_none() && number.is_u64()).then_some(number),
        Value::Array(list) => {
            list.iter().enumerate().find_map(|(index, item)| below(&index.to_string(), item))
        }
        Value::Object(map) => map.iter().find_map(|(key, value)| below(key, value)),
        _ => None,
    }
}

fn line_of<T>(spanned: &Spanned<T>) -> u32 {
    u32::try_from(spanned.referenced.line()).unwrap_or(0)
}

/// A value with its lines. It is built while the text is read, because the parser's own locations take more memory than
/// the values.
struct Node {
    value: Value,
    lines: Lines,
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spanned = Spanned::<Tree>::deserialize(deserializer)?;
        let line = line_of(&spanned);
        let Tree(value, below) = spanned.value;
        Ok(Self { value, lines: Lines { line, below } })
    }
}

struct Tree(Value, Below);

impl Tree {
    fn scalar(value: impl Into<Value>) -> Self {
        Self(value.into(), Below::Nothing)
    }
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
        Ok(Tree::scalar(Value::Null))
    }

    fn visit_none<E>(self) -> Result<Tree, E> {
        Ok(Tree::scalar(Value::Null))
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Tree, E> {
        Ok(Tree::scalar(flag))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Tree, E> {
        Ok(Tree::scalar(number))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Tree, E> {
        Ok(Tree::scalar(number))
    }

    fn visit_f64<E: serde::de::Error>(self, number: f64) -> Result<Tree, E> {
        let number =
            Number::from_f64(number).ok_or_else(|| E::custom("the number cannot be represented in JSON"))?;
        Ok(Tree::scalar(number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Tree, E> {
        Ok(Tree::scalar(text))
    }

    fn visit_string<E>(self, text: String) -> Result<Tree, E> {
        Ok(Tree::scalar(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Tree, A::Error> {
        let (mut values, mut lines) = (Vec::new(), Vec::new());
        while let Some(item) = items.next_element::<Node>()? {
            values.push(item.value);
            lines.push(item.lines);
        }
        values.shrink_to_fit();
        lines.shrink_to_fit();
        Ok(Tree(Value::Array(values), Below::Items(lines)))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Tree, A::Error> {
        let (mut map, mut lines) = (Map::new(), Vec::new());
        while let Some(key) = entries.next_key::<Spanned<String>>()? {
            // The line of a field is that of its key.
            let Tree(value, below) = entries.next_value()?;
            lines.push((key.value.as_str().into(), Lines { line: line_of(&key), below }));
            map.insert(key.value, value);
        }
        Ok(Tree(Value::Object(map), Below::fields(lines)))
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
        let list = read_one("f.yaml", "kind: List\nitems:\n- x: 1\n- y/z: 2\n").unwrap();
        let items = list.into_items();
        assert_eq!(
            items.iter().map(|item| &item.value).collect::<Vec<_>>(),
            [&json!({"x": 1}), &json!({"y/z": 2})]
        );
        assert_eq!(items[1].location("/y~1z").to_string(), "f.yaml:4");
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

    #[test]
    fn what_a_text_expands_to_has_a_bound() {
        const DEPTH: &str = "more than 100 levels of lists and maps, which is the limit";
        let nested_anchors = (1..9).fold("a0: &a0 [x]\n".to_owned(), |text, level| {
            format!("{text}a{level}: &a{level} [{}]\n", format!("*a{}, ", level - 1).repeat(9))
        });
        let long = "x".repeat(10_000);
        let limits = Limits { values: 20_000, anchored_events: 30_000, alias_bytes: 1_000_000 };
        for (what, text, expected) in [
            ("flow lists", "[".repeat(100_000), DEPTH),
            ("flow maps", "{a: ".repeat(100_000), DEPTH),
            ("lists in one line", "- ".repeat(100_000), DEPTH),
            ("maps as keys", "? ".repeat(100_000), DEPTH),
            ("block maps", (0..200).map(|level| format!("{}a:\n", " ".repeat(level))).collect(), DEPTH),
            (
                "merged maps",
                (1..200).fold("a0: &a0 {x: 1}\n".to_owned(), |text, level| {
                    format!("{text}a{level}: &a{level} {{<<: *a{}}}\n", level - 1)
                }),
                DEPTH,
            ),
            ("aliases of aliases", nested_anchors, "the anchors keep"),
            (
                "aliases of a long text",
                format!("a: &a {long}\nb: [{}]\n", "*a, ".repeat(50_000)),
                "with its aliases the text has",
            ),
            (
                "aliases of a long key",
                format!("a: &a {}\nb:\n{}", "x".repeat(1000), "- {*a : 1}\n".repeat(50_000)),
                "with its aliases the text has",
            ),
            (
                "aliases of a list",
                format!("a: &a [{}]\nb: [{}]\n", "1, ".repeat(2000), "*a, ".repeat(2000)),
                "more than 20000 values",
            ),
        ] {
            let problem = read_within("f.yaml", &text, limits).expect_err(what);
            assert!(problem.message.contains(expected), "{what}: {problem}");
            let location = problem.location.as_ref().map(|location| location.line);
            assert!(location > Some(0) && problem.hint.is_some(), "{what}: {problem:?}");
        }
    }

    #[test]
    fn nested_values_up_to_the_limit_are_read() {
        let text = format!("{}{}", "[".repeat(bounds::MAX_DEPTH), "]".repeat(bounds::MAX_DEPTH));
        assert!(read_one("f.yaml", &text).is_ok());
        let anchors =
            format!("base: &base {{a: 1, b: [1, 2]}}\nuses:\n{}", "- {<<: *base, c: 3}\n".repeat(1000));
        let document = read_one("f.yaml", &anchors).unwrap();
        assert_eq!(document.value["uses"][999], json!({"a": 1, "b": [1, 2], "c": 3}));
        assert_eq!(document.location("/uses/999/c").to_string(), "f.yaml:1002");
    }
}
