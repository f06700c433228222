//! A value with its path in a document, and a report of what is wrong with values.

use serde_json::Value;

use crate::core::bounds::MAX_PROBLEMS;
use crate::core::pointer;
use crate::core::report::escape::in_comment;
use crate::core::report::mask::{Hidden, is_secret};

/// The longest value in a message, in characters.
const SHOWN: usize = 80;

static ABSENT: Value = Value::Null;

/// A value in a document. The path is a chain of parents on the stack, so that a visit of a valid value allocates nothing.
#[derive(Clone, Copy, Debug)]
pub struct Field<'a> {
    /// The value; null if it is absent.
    pub value: &'a Value,
    parent: Option<&'a Field<'a>>,
    step: Step<'a>,
}

#[derive(Clone, Copy, Debug)]
enum Step<'a> {
    Root,
    Key(&'a str),
    Index(usize),
}

impl<'a> Field<'a> {
    /// Returns a whole document.
    pub fn root(value: &'a Value) -> Self {
        Self { value, parent: None, step: Step::Root }
    }

    /// Returns the value of a key.
    pub fn get<'s>(&'s self, key: &'s str) -> Field<'s> {
        let value = self.value.as_object().and_then(|map| map.get(key)).unwrap_or(&ABSENT);
        self.below(value, Step::Key(key))
    }

    /// Returns an item of a list.
    pub fn item(&self, index: usize) -> Field<'_> {
        let value = self.value.as_array().and_then(|list| list.get(index)).unwrap_or(&ABSENT);
        self.below(value, Step::Index(index))
    }

    /// Returns the items of a list; none for another value.
    pub fn items(&self) -> impl Iterator<Item = Field<'_>> {
        let items = self.value.as_array().into_iter().flatten().enumerate();
        items.map(|(index, value)| self.below(value, Step::Index(index)))
    }

    /// Returns the keys of a map and their values; none for another value.
    pub fn entries(&self) -> impl Iterator<Item = (&str, Field<'_>)> {
        let entries = self.value.as_object().into_iter().flatten();
        entries.map(|(key, value)| (key.as_str(), self.below(value, Step::Key(key))))
    }

    fn below<'s>(&'s self, value: &'s Value, step: Step<'s>) -> Field<'s> {
        Field { value, parent: Some(self), step }
    }

    /// Whether it is the whole document.
    pub fn is_root(&self) -> bool {
        matches!(self.step, Step::Root)
    }

    /// Whether it has a value other than null.
    pub fn is_set(&self) -> bool {
        !self.value.is_null()
    }

    /// Whether it is absent, null, or an empty string, list or map: what Kubernetes' Go types do not tell from an absent value.
    pub fn is_empty(&self) -> bool {
        match self.value {
            Value::Null => true,
            Value::String(text) => text.is_empty(),
            Value::Array(list) => list.is_empty(),
            Value::Object(map) => map.is_empty(),
            Value::Bool(_) | Value::Number(_) => false,
        }
    }

    /// Returns a string that is not empty.
    pub fn text(&self) -> Option<&'a str> {
        self.value.as_str().filter(|text| !text.is_empty())
    }

    /// Returns a whole number.
    pub fn number(&self) -> Option<i64> {
        self.value.as_i64()
    }

    /// Returns a string of the value at a key that is not empty, or what Kubernetes sets instead.
    pub fn text_or<'s>(&'s self, key: &'s str, default: &'s str) -> &'s str {
        self.get(key).text().unwrap_or(default)
    }

    /// Returns the value that contains it, some levels up: 1 is the parent.
    pub fn ancestor(&self, levels: usize) -> Option<&'a Value> {
        let mut field = self;
        for _ in 0..levels {
            field = field.parent?;
        }
        Some(field.value)
    }

    /// Whether it is an item of the list at a key.
    pub fn is_in(&self, list: &str) -> bool {
        self.parent.is_some_and(|parent| matches!(parent.step, Step::Key(key) if key == list))
    }

    /// Returns the JSON pointer.
    pub fn pointer(&self) -> String {
        let mut out = self.parent.map(Field::pointer).unwrap_or_default();
        match self.step {
            Step::Root => {}
            Step::Key(key) => pointer::push(&mut out, key),
            Step::Index(index) => pointer::push(&mut out, &index.to_string()),
        }
        out
    }
}

/// A problem of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The JSON pointer of the field.
    pub pointer: String,
    /// What is wrong, with the field and the value.
    pub message: String,
    /// What to do.
    pub hint: Option<String>,
}

/// The problems of one document, at most [`MAX_PROBLEMS`].
#[derive(Debug)]
pub struct Report<'a> {
    document: &'a Value,
    hidden: Hidden<'a>,
    findings: Vec<Finding>,
    /// Whether there were more.
    is_cut: bool,
}

impl<'a> Report<'a> {
    /// Begins the report of a document.
    pub fn of(document: &'a Value) -> Self {
        Self { document, hidden: Hidden::of(document), findings: Vec::new(), is_cut: false }
    }

    /// Whether it has no room for more.
    pub fn is_full(&self) -> bool {
        self.findings.len() >= MAX_PROBLEMS
    }

    /// Returns the problems.
    pub fn findings(mut self) -> Vec<Finding> {
        if self.is_cut {
            let message = format!("only the first {MAX_PROBLEMS} problems of this document are shown");
            self.findings.push(Finding { pointer: String::new(), message, hint: None });
        }
        self.findings
    }

    /// Adds a problem of a field.
    pub fn add(&mut self, at: &Field<'_>, message: impl FnOnce(&str) -> String, hint: Option<String>) {
        if self.is_full() {
            self.is_cut = true;
            return;
        }
        let pointer = at.pointer();
        let message = message(&named(&pointer));
        self.findings.push(Finding { pointer, message, hint });
    }

    /// Reports a value that has not the expected form.
    pub fn invalid(&mut self, at: &Field<'_>, expected: &str) {
        let is = self.is(at);
        self.add(at, |field| format!("{field} is {is}, expected {expected}"), None);
    }

    /// Reports a value that has not the expected form, with a hint.
    pub fn invalid_with_hint(&mut self, at: &Field<'_>, expected: &str, hint: String) {
        let is = self.is(at);
        self.add(at, |field| format!("{field} is {is}, expected {expected}"), Some(hint));
    }

    /// Reports a field that must not be set here.
    pub fn forbidden(&mut self, at: &Field<'_>, because: &str) {
        self.add(at, |field| format!("{field} is set, but {because}"), Some("remove the field".to_owned()));
    }

    /// Reports a required field that is absent.
    pub fn missing(&mut self, at: &Field<'_>, hint: Option<String>) {
        self.add(at, |field| format!("missing required field {field}"), hint);
    }

    /// Reports a value that another field has already.
    pub fn duplicate(&mut self, at: &Field<'_>, first: &Field<'_>) {
        let first = named(&first.pointer());
        let is = self.is(at);
        self.add(at, |field| format!("{field} is {is}, a duplicate of {first}"), None);
    }

    /// Returns a value in a message: in one line, and not if it is secret.
    pub fn is(&self, at: &Field<'_>) -> String {
        if self.hides(at) {
            return "<not shown>".to_owned();
        }
        match at.value {
            Value::Null => "absent".to_owned(),
            Value::String(text) => format!("`{}`", shown(text)),
            Value::Array(_) => "a list".to_owned(),
            Value::Object(_) => "an object".to_owned(),
            plain => plain.to_string(),
        }
    }

    /// Whether the document is a Secret.
    pub fn is_secret(&self) -> bool {
        is_secret(self.document)
    }

    /// Whether a message must not show a value.
    pub fn hides(&self, at: &Field<'_>) -> bool {
        self.hidden.hides(&at.pointer())
    }
}

/// Returns a field in a message.
fn named(pointer: &str) -> String {
    if pointer.is_empty() {
        "the document".to_owned()
    } else {
        format!("`{}`", in_comment(&pointer::field(pointer)))
    }
}

/// Shortens a value for a message and escapes it: a line end in it would read as a message of its own.
pub fn shown(value: &str) -> String {
    let mut cut: String = value.chars().take(SHOWN).collect();
    if cut.len() < value.len() {
        cut.push('…');
    }
    in_comment(&cut)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn fields_know_their_path_and_value() {
        let document = json!({"spec": {"a/b": [{"n": 7, "t": "x", "e": ""}, null]}});
        let root = Field::root(&document);
        let spec = root.get("spec");
        let list = spec.get("a/b");
        let first = list.item(0);
        assert_eq!(first.get("n").pointer(), "/spec/a~1b/0/n");
        assert_eq!(first.get("n").number(), Some(7));
        assert_eq!((first.get("t").text(), first.get("e").text()), (Some("x"), None));
        assert_eq!(first.text_or("e", "default"), "default");
        assert!(first.get("e").is_set() && first.get("e").is_empty() && !list.item(1).is_set());
        assert_eq!(list.items().count(), 2);
        let keys: Vec<&str> = first.entries().map(|(key, _)| key).collect();
        assert_eq!(keys, ["e", "n", "t"]);
        // Whatever the type, a path leads to nothing.
        assert!(!root.get("spec").get("x").get("y").is_set() && !root.item(3).is_set());
    }

    #[test]
    fn a_report_has_a_limit_and_shows_no_secret() {
        let document = json!({"kind": "Secret", "data": {"a": "hunter2"}, "type": "x\ny"});
        let root = Field::root(&document);
        let data = root.get("data");
        let mut report = Report::of(&document);
        report.invalid(&data.get("a"), "base64");
        report.invalid(&root.get("type"), "another type");
        report.missing(&root.get("spec"), None);
        let found: Vec<String> = report.findings().into_iter().map(|found| found.message).collect();
        assert_eq!(
            found,
            [
                "`data.a` is <not shown>, expected base64",
                "`type` is `x%0Ay`, expected another type",
                "missing required field `spec`"
            ]
        );
        let mut report = Report::of(&document);
        for _ in 0..MAX_PROBLEMS + 5 {
            report.missing(&root, None);
        }
        let found = report.findings();
        assert_eq!(found.len(), MAX_PROBLEMS + 1);
        assert_eq!(found[MAX_PROBLEMS].message, "only the first 1000 problems of this document are shown");
    }
}
