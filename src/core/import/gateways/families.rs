//! The objects that become one object with a copy for each pool, and the references that name all of them.

use std::collections::{BTreeMap, HashMap};

use serde_json::Value;

use crate::core::gateway::references::{gateway_named, listener_set_named};
use crate::core::import::group::Group;
use crate::core::json;
use crate::core::manifest::Key;

/// The Gateways, or the ListenerSets, that become one.
#[derive(Clone, Debug)]
pub(super) struct Family {
    /// `gateway` or `listenerset`.
    pub(super) kind: &'static str,
    /// The name of the one.
    pub(super) base: String,
    /// The pool of each, by name.
    pub(super) pools: BTreeMap<String, usize>,
}

/// All families, by namespace and name of their members.
#[derive(Debug, Default)]
pub(super) struct Families {
    all: Vec<Family>,
    by_name: HashMap<(&'static str, String, String), usize>,
    /// The namespace of objects that state none.
    namespace: String,
}

/// A list that names only some members of a family.
#[derive(Debug)]
pub(super) struct Partial {
    /// Those that it names.
    pub(super) named: Vec<String>,
    /// Those that it does not name.
    pub(super) missing: Vec<String>,
}

impl Families {
    pub(super) fn of(groups: &[Group], namespace: Option<&str>) -> Self {
        let mut families = Self { namespace: namespace.unwrap_or_default().to_owned(), ..Self::default() };
        for group in groups {
            let members = group.members.iter().filter(|member| member.service.gateway.is_some());
            let pools: BTreeMap<String, usize> =
                members.filter_map(|member| Some((member.service.name.clone(), member.pool?))).collect();
            if !pools.is_empty() {
                let family = Family { kind: "gateway", base: group.base.clone(), pools };
                families.add(family, &group.namespace);
            }
        }
        families
    }

    /// Adds a family in a namespace, which is empty if its members state none.
    pub(super) fn add(&mut self, family: Family, namespace: &str) {
        let namespace = if namespace.is_empty() { &self.namespace } else { namespace };
        for name in family.pools.keys() {
            self.by_name.insert((family.kind, namespace.to_owned(), name.clone()), self.all.len());
        }
        self.all.push(family);
    }

    pub(super) fn family(&self, index: usize) -> &Family {
        &self.all[index]
    }

    /// Returns the family that a reference names a member of, and the name. `owner` is the object with the reference.
    pub(super) fn of_reference(&self, reference: &Value, owner: &Value) -> Option<(usize, String)> {
        let namespace = Key::of(owner).namespace;
        let namespace = if namespace.is_empty() { &self.namespace } else { &namespace };
        let found = gateway_named(reference, namespace).map(|name| ("gateway", name));
        let found = found.or_else(|| Some(("listenerset", listener_set_named(reference, namespace)?)));
        let (kind, (namespace, name)) = found?;
        self.by_name.get(&(kind, namespace, name.clone())).map(|family| (*family, name))
    }

    /// Returns a collapsed list with one reference for each member, as `render` writes it.
    pub(super) fn expanded(&self, collapsed: &[Value], owner: &Value) -> Vec<Value> {
        let of_base = |reference: &Value| {
            let namespace = Key::of(owner).namespace;
            let namespace = if namespace.is_empty() { &self.namespace } else { &namespace };
            let found = gateway_named(reference, namespace).map(|name| ("gateway", name));
            let found = found.or_else(|| Some(("listenerset", listener_set_named(reference, namespace)?)));
            let (kind, (_, name)) = found?;
            self.all.iter().find(|family| family.kind == kind && family.base == name)
        };
        let members = |reference: &Value| {
            let Some(family) = of_base(reference) else { return vec![reference.clone()] };
            let mut names: Vec<(&usize, &String)> =
                family.pools.iter().map(|(name, pool)| (pool, name)).collect();
            names.sort();
            let one = |(_, name): (&usize, &String)| {
                let mut one = reference.clone();
                json::put(&mut one, &["name"], name.as_str());
                one
            };
            names.into_iter().map(one).collect()
        };
        collapsed.iter().flat_map(members).collect()
    }

    /// Returns a list of references with one in place of those that name all members of a family. `None` if it names none.
    pub(super) fn collapse(&self, list: &[Value], owner: &Value) -> Result<Option<Vec<Value>>, Partial> {
        let mut collapsed = Vec::new();
        let mut seen: Vec<(usize, Value, Vec<String>)> = Vec::new();
        for reference in list {
            let Some((family, name)) = self.of_reference(reference, owner) else {
                collapsed.push(reference.clone());
                continue;
            };
            let mut base = reference.clone();
            json::put(&mut base, &["name"], self.all[family].base.as_str());
            let known = seen.iter_mut().find(|(other, same, _)| *other == family && *same == base);
            if let Some((_, _, names)) = known {
                names.push(name);
            } else {
                collapsed.push(base.clone());
                seen.push((family, base, vec![name]));
            }
        }
        for (family, _, named) in &seen {
            let all = self.all[*family].pools.keys();
            let missing: Vec<String> = all.filter(|name| !named.contains(name)).cloned().collect();
            if !missing.is_empty() {
                return Err(Partial { named: named.clone(), missing });
            }
        }
        Ok((!seen.is_empty()).then_some(collapsed))
    }
}
