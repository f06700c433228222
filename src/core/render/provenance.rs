//! Records who set which field of an object, so that a contradiction names both authors.
//!
//! Patches may change fields of the manifests. Fields that the platform, `internal: true` or an overlay has set must keep
//! their values, unless the overlay that changes them lists the author in `overrides`.

use std::collections::HashSet;

use json_patch::PatchOperation;
use serde_json::Value;

use crate::core::overlay::BUILT_IN;
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

/// The recorded fields of one object.
#[derive(Clone, Debug, Default)]
pub(super) struct Provenance<'a>(Vec<Entry<'a>>);

#[derive(Clone, Debug)]
struct Entry<'a> {
    at: String,
    /// `None` if the field was removed.
    value: Option<Value>,
    author: Author<'a>,
    location: Option<Location>,
    /// Whether a message must not show the value, because it belongs to a Secret. An overlay may change the kind later.
    is_hidden: bool,
    /// Set if the field was in a list item that was removed; another item may have its index now.
    is_gone: bool,
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
        if let Some(path) = gone {
            self.shift(object, path.as_str(), -1);
        }
        let new = new.map(|path| {
            let at = counted(object, path.as_str());
            if !replaces {
                self.shift(object, &at, 1);
            }
            at
        });
        let mut contradictions = Vec::new();
        self.0.retain(|entry| {
            if !entry.is_gone && object.pointer(&entry.at) == entry.value.as_ref() {
                return true;
            }
            let is_own = entry.author.title == author.title;
            if !is_own && !author.overrides.iter().any(|name| name == entry.author.name) {
                let problem = contradiction(object, entry, location, author, name);
                contradictions.push(Contradiction { at: entry.at.clone(), problem });
            }
            false
        });
        if let Some(at) = new {
            self.note_leaves(object, &at, author, Some(location));
        } else if let Some(at) = gone.map(|path| path.as_str().to_owned())
            // A removed item is not recorded, because the next item has its index now.
            && !parent(object, &at).is_some_and(Value::is_array)
        {
            let location = Some(location.clone());
            self.0.push(Entry { at, value: None, author, location, is_hidden: false, is_gone: false });
        }
        contradictions
    }

    fn note_leaves(&mut self, object: &Value, at: &str, author: Author<'a>, location: Option<&Location>) {
        let mut leaves = Vec::new();
        add_leaves(object.pointer(at), at.to_owned(), &mut leaves);
        // Only the first author of a value is named; others with the same value are not recorded.
        if leaves.len() == 1 {
            leaves.retain(|(at, _)| self.0.iter().all(|entry| entry.at != *at));
        } else {
            let known: HashSet<&str> = self.0.iter().map(|entry| entry.at.as_str()).collect();
            leaves.retain(|(at, _)| !known.contains(at.as_str()));
        }
        let is_secret = is_secret(object);
        self.0.extend(leaves.into_iter().map(|(at, value)| Entry {
            is_hidden: is_secret && hides(object, &at),
            at,
            value: value.cloned(),
            author,
            location: location.cloned(),
            is_gone: false,
        }));
    }

    /// Shifts the recorded indexes of a list from an index on, after `by` items were added (or removed, if negative).
    fn shift(&mut self, object: &Value, at: &str, by: isize) {
        let Some((list, index)) = at.rsplit_once('/') else { return };
        let Ok(from) = index.parse::<isize>() else { return };
        if !object.pointer(list).is_some_and(Value::is_array) {
            return;
        }
        for entry in &mut self.0 {
            let Some(rest) = entry.at.strip_prefix(list).and_then(|rest| rest.strip_prefix('/')) else {
                continue;
            };
            let (index, below) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
            let Ok(index) = index.parse::<isize>() else { continue };
            if by < 0 && index == from {
                entry.is_gone = true;
            } else if index >= from {
                entry.at = format!("{list}/{}{below}", index + by);
            }
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
    entry: &Entry<'_>,
    location: &Location,
    author: Author<'_>,
    name: &str,
) -> Diagnostic {
    let is_hidden = entry.is_hidden || hides(object, &entry.at);
    let shown = |value: Option<&Value>| match value {
        None => "absent".to_owned(),
        Some(_) if is_hidden => "<not shown>".to_owned(),
        Some(value) => value.to_string(),
    };
    let there = entry.location.as_ref().map(|location| format!(" ({location})")).unwrap_or_default();
    let (field, first, second) =
        (pointer::field(&entry.at), shown(entry.value.as_ref()), shown(now(object, entry)));
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

/// Returns the current value of a recorded field.
fn now<'v>(object: &'v Value, entry: &Entry<'_>) -> Option<&'v Value> {
    if entry.is_gone { None } else { object.pointer(&entry.at) }
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
            patch.apply_noting(&mut object, "x", &Values::default(), note).unwrap();
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
}
