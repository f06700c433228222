//! The cloud's names of node sets, such as the configurations of Azure's load balancers, and the pools that they are for.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::core::import::input::ImportInput;
use crate::core::kubernetes::selector::{ObjectKeys, Selector};
use crate::core::platform::CloudConfigFields;
use crate::core::pools::{Pool, PoolSet};
use crate::core::report::diagnostic::Diagnostic;

/// The names, and their pools.
#[derive(Clone, Debug, Default)]
pub(crate) struct CloudNames {
    /// The names whose pools are known.
    pub(crate) entries: Vec<Entry>,
    /// The names in the Services, as they are spelled.
    pub(crate) named: Vec<String>,
}

/// A name, and its nodes.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    /// The name.
    pub(crate) name: String,
    /// The indexes of the pools whose nodes belong to it.
    pub(crate) pools: Vec<usize>,
    /// The selector of further nodes.
    pub(crate) nodes: Option<Selector>,
    /// The selector of the Services that may use it, and whether there is one.
    services: Option<Selector>,
}

impl CloudNames {
    /// Reads the existing configuration. Without one, matches the names in the Services with the pools.
    pub(super) fn read(input: ImportInput<'_>, named: &[String]) -> Self {
        let named = named.to_vec();
        if let Some(document) = input.cloud_config {
            return Self { entries: entries(input, &document.value), named };
        }
        let entry = |(name, pool)| Entry { name, pools: vec![pool], nodes: None, services: None };
        let entries = match_names(&named, input.pools).into_iter().map(entry).collect();
        Self { entries, named }
    }

    /// Whether the nodes of a pool belong to an entry, so that no selector takes them.
    pub(super) fn is_primary(&self, pool: usize) -> bool {
        self.entries.iter().any(|entry| entry.pools.contains(&pool))
    }

    /// Returns the only entry that a Service without a name may use. An entry that selects the Service comes before those that
    /// select none.
    pub(super) fn only_entry_for(&self, service: &Value) -> Option<String> {
        let labels = &service["metadata"]["labels"];
        let is_selected = |entry: &&Entry| entry.services.as_ref().is_some_and(|it| it.matches(labels));
        let mut selecting = self.entries.iter().filter(is_selected);
        let first = selecting.next()?;
        selecting.next().is_none().then(|| first.name.clone())
    }
}

/// Checks that a file is a configuration of the platform.
pub(crate) fn check(input: ImportInput<'_>) -> Option<Diagnostic> {
    let document = input.cloud_config?;
    let reads = input.platform.spec.cloud_config.iter().any(|config| config.reads.is_some());
    if !reads {
        return Some(
            Diagnostic::error(format!("--cloud-config has no effect on platform {}", input.platform.name))
                .hint("only platforms whose Services name a configuration of the cloud read one, such as azure-multi-slb"),
        );
    }
    entries(input, &document.value).is_empty().then(|| {
        let lists: Vec<&str> = input
            .platform
            .spec
            .cloud_config
            .iter()
            .filter_map(|config| config.entries_at.as_deref())
            .collect();
        Diagnostic::error("the file has no configuration whose nodes are those of a pool")
            .at(document.location(""))
            .hint(format!(
                "expected a JSON document with the list `{}`, or a list of configurations",
                lists.first().unwrap_or(&"").trim_start_matches('/')
            ))
    })
}

fn entries(input: ImportInput<'_>, document: &Value) -> Vec<Entry> {
    let configs = &input.platform.spec.cloud_config;
    let lists = configs.iter().filter_map(|config| config.entries_at.as_deref());
    let list = lists.filter_map(|at| document.pointer(at)).chain([document]).find_map(Value::as_array);
    let fields = configs.iter().filter_map(|config| config.reads.as_ref());
    let all: Vec<&CloudConfigFields> = fields.collect();
    let read = |value: &Value| all.iter().find_map(|fields| entry(input.pools, fields, value));
    list.into_iter().flatten().filter_map(read).collect()
}

fn entry(pools: &PoolSet, fields: &CloudConfigFields, value: &Value) -> Option<Entry> {
    let field = |pointer: &Option<String>| value.pointer(pointer.as_deref()?).filter(|it| !it.is_null());
    let text = |pointer: &Option<String>| field(pointer).and_then(Value::as_str).filter(|it| !it.is_empty());
    let name = value.pointer(&fields.name).and_then(Value::as_str)?.trim().to_owned();
    let (vm_set, pool) = (text(&fields.vm_set), text(&fields.pool));
    if vm_set.is_none() && pool.is_none() {
        return None;
    }
    let is_meant = |known: &Pool| {
        let is_set = |wanted: &str| known.vm_set.as_ref().is_some_and(|set| set.eq_ignore_ascii_case(wanted));
        vm_set.is_some_and(is_set) || pool == Some(known.value.as_str())
    };
    let selector = |pointer| Selector::read_object(field(pointer)?, ObjectKeys::CamelCase).ok();
    Some(Entry {
        name,
        pools: (0..pools.pools.len()).filter(|index| is_meant(&pools.pools[*index])).collect(),
        nodes: selector(&fields.nodes).filter(|selector| !selector.is_everything()),
        services: selector(&fields.services),
    })
}

/// Matches names with pools, one to one: equal names, or names that are equal without a prefix and a suffix that all names share,
/// such as `lb-` in `lb-users` and `lb-gpu`. The prefix ends, and the suffix begins, at a `-`, `_` or `.`.
fn match_names(names: &[String], pools: &PoolSet) -> BTreeMap<String, usize> {
    let mut first: BTreeMap<String, &String> = BTreeMap::new();
    for name in names {
        first.entry(name.to_lowercase()).or_insert(name);
    }
    let names: Vec<&str> = first.keys().map(String::as_str).collect();
    let mut affixes: BTreeSet<(String, String)> = BTreeSet::new();
    if let Some(name) = names.first() {
        for pool in &pools.pools {
            for own in [&pool.load_balancer, &pool.value, &pool.name] {
                affixes.extend(around(name, &own.to_lowercase()));
            }
        }
    }
    let spell = |matched: BTreeMap<&str, usize>| -> BTreeMap<String, usize> {
        matched.into_iter().map(|(name, pool)| (first[name].clone(), pool)).collect()
    };
    let whole = ("", "");
    let equal = matched(&names, whole, pools);
    if equal.len() == names.len() {
        return spell(equal);
    }
    let all = |(prefix, suffix): &(String, String)| {
        let found = matched(&names, (prefix, suffix), pools);
        (found.len() == names.len()).then_some(found)
    };
    let found: BTreeSet<BTreeMap<&str, usize>> = affixes.iter().filter_map(all).collect();
    let mut found = found.into_iter();
    match (found.next(), found.next()) {
        (Some(one), None) => spell(one),
        _ => spell(equal),
    }
}

/// Returns the texts around each occurrence of a word in a name, if they end at a separator.
fn around(name: &str, word: &str) -> Vec<(String, String)> {
    const SEPARATORS: [char; 3] = ['-', '_', '.'];
    let is_whole = |prefix: &str, suffix: &str| {
        (prefix.is_empty() || prefix.ends_with(SEPARATORS))
            && (suffix.is_empty() || suffix.starts_with(SEPARATORS))
    };
    let parts = name.match_indices(word).filter(|_| !word.is_empty());
    let parts = parts.map(|(at, _)| (&name[..at], &name[at + word.len()..]));
    parts
        .filter(|(prefix, suffix)| is_whole(prefix, suffix))
        .map(|(prefix, suffix)| (prefix.to_owned(), suffix.to_owned()))
        .collect()
}

/// Returns the pools of the names without a prefix and a suffix. Names that match no pool, several pools, or the pool of another name
/// are left out.
fn matched<'n>(
    names: &[&'n str],
    (prefix, suffix): (&str, &str),
    pools: &PoolSet,
) -> BTreeMap<&'n str, usize> {
    let pool_of = |name: &str| {
        let rest = name.strip_prefix(prefix)?.strip_suffix(suffix)?;
        let is_it = |pool: &Pool| {
            [&pool.load_balancer, &pool.value, &pool.name].iter().any(|own| own.to_lowercase() == rest)
        };
        let mut found = (0..pools.pools.len()).filter(|index| is_it(&pools.pools[*index]));
        let pool = found.next()?;
        found.next().is_none().then_some(pool)
    };
    let found: Vec<(&str, usize)> = names.iter().filter_map(|name| Some((*name, pool_of(name)?))).collect();
    let is_unique = |(_, pool): &&(&str, usize)| found.iter().filter(|(_, other)| other == pool).count() == 1;
    found.iter().filter(is_unique).copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_match_pools_one_to_one() {
        let pool = |name: &&str| Pool {
            value: (*name).to_owned(),
            name: (*name).to_owned(),
            load_balancer: (*name).to_owned(),
            ..Pool::default()
        };
        let shown = |names: &[&str], pools: &[&str]| {
            let pools = PoolSet {
                label: "p".to_owned(),
                pools: pools.iter().map(pool).collect(),
                ..PoolSet::default()
            };
            let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
            let matched = match_names(&names, &pools);
            let text = matched.iter().map(|(name, index)| format!("{name}={}", pools.pools[*index].value));
            text.collect::<Vec<_>>().join(" ")
        };
        for (names, pools, expected) in [
            (&["users", "gpu"][..], &["gpu", "system", "users"][..], "gpu=gpu users=users"),
            (&["lb-users", "lb-gpu"], &["gpu", "system", "users"], "lb-gpu=gpu lb-users=users"),
            (&["LB-Users", "lb-users"], &["gpu", "users"], "LB-Users=users"),
            (&["users-public"], &["gpu", "users"], "users-public=users"),
            (&["prod-users-lb", "prod-gpu-lb"], &["gpu", "users"], "prod-gpu-lb=gpu prod-users-lb=users"),
            // No affix that all share; one name is equal.
            (&["users", "kubernetes"], &["gpu", "users"], "users=users"),
            (&["lb-users", "slb-gpu"], &["gpu", "users"], ""),
            (&["lbusers"], &["gpu", "users"], ""),
            // Two ways to read the name.
            (&["a-b"], &["a", "b"], ""),
            (&["kubernetes"], &["system"], ""),
        ] {
            assert_eq!(shown(names, pools), expected, "{names:?}");
        }
    }
}
