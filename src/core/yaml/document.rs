//! A document, and the line of each of its values.

use std::sync::Arc;

use serde_json::Value;

use crate::core::kubernetes::object_shape::is_list;
use crate::core::pointer;
use crate::core::report::diagnostic::Location;

/// One YAML document (or JSON, which is YAML), with the line of each value.
#[derive(Clone, Debug)]
pub struct Document {
    /// The content.
    pub value: Value,
    file: Arc<str>,
    lines: Lines,
}

/// The line of a value, and the lines of the values in it. A tree, because pointers as keys would take memory in proportion
/// to the depth and to the length of the keys.
#[derive(Clone, Debug, Default)]
pub(super) struct Lines {
    pub(super) line: u32,
    pub(super) below: Below,
}

/// The lines of the values in a value.
#[derive(Clone, Debug, Default)]
pub(super) enum Below {
    /// A scalar.
    #[default]
    Nothing,
    /// The items of a list.
    Items(Vec<Lines>),
    /// The values of a map, sorted by key.
    Fields(Vec<(Box<str>, Lines)>),
}

impl Below {
    /// Returns the lines of a map, whose keys are unique.
    pub(super) fn fields(mut fields: Vec<(Box<str>, Lines)>) -> Self {
        fields.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
        fields.shrink_to_fit();
        Self::Fields(fields)
    }
}

impl Lines {
    fn step(&self, key: &str) -> Option<&Self> {
        match &self.below {
            Below::Nothing => None,
            Below::Items(items) => items.get(key.parse::<usize>().ok()?),
            Below::Fields(fields) => {
                fields.binary_search_by(|(known, _)| (**known).cmp(key)).ok().map(|index| &fields[index].1)
            }
        }
    }

    fn step_mut(&mut self, key: &str) -> Option<&mut Self> {
        match &mut self.below {
            Below::Nothing => None,
            Below::Items(items) => items.get_mut(key.parse::<usize>().ok()?),
            Below::Fields(fields) => {
                let index = fields.binary_search_by(|(known, _)| (**known).cmp(key)).ok()?;
                Some(&mut fields[index].1)
            }
        }
    }

    /// Sets the lines of the value at a key.
    fn set(&mut self, key: &str, lines: Self) {
        match &mut self.below {
            Below::Items(items) => items.push(lines),
            Below::Fields(fields) => match fields.binary_search_by(|(known, _)| (**known).cmp(key)) {
                Ok(index) => fields[index].1 = lines,
                Err(index) => fields.insert(index, (key.into(), lines)),
            },
            Below::Nothing => {}
        }
    }
}

impl Document {
    pub(super) fn new(value: Value, file: &Arc<str>, lines: Lines) -> Self {
        Self { value, file: Arc::clone(file), lines }
    }

    /// Returns a document for a value that is from no text; `origin` takes the place of the file in its locations, which have no line.
    pub fn without_lines(value: Value, origin: &str) -> Self {
        Self { value, file: origin.into(), lines: Lines::default() }
    }

    /// Returns the location of the value at a JSON pointer, or of the nearest parent that exists.
    pub fn location(&self, pointer: &str) -> Location {
        let mut lines = &self.lines;
        for key in pointer::keys(pointer) {
            let Some(next) = lines.step(&key) else { break };
            lines = next;
        }
        Location { file: self.file.to_string(), line: lines.line }
    }

    /// Returns the name of the file, as the user wrote it.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// Returns whether it is a list of objects: see [`is_list`].
    pub fn is_list(&self) -> bool {
        is_list(&self.value)
    }

    /// Returns the objects of the document: the items of a list, or itself.
    pub fn into_objects(self) -> Vec<Self> {
        if self.is_list() { self.into_items() } else { vec![self] }
    }

    /// Returns the items of a Kubernetes List as documents, with their lines. The API server writes the items of a typed list
    /// without `kind` and `apiVersion`; they get those of the list (`decodeToList` in k8s.io/apimachinery).
    pub fn into_items(mut self) -> Vec<Self> {
        let text = |field: &str| self.value.get(field).and_then(Value::as_str).unwrap_or_default().to_owned();
        let kind = text("kind").strip_suffix("List").unwrap_or_default().to_owned();
        let version = text("apiVersion");
        let Some(Value::Array(values)) = self.value.get_mut("items").map(Value::take) else {
            return Vec::new();
        };
        let below = self.lines.step_mut("items").map(|lines| std::mem::take(&mut lines.below));
        let Some(Below::Items(lines)) = below else { return Vec::new() };
        let inherit = |mut value: Value| {
            let is_empty = |field: Option<&Value>| field.is_none_or(|field| field.is_null() || field == "");
            if let Value::Object(map) = &mut value
                && !kind.is_empty()
                && is_empty(map.get("kind"))
                && is_empty(map.get("apiVersion"))
            {
                map.insert("kind".to_owned(), kind.as_str().into());
                map.insert("apiVersion".to_owned(), version.as_str().into());
            }
            value
        };
        let items = values.into_iter().map(inherit).zip(lines);
        items.map(|(value, lines)| Self::new(value, &self.file, lines)).collect()
    }

    /// Copies the value at `from` to `to`, with its lines. A `-` at the end of `to` appends to a list, which is created
    /// if it does not exist.
    pub fn copy(&mut self, from: &str, to: &str) {
        let Some(value) = self.value.pointer(from).cloned() else { return };
        let lines = self.lines_at(from);
        let list = to.strip_suffix("/-").filter(|list| self.value.pointer(list).is_none());
        if let Some(list) = list {
            let no_items = Lines { line: lines.line, below: Below::Items(Vec::new()) };
            self.insert(list, Value::Array(Vec::new()), no_items);
        }
        self.insert(to, value, lines);
    }

    fn insert(&mut self, at: &str, value: Value, lines: Lines) {
        let Some((parent, _)) = at.rsplit_once('/') else { return };
        let key = pointer::keys(at).last().unwrap_or_default().into_owned();
        match self.value.pointer_mut(parent) {
            Some(Value::Array(list)) => list.push(value),
            Some(Value::Object(map)) => drop(map.insert(key.clone(), value)),
            _ => return,
        }
        let parent = pointer::keys(parent).try_fold(&mut self.lines, |lines, key| lines.step_mut(&key));
        if let Some(parent) = parent {
            parent.set(&key, lines);
        }
    }

    fn lines_at(&self, pointer: &str) -> Lines {
        let found = pointer::keys(pointer).try_fold(&self.lines, |lines, key| lines.step(&key));
        found.cloned().unwrap_or_default()
    }
}
