//! Merges the locks of two branches, as git merges their files: against the lock that both began with.

use std::collections::{BTreeMap, BTreeSet};

use crate::core::lock::{Lock, LockedPool, Version};
use crate::core::report::diagnostic::{Checked, Diagnostic};

/// A branch of a merge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Branch {
    /// The branch that git merges into.
    Ours,
    /// The other one.
    Theirs,
}

/// The locks of two branches.
#[derive(Clone, Copy, Debug)]
pub struct Branches<'a> {
    /// The lock that both branches began with, if it can be read.
    pub base: Option<&'a Lock>,
    /// The lock of the branch that git merges into.
    pub ours: &'a Lock,
    /// The lock of the other branch.
    pub theirs: &'a Lock,
    /// The branch whose lock the user chose. It decides about a pool that both changed.
    pub chosen: Option<Branch>,
}

/// Merges the locks of two branches. A pool that one branch removed is removed, and a pool that one branch added stays. The
/// result accepts the files of both branches.
///
/// # Errors
///
/// The branches disagree on a fact that names live objects: the cluster, the platform, the label, the name or the id.
pub fn merge(branches: Branches<'_>) -> Checked<Lock> {
    let Branches { base, ours, theirs, chosen } = branches;
    let mut problems = differences(ours, theirs);
    let mut pools = BTreeMap::new();
    let values: BTreeSet<&String> = ours.pools.keys().chain(theirs.pools.keys()).collect();
    for value in values {
        let of = |lock: Option<&Lock>| lock.and_then(|lock| lock.pools.get(value)).cloned();
        let merged = match (base, chosen) {
            // Without a beginning, a pool of one branch was added there or removed in the other: a kept pool loses no address.
            (None, Some(_)) if of(Some(ours)).is_none() || of(Some(theirs)).is_none() => {
                Ok(of(Some(ours)).or_else(|| of(Some(theirs))))
            }
            _ => merge_pool(value, base.is_some(), of(base), of(Some(ours)), of(Some(theirs)))
                .or_else(|problem| chosen.map(|branch| of(Some(branches.of(branch)))).ok_or(problem)),
        };
        match merged {
            Ok(Some(pool)) => drop(pools.insert(value.clone(), pool)),
            Ok(None) => {}
            Err(problem) => problems.push(problem),
        }
    }
    problems.extend(same_names(&mut pools, chosen.map(|branch| &branches.of(branch).pools)));
    if !problems.is_empty() {
        return Err(problems);
    }
    let sides = [&ours.pending, &theirs.files, &theirs.pending];
    Ok(Lock {
        version: if [ours, theirs].iter().all(|lock| lock.version == Version::One) {
            Version::One
        } else {
            Version::Two
        },
        // One of both is of version 1, or its nodes came from a file.
        id: ours.id.clone().or_else(|| theirs.id.clone()),
        set: ours.set.clone().or_else(|| theirs.set.clone()),
        cluster: ours.cluster.clone().or_else(|| theirs.cluster.clone()),
        platform: ours.platform.clone(),
        label: ours.label.clone(),
        gateway_classes: ours
            .gateway_classes
            .iter()
            .chain(&theirs.gateway_classes)
            .map(|(name, it)| (name.clone(), it.clone()))
            .collect(),
        pools,
        rendered: ours.rendered.union(&theirs.rendered).cloned().collect(),
        files: ours.files.clone(),
        pending: BTreeMap::new(),
        sides: sides
            .into_iter()
            .chain(&ours.sides)
            .chain(&theirs.sides)
            .filter(|it| !it.is_empty())
            .cloned()
            .collect(),
        accepted: ours.accepted.iter().chain(&theirs.accepted).cloned().collect(),
    })
}

/// Adds the pools that another lock of the same directory has, and accepts its files. Nothing is removed.
///
/// # Errors
///
/// As [`merge`], except that the pools of `lock` win.
pub fn add_pools(lock: &Lock, other: &Lock) -> Checked<Lock> {
    // As if only `lock` had changed the pools that both have.
    let both = other.pools.iter().filter(|(value, _)| lock.pools.contains_key(*value));
    let base =
        Lock { pools: both.map(|(value, pool)| (value.clone(), pool.clone())).collect(), ..lock.clone() };
    let chosen = Some(Branch::Ours);
    merge(Branches { base: Some(&base), ours: lock, theirs: &without_removals(other), chosen })
}

/// Returns a lock whose files a render may replace, but not remove.
pub fn without_removals(lock: &Lock) -> Lock {
    let files = [&lock.files, &lock.pending].into_iter().chain(&lock.sides).chain(&lock.accepted);
    Lock {
        accepted: files.filter(|files| !files.is_empty()).cloned().collect(),
        files: BTreeMap::new(),
        pending: BTreeMap::new(),
        sides: Vec::new(),
        ..lock.clone()
    }
}

impl<'a> Branches<'a> {
    /// Returns the lock of a branch.
    pub fn of(&self, branch: Branch) -> &'a Lock {
        match branch {
            Branch::Ours => self.ours,
            Branch::Theirs => self.theirs,
        }
    }
}

/// Returns the facts in which two locks differ. A lock without the fact agrees with the other one.
fn differences(ours: &Lock, theirs: &Lock) -> Vec<Diagnostic> {
    let set = |lock: &Lock| lock.set.as_ref().map(ToString::to_string);
    let id = |lock: &Lock| lock.id.as_ref().map(ToString::to_string);
    let facts = [
        ("id", id(ours), id(theirs)),
        ("set", set(ours), set(theirs)),
        ("platform", Some(ours.platform.clone()), Some(theirs.platform.clone())),
        ("cluster", ours.cluster.clone(), theirs.cluster.clone()),
        ("label", Some(ours.label.clone()), Some(theirs.label.clone())),
    ];
    let classes = ours.gateway_classes.iter().map(|(name, controller)| {
        let theirs = theirs.gateway_classes.get(name).cloned();
        ("gatewayClasses", Some(format!("{name}: {controller}")), theirs.map(|it| format!("{name}: {it}")))
    });
    let differing = facts.into_iter().chain(classes).filter_map(|(name, ours, theirs)| {
        let (ours, theirs) = (ours?, theirs?);
        (ours != theirs).then(|| {
            Diagnostic::refusal(format!(
                "the locks of the two branches cannot be merged: `{name}` is {ours} in one and {theirs} in the other"
            ))
        })
    });
    differing.collect()
}

fn merge_pool(
    value: &str,
    has_base: bool,
    base: Option<LockedPool>,
    ours: Option<LockedPool>,
    theirs: Option<LockedPool>,
) -> Result<Option<LockedPool>, Diagnostic> {
    let conflict = |what: &str| {
        Diagnostic::refusal(format!("the locks of the two branches cannot be merged: pool `{value}` {what}"))
    };
    let (ours, theirs) = match (ours, theirs) {
        (Some(ours), Some(theirs)) => (ours, theirs),
        (Some(only), None) | (None, Some(only)) => {
            return match base {
                None if has_base => Ok(Some(only)),
                None => Err(conflict("is in one of them, and the lock that both began with cannot be read")),
                Some(base) if base.name == only.name && base.vm_set == only.vm_set => Ok(None),
                Some(_) => Err(conflict("was removed in one, and has another name or VM set in the other")),
            };
        }
        (None, None) => return Ok(None),
    };
    let field =
        |base: Option<Option<String>>, ours: Option<String>, theirs: Option<String>, what: &str| match base {
            _ if ours == theirs => Ok(ours),
            Some(base) if base == ours => Ok(theirs),
            Some(base) if base == theirs => Ok(ours),
            _ => Err(conflict(&format!(
                "has the {what} {} in one and {} in the other",
                ours.unwrap_or_else(|| "none".to_owned()),
                theirs.unwrap_or_else(|| "none".to_owned())
            ))),
        };
    let base = base.as_ref();
    let name = field(base.map(|it| Some(it.name.clone())), Some(ours.name), Some(theirs.name), "name")?;
    let vm_set = field(base.map(|it| it.vm_set.clone()), ours.vm_set, theirs.vm_set, "VM set")?;
    // Without a base, the pool keeps its Service: the nodes decide at the next render.
    let empty = match base {
        _ if ours.empty == theirs.empty => ours.empty,
        Some(base) => !base.empty,
        None => false,
    };
    if ours.kind != theirs.kind {
        return Err(conflict("is a pool in one and a shard in the other"));
    }
    Ok(Some(LockedPool { name: name.unwrap_or_default(), vm_set, empty, kind: ours.kind }))
}

/// Two branches may give one name to two pools: their Services would be the same object. The chosen branch keeps the name, and
/// the pool of the other one gets a new name when it has nodes.
fn same_names(
    pools: &mut BTreeMap<String, LockedPool>,
    chosen: Option<&BTreeMap<String, LockedPool>>,
) -> Vec<Diagnostic> {
    if let Some(chosen) = chosen {
        let taken: BTreeSet<&String> = chosen.values().map(|pool| &pool.name).collect();
        pools.retain(|value, pool| chosen.contains_key(value) || !taken.contains(&pool.name));
    }
    let mut first: BTreeMap<&str, &str> = BTreeMap::new();
    let mut problems = Vec::new();
    for (value, pool) in &*pools {
        if let Some(other) = first.insert(&pool.name, value) {
            problems.push(Diagnostic::refusal(format!(
                "the locks of the two branches cannot be merged: the pools `{other}` and `{value}` both have the name {}",
                pool.name
            )));
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads pools from `VALUE[=NAME][/VMSET][!]`, with `!` for an empty one.
    fn lock(pools: &str) -> Lock {
        let pool = |text: &str| {
            let (text, empty) = text.strip_suffix('!').map_or((text, false), |text| (text, true));
            let (text, vm_set) =
                text.split_once('/').map_or((text, None), |(text, set)| (text, Some(set.to_owned())));
            let (value, name) = text.split_once('=').unwrap_or((text, text));
            (value.to_owned(), LockedPool { name: name.to_owned(), vm_set, empty, ..LockedPool::default() })
        };
        Lock { pools: pools.split_whitespace().map(pool).collect(), ..crate::core::lock::tests::lock() }
    }

    fn text(lock: &Lock) -> String {
        let pool = |(value, pool): (&String, &LockedPool)| {
            let name = if *value == pool.name { String::new() } else { format!("={}", pool.name) };
            let vm_set = pool.vm_set.as_ref().map(|set| format!("/{set}")).unwrap_or_default();
            format!("{value}{name}{vm_set}{}", if pool.empty { "!" } else { "" })
        };
        lock.pools.iter().map(pool).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn pools_merge_like_lines() {
        for (base, ours, theirs, expected) in [
            ("a", "a", "a", "a"),
            ("a", "a b", "a", "a b"),
            ("a", "a b", "a c", "a b c"),
            ("a b", "a", "a b", "a"),
            ("a b", "a", "a b c", "a c"),
            ("a b", "b", "a", ""),
            ("a b", "a", "a", "a"),
            ("a", "a!", "a", "a!"),
            ("a!", "a", "a!", "a"),
            ("a", "a!", "a!", "a!"),
            ("a b", "a", "a b!", "a"),
            ("a", "a=x", "a", "a=x"),
            ("a", "a/1", "a", "a/1"),
            ("a", "a/1", "a/1", "a/1"),
            ("", "a", "a", "a"),
            ("", "a!", "a", "a"),
            ("a", "a=x", "a=y", "pool `a` has the name x in one and y in the other"),
            ("a/1", "a/2", "a/3", "pool `a` has the VM set 2 in one and 3 in the other"),
            ("a/1", "a", "a/3", "pool `a` has the VM set none in one and 3 in the other"),
            (
                "a b/1",
                "a",
                "a b/2",
                "pool `b` was removed in one, and has another name or VM set in the other",
            ),
            ("", "a=x", "b=x", "the pools `a` and `b` both have the name x"),
        ] {
            for (ours, theirs) in [(ours, theirs), (theirs, ours)] {
                let [base, ours, theirs] = [base, ours, theirs].map(lock);
                let found =
                    match merge(Branches { base: Some(&base), ours: &ours, theirs: &theirs, chosen: None }) {
                        Ok(merged) => text(&merged),
                        Err(problems) => problems[0]
                            .message
                            .replace("the locks of the two branches cannot be merged: ", ""),
                    };
                // The message names our value first.
                let swapped = |text: &str| {
                    text.split_once(" in one and ").is_some_and(|(before, after)| {
                        let (before, one) = before.rsplit_once(' ').unwrap();
                        let other = after.strip_suffix(" in the other").unwrap();
                        found == format!("{before} {other} in one and {one} in the other")
                    })
                };
                assert!(found == expected || swapped(expected), "{found}; {expected}");
            }
        }
    }

    #[test]
    fn without_a_base_no_pool_is_lost_or_brought_back() {
        let (ours, theirs) = (lock("a b"), lock("a"));
        let merged = |ours, theirs| merge(Branches { base: None, ours, theirs, chosen: None });
        assert!(merged(&ours, &theirs).unwrap_err()[0].message.contains("pool `b` is in one of them"));
        assert_eq!(text(&merged(&ours, &ours).unwrap()), "a b");
        // A user who takes one of both does not decide about a pool that only the other one has.
        for chosen in [Branch::Ours, Branch::Theirs] {
            let branches = Branches { base: None, ours: &ours, theirs: &theirs, chosen: Some(chosen) };
            assert_eq!(text(&merge(branches).unwrap()), "a b");
        }
    }

    #[test]
    fn the_chosen_branch_decides_about_pools_that_both_changed() {
        for (base, ours, theirs, expected) in
            [("a", "a=x", "a=y b", "a=x b"), ("a b/1", "a", "a b/2 c", "a c"), ("", "a=x", "b=x c", "a=x c")]
        {
            let [base, ours, theirs] = [base, ours, theirs].map(lock);
            for chosen in [Branch::Ours, Branch::Theirs] {
                let (ours, theirs) = if chosen == Branch::Ours { (&ours, &theirs) } else { (&theirs, &ours) };
                let merged =
                    merge(Branches { base: Some(&base), ours, theirs, chosen: Some(chosen) }).unwrap();
                assert_eq!(text(&merged), expected);
            }
        }
    }

    #[test]
    fn pools_are_added_and_none_is_removed() {
        for (lock_text, other, expected) in [
            ("a", "a b", "a b"),
            ("a b", "a", "a b"),
            ("a=x", "a=y b", "a=x b"),
            ("a=x", "b=x c", "a=x c"),
            ("", "a", "a"),
        ] {
            assert_eq!(text(&add_pools(&lock(lock_text), &lock(other)).unwrap()), expected);
        }
        let other = Lock { platform: "hetzner".to_owned(), ..lock("a b") };
        assert!(add_pools(&lock("a"), &other).is_err());
        // A render may replace the files of the other lock. It does not know them, and so does not remove them.
        let other = Lock { files: [("service-b.yaml".to_owned(), "1".to_owned())].into(), ..lock("a b") };
        let added = add_pools(&lock("a"), &other).unwrap();
        assert!(added.has_digest("service-b.yaml", "1") && !added.has_path("service-b.yaml"));
    }

    #[test]
    fn facts_must_agree() {
        let ours = lock("a");
        for theirs in [
            Lock { platform: "hetzner".to_owned(), ..ours.clone() },
            Lock { cluster: Some("other".to_owned()), ..ours.clone() },
            Lock { label: "pool".to_owned(), ..ours.clone() },
            Lock { gateway_classes: [("eg".to_owned(), "b".to_owned())].into(), ..ours.clone() },
            Lock { id: crate::core::lock::LockId::parse(&"f".repeat(32)), ..ours.clone() },
            Lock {
                set: Some(crate::core::lock::SetName { name: "two".to_owned(), namespace: None }),
                ..ours.clone()
            },
        ] {
            for base in [None, Some(&ours), Some(&theirs)] {
                let problems =
                    merge(Branches { base, ours: &ours, theirs: &theirs, chosen: None }).unwrap_err();
                assert_eq!(problems.len(), 1, "{problems:?}");
                assert!(problems[0].message.contains(" in one and "), "{problems:?}");
            }
        }
        let old = Lock { version: Version::One, id: None, set: None, cluster: None, ..ours.clone() };
        let merged = merge(Branches { base: Some(&old), ours: &old, theirs: &ours, chosen: None }).unwrap();
        assert_eq!((merged.id, merged.set, merged.version), (ours.id, ours.set, Version::Two));
    }

    #[test]
    fn files_of_both_branches_are_accepted() {
        let files = |digest: &str| BTreeMap::from([("service-a.yaml".to_owned(), digest.to_owned())]);
        let ours = Lock { files: files("1"), ..lock("a") };
        let theirs = Lock { files: files("2"), pending: files("3"), ..lock("a") };
        let merged = merge(Branches { base: None, ours: &ours, theirs: &theirs, chosen: None }).unwrap();
        for (digest, expected) in [("1", true), ("2", true), ("3", true), ("4", false)] {
            assert_eq!(merged.has_digest("service-a.yaml", digest), expected, "{digest}");
        }
        assert_eq!(merged.paths().collect::<Vec<_>>(), ["service-a.yaml"]);
        assert_ne!(merged, theirs);
    }
}
