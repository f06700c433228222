//! One agent pool of a model, with where it stands.

use std::ops::Range;

use serde_json::Value;

use crate::core::cluster_model::json_span::{line, member};

/// An agent pool as the model has it.
#[derive(Clone, Debug)]
pub struct AgentPool {
    /// `name`.
    pub name: String,
    /// `count`; what is no number of agents is for the rules to refuse.
    pub count: Option<u32>,
    /// What its machines are in.
    pub vm_set: VmSet,
    /// `osType` is Windows.
    pub is_windows: bool,
    /// 1-based, in the model's file.
    pub line: u32,
    /// All of its fields.
    pub(crate) fields: Value,
    pub(crate) span: Range<usize>,
    pub(crate) name_span: Option<Range<usize>>,
    pub(crate) count_span: Option<Range<usize>>,
}

/// What the machines of a pool are in, which is what a load balancer is bound to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VmSet {
    /// An availability set.
    AvailabilitySet,
    /// A scale set.
    ScaleSet,
}

impl AgentPool {
    /// Reads the pool that stands there; `default` is what its machines are in where it does not say.
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

    /// A field's value; null where it is not there.
    pub(crate) fn field(&self, key: &str) -> &Value {
        field(&self.fields, key)
    }

    /// A field's text; empty where it is not there or no text.
    pub(crate) fn string(&self, key: &str) -> &str {
        self.field(key).as_str().unwrap_or_default()
    }
}

/// A member by its name in any case, the way Go's decoder finds it; null where there is none.
pub(crate) fn field<'v>(value: &'v Value, key: &str) -> &'v Value {
    let Value::Object(map) = value else { return &Value::Null };
    let found = map
        .get(key)
        .or_else(|| map.iter().find(|(known, _)| known.eq_ignore_ascii_case(key)).map(|(_, value)| value));
    found.unwrap_or(&Value::Null)
}

/// A member of a member of a member.
pub(crate) fn path<'v>(value: &'v Value, keys: &[&str]) -> &'v Value {
    keys.iter().fold(value, |value, key| field(value, key))
}
