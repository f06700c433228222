//! Merges the discovered pools, the pools in the lock file and the spec into the pools that are rendered.
//!
//! A pool without nodes is not removed unless the user removes it.

use std::collections::{BTreeMap, BTreeSet};

use glob::Pattern;

use crate::core::lock::Lock;
use crate::core::pools::backend::hint_for;
use crate::core::pools::pool_names::PoolNames;
use crate::core::pools::{Discovered, NodeCount, Observed, Pool, PoolSet, VmSetEvidence};
use crate::core::report::diagnostic::{Checked, Diagnostic, Severity};
use crate::core::report::plural::plural;
use crate::core::report::suggest::did_you_mean;
use crate::core::spec::{Spec, WhenEmpty};
use crate::core::yaml;

/// What the user requests on the command line.
#[derive(Clone, Debug, Default)]
pub struct MergeOptions {
    /// Pools to remove, by value.
    pub forget: Vec<String>,
    /// What to do if a discovery lost more than half of the pools.
    pub shrink: Shrink,
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
pub fn merge(
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
    let declared: BTreeSet<&str> = spec.pools.declare.iter().map(|pool| pool.name.as_str()).collect();

    let mut values: BTreeSet<&str> = discovered.pools.keys().map(String::as_str).collect();
    values.extend(&declared);
    values.extend(locked.into_iter().flatten().map(|(value, _)| value.as_str()));
    let mut problems = Vec::new();
    for name in &options.forget {
        problems.extend(cannot_forget(name, discovered, &declared, &values));
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    let remembered: Vec<&str> = locked
        .into_iter()
        .flatten()
        .map(|(value, _)| value.as_str())
        .filter(|value| {
            chosen.takes(value) && !declared.contains(value) && !options.forget.iter().any(|f| f == value)
        })
        .collect();
    if let Some(problem) = shrunk(&remembered, discovered) {
        match options.shrink {
            Shrink::Refuse => return Err(problem.into()),
            Shrink::Warn => merged.warnings.push(Diagnostic { severity: Severity::Warning, ..problem }),
            Shrink::Accept => {}
        }
    }

    let pool_names = PoolNames::of(spec, lock, &values);
    let mut without_service = Vec::new();
    for value in values {
        let observed = discovered.pools.get(value);
        let has_backends = observed.is_some_and(|seen| seen.backends > 0);
        let was_locked = locked.is_some_and(|pools| pools.contains_key(value));
        let stays = chosen.takes(value)
            && !options.forget.iter().any(|f| f == value)
            && (has_backends
                || declared.contains(value)
                || was_locked && spec.pools.when_empty != WhenEmpty::Remove);
        let state = match (stays, has_backends) {
            (true, true) => PoolState::Present,
            (true, false) if observed.is_some() || declared.contains(value) => PoolState::Empty,
            (true, false) => PoolState::Kept,
            (false, _) if was_locked => PoolState::Forgotten,
            (false, _) => {
                if let Some(seen) = observed.filter(|_| chosen.takes(value)) {
                    without_service.push((value, left_out(value, seen)));
                }
                continue;
            }
        };
        match observed {
            Some(seen) if state == PoolState::Empty && seen.nodes() > 0 => {
                merged.warnings.push(no_backends(value, seen));
            }
            Some(seen) if state == PoolState::Present && lock.is_some() && !was_locked => {
                merged.warnings.extend(new_control_plane(value, seen));
            }
            _ => {}
        }
        let mut pool = pool(spec, value, observed, lock, &pool_names, &mut merged.warnings);
        pool.withdrawn = state != PoolState::Present && spec.pools.when_empty == WhenEmpty::Withdraw;
        if stays {
            merged.set.pools.push(pool.clone());
        }
        merged.reports.push(PoolReport {
            pool,
            state,
            observed: Some(observed.cloned().unwrap_or_default()),
        });
    }
    if merged.set.pools.is_empty() && !without_service.is_empty() {
        let is_wrong = |problem| Diagnostic { severity: Severity::Error, ..problem };
        return Err(without_service.into_iter().map(|(_, problem)| is_wrong(problem)).collect());
    }
    merged.warnings.extend(without_service.into_iter().map(|(value, problem)| {
        let way_out = format!("if this is intended, set `spec.pools.exclude: [{}]`", scalar(value));
        let hint = problem.hint.as_ref().map_or_else(|| way_out.clone(), |hint| format!("{hint}; {way_out}"));
        problem.hint(hint)
    }));
    finish(spec, merged)
}

/// Returns the pools in the lock, without reading nodes.
pub fn merge_locked(spec: &Spec, lock: &Lock) -> Checked<Merged> {
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
    let pool_names = PoolNames::of(spec, Some(lock), &values);
    for value in values.into_iter().filter(|value| chosen.takes(value)) {
        let mut pool = pool(spec, value, None, Some(lock), &pool_names, &mut merged.warnings);
        // A pool that is not in the lock was declared and never discovered.
        pool.withdrawn = spec.pools.when_empty == WhenEmpty::Withdraw
            && lock.pools.get(value).is_none_or(|locked| locked.empty);
        merged.set.pools.push(pool.clone());
        merged.reports.push(PoolReport { pool, state: PoolState::Kept, observed: None });
    }
    finish(spec, merged)
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

fn cannot_forget(
    name: &str,
    discovered: &Discovered,
    declared: &BTreeSet<&str>,
    values: &BTreeSet<&str>,
) -> Option<Diagnostic> {
    if !values.contains(name) {
        let near = did_you_mean(name, values.iter().copied());
        return Some(
            Diagnostic::error(format!("pool `{name}` not found{near}"))
                .hint("list the pools with `kubectl largescale pools`"),
        );
    }
    if let Some(seen) = discovered.pools.get(name).filter(|seen| seen.backends > 0) {
        return Some(
            Diagnostic::error(format!(
                "the pool {name} still has {}, so the next render would add it again",
                plural(seen.backends, "node")
            ))
            .hint(format!("to exclude it permanently: `spec.pools.exclude: [{name}]`")),
        );
    }
    declared.contains(name).then(|| {
        Diagnostic::error(format!("the pool {name} is declared in `spec.pools.declare`"))
            .hint("remove it there")
    })
}

fn shrunk(remembered: &[&str], discovered: &Discovered) -> Option<Diagnostic> {
    let gone: Vec<&str> = remembered
        .iter()
        .copied()
        .filter(|value| discovered.pools.get(*value).is_none_or(|seen| seen.backends == 0))
        .collect();
    if gone.len() * 2 <= remembered.len() {
        return None;
    }
    let shown = gone.iter().take(5).copied().collect::<Vec<_>>().join(", ");
    let more = if gone.len() > 5 { format!(" and {} more", gone.len() - 5) } else { String::new() };
    Some(Diagnostic::refusal(format!("{} of {} known pools have no nodes ({shown}{more}); refusing to drop more than half at once", gone.len(), remembered.len()))
        .hint("check that this is the right cluster and a complete node list; to proceed, use --allow-shrink, or declare pools that often have no nodes in `spec.pools.declare`"))
}

/// Reports a pool that gets no Service, because none of its nodes is a backend.
fn left_out(value: &str, seen: &Observed) -> Diagnostic {
    let message =
        format!("the pool {value} gets no Service: none of its nodes is a backend ({})", reasons(seen));
    with_hints(Diagnostic::warning(message), seen)
}

/// Reports a pool that keeps its Service, although none of its nodes is a backend.
fn no_backends(value: &str, seen: &Observed) -> Diagnostic {
    let message = format!("the pool {value} has no backends: all its nodes are left out ({})", reasons(seen));
    with_hints(Diagnostic::warning(message), seen)
}

fn reasons(seen: &Observed) -> String {
    seen.left_out.iter().map(|(why, count)| format!("{count} {why}")).collect::<Vec<_>>().join(", ")
}

fn with_hints(problem: Diagnostic, seen: &Observed) -> Diagnostic {
    let hints: Vec<String> = seen.left_out.keys().filter_map(|why| hint_for(why)).collect();
    if hints.is_empty() { problem } else { problem.hint(hints.join("; ")) }
}

/// Reports a pool of control-plane nodes that is not in the lock: earlier versions left such nodes out on every platform.
fn new_control_plane(value: &str, seen: &Observed) -> Option<Diagnostic> {
    (seen.control_plane == seen.backends).then(|| {
        Diagnostic::warning(format!(
            "the pool {value} is new, and all its backends are control-plane nodes ({}), which load balancers of this platform use",
            seen.backends
        ))
        .hint(format!("to give it no load balancer: `spec.pools.exclude: [{}]`", scalar(value)))
    })
}

/// Formats a value for a YAML list.
fn scalar(value: &str) -> String {
    yaml::write_plain(&value).trim_end().to_owned()
}

fn pool(
    spec: &Spec,
    value: &str,
    observed: Option<&Observed>,
    lock: Option<&Lock>,
    pool_names: &PoolNames<'_>,
    warnings: &mut Vec<Diagnostic>,
) -> Pool {
    let locked = lock.and_then(|lock| lock.pools.get(value)).and_then(|pool| pool.vm_set.as_deref());
    let (derived, problem) = derive(value, observed);
    let is_unknown = observed.is_none_or(|seen| seen.vm_sets.is_empty() && seen.other_pool.is_none());
    let vm_set_evidence = match &derived {
        Some(_) if observed.is_some_and(|seen| seen.unverified.is_empty()) => VmSetEvidence::Shown,
        Some(_) => VmSetEvidence::None,
        None if is_unknown => VmSetEvidence::None,
        None => VmSetEvidence::Unclear,
    };
    if let Some(seen) = observed {
        for title in &seen.unverified {
            warnings.push(
                Diagnostic::warning(format!(
                    "the pool {value}: its VM set {} was derived with an unverified rule: {title}",
                    derived.clone().unwrap_or_default()
                ))
                .hint(format!("check the name, and set it: `spec.pools.vmSets: {{{value}: NAME}}`")),
            );
        }
    }
    let given = spec.pools.vm_sets.get(value);
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
    let name = pool_names.name(value);
    Pool {
        value: value.to_owned(),
        vm_set,
        vm_set_evidence,
        vm_set_problem: problem.unwrap_or_else(|| format!("the VM set of the pool {value} is unknown")),
        load_balancer: spec.pools.load_balancers.get(value).unwrap_or(&name).clone(),
        name,
        withdrawn: false,
    }
}

/// Returns the VM set that all nodes of a pool agree on, or the reason why there is none.
fn derive(value: &str, observed: Option<&Observed>) -> (Option<String>, Option<String>) {
    let Some(seen) = observed else { return (None, None) };
    if let Some((node, named)) = &seen.other_pool {
        return (
            None,
            Some(format!("the name of node {node} contains pool {named}, but its label is {value}")),
        );
    }
    // The names of scale sets may differ in case from node to node: ARM does not preserve case.
    let mut names: Vec<&String> = seen.vm_sets.keys().collect();
    names.dedup_by(|a, b| a.eq_ignore_ascii_case(b));
    match (names.as_slice(), &seen.unknown_vm_set) {
        ([], None) => (None, None),
        ([], Some(node)) => (
            None,
            Some(format!("no rule of the platform matches the VM set of the pool {value} (node {node})")),
        ),
        ([one], None) => (Some((*one).clone()), None),
        ([one], Some(node)) => (
            None,
            Some(format!(
                "some nodes of the pool {value} are in {one}, but no rule matches the VM set of node {node}"
            )),
        ),
        (several, _) => {
            let list: Vec<_> = several
                .iter()
                .map(|name| format!("{name} ({})", plural(seen.vm_sets[*name], "node")))
                .collect();
            (None, Some(format!("the nodes of the pool {value} are in several VM sets: {}", list.join(", "))))
        }
    }
}

/// Checks the pools together.
fn finish(spec: &Spec, mut merged: Merged) -> Checked<Merged> {
    if merged.set.pools.is_empty() {
        return Err(Diagnostic::error("no pools to render")
            .hint("check `spec.pools.include` and `spec.pools.exclude`; list the pools with `kubectl largescale pools`")
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
        if !known.contains(&pool.as_str()) {
            let near = did_you_mean(pool, known.iter().copied());
            merged.warnings.push(Diagnostic::warning(format!(
                "`{field}` names the pool `{pool}`, which does not exist{near}"
            )));
        }
    }
    Ok(merged)
}
