//! Records who set which field of an object, so that a contradiction names both authors.
//!
//! Patches may change fields of the manifests. Fields that the platform, `internal: true` or an overlay has set must keep
//! their values, unless the overlay that changes them lists the author in `overrides`.

use std::collections::HashMap;

use json_patch::PatchOperation;
use serde_json::Value;

use crate::core::overlay::BUILT_IN;
use crate::core::patch::item_path::step;
use crate::core::pointer;
use crate::core::report::diagnostic::{Diagnostic, Location};
use crate::core::report::mask::{hides, is_secret};

/// An author of fields.
#[derive(Clone, Copy, Debug)]
pub(super) struct Author<'a> {
    /// The name in messages: `the overlay pins`.
    pub(super) title: &'a str,
    /// The name in `overrides`; empty if nothing may override the author.
    pub(super) name: &'a str,
    /// The authors whose values it may replace.
    pub(super) overrides: &'a [String],
}

/// A field that two authors set to different values.
#[derive(Clone, Debug)]
pub(super) struct Contradiction {
    /// The pointer of the field.
    pub(super) at: String,
    /// The error to report.
    pub(super) problem: Diagnostic,
}

/// The recorded fields of one object: a tree with the shape of the object, so that an operation looks only at the fields
/// that it can change.
#[derive(Clone, Debug, Default)]
pub(super) struct Provenance<'a> {
    root: Recorded<'a>,
    /// The number of entries that were ever recorded.
    count: usize,
}

/// What is recorded of one value, and of the values in it.
#[derive(Clone, Debug, Default)]
struct Recorded<'a> {
    entry: Option<Entry<'a>>,
    below: Below<'a>,
}

#[derive(Clone, Debug, Default)]
enum Below<'a> {
    #[default]
    Nothing,
    Fields(HashMap<String, Recorded<'a>>),
    /// Up to the last item that has something recorded.
    Items(Vec<Option<Box<Recorded<'a>>>>),
}

#[derive(Clone, Debug)]
struct Entry<'a> {
    /// The number of entries before it.
    number: usize,
    /// `None` if the field was removed.
    value: Option<Value>,
    author: Author<'a>,
    location: Option<Location>,
    /// Whether it is the value of a Secret. A later patch could change the kind of the object.
    was_secret: bool,
}

/// A recorded value that an operation changed.
struct Changed<'a> {
    at: String,
    entry: Entry<'a>,
    now: Option<Value>,
}

impl<'a> Below<'a> {
    fn item(&mut self, index: usize) -> &mut Recorded<'a> {
        if !matches!(self, Self::Items(_)) {
            *self = Self::Items(Vec::new());
        }
        let Self::Items(items) = self else { unreachable!("set above") };
        if items.len() <= index {
            items.resize_with(index + 1, || None);
        }
        items[index].get_or_insert_default()
    }

    fn field(&mut self, key: &str) -> &mut Recorded<'a> {
        if !matches!(self, Self::Fields(_)) {
            *self = Self::Fields(HashMap::new());
        }
        let Self::Fields(fields) = self else { unreachable!("set above") };
        fields.entry(key.to_owned()).or_default()
    }
}

impl<'a> Recorded<'a> {
    fn step(&mut self, key: &str) -> Option<&mut Self> {
        match &mut self.below {
            Below::Nothing => None,
            Below::Fields(fields) => fields.get_mut(key),
            Below::Items(items) => items.get_mut(key.parse::<usize>().ok()?)?.as_deref_mut(),
        }
    }

    /// Returns what is recorded at a key of a value.
    fn peek(&self, key: &str) -> Option<&Self> {
        match &self.below {
            Below::Nothing => None,
            Below::Fields(fields) => fields.get(key),
            Below::Items(items) => items.get(key.parse::<usize>().ok()?)?.as_deref(),
        }
    }

    /// Returns the last entry here and below that has a location.
    fn latest(&self) -> Option<&Entry<'a>> {
        let below: Vec<&Self> = match &self.below {
            Below::Nothing => Vec::new(),
            Below::Fields(fields) => fields.values().collect(),
            Below::Items(items) => items.iter().filter_map(Option::as_deref).collect(),
        };
        let own = self.entry.as_ref().filter(|entry| entry.location.is_some());
        own.into_iter().chain(below.into_iter().filter_map(Self::latest)).max_by_key(|entry| entry.number)
    }

    /// Returns what is recorded at a key of a value, and makes room for it.
    fn enter(&mut self, key: &str, parent: Option<&Value>) -> &mut Self {
        match key.parse::<usize>() {
            Ok(index) if parent.is_some_and(Value::is_array) => self.below.item(index),
            _ => self.below.field(key),
        }
    }

    /// Takes the entries here and below whose values are different now.
    fn take_changed(&mut self, at: &mut String, now: Option<&Value>, changed: &mut Vec<Changed<'a>>) {
        if let Some(entry) = self.entry.take_if(|entry| entry.value.as_ref() != now) {
            changed.push(Changed { at: at.clone(), entry, now: now.cloned() });
        }
        let mut each = |key: &str, recorded: &mut Self, now: Option<&Value>| {
            let length = at.len();
            pointer::push(at, key);
            recorded.take_changed(at, now, changed);
            at.truncate(length);
        };
        match &mut self.below {
            Below::Nothing => {}
            Below::Fields(fields) => {
                for (key, recorded) in fields {
                    each(key, recorded, now.and_then(|now| now.as_object()?.get(key)));
                }
            }
            Below::Items(items) => {
                for (index, recorded) in items.iter_mut().enumerate() {
                    if let Some(recorded) = recorded {
                        each(&index.to_string(), recorded, now.and_then(|now| now.as_array()?.get(index)));
                    }
                }
            }
        }
    }
}

impl<'a> Provenance<'a> {
    /// Records the current value at a pointer of an object.
    pub(super) fn holds(&mut self, object: &Value, at: &str, author: Author<'a>) {
        self.note_leaves(object, at, author, None);
    }

    /// Records an operation that was applied to an object, and returns the values of other authors that it changed.
    pub(super) fn note(
        &mut self,
        object: &Value,
        operation: &PatchOperation,
        location: &Location,
        author: Author<'a>,
        name: &str,
    ) -> Vec<Contradiction> {
        let (gone, new) = match operation {
            PatchOperation::Add(it) => (None, Some(&it.path)),
            PatchOperation::Replace(it) => (None, Some(&it.path)),
            PatchOperation::Copy(it) => (None, Some(&it.path)),
            PatchOperation::Move(it) => (Some(&it.from), Some(&it.path)),
            PatchOperation::Remove(it) => (Some(&it.path), None),
            PatchOperation::Test(_) => return Vec::new(),
        };
        let replaces = matches!(operation, PatchOperation::Replace(_));
        let mut changed = Vec::new();
        if let Some(path) = gone {
            self.remove_item(object, path.as_str(), &mut changed);
            self.take_changed(object, path.as_str(), &mut changed);
        }
        let new = new.map(|path| {
            let at = counted(object, path.as_str());
            if !replaces {
                self.insert_item(object, &at);
            }
            self.take_changed(object, &at, &mut changed);
            at
        });
        changed.sort_by_key(|changed| changed.entry.number);
        let is_allowed = |other: &Author<'_>| {
            other.title == author.title || author.overrides.iter().any(|name| name == other.name)
        };
        let contradictions = changed
            .into_iter()
            .filter(|changed| !is_allowed(&changed.entry.author))
            .map(|changed| {
                let problem = contradiction(object, &changed, location, author, name);
                Contradiction { at: changed.at, problem }
            })
            .collect();
        if let Some(at) = new {
            self.note_leaves(object, &at, author, Some(location));
        } else if let Some(at) = gone.map(|path| path.as_str())
            // A removed item is not recorded, because the next item has its index now.
            && !parent(object, at).is_some_and(Value::is_array)
        {
            self.record(object, at, None, author, Some(location));
        }
        contradictions
    }

    /// Returns the location of the operation that wrote the value at a pointer, a part of it, or the nearest value around it.
    pub(super) fn location(&self, at: &str) -> Option<&Location> {
        let mut path = vec![&self.root];
        for key in pointer::keys(at) {
            let Some(next) = path.last().and_then(|recorded| recorded.peek(&key)) else { break };
            path.push(next);
        }
        path.into_iter().rev().find_map(|recorded| recorded.latest()?.location.as_ref())
    }

    fn note_leaves(&mut self, object: &Value, at: &str, author: Author<'a>, location: Option<&Location>) {
        let mut leaves = Vec::new();
        add_leaves(object.pointer(at), at.to_owned(), &mut leaves);
        for (at, value) in leaves {
            self.record(object, &at, value, author, location);
        }
    }

    /// Records a value. Only the first author of a value is named; others with the same value are not recorded.
    fn record(
        &mut self,
        object: &Value,
        at: &str,
        value: Option<&Value>,
        author: Author<'a>,
        location: Option<&Location>,
    ) {
        let mut recorded = &mut self.root;
        let mut parent = Some(object);
        for key in pointer::keys(at) {
            recorded = recorded.enter(&key, parent);
            parent = parent.and_then(|parent| step(parent, &key));
        }
        let (number, was_secret) = (self.count, is_secret(object));
        recorded.entry.get_or_insert_with(|| {
            self.count += 1;
            Entry { number, value: value.cloned(), author, location: location.cloned(), was_secret }
        });
    }

    /// Takes the entries that a change at a pointer can affect: those of its parents, and all below it.
    fn take_changed(&mut self, object: &Value, at: &str, changed: &mut Vec<Changed<'a>>) {
        let mut recorded = &mut self.root;
        let mut now = Some(object);
        let mut pointer = String::new();
        for key in pointer::keys(at) {
            if let Some(entry) = recorded.entry.take_if(|entry| entry.value.as_ref() != now) {
                changed.push(Changed { at: pointer.clone(), entry, now: now.cloned() });
            }
            let Some(next) = recorded.step(&key) else { return };
            recorded = next;
            now = now.and_then(|now| step(now, &key));
            pointer::push(&mut pointer, &key);
        }
        recorded.take_changed(&mut pointer, now, changed);
    }

    /// Takes the entries of an item that was removed from a list; the next items get its index.
    fn remove_item(&mut self, object: &Value, at: &str, changed: &mut Vec<Changed<'a>>) {
        let Some((items, index)) = self.items_at(object, at) else { return };
        if index < items.len()
            && let Some(mut gone) = items.remove(index)
        {
            gone.take_changed(&mut at.to_owned(), None, changed);
        }
    }

    /// Makes room for an item that was added to a list.
    fn insert_item(&mut self, object: &Value, at: &str) {
        let Some((items, index)) = self.items_at(object, at) else { return };
        if index < items.len() {
            items.insert(index, None);
        }
    }

    /// Returns what is recorded of the items of a list, and the index that a pointer has in it.
    fn items_at(&mut self, object: &Value, at: &str) -> Option<(&mut Vec<Option<Box<Recorded<'a>>>>, usize)> {
        let (list, index) = at.rsplit_once('/')?;
        let index = index.parse().ok()?;
        object.pointer(list).filter(|value| value.is_array())?;
        let recorded = pointer::keys(list).try_fold(&mut self.root, |recorded, key| recorded.step(&key))?;
        match &mut recorded.below {
            Below::Items(items) => Some((items, index)),
            _ => None,
        }
    }
}

/// Returns the path with the actual index instead of `-`.
fn counted(object: &Value, path: &str) -> String {
    match (path.strip_suffix("/-"), parent(object, path)) {
        (Some(list), Some(Value::Array(items))) => format!("{list}/{}", items.len().saturating_sub(1)),
        _ => path.to_owned(),
    }
}

fn parent<'v>(object: &'v Value, path: &str) -> Option<&'v Value> {
    object.pointer(path.rsplit_once('/')?.0)
}

/// Adds the values below a pointer that have nothing below them.
fn add_leaves<'v>(value: Option<&'v Value>, at: String, leaves: &mut Vec<(String, Option<&'v Value>)>) {
    match value {
        Some(Value::Object(map)) if !map.is_empty() => {
            map.iter().for_each(|(key, value)| add_leaves(Some(value), pointer::join(&at, key), leaves));
        }
        Some(Value::Array(list)) if !list.is_empty() => {
            for (index, value) in list.iter().enumerate() {
                add_leaves(Some(value), format!("{at}/{index}"), leaves);
            }
        }
        value => leaves.push((at, value)),
    }
}

fn contradiction(
    object: &Value,
    changed: &Changed<'_>,
    location: &Location,
    author: Author<'_>,
    name: &str,
) -> Diagnostic {
    let Changed { at, entry, now } = changed;
    let is_hidden = hides(object, at) || entry.was_secret && !is_secret(object);
    let shown = |value: Option<&Value>| match value {
        None => "absent".to_owned(),
        Some(_) if is_hidden => "<not shown>".to_owned(),
        Some(value) => value.to_string(),
    };
    let there = entry.location.as_ref().map(|location| format!(" ({location})")).unwrap_or_default();
    let (field, first, second) = (pointer::field(at), shown(entry.value.as_ref()), shown(now.as_ref()));
    let message = format!(
        "{} contradicts {}{there}: `{field}` of {name} would be {second}, not {first}",
        author.title, entry.author.title
    );
    let hint = if entry.author.name.is_empty() {
        "change another field: these labels identify the rendered objects".to_owned()
    } else if location.file.ends_with(BUILT_IN) {
        format!(
            "remove one of them; to let {} win, move it to the end of `spec.overlays` and set `overrides: [{}]` in it",
            entry.author.title, author.name
        )
    } else {
        format!(
            "remove one of them; to let {} win, set `overrides: [{}]` in it",
            author.title, entry.author.name
        )
    };
    Diagnostic::error(message).at(location.clone()).hint(hint)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::core::patch::placeholder::Values;
    use crate::core::{patch, yaml};

    /// Applies patches in turn, `a` first, and returns what `b` contradicts.
    fn contradictions(object: Value, a: &str, b: &str, overrides: &[String]) -> Vec<String> {
        let (mut object, mut provenance, mut found) = (object, Provenance::default(), Vec::new());
        for (file, text, overrides) in [("a", a, &[][..]), ("b", b, overrides)] {
            let document = yaml::read_one(file, text).unwrap();
            let mut problems = Vec::new();
            let patch = patch::read(&document, "", &mut problems);
            assert_eq!(problems, []);
            let author = Author { title: file, name: file, overrides };
            let note = &mut |object: &Value, operation: &PatchOperation, location: &Location| {
                found.extend(provenance.note(object, operation, location, author, "x"));
            };
            patch
                .apply_noting(&mut object, "x", &Values::default(), &mut patch::Meter::default(), note)
                .unwrap();
        }
        found.into_iter().map(|found| found.problem.message).collect()
    }

    #[track_caller]
    fn agree(object: Value, a: &str, b: &str) {
        assert_eq!(contradictions(object, a, b, &[]), Vec::<String>::new());
    }

    #[track_caller]
    fn disagree(object: Value, a: &str, b: &str, expected: &str) {
        assert_eq!(contradictions(object.clone(), a, b, &[]), [format!("b contradicts a (a:1): {expected}")]);
        assert_eq!(contradictions(object, a, b, &["a".to_owned()]), Vec::<String>::new());
    }

    #[test]
    fn different_values_of_one_field_contradict() {
        let add = |value: u8| format!("- {{op: add, path: /s, value: {value}}}");
        agree(json!({}), &add(1), &add(1));
        disagree(json!({}), &add(1), &add(2), "`s` of x would be 2, not 1");
        disagree(json!({}), &add(1), "- {op: remove, path: /s}", "`s` of x would be absent, not 1");
        disagree(json!({"s": 0}), "- {op: remove, path: /s}", &add(1), "`s` of x would be 1, not absent");
        disagree(json!({}), &add(1), "- {op: move, from: /s, path: /t}", "`s` of x would be absent, not 1");
        disagree(json!({"t": 3}), &add(1), "- {op: copy, from: /t, path: /s}", "`s` of x would be 3, not 1");
        // Fields of the manifests may be patched.
        agree(json!({"s": 0}), "- {op: test, path: /s, value: 0}", &add(2));
    }

    #[test]
    fn contradictions_show_no_value_of_a_secret() {
        let secret = || json!({"kind": "Secret", "metadata": {"labels": {}}, "data": {}});
        let add = |value: &str| format!("- {{op: add, path: /data/a, value: {value}}}");
        let expected = "`data.a` of x would be <not shown>, not <not shown>";
        disagree(secret(), &add("hunter2"), &add("hunter3"), expected);
        disagree(secret(), &add("hunter2"), "- {op: add, path: /data/a, value: {b: hunter3}}", expected);
        disagree(json!({"kind": "secret", "data": {}}), &add("hunter2"), &add("[hunter3]"), expected);
        let absent = "`data.a` of x would be absent, not <not shown>";
        disagree(secret(), &add("hunter2"), "- {op: remove, path: /data/a}", absent);
        disagree(secret(), &add("hunter2"), "- {op: replace, path: /data, value: hunter3}", absent);
        // The kind is changed first.
        let kind = "- {op: replace, path: /kind, value: ConfigMap}\n";
        disagree(secret(), &add("hunter2"), &format!("{kind}{}", add("hunter3")), expected);
        let nested = || json!({"kind": "List", "items": [{"kind": "Secret", "data": {}}]});
        let add = |value: &str| format!("- {{op: add, path: /items/0/data/a, value: {value}}}");
        let expected = "`items[0].data.a` of x would be <not shown>, not <not shown>";
        disagree(nested(), &add("hunter2"), &add("hunter3"), expected);
        let label = |value: &str| format!("- {{op: add, path: /metadata/labels/a, value: {value}}}");
        disagree(secret(), &label("b"), &label("c"), "`metadata.labels.a` of x would be \"c\", not \"b\"");
    }

    #[test]
    fn changes_of_parents_and_children_are_compared() {
        let map = "- {op: add, path: /m, value: {a: 1}}";
        agree(json!({}), map, "- {op: add, path: /m/b, value: 2}");
        agree(json!({}), map, "- {op: add, path: /m, value: {a: 1, b: 2}}");
        disagree(json!({}), map, "- {op: add, path: /m, value: {b: 2}}", "`m.a` of x would be absent, not 1");
        disagree(json!({}), map, "- {op: add, path: /m, value: 1}", "`m.a` of x would be absent, not 1");
    }

    #[test]
    fn items_keep_their_authors_when_others_are_added_or_removed() {
        let list = || json!({"l": [{"n": 1}, {"n": 2}]});
        let second = "- {op: add, path: /l/n=2/v, value: 1}";
        agree(list(), second, "- {op: add, path: /l/0, value: {n: 0}}");
        agree(list(), second, "- {op: remove, path: /l/0}");
        agree(list(), "- {op: add, path: /l/-, value: 3}", "- {op: add, path: /l/-, value: 4}");
        agree(list(), "- {op: remove, path: /l/0}", "- {op: remove, path: /l/0}");
        disagree(list(), second, "- {op: remove, path: /l/1}", "`l[1].v` of x would be absent, not 1");
        disagree(
            list(),
            second,
            "- {op: replace, path: /l/n=2/v, value: 2}",
            "`l[1].v` of x would be 2, not 1",
        );
    }

    #[test]
    fn many_operations_take_linear_time() {
        // With a comparison of all recorded fields for each operation, this would take minutes.
        let add = |index: usize| format!("- {{op: add, path: /a/k{index}, value: {index}}}\n");
        let first: String = (0..9000).map(add).collect();
        let second: String = (1..9001).rev().map(add).collect();
        let found = contradictions(json!({"a": {}}), &first, &second, &[]);
        assert_eq!(found, Vec::<String>::new(), "the same values, and one more");
        let last = "- {op: add, path: /a/k0, value: 8}\n";
        disagree(json!({"a": {}}), &first, last, "`a.k0` of x would be 8, not 0");
    }
}
