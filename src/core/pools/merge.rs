//! Merges the discovered pools, the pools in the lock file and the spec into the pools that are rendered.
//!
//! A pool without nodes is not removed unless the user removes it.

use std::collections::{BTreeMap, BTreeSet};

use glob::Pattern;

use crate::core::lock::Lock;
use crate::core::pools::backend::hint_for;
use crate::core::pools::mislabeled::{self, Deciders, is_mislabeled};
use crate::core::pools::new_pool::{cannot_confirm, questions};
use crate::core::pools::owners::owners_of;
use crate::core::pools::pool_names::PoolNames;
use crate::core::pools::pool_source::{PoolSource, PoolsOfSets};
use crate::core::pools::shrink::shrunk;
use crate::core::pools::{Discovered, NodeCount, Observed, Pool, PoolSet};
use crate::core::report::diagnostic::{Checked, Diagnostic, Severity};
use crate::core::report::plural::{first_of, plural};
use crate::core::report::suggest::did_you_mean;
use crate::core::spec::{Spec, WhenEmpty};

/// What the user requests on the command line.
#[derive(Clone, Debug, Default)]
pub struct MergeOptions {
    /// Pools to remove, by value.
    pub forget: Vec<String>,
    /// New pools that the user confirms although their names look like those of other pools, by value.
    pub new_pools: Vec<String>,
    /// What to do with a new pool of one node whose name looks like that of another pool.
    pub lookalikes: Lookalikes,
    /// What to do if a discovery lost more than half of the pools.
    pub shrink: Shrink,
}

/// What to do with a new pool of one node whose name looks like that of another pool.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Lookalikes {
    /// Refuse it.
    #[default]
    Refuse,
    /// Report it as a warning, for commands that create no load balancers.
    Warn,
}

/// What to do if a discovery lost more than half of the pools.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Shrink {
    /// Refuse it.
    #[default]
    Refuse,
    /// Report it as a warning, for commands that write nothing.
    Warn,
    /// Accept it, because the user confirmed it.
    Accept,
}

/// The pools to render, and a report about all pools.
#[derive(Clone, Debug, Default)]
pub struct Merged {
    /// The pools to render.
    pub set: PoolSet,
    /// A row for each pool, including forgotten ones.
    pub reports: Vec<PoolReport>,
    /// The nodes of the cluster, if nodes were read.
    pub nodes: Option<NodeCount>,
    /// New pools that look like others and are not confirmed.
    pub questioned: Vec<String>,
    /// Findings for the user.
    pub warnings: Vec<Diagnostic>,
}

/// The current state of a pool; never written to a file.
#[derive(Clone, Debug)]
pub struct PoolReport {
    /// The pool.
    pub pool: Pool,
    /// Its state.
    pub state: PoolState,
    /// Its observed state, if nodes were read.
    pub observed: Option<Observed>,
    /// The objects that make its nodes (`spec.pools.from`).
    pub owners: Vec<String>,
}

/// The state of a pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PoolState {
    /// The pool has nodes that a load balancer can use.
    Present,
    /// The pool has no backends: it was declared before its nodes, or all its nodes are left out.
    Empty,
    /// The pool was not discovered, but is in the lock.
    Kept,
    /// The pool was in the lock and is removed.
    Forgotten,
}

impl PoolState {
    /// Returns the name of the state.
    pub fn word(self) -> &'static str {
        match self {
            Self::Present => "present",
            Self::Empty => "empty",
            Self::Kept => "kept",
            Self::Forgotten => "forgotten",
        }
    }
}

/// Merges the discovered pools with those in the lock.
#[expect(clippy::too_many_lines, reason = "each step needs the results of the steps before it")]
pub(super) fn merge(
    spec: &Spec,
    discovered: &Discovered,
    lock: Option<&Lock>,
    options: &MergeOptions,
) -> Checked<Merged> {
    let chosen = Filter::new(spec);
    let locked = lock.map(|lock| &lock.pools);
    let mut merged =
        Merged { warnings: discovered.warnings.clone(), nodes: Some(discovered.nodes), ..Merged::default() };
    merged.set.label.clone_from(&discovered.label);
    let mut declared: BTreeSet<&str> = spec.pools.declare.iter().map(|pool| pool.name.as_str()).collect();
    declared.extend(discovered.owners.keys().map(String::as_str));
    let is_confirmed =
        |value: &str| declared.contains(value) || options.new_pools.iter().any(|new| new == value);
    let is_forgotten = |value: &str| options.forget.iter().any(|forgotten| forgotten == value);
    let takes = |value: &str| chosen.takes(value) && !is_forgotten(value);
    let label = &discovered.label;
    let deciders = Deciders { label, spec, lock, takes: &takes, confirmed: &is_confirmed };
    let mut cleaned = discovered.clone();
    merged.warnings.extend(mislabeled::leave_out(&mut cleaned.pools, &deciders));
    let discovered = &cleaned;

    let mut values: BTreeSet<&str> = discovered.pools.keys().map(String::as_str).collect();
    values.extend(&declared);
    values.extend(locked.into_iter().flatten().map(|(value, _)| value.as_str()));
    let forget = options.forget.iter().filter_map(|name| {
        let stays = Stays { discovered, declared: &declared, values: &values, chosen: &chosen };
        cannot_forget(name, spec, &stays)
    });
    let confirm = options
        .new_pools
        .iter()
        .filter_map(|name| cannot_confirm(name, &values, chosen.takes(name), discovered.pools.get(name)));
    let problems: Vec<Diagnostic> = forget.chain(confirm).collect();
    if !problems.is_empty() {
        return Err(problems);
    }
    let is_new = |value: &str| {
        chosen.takes(value) && !is_confirmed(value) && locked.is_none_or(|pools| !pools.contains_key(value))
    };
    let (questioned, questions): (Vec<_>, Vec<_>) =
        questions(discovered, &values, lock, spec, is_new).into_iter().unzip();
    match options.lookalikes {
        Lookalikes::Refuse if !questions.is_empty() => return Err(questions),
        _ => merged.warnings.extend(questions.into_iter().map(Diagnostic::into_warning)),
    }
    merged.questioned = questioned;
    let remembered: Vec<&str> = locked
        .into_iter()
        .flatten()
        .map(|(value, _)| value.as_str())
        .filter(|value| takes(value) && (!declared.contains(value) || discovered.owners.contains_key(*value)))
        .collect();
    if let Some(problem) = shrunk(&remembered, discovered, lock) {
        match options.shrink {
            Shrink::Refuse => return Err(problem.into()),
            Shrink::Warn => merged.warnings.push(Diagnostic { severity: Severity::Warning, ..problem }),
            Shrink::Accept => {}
        }
    }

    let source = PoolSource {
        spec,
        lock,
        names: PoolNames::of(spec, lock, &values),
        label: &discovered.label,
        sets: PoolsOfSets::of(&discovered.pools, lock),
    };
    let mut without_service = Vec::new();
    for value in values.iter().copied() {
        let observed = discovered.pools.get(value);
        let has_backends = observed.is_some_and(|seen| seen.backends > 0);
        let was_locked = locked.is_some_and(|pools| pools.contains_key(value));
        let stays = takes(value)
            && (has_backends
                || declared.contains(value)
                || was_locked && spec.pools.when_empty != WhenEmpty::Remove);
        let state = match (stays, has_backends) {
            (true, true) => PoolState::Present,
            (true, false) if observed.is_some() || declared.contains(value) => PoolState::Empty,
            (true, false) => PoolState::Kept,
            (false, _) if was_locked => PoolState::Forgotten,
            (false, _) => {
                // The warning about its nodes says that the pool is a wrong label.
                let is_pool = |seen: &&Observed| chosen.takes(value) && !is_mislabeled(seen);
                if let Some(seen) = observed.filter(is_pool) {
                    without_service.push((value, left_out(value, seen, label)));
                }
                continue;
            }
        };
        match observed {
            Some(seen) if state == PoolState::Empty && seen.nodes() > 0 => {
                merged.warnings.push(no_backends(value, seen, label));
            }
            Some(seen) if state == PoolState::Present && lock.is_some() && !was_locked => {
                merged.warnings.extend(new_control_plane(value, seen, spec));
            }
            _ => {}
        }
        let mut pool = source.pool(value, observed, &mut merged.warnings);
        pool.withdrawn = state != PoolState::Present && spec.pools.when_empty == WhenEmpty::Withdraw;
        if stays {
            merged.set.pools.push(pool.clone());
        }
        merged.reports.push(PoolReport {
            pool,
            state,
            observed: Some(observed.cloned().unwrap_or_default()),
            owners: owners_of(&discovered.owners, value),
        });
    }
    if merged.set.pools.is_empty() && !without_service.is_empty() {
        let is_wrong = |problem| Diagnostic { severity: Severity::Error, ..problem };
        return Err(without_service.into_iter().map(|(_, problem)| is_wrong(problem)).collect());
    }
    merged.warnings.extend(without_service.into_iter().map(|(value, problem)| {
        let way_out = format!("if this is intended, set `{}`", spec.excluding(value));
        let hint = problem.hint.as_ref().map_or_else(|| way_out.clone(), |hint| format!("{hint}; {way_out}"));
        problem.hint(hint)
    }));
    finish(spec, merged, &values)
}

/// Returns the pools in the lock, without reading nodes.
pub(super) fn merge_locked(spec: &Spec, lock: &Lock) -> Checked<Merged> {
    if let Some(label) = spec.pools.label.as_ref().filter(|label| **label != lock.label) {
        return Err(Diagnostic::error(format!(
            "the pool label in the lock file is `{}`, but the spec sets `{label}`",
            lock.label
        ))
        .hint("run `render` once without --locked")
        .into());
    }
    let chosen = Filter::new(spec);
    let mut merged = Merged::default();
    merged.set.label.clone_from(&lock.label);
    let mut values: BTreeSet<&str> = lock.pools.keys().map(String::as_str).collect();
    values.extend(spec.pools.declare.iter().map(|pool| pool.name.as_str()));
    let names = PoolNames::of(spec, Some(lock), &values);
    let source =
        PoolSource { spec, lock: Some(lock), names, label: &lock.label, sets: PoolsOfSets::default() };
    for value in values.iter().copied().filter(|value| chosen.takes(value)) {
        let mut pool = source.pool(value, None, &mut merged.warnings);
        // A pool that is not in the lock was declared and never discovered.
        pool.withdrawn = spec.pools.when_empty == WhenEmpty::Withdraw
            && lock.pools.get(value).is_none_or(|locked| locked.empty);
        merged.set.pools.push(pool.clone());
        merged.reports.push(PoolReport { pool, state: PoolState::Kept, observed: None, owners: Vec::new() });
    }
    finish(spec, merged, &values)
}

struct Filter {
    include: Vec<Pattern>,
    exclude: Vec<Pattern>,
}

impl Filter {
    fn new(spec: &Spec) -> Self {
        // The globs were checked when the spec was read.
        let compile = |globs: &[String]| globs.iter().filter_map(|text| Pattern::new(text).ok()).collect();
        Self { include: compile(&spec.pools.include), exclude: compile(&spec.pools.exclude) }
    }

    fn takes(&self, value: &str) -> bool {
        let any = |patterns: &[Pattern]| patterns.iter().any(|pattern| pattern.matches(value));
        (self.include.is_empty() || any(&self.include)) && !any(&self.exclude)
    }
}

/// What makes a pool stay, whatever the user wants to forget.
struct Stays<'a> {
    discovered: &'a Discovered,
    declared: &'a BTreeSet<&'a str>,
    values: &'a BTreeSet<&'a str>,
    chosen: &'a Filter,
}

fn cannot_forget(name: &str, spec: &Spec, stays: &Stays<'_>) -> Option<Diagnostic> {
    let Stays { discovered, declared, values, chosen } = stays;
    if !values.contains(name) {
        let near = did_you_mean(name, values.iter().copied());
        return Some(
            Diagnostic::error(format!("pool `{name}` not found{near}"))
                .hint("list the pools with `kubectl largescale pools`"),
        );
    }
    // A pool that the spec leaves out does not come back.
    if !chosen.takes(name) {
        return None;
    }
    if let Some(seen) = discovered.pools.get(name).filter(|seen| seen.backends > 0) {
        return Some(
            Diagnostic::error(format!(
                "the pool {name} still has {}, so the next render would add it again",
                plural(seen.backends, "node")
            ))
            .hint(format!("to exclude it permanently: `{}`", spec.excluding(name))),
        );
    }
    if let [owner, ..] = owners_of(&discovered.owners, name).as_slice() {
        return Some(
            Diagnostic::error(format!(
                "the pool {name} is the pool of {owner}, so the next render would add it again"
            ))
            .hint(format!("delete the object, or exclude the pool: `{}`", spec.excluding(name))),
        );
    }
    declared.contains(name).then(|| {
        Diagnostic::error(format!("the pool {name} is declared in `spec.pools.declare`"))
            .hint("remove it there")
    })
}

/// Reports a pool that gets no Service, because none of its nodes is a backend.
fn left_out(value: &str, seen: &Observed, label: &str) -> Diagnostic {
    let message =
        format!("the pool {value} gets no Service: none of its nodes is a backend ({})", reasons(seen));
    with_hints(Diagnostic::warning(message), seen, label, value)
}

/// Reports a pool that keeps its Service, although none of its nodes is a backend.
fn no_backends(value: &str, seen: &Observed, label: &str) -> Diagnostic {
    let message = format!("the pool {value} has no backends: all its nodes are left out ({})", reasons(seen));
    with_hints(Diagnostic::warning(message), seen, label, value)
}

fn reasons(seen: &Observed) -> String {
    seen.left_out.iter().map(|(why, count)| format!("{count} {why}")).collect::<Vec<_>>().join(", ")
}

fn with_hints(problem: Diagnostic, seen: &Observed, label: &str, value: &str) -> Diagnostic {
    let hints: Vec<String> = seen.left_out.keys().filter_map(|why| hint_for(why, label, &[value])).collect();
    if hints.is_empty() { problem } else { problem.hint(hints.join("; ")) }
}

/// Reports a pool of control-plane nodes that is not in the lock: earlier versions left such nodes out on every platform.
fn new_control_plane(value: &str, seen: &Observed, spec: &Spec) -> Option<Diagnostic> {
    (seen.control_plane == seen.backends).then(|| {
        Diagnostic::warning(format!(
            "the pool {value} is new, and all its backends are control-plane nodes ({}), which load balancers of this platform use",
            seen.backends
        ))
        .hint(format!("to give it no load balancer: `{}`", spec.excluding(value)))
    })
}

/// Checks the pools together; `values` are those of all pools, whether rendered or not.
pub(super) fn finish(spec: &Spec, mut merged: Merged, values: &BTreeSet<&str>) -> Checked<Merged> {
    if merged.set.pools.is_empty() {
        let left_out: Vec<&str> = values.iter().copied().collect();
        let names = if left_out.is_empty() { String::new() } else { format!(": {}", first_of(&left_out)) };
        return Err(Diagnostic::error(format!("no pools to render: all are left out{names}"))
            .hint("change `spec.pools.include` or `spec.pools.exclude`")
            .into());
    }
    let mut by_name: BTreeMap<&str, &str> = BTreeMap::new();
    let mut problems = Vec::new();
    for pool in &merged.set.pools {
        if let Some(other) = by_name.insert(&pool.name, &pool.value) {
            problems.push(
                Diagnostic::error(format!(
                    "the pools `{other}` and `{}` have the same name `{}` in object names",
                    pool.value, pool.name
                ))
                .hint("name the Services of both pools in `spec.names`, exclude one with `spec.pools.exclude`, or choose another `spec.pools.label`"),
            );
        }
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    let known: Vec<&str> = merged.set.pools.iter().map(|pool| pool.value.as_str()).collect();
    let named = spec.pools.vm_sets.keys().map(|pool| ("spec.pools.vmSets", pool));
    let named = named.chain(spec.pools.load_balancers.keys().map(|pool| ("spec.pools.loadBalancers", pool)));
    let named =
        named.chain(spec.names.values().flat_map(|pools| pools.keys()).map(|pool| ("spec.names", pool)));
    for (field, pool) in named {
        let part = if field == "spec.names" { "names" } else { "pools" };
        if !known.contains(&pool.as_str()) && !spec.other_pools.may_have(part, pool) {
            let near = did_you_mean(pool, known.iter().copied());
            merged.warnings.push(Diagnostic::warning(format!(
                "`{field}` names the {} `{pool}`, which does not exist{near}",
                merged.set.kind.word()
            )));
        }
    }
    Ok(merged)
}
