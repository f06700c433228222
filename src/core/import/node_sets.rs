//! Which nodes the binding of an existing Service selects, and whether they are exactly those of one pool.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::Value;

use crate::core::import::cloud_names::CloudNames;
use crate::core::import::input::ImportInput;
use crate::core::kubernetes::node::Node;
use crate::core::platform::{Derived, Selected, VmSetFinder};
use crate::core::pools::{Pool, no_backend};
use crate::core::report::plural::plural;

/// The maximum number of pools in a message.
const SHOWN: usize = 4;

/// The nodes that load balancers may use, and their pools.
pub(crate) struct NodeSets<'a> {
    input: ImportInput<'a>,
    /// The nodes that may be backends.
    backends: Vec<&'a Node>,
    /// The index of the pool of each of them.
    pool_of: Vec<Option<usize>>,
    /// The nodes of each pool, as indexes of `backends`.
    by_pool: Vec<BTreeSet<usize>>,
    /// The cloud's names of sets of nodes, in lower case.
    by_name: BTreeMap<String, BTreeSet<usize>>,
    /// The entries of an existing configuration in the cloud.
    cloud: CloudNames,
    /// What was read before, by the selected nodes: many Services have the same binding.
    known: RefCell<HashMap<String, Reading>>,
}

/// What a controller reads in a Service.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reading {
    /// The index of the pool, if the binding selects exactly its nodes.
    pub(crate) pool: Option<usize>,
    /// The number of nodes, if it is known.
    pub(crate) nodes: Option<usize>,
    /// What the binding does: a clause with a verb.
    pub(crate) does: String,
}

impl<'a> NodeSets<'a> {
    /// Reads the nodes. `services` are the existing Services: their names of node sets are matched with the pools.
    pub(crate) fn new(input: ImportInput<'a>, services: &[&Value], objects: &[Value]) -> Self {
        let known = input.platform.spec.recognize.provider_ids();
        let is_backend = |node: &&Node| no_backend(node, input.platform, &known).is_none();
        let backends: Vec<&Node> = input.nodes.iter().filter(is_backend).collect();
        let indexes: BTreeMap<&str, usize> =
            input.pools.pools.iter().enumerate().map(|(index, pool)| (pool.value.as_str(), index)).collect();
        let pool_of: Vec<Option<usize>> =
            backends.iter().map(|node| indexes.get(node.labels.get(&input.pools.label)?).copied()).collect();
        let mut by_pool = vec![BTreeSet::new(); input.pools.pools.len()];
        for (node, pool) in pool_of.iter().enumerate() {
            if let Some(nodes) = pool.and_then(|pool: usize| by_pool.get_mut(pool)) {
                nodes.insert(node);
            }
        }
        let mut sets = Self {
            input,
            backends,
            pool_of,
            by_pool,
            by_name: BTreeMap::new(),
            cloud: CloudNames::default(),
            known: RefCell::default(),
        };
        let read = |service: &&Value| input.platform.spec.selected_by_binding(service, objects);
        let named = services.iter().filter_map(read).filter_map(|selected| match selected {
            Selected::Named(names) => Some(names),
            _ => None,
        });
        let named: Vec<String> = named.flatten().filter(|name| !name.is_empty()).collect();
        sets.name(&named);
        sets
    }

    /// Finds the cloud's names of the sets of nodes.
    fn name(&mut self, named: &[String]) {
        let Some(selection) = &self.input.platform.spec.selection else { return };
        if selection.name.is_none() {
            return;
        }
        if selection.name.as_deref() == Some("${pool.vmSet}") {
            self.by_name = self.by_vm_set();
            return;
        }
        let mut labeled: BTreeMap<String, BTreeSet<usize>> = BTreeMap::new();
        for (index, node) in self.backends.iter().enumerate() {
            for name in selection.name_labels.iter().filter_map(|label| node.labels.get(label)) {
                labeled.entry(name.to_lowercase()).or_default().insert(index);
            }
        }
        self.cloud = CloudNames::read(self.input, named);
        let of_cloud = self.cloud.entries.iter().map(|entry| {
            let mut nodes: BTreeSet<usize> =
                entry.pools.iter().filter_map(|pool| self.by_pool.get(*pool)).flatten().copied().collect();
            let selected = |index: &usize| {
                let node = self.backends[*index];
                let is_free = self.pool_of[*index].is_none_or(|pool| !self.cloud.is_primary(pool));
                is_free
                    && entry.nodes.as_ref().is_some_and(|it| it.matches_labels(|key| node.labels.get(key)))
            };
            nodes.extend((0..self.backends.len()).filter(selected));
            (entry.name.to_lowercase(), nodes)
        });
        self.by_name = of_cloud.collect();
        for (name, nodes) in labeled {
            self.by_name.entry(name).or_insert(nodes);
        }
    }

    fn by_vm_set(&self) -> BTreeMap<String, BTreeSet<usize>> {
        let finder = VmSetFinder::new(self.input.platform, self.input.nodes);
        let mut sets: BTreeMap<String, BTreeSet<usize>> = BTreeMap::new();
        for (index, node) in self.backends.iter().enumerate() {
            let value = node.labels.get(&self.input.pools.label).unwrap_or_default();
            let given = self.pool_of[index].and_then(|pool| self.input.pools.pools[pool].vm_set.clone());
            let derived = || match finder.find(node, value) {
                Derived::Set { name, .. } => Some(name),
                Derived::OtherPool { .. } | Derived::Unknown => None,
            };
            if let Some(name) = given.or_else(derived) {
                sets.entry(name.to_lowercase()).or_default().insert(index);
            }
        }
        sets
    }

    /// Returns the number of nodes of a pool that load balancers may use.
    pub(crate) fn size(&self, pool: usize) -> usize {
        self.by_pool.get(pool).map_or(0, BTreeSet::len)
    }

    /// Returns the cloud's name of the node set of a pool, as an existing Service or the configuration spells it. `own` are the Services
    /// of the pool: if the name is unknown, theirs is taken, unless they have several.
    pub(crate) fn cloud_name<'s>(&self, pool: usize, own: impl Iterator<Item = &'s Value>) -> Option<String> {
        let nodes = self.by_pool.get(pool).filter(|nodes| !nodes.is_empty())?;
        let known = self.by_name.iter().find(|(_, named)| *named == nodes);
        if let Some((name, _)) = known {
            let spelled = self.cloud.entries.iter().map(|entry| &entry.name).chain(&self.cloud.named);
            return spelled.into_iter().find(|spelled| spelled.to_lowercase() == *name).cloned();
        }
        let mut found: Vec<String> = own
            .filter_map(|service| match self.input.platform.spec.selected_by_binding(service, []) {
                Some(Selected::Named(names)) => Some(names),
                _ => None,
            })
            .flatten()
            .collect();
        found.dedup();
        let is_free = |name: &String| !name.is_empty() && !self.by_name.contains_key(&name.to_lowercase());
        found.pop().filter(|name| found.is_empty() && is_free(name))
    }

    /// Reads a Service; `objects` are all other objects. `None` if the platform does not select nodes.
    pub(crate) fn read(&self, service: &Value, objects: &[Value]) -> Option<Reading> {
        let selected = self.input.platform.spec.selected_by_binding(service, objects)?;
        Some(match selected {
            Selected::Nothing(why) => {
                Reading { nodes: Some(0), does: format!("selects no node: {why}"), ..Reading::default() }
            }
            Selected::Cloud => match self.cloud.only_entry_for(service) {
                Some(name) => self.named(&[name]),
                None => Reading { does: "lets the cloud choose the nodes".to_owned(), ..Reading::default() },
            },
            Selected::Named(names) => self.named(&names),
            selected => {
                let key = selected.to_string();
                if let Some(known) = self.known.borrow().get(&key) {
                    return Some(known.clone());
                }
                let is_taken = |index: &usize| selected.takes(self.backends[*index], None);
                let reading = self.nodes(&(0..self.backends.len()).filter(is_taken).collect());
                self.known.borrow_mut().insert(key, reading.clone());
                reading
            }
        })
    }

    fn named(&self, names: &[String]) -> Reading {
        let distinct: BTreeSet<String> = names.iter().map(|name| name.to_lowercase()).collect();
        let is_unknown = |name: &&String| !self.by_name.contains_key(&name.to_lowercase());
        let mut does = match names.iter().find(is_unknown) {
            Some(_) if names.len() == 1 => "does not match one pool".to_owned(),
            Some(name) => format!("contains `{name}`, which does not match one pool"),
            None => String::new(),
        };
        if does.is_empty() && distinct.len() > 1 {
            let of = |name: &String| format!("{name} ({})", self.shown(&self.by_name[name]));
            let shown: Vec<String> = distinct.iter().take(SHOWN).map(of).collect();
            does = format!("names several, of which the controller uses one: {}", shown.join(", "));
        }
        match distinct.iter().next().filter(|_| does.is_empty()) {
            Some(name) => self.nodes(&self.by_name[name]),
            None => Reading { does, ..Reading::default() },
        }
    }

    fn nodes(&self, nodes: &BTreeSet<usize>) -> Reading {
        let is_equal = |of_pool: &BTreeSet<usize>| !of_pool.is_empty() && of_pool == nodes;
        let pool = self.by_pool.iter().position(is_equal);
        let does = format!("selects {}", self.shown(nodes));
        Reading { pool, nodes: Some(nodes.len()), does }
    }

    /// Describes nodes by their pools.
    fn shown(&self, nodes: &BTreeSet<usize>) -> String {
        let mut counts: BTreeMap<usize, usize> = BTreeMap::new();
        let mut outside = 0;
        for node in nodes {
            match self.pool_of[*node] {
                Some(pool) => *counts.entry(pool).or_default() += 1,
                None => outside += 1,
            }
        }
        let pools = &self.input.pools.pools;
        let of_pool = |(pool, count): (&usize, &usize)| {
            let all = self.size(*pool);
            let Pool { value, .. } = &pools[*pool];
            if *count == all {
                format!("the {} of pool {value}", plural(all, "node"))
            } else {
                format!("{count} of {} of pool {value}", plural(all, "node"))
            }
        };
        let mut parts: Vec<String> = counts.iter().take(SHOWN).map(of_pool).collect();
        if counts.len() > SHOWN {
            parts.push(format!("nodes of {} more", plural(counts.len() - SHOWN, "pool")));
        }
        if outside > 0 {
            parts.push(format!("{} in no pool", plural(outside, "node")));
        }
        match parts.split_last() {
            None => "no node".to_owned(),
            Some((one, [])) => one.clone(),
            Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
        }
    }
}
