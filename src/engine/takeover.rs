//! Fields that move from other field managers to this program when it applies an object.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::core::apply::{ApplySet, Tool};
use crate::core::live::{LiveObject, Sources, Takeover, takeover};
use crate::core::manifest::Key;
use crate::core::report::plural::plural;
use crate::engine::target::Target;
use crate::output::terminal;

/// Whose fields move, for all objects of a directory.
#[derive(Clone)]
pub(crate) struct TakeoverPolicy {
    /// Our ApplySet; `None` if it does not exist yet, so that every object enters it.
    set: Option<ApplySet>,
    /// Field managers of the tools that the user takes over.
    taken: Vec<&'static str>,
    /// Field managers of the other tools.
    kept: Vec<&'static str>,
}

impl TakeoverPolicy {
    /// Returns the policy of a directory.
    pub(crate) fn of(target: &Target) -> Self {
        Self::with(Some(target.set.clone()), &target.taken)
    }

    /// Returns the policy for objects that enter an ApplySet. `taken` are the tools whose objects the user takes over.
    pub(crate) fn entering(taken: &[Tool]) -> Self {
        Self::with(None, taken)
    }

    fn with(set: Option<ApplySet>, taken: &[Tool]) -> Self {
        let managers = |is_taken: bool| {
            let tools = Tool::all().filter(move |tool| taken.contains(tool) == is_taken);
            tools.flat_map(|tool| tool.managers().iter().copied()).collect()
        };
        Self { set, taken: managers(true), kept: managers(false) }
    }

    /// Returns the fields that move before the object is applied.
    pub(crate) fn takeover(&self, wanted: &Value, live: &LiveObject) -> Option<Takeover> {
        let enters = self.set.as_ref().is_none_or(|set| !set.is_member(live));
        takeover(wanted, live, Sources { enters, taken: &self.taken, kept: &self.kept })
    }
}

/// Prints whose fields move, and which fields stay with their field managers.
pub(crate) fn say<'a>(takeovers: impl Iterator<Item = (&'a Key, &'a Takeover)>) {
    let mut found: BTreeMap<String, BTreeSet<&Key>> = BTreeMap::new();
    let mut left = Vec::new();
    for (key, takeover) in takeovers {
        found.entry(takeover.from.join(", ")).or_default().insert(key);
        let mut by_manager: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for field in &takeover.left {
            by_manager.entry(&field.manager).or_default().push(&field.field);
        }
        left.extend(by_manager.into_iter().map(|(manager, fields)| (key, manager, fields)));
    }
    for (managers, keys) in found {
        let objects = match keys.first() {
            Some(key) if keys.len() == 1 => key.to_string(),
            _ => plural(keys.len(), "object"),
        };
        terminal::note(&format!(
            "{objects}: the fields of the directory move from {managers} to kubectl-largescale; no value changes by it"
        ));
    }
    for (key, manager, fields) in left {
        terminal::note(&format!("{key}: stays with {manager}: {}", fields.join(", ")));
    }
}
