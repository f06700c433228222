//! One pool, from the spec, the lock and its nodes; most of it is about its VM set.

use std::collections::{BTreeMap, BTreeSet};

use crate::core::lock::Lock;
use crate::core::pools::discover::VmSetNodes;
use crate::core::pools::mislabeled::relabel;
use crate::core::pools::new_pool::looks_like;
use crate::core::pools::pool_names::PoolNames;
use crate::core::pools::{Observed, Pool, VmSetEvidence};
use crate::core::report::diagnostic::Diagnostic;
use crate::core::report::plural::plural;
use crate::core::spec::Spec;
use crate::core::yaml;

/// What all pools have in common.
pub(super) struct PoolSource<'a> {
    /// The spec.
    pub spec: &'a Spec,
    /// The lock.
    pub lock: Option<&'a Lock>,
    /// The names of all pools.
    pub names: PoolNames<'a>,
    /// The pool label.
    pub label: &'a str,
    /// The pools of each VM set.
    pub sets: PoolsOfSets<'a>,
}

/// The pools that the nodes or the lock show for each VM set.
#[derive(Default)]
pub(super) struct PoolsOfSets<'a>(BTreeMap<String, BTreeSet<&'a str>>);

impl<'a> PoolsOfSets<'a> {
    pub(super) fn of(pools: &'a BTreeMap<String, Observed>, lock: Option<&'a Lock>) -> Self {
        let mut sets: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
        let mut add = |set: &str, pool: &'a str| {
            sets.entry(set.to_lowercase()).or_default().insert(pool);
        };
        for (pool, seen) in pools {
            seen.vm_sets.keys().chain(seen.other_pools.keys()).for_each(|set| add(set, pool));
        }
        for (pool, locked) in lock.into_iter().flat_map(|lock| &lock.pools) {
            locked.vm_set.iter().for_each(|set| add(set, pool));
        }
        Self(sets)
    }

    fn is_shared(&self, set: &str) -> bool {
        self.0.get(&set.to_lowercase()).is_some_and(|pools| pools.len() > 1)
    }
}

/// Why the VM set of a pool is unknown.
struct Unknown {
    problem: String,
    hint: String,
}

impl PoolSource<'_> {
    /// Returns a pool. Adds warnings about its VM set.
    pub(super) fn pool(
        &self,
        value: &str,
        observed: Option<&Observed>,
        warnings: &mut Vec<Diagnostic>,
    ) -> Pool {
        let locked_pool = self.lock.and_then(|lock| lock.pools.get(value));
        let locked = locked_pool.and_then(|pool| pool.vm_set.as_deref());
        let given = self.spec.pools.vm_sets.get(value);
        let (derived, problem) = match observed.map(|seen| self.derive(value, seen, locked, warnings)) {
            Some(Ok(derived)) => (derived, None),
            Some(Err(problem)) => (None, Some(problem)),
            None => (None, None),
        };
        let unverified: Vec<&str> = observed
            .into_iter()
            .flat_map(|seen| seen.vm_sets.values())
            .filter_map(|set| set.unverified.as_deref())
            .collect();
        let is_unknown = observed.is_none_or(|seen| seen.vm_sets.is_empty() && seen.other_pools.is_empty());
        let vm_set_evidence = match &derived {
            Some(_) if unverified.is_empty() => VmSetEvidence::Shown,
            Some(_) => VmSetEvidence::None,
            None if is_unknown => VmSetEvidence::None,
            None => VmSetEvidence::Unclear,
        };
        if let (Some(title), Some(derived), None) = (unverified.first(), &derived, given) {
            warnings.push(
                Diagnostic::warning(format!(
                    "the pool {value}: its VM set {derived} was derived with an unverified rule: {title}"
                ))
                .hint(format!("check the name, and set it: {}", vm_sets(value, derived))),
            );
        }
        if let (Some(given), Some(derived)) = (given, &derived)
            && !given.eq_ignore_ascii_case(derived)
        {
            warnings.push(Diagnostic::warning(format!("the pool {value}: `spec.pools.vmSets` is {given}, but its nodes indicate {derived}; using the spec")));
        }
        // The cloud compares names case-insensitively. Keep the spelling in the lock, so that the file does not change.
        let same_as_locked =
            |name: &String| locked.filter(|locked| locked.eq_ignore_ascii_case(name)).map(str::to_owned);
        let vm_set = match (given, derived) {
            (Some(given), _) => Some(given.clone()),
            (None, Some(derived)) => same_as_locked(&derived).or(Some(derived)),
            (None, None) if problem.is_some() => None,
            (None, None) => locked.map(str::to_owned),
        };
        let name = self.names.name(value);
        let Unknown { problem, hint } = problem.unwrap_or_else(|| Unknown {
            problem: format!("the VM set of the pool {value} is unknown"),
            hint: format!("set it: {}", vm_sets(value, "NAME")),
        });
        Pool {
            value: value.to_owned(),
            vm_set,
            vm_set_evidence,
            vm_set_problem: problem,
            vm_set_hint: hint,
            is_locked: locked_pool.is_some(),
            load_balancer: self.spec.pools.load_balancers.get(value).unwrap_or(&name).clone(),
            name,
            withdrawn: false,
        }
    }

    /// Returns the VM set that all nodes of a pool agree on; `None` if there is no evidence. A node of which nothing is known is no
    /// evidence against the VM set in the lock.
    fn derive(
        &self,
        value: &str,
        seen: &Observed,
        locked: Option<&str>,
        warnings: &mut Vec<Diagnostic>,
    ) -> Result<Option<String>, Unknown> {
        if let Some((set, nodes)) = seen.other_pools.iter().next() {
            return Err(self.of_another_pool(value, set, nodes));
        }
        // The names of scale sets may differ in case from node to node: ARM does not preserve case.
        let mut names: Vec<&String> = seen.vm_sets.keys().collect();
        names.dedup_by(|a, b| a.eq_ignore_ascii_case(b));
        match (names.as_slice(), &seen.unknown_vm_set) {
            ([], None) => Ok(None),
            ([], Some(node)) => Err(Unknown {
                problem: format!(
                    "no rule of the platform matches the VM set of the pool {value} (node {node})"
                ),
                hint: format!("set it: {}", vm_sets(value, "NAME")),
            }),
            ([one], None) => Ok(Some((*one).clone())),
            ([one], Some(node)) if locked.is_some_and(|locked| locked.eq_ignore_ascii_case(one)) => {
                if !self.spec.pools.vm_sets.contains_key(value) {
                    warnings.push(
                        Diagnostic::warning(format!(
                            "the pool {value}: no rule of the platform matches the VM set of node {node}; its load balancer has the nodes of {one}"
                        ))
                        .hint(format!("if this is right, set it: {}", vm_sets(value, one))),
                    );
                }
                Ok(Some((*one).clone()))
            }
            ([one], Some(node)) => Err(Unknown {
                problem: format!(
                    "some nodes of the pool {value} are in {one}, but no rule matches the VM set of node {node}"
                ),
                hint: format!(
                    "if its load balancer is for the nodes of {one}, set it: {}",
                    vm_sets(value, one)
                ),
            }),
            (several, _) => Err(self.of_several_sets(value, several, seen)),
        }
    }

    /// Explains nodes whose names contain another pool than their label, if nothing decides to which pool they belong.
    fn of_another_pool(&self, value: &str, set: &str, nodes: &VmSetNodes) -> Unknown {
        let named = nodes.named.as_deref().unwrap_or_default();
        let node = nodes.names.first().map(|name| &**name).unwrap_or_default();
        let command = relabel(nodes, self.label, named);
        let locked = if self.lock.is_some() { ", or use the pools of the lock file (--locked)" } else { "" };
        let exclude = format!("to render without this pool: `{}`{locked}", self.spec.excluding(value));
        // The VM set in the spec is right only for a label that is not a misspelled pool. With two pools of one VM set, it is an error.
        let hint = if looks_like(value) == looks_like(named) || self.sets.is_shared(set) {
            format!("correct the label: `{command}`; {exclude}")
        } else {
            format!(
                "if the label is wrong, correct it: `{command}`; if it is right, set the VM set: {}; {exclude}",
                vm_sets(value, set)
            )
        };
        Unknown {
            problem: format!("the name of node {node} contains pool {named}, but its label is {value}"),
            hint,
        }
    }

    fn of_several_sets(&self, value: &str, several: &[&String], seen: &Observed) -> Unknown {
        let count = |name: &String| format!("{name} ({})", plural(seen.vm_sets[name].count, "node"));
        let list: Vec<_> = several.iter().map(|name| count(name)).collect();
        let (_, nodes) = seen.vm_sets.iter().min_by_key(|(_, nodes)| nodes.count).unzip();
        let command = relabel(nodes.unwrap_or(&VmSetNodes::default()), self.label, "POOL");
        let first = several.first().map(|name| name.as_str()).unwrap_or_default();
        Unknown {
            problem: format!("the nodes of the pool {value} are in several VM sets: {}", list.join(", ")),
            hint: format!(
                "label the nodes of each VM set as a pool: `{command}`; if only one VM set is to get traffic, set it: {}",
                vm_sets(value, first)
            ),
        }
    }
}

/// Returns the line of the spec that sets the VM set of a pool.
fn vm_sets(pool: &str, set: &str) -> String {
    format!("`spec.pools.vmSets: {{{}: {set}}}`", yaml::write_plain(&pool).trim_end())
}
