//! One agent pool of a model, with its location.

use std::ops::Range;

use serde_json::Value;

use crate::core::cluster_model::json_span::{line, member};

/// An agent pool of a model.
#[derive(Clone, Debug)]
pub struct AgentPool {
    /// `name`.
    pub name: String,
    /// `count`; `None` if it is missing or not a number, which the rules report.
    pub count: Option<u32>,
    /// The kind of its VM set.
    pub vm_set: VmSet,
    /// Whether `osType` is Windows.
    pub is_windows: bool,
    /// The 1-based line in the model's file.
    pub line: u32,
    /// All fields.
    pub(crate) fields: Value,
    pub(crate) span: Range<usize>,
    pub(crate) name_span: Option<Range<usize>>,
    pub(crate) count_span: Option<Range<usize>>,
}

/// The kind of VM set of a pool, which a load balancer is bound to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VmSet {
    /// An availability set.
    AvailabilitySet,
    /// A scale set.
    ScaleSet,
}

impl AgentPool {
    /// Reads the pool at a span. `default` is the VM set if the pool has no availability profile.
    pub(crate) fn read(text: &str, span: Range<usize>, fields: Value, default: VmSet) -> Self {
        let string = |key| field(&fields, key).as_str().unwrap_or_default();
        let count = field(&fields, "count").as_u64();
        let vm_set = match string("availabilityProfile") {
            "AvailabilitySet" => VmSet::AvailabilitySet,
            "VirtualMachineScaleSets" => VmSet::ScaleSet,
            _ => default,
        };
        Self {
            name: string("name").to_owned(),
            count: count.and_then(|count| u32::try_from(count).ok()),
            vm_set,
            is_windows: string("osType") == "Windows",
            line: line(text, span.start),
            name_span: member(text, span.start, "name"),
            count_span: member(text, span.start, "count"),
            span,
            fields,
        }
    }

    /// Returns the value of a field; null if it is missing.
    pub(crate) fn field(&self, key: &str) -> &Value {
        field(&self.fields, key)
    }

    /// Returns the text of a field; empty if it is missing or not a string.
    pub(crate) fn string(&self, key: &str) -> &str {
        self.field(key).as_str().unwrap_or_default()
    }
}

/// Returns a member by its name without regard to case, as Go's decoder does; null if it is missing.
pub(crate) fn field<'v>(value: &'v Value, key: &str) -> &'v Value {
    let Value::Object(map) = value else { return &Value::Null };
    let found = map
        .get(key)
        .or_else(|| map.iter().find(|(known, _)| known.eq_ignore_ascii_case(key)).map(|(_, value)| value));
    found.unwrap_or(&Value::Null)
}

/// Returns a nested member; null if it is missing.
pub(crate) fn path<'v>(value: &'v Value, keys: &[&str]) -> &'v Value {
    keys.iter().fold(value, |value, key| field(value, key))
}
