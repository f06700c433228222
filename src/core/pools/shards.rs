//! Shards: the Services of `spec.shards`. Every node of the cluster is behind each of them.

use std::collections::{BTreeMap, BTreeSet};

use crate::core::kubernetes::node::Node;
use crate::core::lock::{Lock, PoolKind};
use crate::core::platform::{Derived, Platform};
use crate::core::pools::backend::{FOREIGN, Names, foreign, is_unfit, no_backend, not_excluded, unfit};
use crate::core::pools::discover::candidates;
use crate::core::pools::{Discovered, MergeOptions, Merged, Observed, Pool, PoolReport, PoolState, Shrink};
use crate::core::report::diagnostic::{Checked, Diagnostic};
use crate::core::report::plural::{first_of, plural};
use crate::core::report::shell_quote;
use crate::core::report::suggest::did_you_mean;

/// Returns the names of shards: `shard-1`, `shard-2` and so on.
pub fn shard_names(count: u32) -> impl Iterator<Item = String> {
    (1..=count).map(|number| format!("shard-{number}"))
}

/// Discovers the nodes behind each shard: all that a load balancer may use.
///
/// # Errors
///
/// The node list is empty or of another platform, or the cluster has only control-plane nodes.
pub(super) fn discover_shards(nodes: &[Node], platform: &Platform, count: u32) -> Checked<Discovered> {
    candidates(nodes, platform)?;
    let known = platform.spec.recognize.provider_ids();
    let mut seen = Observed::default();
    let mut strangers = Names::default();
    let mut registered = Vec::new();
    for node in nodes {
        match no_backend(node, platform, &known) {
            None => {
                registered.push(node);
                seen.see(node, Derived::Unknown, platform.spec.takes_control_plane());
            }
            Some(because) => {
                // If the platform refuses such a node, its controller takes it all the same.
                match because {
                    FOREIGN if is_unfit(node, platform) => registered.push(node),
                    FOREIGN => strangers.add(&node.name),
                    _ => {}
                }
                *seen.left_out.entry(because.to_owned()).or_default() += 1;
            }
        }
    }
    let mut discovered = Discovered::default();
    discovered.nodes.all = nodes.len();
    discovered.nodes.backends = seen.backends;
    discovered.warnings.extend(not_excluded(nodes, platform));
    discovered.warnings.extend(unfit(&registered, platform));
    discovered.warnings.extend(foreign(&strangers, platform, &known));
    discovered.pools = shard_names(count).map(|name| (name, seen.clone())).collect();
    Ok(discovered)
}

/// Merges the shards of the spec with those in the lock.
///
/// # Errors
///
/// The lock has a Service for a pool or a shard that the spec no longer has, and `--forget` does not name it; or `--forget` names one
/// that stays.
pub(super) fn merge_shards(
    count: u32,
    discovered: &Discovered,
    lock: Option<&Lock>,
    options: &MergeOptions,
) -> Checked<Merged> {
    let wanted: Vec<String> = shard_names(count).collect();
    let mut problems: Vec<Diagnostic> = options.new_pools.iter().map(|name| no_new_pool(name)).collect();
    let named = options.forget.iter().filter_map(|name| cannot_forget(name, count, &wanted, lock));
    problems.extend(named);
    let mut merged = Merged {
        warnings: discovered.warnings.clone(),
        nodes: Some(discovered.nodes),
        ..of_shards(&wanted, Some(discovered), lock)
    };
    let gone = gone(lock, &wanted, &options.forget);
    if let Some(problem) = leaving(&gone, count) {
        match options.shrink {
            Shrink::Warn => merged.warnings.push(problem.into_warning()),
            Shrink::Refuse | Shrink::Accept => problems.push(problem),
        }
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    if let Some(seen) = discovered.pools.values().next().filter(|seen| seen.backends == 0) {
        let reasons: Vec<String> =
            seen.left_out.iter().map(|(why, count)| format!("{count} {why}")).collect();
        let message = format!("the shards have no backends: all nodes are left out ({})", reasons.join(", "));
        merged.warnings.push(Diagnostic::warning(message));
    }
    let forgotten = lock.into_iter().flat_map(|lock| &lock.pools);
    for (value, locked) in forgotten.filter(|(value, _)| !wanted.contains(value)) {
        let pool =
            Pool { value: value.clone(), name: locked.name.clone(), is_locked: true, ..Pool::default() };
        let observed = Some(Observed::default());
        let state = if options.forget.contains(value) { PoolState::Forgotten } else { PoolState::Kept };
        merged.reports.push(PoolReport { pool, state, observed, owners: Vec::new() });
    }
    Ok(merged)
}

/// Returns the shards of the spec without reading nodes.
///
/// # Errors
///
/// The lock has a Service for a pool or a shard that the spec no longer has.
pub(super) fn merge_locked_shards(count: u32, lock: &Lock) -> Checked<Merged> {
    let wanted: Vec<String> = shard_names(count).collect();
    match leaving(&gone(Some(lock), &wanted, &[]), count) {
        Some(problem) => Err(problem.into()),
        None => Ok(of_shards(&wanted, None, Some(lock))),
    }
}

/// Refuses shards in the lock of a spec without shards, except those in `forget`.
pub(super) fn shards_in_lock(lock: Option<&Lock>, forget: &[String]) -> Option<Diagnostic> {
    let is_left = |value: &str| forget.iter().all(|name| name != value);
    let pools = lock.into_iter().flat_map(|lock| &lock.pools);
    let shards = pools.filter(|(value, pool)| pool.kind == PoolKind::Shard && is_left(value));
    let shards: Vec<&str> = in_order(shards.map(|(value, _)| value.as_str()));
    let count = shards.len();
    (count > 0).then(|| {
        Diagnostic::refusal(format!(
            "the lock file has {} ({}), and `spec.shards` is not set: their Services would lose their addresses",
            plural(count, "shard"),
            first_of(&shards)
        ))
        .hint(format!("set `spec.shards: {count}`; {}", forget_all(&shards)))
    })
}

fn of_shards(wanted: &[String], discovered: Option<&Discovered>, lock: Option<&Lock>) -> Merged {
    let mut merged = Merged::default();
    merged.set.kind = PoolKind::Shard;
    for value in wanted {
        let locked = lock.and_then(|lock| lock.pools.get(value));
        let pool = Pool {
            value: value.clone(),
            name: value.clone(),
            load_balancer: value.clone(),
            is_locked: locked.is_some_and(|pool| pool.kind == PoolKind::Shard),
            ..Pool::default()
        };
        let observed = discovered.and_then(|discovered| discovered.pools.get(value)).cloned();
        let state = match &observed {
            None => PoolState::Kept,
            Some(seen) if seen.backends == 0 => PoolState::Empty,
            Some(_) => PoolState::Present,
        };
        merged.set.pools.push(pool.clone());
        merged.reports.push(PoolReport { pool, state, observed, owners: Vec::new() });
    }
    merged
}

/// Returns what the lock has and the spec no longer has, by kind.
fn gone<'a>(
    lock: Option<&'a Lock>,
    wanted: &[String],
    forget: &[String],
) -> BTreeMap<PoolKind, Vec<&'a str>> {
    let stays: BTreeSet<&String> = wanted.iter().chain(forget).collect();
    let mut gone: BTreeMap<PoolKind, Vec<&str>> = BTreeMap::new();
    for (value, pool) in lock.into_iter().flat_map(|lock| &lock.pools) {
        // A pool may have the name of a shard.
        let is_other = pool.kind != PoolKind::Shard && !forget.contains(value);
        if is_other || !stays.contains(value) {
            gone.entry(pool.kind).or_default().push(value);
        }
    }
    gone
}

fn leaving(gone: &BTreeMap<PoolKind, Vec<&str>>, count: u32) -> Option<Diagnostic> {
    if let Some(pools) = gone.get(&PoolKind::Nodes) {
        return Some(
            Diagnostic::refusal(format!(
                "the lock file has {} ({}), and `spec.shards` renders Services without pools: the Services of the pools would lose their addresses",
                plural(pools.len(), "pool"),
                first_of(pools)
            ))
            .hint(format!(
                "to keep them, remove `spec.shards`, or set it in another spec with its own output directory; {}",
                forget_all(pools)
            )),
        );
    }
    let shards = in_order(gone.get(&PoolKind::Shard)?.iter().copied());
    let locked = count as usize + shards.len();
    Some(
        Diagnostic::refusal(format!(
            "`spec.shards` is {count}, and the lock file also has {}, with Services that would lose their addresses",
            first_of(&shards)
        ))
        .hint(format!("set `spec.shards: {locked}`; {}", forget_all(&shards))),
    )
}

/// Returns the end of a hint: how to remove the Services on purpose.
fn forget_all(values: &[&str]) -> String {
    const NAMED: usize = 20;
    let flags: String =
        values.iter().take(NAMED).map(|value| format!(" --forget {}", shell_quote::word(value))).collect();
    let more = if values.len() > NAMED { " and so on" } else { "" };
    format!("to remove their Services, `kubectl largescale render{flags}`{more}")
}

fn cannot_forget(name: &str, count: u32, wanted: &[String], lock: Option<&Lock>) -> Option<Diagnostic> {
    let locked = lock.and_then(|lock| lock.pools.get(name));
    if wanted.iter().any(|shard| shard == name) && locked.is_none_or(|pool| pool.kind == PoolKind::Shard) {
        let message = format!("{name} is one of the {} of the spec", plural(wanted.len(), "shard"));
        let last = format!("lower `spec.shards`, which is {count}: the last shards leave");
        let hint = format!("{last}; `spec.dns.drain` takes one of them out of DNS only");
        return Some(Diagnostic::error(message).hint(hint));
    }
    let known =
        || wanted.iter().chain(lock.into_iter().flat_map(|lock| lock.pools.keys())).map(String::as_str);
    locked.is_none().then(|| {
        let near = did_you_mean(name, known());
        Diagnostic::error(format!("shard `{name}` not found{near}"))
            .hint("list the shards with `kubectl largescale pools`")
    })
}

fn no_new_pool(name: &str) -> Diagnostic {
    Diagnostic::error(format!(
        "--new-pool {name} is about pools, and `spec.shards` renders Services without pools"
    ))
    .hint("leave out --new-pool")
}

/// Sorts by number, as a user counts.
fn in_order<'a>(names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut names: Vec<&str> = names.collect();
    names.sort_by_key(|name| (name.len(), *name));
    names
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::lock::LockedPool;

    fn lock(pools: &[(&str, PoolKind)]) -> Lock {
        let entry = |(name, kind): &(&str, PoolKind)| {
            let pool = LockedPool { name: (*name).to_owned(), kind: *kind, ..LockedPool::default() };
            ((*name).to_owned(), pool)
        };
        Lock { pools: pools.iter().map(entry).collect(), ..Lock::default() }
    }

    fn shards(numbers: &[u32]) -> Lock {
        let names: Vec<String> = numbers.iter().map(|number| format!("shard-{number}")).collect();
        lock(&names.iter().map(|name| (name.as_str(), PoolKind::Shard)).collect::<Vec<_>>())
    }

    fn discovered(count: u32, backends: usize) -> Discovered {
        let seen = Observed { backends, ready: backends, ..Observed::default() };
        Discovered {
            pools: shard_names(count).map(|name| (name, seen.clone())).collect(),
            ..Discovered::default()
        }
    }

    fn merged(count: u32, lock: Option<&Lock>, forget: &[&str]) -> Result<String, String> {
        let forget = forget.iter().map(|name| (*name).to_owned()).collect();
        let options = MergeOptions { forget, ..MergeOptions::default() };
        let merged = merge_shards(count, &discovered(count, 3), lock, &options);
        let merged = merged.map_err(|problems| problems.first().unwrap().message.clone())?;
        let states =
            merged.reports.iter().map(|report| format!("{} {}", report.pool.value, report.state.word()));
        Ok(states.collect::<Vec<_>>().join(", "))
    }

    #[test]
    fn shards_are_numbered_and_have_every_node() {
        assert_eq!(merged(2, None, &[]).unwrap(), "shard-1 present, shard-2 present");
        let ten = merge_shards(10, &discovered(10, 3), None, &MergeOptions::default()).unwrap();
        assert_eq!(ten.set.pools[9].value, "shard-10");
        assert!(ten.reports.iter().all(|report| report.observed.as_ref().unwrap().backends == 3));
        let empty = merge_shards(1, &discovered(1, 0), None, &MergeOptions::default()).unwrap();
        assert_eq!((empty.reports[0].state, empty.warnings.len()), (PoolState::Empty, 1));
    }

    #[test]
    fn a_shard_leaves_only_if_the_user_forgets_it() {
        let five = shards(&[1, 2, 3, 4, 5]);
        assert_eq!(
            merged(3, Some(&five), &[]).unwrap_err(),
            "`spec.shards` is 3, and the lock file also has shard-4, shard-5, with Services that would lose their addresses"
        );
        assert!(merged(3, Some(&five), &["shard-5"]).is_err());
        assert_eq!(
            merged(3, Some(&five), &["shard-5", "shard-4"]).unwrap(),
            "shard-1 present, shard-2 present, shard-3 present, shard-4 forgotten, shard-5 forgotten"
        );
        assert_eq!(
            merged(5, Some(&five), &["shard-2"]).unwrap_err(),
            "shard-2 is one of the 5 shards of the spec"
        );
        assert_eq!(
            merged(5, Some(&five), &["shard-22"]).unwrap_err(),
            "shard `shard-22` not found, did you mean `shard-2`?"
        );
        assert_eq!(merge_locked_shards(6, &five).unwrap().set.pools.len(), 6);
        assert!(merge_locked_shards(4, &five).is_err());
    }

    #[test]
    fn a_lock_of_pools_is_refused_and_one_of_shards_too() {
        let pools = lock(&[("a", PoolKind::Nodes), ("shard-1", PoolKind::Nodes)]);
        assert_eq!(
            merged(2, Some(&pools), &[]).unwrap_err(),
            "the lock file has 2 pools (a, shard-1), and `spec.shards` renders Services without pools: the Services of the pools would lose their addresses"
        );
        assert!(merged(2, Some(&pools), &["a"]).is_err(), "a pool is named as a shard is");
        assert!(merged(2, Some(&pools), &["a", "shard-1"]).is_ok());
        let hint = shards_in_lock(Some(&shards(&[2, 10])), &[]).unwrap().hint.unwrap();
        assert_eq!(
            hint,
            "set `spec.shards: 2`; to remove their Services, `kubectl largescale render --forget shard-2 --forget shard-10`"
        );
        // A lock under review may have any name.
        let hostile = lock(&[("a; rm -r x", PoolKind::Nodes)]);
        let hint = merge_locked_shards(2, &hostile).unwrap_err()[0].hint.clone().unwrap();
        assert!(hint.ends_with("render --forget 'a; rm -r x'`"), "{hint}");
        assert!(shards_in_lock(Some(&pools), &[]).is_none());
        assert!(shards_in_lock(Some(&shards(&[1])), &["shard-1".to_owned()]).is_none());
    }

    #[test]
    fn commands_that_write_nothing_warn() {
        let options = MergeOptions { shrink: Shrink::Warn, ..MergeOptions::default() };
        let merged = merge_shards(1, &discovered(1, 3), Some(&shards(&[1, 2])), &options).unwrap();
        assert_eq!((merged.set.pools.len(), merged.warnings.len(), merged.reports.len()), (1, 1, 2));
    }
}
