//! Pools that have no nodes now, and to which an existing Service is bound: a pool that is scaled to zero keeps its Service.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::core::import::input::PoolChoice;
use crate::core::import::undecided::pool_named;
use crate::core::patch::placeholder;
use crate::core::platform::Platform;
use crate::core::pools::PoolSet;
use crate::core::yaml::Document;

/// A pool without nodes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EmptyPool {
    /// The value of the pool label.
    pub value: String,
    /// Its VM set, on platforms whose binding names one. Without nodes, nothing else shows it.
    pub vm_set: Option<String>,
}

/// Returns the pools that the user states and no node has, if the binding of the Service names them. Any other name is a typing
/// mistake. `namespace` is that of objects that state none.
pub fn empty_pools(
    documents: &[Document],
    choices: &[PoolChoice],
    platform: &Platform,
    known: &PoolSet,
    namespace: Option<&str>,
) -> Vec<EmptyPool> {
    let unknown = || choices.iter().filter(|choice| pool_named(&choice.pool, known).is_none());
    let mut found: BTreeMap<&str, EmptyPool> = BTreeMap::new();
    for document in documents.iter().cloned().flat_map(Document::into_objects) {
        let object = &document.value;
        if object["kind"] != "Service" || object["spec"]["type"] != "LoadBalancer" {
            continue;
        }
        let text = |key: &str| object["metadata"][key].as_str();
        let of = text("namespace").or(namespace).unwrap_or_default();
        let name = text("name").unwrap_or_default();
        for choice in unknown().filter(|choice| choice.is_for(of, name)) {
            if let Some(pool) = bound_to(object, &choice.pool, platform) {
                found.entry(&choice.pool).or_insert(pool);
            }
        }
    }
    found.into_values().collect()
}

/// Returns the pool, if the binding of a Service names it.
fn bound_to(service: &Value, pool: &str, platform: &Platform) -> Option<EmptyPool> {
    let written = platform.binding.added_paths().zip(platform.binding.added_values());
    let of_binding = written.filter_map(|(path, template)| {
        let names = placeholder::names(template);
        let is_of_pool = names.iter().any(|name| name.starts_with("pool.") && *name != "pool.label");
        let value = service.pointer(path).filter(|_| is_of_pool)?;
        Some((value.as_str()?, names))
    });
    let other = platform.spec.other_key(service).and_then(|key| {
        let value = service["metadata"]["annotations"][key].as_str()?;
        Some((value, Vec::new()))
    });
    let mut all = of_binding.chain(other);
    let (text, names) = all.find(|(text, names)| names_pool(text, pool, names))?;
    let vm_set = names.contains(&"pool.vmSet").then(|| text.trim().to_owned());
    Some(EmptyPool { value: pool.to_owned(), vm_set })
}

/// Whether a text names a pool. A name that the cloud has for the nodes of a pool contains the name of the pool, such as
/// `users-availabilitySet-12345678`; a selector contains the value of the label.
fn names_pool(text: &str, pool: &str, placeholders: &[&str]) -> bool {
    let is_name = placeholders.iter().any(|name| ["pool.vmSet", "pool.loadBalancer"].contains(name));
    if is_name && text.contains(',') {
        return false;
    }
    let text = text.to_lowercase();
    let pool = pool.to_lowercase();
    let is_part = |c: char| c.is_alphanumeric() || !is_name && ['-', '_', '.'].contains(&c);
    text.match_indices(&pool).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        let after = text[at + pool.len()..].chars().next();
        !before.is_some_and(is_part) && !after.is_some_and(is_part)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_whole_name_is_named() {
        let set = ["pool.vmSet"];
        for (text, pool, placeholders, expected) in [
            ("hcloud/node-group=burst", "burst", &["pool.value"][..], true),
            ("node-group in (burst)", "burst", &["pool.value"], true),
            ("hcloud/node-group=burst-2", "burst", &["pool.value"], false),
            ("hcloud/node-group=burst", "worker", &["pool.value"], false),
            ("burst-availabilitySet-12345678", "burst", &set, true),
            ("Burst-AvailabilitySet-12345678", "burst", &set, true),
            ("aks-burst-12345678-vmss", "burst", &set, true),
            ("outburst-availabilitySet-12345678", "burst", &set, false),
            ("burst-availabilitySet-1,gpu-availabilitySet-1", "burst", &set, false),
            ("lb-burst", "burst", &["pool.loadBalancer"], true),
        ] {
            assert_eq!(names_pool(text, pool, placeholders), expected, "{text} {pool}");
        }
    }
}
