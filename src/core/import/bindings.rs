//! The fields of an existing Service that name its pool, and those that show that it was read from a cluster.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::core::patch::placeholder;
use crate::core::platform::{Platform, is_set};
use crate::core::report::diagnostic::Location;
use crate::core::yaml::Document;

/// A value at a path of a platform's binding.
#[derive(Clone, Debug)]
pub(crate) struct Unread {
    pub(crate) pointer: String,
    pub(crate) value: String,
    pub(crate) location: Location,
    /// The platforms that use this path, if the chosen one does not.
    pub(crate) platforms: Vec<String>,
}

/// Fields that are set only on a Service in a cluster.
const LIVE_FIELDS: &[&str] = &[
    "/status/loadBalancer/ingress/0",
    "/spec/clusterIP",
    "/metadata/uid",
    "/metadata/resourceVersion",
    "/metadata/creationTimestamp",
];

/// Returns the bindings that an object has of any platform, its own platform first. Skips fields that every Service of the
/// platform has, such as `spec.loadBalancerClass`, because they do not name a pool.
pub(crate) fn unread(document: &Document, platform: &Platform, platforms: &[Platform]) -> Vec<Unread> {
    let found = |pointer: &str| {
        let value = document.value.pointer(pointer).filter(|value| is_set(value))?;
        let value = value.as_str().map_or_else(|| value.to_string(), |text| text.trim().to_owned());
        (!value.is_empty()).then_some(value)
    };
    let unread = |pointer: &str, value: String, platforms: Vec<String>| Unread {
        pointer: pointer.to_owned(),
        value,
        location: document.location(pointer),
        platforms,
    };
    let mut all = Vec::new();
    for (pointer, template) in writes(platform) {
        let Some(value) = found(pointer) else { continue };
        if names_a_pool(template) {
            all.push(unread(pointer, value, Vec::new()));
        } else if *template != *value {
            let is_theirs =
                |other: &&Platform| writes(other).any(|(at, other)| at == pointer && *other == *value);
            let theirs = platforms.iter().filter(is_theirs).map(|other| other.name.clone()).collect();
            all.push(unread(pointer, value, theirs));
        }
    }
    let mut of_others: BTreeMap<&str, (String, Vec<String>)> = BTreeMap::new();
    for other in platforms {
        for (pointer, template) in writes(other) {
            let is_own = writes(platform).any(|(own, _)| own == pointer);
            let Some(value) = found(pointer).filter(|_| !is_own) else { continue };
            if names_a_pool(template) || *template == *value {
                of_others.entry(pointer).or_insert((value, Vec::new())).1.push(other.name.clone());
            }
        }
    }
    all.extend(of_others.into_iter().map(|(pointer, (value, theirs))| unread(pointer, value, theirs)));
    all
}

/// Returns a field of an object that its own platform reads.
pub(crate) fn own(document: &Document, pointer: &str, value: &Value) -> Unread {
    Unread {
        pointer: pointer.to_owned(),
        value: value.as_str().unwrap_or_default().trim().to_owned(),
        location: document.location(pointer),
        platforms: Vec::new(),
    }
}

/// Returns the paths and templates of a binding.
fn writes(platform: &Platform) -> impl Iterator<Item = (&str, &Value)> {
    platform.binding.added_paths().zip(platform.binding.added_values())
}

fn names_a_pool(template: &Value) -> bool {
    !placeholder::names(template).is_empty()
}

/// Returns the first field that shows that a Service was read from a cluster.
pub(crate) fn live(document: &Document) -> Option<(&'static str, Location)> {
    let is_live =
        |pointer: &&&str| document.value.pointer(pointer).is_some_and(|value| is_set(value) && *value != "");
    LIVE_FIELDS.iter().find(is_live).map(|pointer| (*pointer, document.location(pointer)))
}

/// Returns whether a value is a placeholder of an example: a word in braces or angle brackets. No selector and no cloud
/// resource name has this form.
pub(crate) fn is_placeholder(value: &str) -> bool {
    let inner = [('{', '}'), ('<', '>')]
        .into_iter()
        .find_map(|(open, close)| value.strip_prefix(open)?.strip_suffix(close));
    inner.is_some_and(|inner| {
        !inner.trim().is_empty()
            && !inner.contains(['{', '}', '<', '>', '"', '\'', ':', ',', '=', '(', ')', '!'])
    })
}
