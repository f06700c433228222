//! `metadata.managedFields`: which manager owns which fields, and our own entry.
//!
//! Format: kubernetes-sigs/structured-merge-diff `fieldpath/serialize.go`. Sets are read in place, because an object may
//! have thousands of fields and is read once.

use serde_json::{Map, Value};

use crate::core::live::live_object::LiveObject;

/// The field manager of every apply.
pub const MANAGER: &str = "kubectl-largescale";

/// The fields that one manager set by one operation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Entry<'a> {
    /// The name of the field manager.
    pub manager: &'a str,
    /// `Apply`, or `Update` for everything else.
    pub operation: &'a str,
    /// The API version that the fields are named in.
    pub api_version: &'a str,
    /// The subresource, such as `status` or `scale`; empty for the object itself.
    pub subresource: &'a str,
    /// The time of the last change; empty if the server does not report it.
    pub time: &'a str,
    /// The owned fields.
    pub fields: FieldSet<'a>,
}

impl Entry<'_> {
    /// Returns whether this is our entry for the object itself: its fields are removed when they leave the rendered object.
    pub fn is_ours(&self) -> bool {
        self.manager == MANAGER && self.operation == "Apply" && self.subresource.is_empty()
    }
}

/// The fields of one manager below one position in the object.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FieldSet<'a>(&'a Map<String, Value>);

/// One step down in a field set.
#[derive(Clone, Debug, PartialEq)]
pub enum Segment<'a> {
    /// A field of a map.
    Field(&'a str),
    /// The list item whose key fields have these values.
    Key(Map<String, Value>),
    /// The item of a list of scalars.
    Value(Value),
}

impl<'a> FieldSet<'a> {
    /// Returns the set in a JSON value; `None` if it is not a map.
    pub fn of(fields: &'a Value) -> Option<Self> {
        fields.as_object().map(Self)
    }

    /// Returns whether it names nothing below: the value is owned as a whole.
    pub fn is_leaf(self) -> bool {
        self.0.is_empty()
    }

    /// Returns whether the item itself is owned, in addition to its content.
    pub fn owns_itself(self) -> bool {
        self.is_leaf() || self.0.contains_key(".")
    }

    /// Returns the set below a step in its written form (`f:name`); all sets of one object use the same form.
    pub fn below(self, step: &str) -> Option<Self> {
        Self::of(self.0.get(step)?)
    }

    /// Returns what is below a step in its written form, without interpretation.
    pub(super) fn raw(self, step: &str) -> &'a Value {
        self.0.get(step).unwrap_or(&Value::Null)
    }

    /// Returns the set below a field.
    pub fn field(self, name: &str) -> Option<Self> {
        self.below(&format!("f:{name}"))
    }

    /// Returns the steps: the written form, the parsed form and the set below. The parsed form is `None` if it is unknown, and
    /// for list items by index, which no list of Kubernetes has.
    pub fn steps(self) -> impl Iterator<Item = (&'a str, Option<Segment<'a>>, Option<Self>)> {
        let steps = self.0.iter().filter(|(step, _)| *step != ".");
        steps.map(|(step, below)| (step.as_str(), Segment::of(step), Self::of(below)))
    }
}

impl<'a> Segment<'a> {
    pub(super) fn of(step: &'a str) -> Option<Self> {
        let (form, rest) = step.split_once(':')?;
        match form {
            "f" => Some(Self::Field(rest)),
            "k" => serde_json::from_str(rest).ok().map(Self::Key),
            "v" => serde_json::from_str(rest).ok().map(Self::Value),
            _ => None,
        }
    }
}

/// Returns all entries of an object; `None` if one of them has an unknown format.
pub fn entries(object: &LiveObject) -> Option<Vec<Entry<'_>>> {
    object.managed_fields().iter().map(entry).collect()
}

/// Returns our entry.
pub fn ours<'a, 'b>(entries: &'b [Entry<'a>]) -> Option<&'b Entry<'a>> {
    entries.iter().find(|entry| entry.is_ours())
}

fn entry(entry: &Value) -> Option<Entry<'_>> {
    let text = |name: &str| match entry.get(name) {
        None => Some(""),
        Some(text) => text.as_str(),
    };
    Some(Entry {
        manager: text("manager")?,
        operation: text("operation")?,
        api_version: text("apiVersion")?,
        subresource: text("subresource")?,
        time: text("time")?,
        fields: FieldSet::of(&entry["fieldsV1"]).filter(|_| entry["fieldsType"] == "FieldsV1")?,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn our_entry_is_found() {
        let live = |object: &Value| LiveObject::sample(object);
        let object = live(&json!({"metadata": {"managedFields": [
            {"manager": "kubectl-largescale", "operation": "Update", "apiVersion": "v1", "fieldsType": "FieldsV1", "fieldsV1": {}},
            {"manager": "kubectl-largescale", "operation": "Apply", "apiVersion": "v1", "subresource": "status",
             "fieldsType": "FieldsV1", "fieldsV1": {"f:status": {}}},
            {"manager": "kubectl-largescale", "operation": "Apply", "apiVersion": "v1", "time": "2026-01-01T00:00:00Z",
             "fieldsType": "FieldsV1", "fieldsV1": {"f:spec": {"f:type": {}}}},
        ]}}));
        let all = entries(&object).unwrap();
        assert_eq!(all.len(), 3);
        let own = ours(&all).unwrap();
        assert_eq!(own.time, "2026-01-01T00:00:00Z");
        assert!(own.fields.field("spec").unwrap().field("type").unwrap().is_leaf());
        assert_eq!(entries(&live(&json!({"metadata": {}}))), Some(vec![]));
        assert_eq!(
            entries(&live(&json!({"metadata": {"managedFields": [{"fieldsType": "FieldsV2"}]}}))),
            None
        );
    }

    #[test]
    fn steps_are_parsed() {
        let set = json!({".": {}, "f:a": {}, "i:0": {}, "k:{\"port\":80,\"protocol\":\"TCP\"}": {".": {}, "f:port": {}},
            "v:\"x\"": {}, "x:": {}});
        let set = FieldSet::of(&set).unwrap();
        assert!(set.owns_itself() && !set.is_leaf());
        let steps: Vec<_> = set.steps().map(|(_, segment, _)| segment).collect();
        let key = json!({"port": 80, "protocol": "TCP"}).as_object().unwrap().clone();
        let expected = [
            Some(Segment::Field("a")),
            None,
            Some(Segment::Key(key)),
            Some(Segment::Value("x".into())),
            None,
        ];
        assert_eq!(steps, expected);
    }
}
