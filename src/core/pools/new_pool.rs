//! New pools that may be a misspelled label: a pool of one node whose name looks like that of another pool. A new pool becomes a
//! load balancer with an address, so the user confirms it first.

use std::collections::{BTreeMap, BTreeSet};

use crate::core::lock::Lock;
use crate::core::pools::mislabeled::is_mislabeled;
use crate::core::pools::{Discovered, Observed};
use crate::core::report::diagnostic::Diagnostic;
use crate::core::report::plural::plural;
use crate::core::report::shell_quote;
use crate::core::report::suggest::did_you_mean;
use crate::core::spec::Spec;

/// Returns a name without what people mistake: upper case, separators, and characters that look alike.
pub(super) fn looks_like(name: &str) -> String {
    let is_separator = |c: &char| matches!(c, '-' | '_' | '.');
    let letter = |c: char| match c {
        '0' => 'o',
        '1' | 'i' | '|' => 'l',
        other => other,
    };
    name.to_lowercase().chars().filter(|c| !is_separator(c)).map(letter).collect()
}

/// Returns each pool, with its refusal, that is not in the lock, has one node, and looks like another pool. `is_new` says whether the pool
/// is rendered and the user did not confirm it; `others` are the values of all pools, whether rendered or not.
pub(super) fn questions(
    discovered: &Discovered,
    others: &BTreeSet<&str>,
    lock: Option<&Lock>,
    spec: &Spec,
    is_new: impl Fn(&str) -> bool,
) -> Vec<(String, Diagnostic)> {
    let nodes = |value: &str| discovered.pools.get(value).map_or(0, |seen| seen.backends);
    let is_locked = |value: &str| lock.is_some_and(|lock| lock.pools.contains_key(value));
    let mut alike: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    // A pool that was discovered without backends, and is not in the lock, is not a pool yet.
    let is_pool =
        |value: &&&str| is_locked(value) || nodes(value) > 0 || !discovered.pools.contains_key(**value);
    for value in others.iter().filter(is_pool) {
        alike.entry(looks_like(value)).or_default().push(value);
    }
    // Of pools that look alike, the first one is not questioned: one in the lock, with the most nodes, with a usual name.
    let is_unusual = |value: &str| value.chars().any(char::is_uppercase);
    let order = |value: &&str| {
        (!is_locked(value), std::cmp::Reverse(nodes(value)), is_unusual(value), (*value).to_owned())
    };
    for pools in alike.values_mut() {
        pools.sort_by_cached_key(order);
    }
    let single = discovered.pools.iter().filter(|(value, seen)| seen.backends == 1 && is_new(value));
    single
        .filter_map(|(value, seen)| {
            let first = *alike.get(&looks_like(value))?.first()?;
            let other = Some(first).filter(|first| first != value)?;
            let state = (discovered.label.as_str(), spec, lock.is_some());
            let question = question(value, seen, (other, nodes(other)), state);
            Some((value.clone(), question))
        })
        .collect()
}

fn question(
    value: &str,
    seen: &Observed,
    (other, nodes): (&str, usize),
    (label, spec, has_lock): (&str, &Spec, bool),
) -> Diagnostic {
    let node = seen.example.as_deref().unwrap_or("NAME");
    let command = format!(
        "kubectl label node {} {} --overwrite",
        shell_quote::word(node),
        shell_quote::word(&format!("{label}={other}"))
    );
    let locked = if has_lock { ", or use the pools of the lock file (--locked)" } else { "" };
    Diagnostic::refusal(format!(
        "the pool {value} is new, has only node {node}, and its name looks like the pool {other} ({}); it gets no load balancer before you confirm it",
        plural(nodes, "node")
    ))
    .hint(format!(
        "if the label is misspelled: `{command}`; if this is a new pool: `--new-pool {}`, or `{}`; to render without it: `{}`{locked}",
        shell_quote::word(value),
        spec.declaring(value),
        spec.excluding(value)
    ))
}

/// Returns an error for a pool that the user confirms although it does not exist, is excluded, or is a wrong label.
pub(super) fn cannot_confirm(
    name: &str,
    values: &BTreeSet<&str>,
    is_taken: bool,
    observed: Option<&Observed>,
) -> Option<Diagnostic> {
    if !values.contains(name) {
        let near = did_you_mean(name, values.iter().copied());
        return Some(
            Diagnostic::error(format!("--new-pool: pool `{name}` not found{near}"))
                .hint("list the pools with `kubectl largescale pools`"),
        );
    }
    if !is_taken {
        return Some(
            Diagnostic::error(format!("--new-pool: the pool {name} is excluded by the spec"))
                .hint("change `spec.pools.include` or `spec.pools.exclude`"),
        );
    }
    observed.is_some_and(is_mislabeled).then(|| {
        Diagnostic::error(format!(
            "--new-pool: all nodes of the pool {name} are in the VM set of another pool, which has a load balancer"
        ))
        .hint("correct the label of the nodes; `kubectl largescale pools` shows the commands")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::lock::LockedPool;
    use crate::core::spec::LargeScale;

    #[test]
    fn names_that_people_mistake_look_alike() {
        for (one, other) in [
            ("a1", "al"),
            ("a1", "aI"),
            ("pool0", "poolO"),
            ("pool0", "poolo"),
            ("web-1", "web_1"),
            ("web-1", "web.1"),
            ("web-1", "web1"),
            ("Web", "web"),
            ("np-l0", "NP10"),
        ] {
            assert_eq!(looks_like(one), looks_like(other), "{one} {other}");
        }
        for (one, other) in [("a1", "a2"), ("a1", "a11"), ("web", "wed"), ("pool01", "pool02")] {
            assert_ne!(looks_like(one), looks_like(other), "{one} {other}");
        }
    }

    /// Returns the pools that are questioned, and the pool that each looks like. A pool is its value and number of nodes.
    fn asked(pools: &[(&str, usize)], locked: &[&str], confirmed: &[&str]) -> Vec<String> {
        let mut discovered = Discovered { label: "pool".to_owned(), ..Discovered::default() };
        for (value, backends) in pools {
            let seen = Observed { backends: *backends, example: Some("n".into()), ..Observed::default() };
            discovered.pools.insert((*value).to_owned(), seen);
        }
        let mut lock = Lock::default();
        for value in locked {
            lock.pools.insert((*value).to_owned(), LockedPool::default());
        }
        let lock = (!locked.is_empty()).then_some(&lock);
        let values = pools.iter().map(|(value, _)| *value).chain(locked.iter().copied()).collect();
        let is_new = |value: &str| !locked.contains(&value) && !confirmed.contains(&value);
        let spec = "apiVersion: largescale.dev/v1alpha1\nkind: LargeScale\nmetadata: {name: a}\nspec: {manifests: [m], platform: hetzner}\n";
        let (spec, _) = LargeScale::read("largescale.yaml", spec).unwrap();
        let found = questions(&discovered, &values, lock, &spec.spec, is_new);
        let pair = |(_, problem): &(String, Diagnostic)| {
            let words: Vec<&str> = problem.message.split(' ').collect();
            format!("{} {}", words[2], words[words.iter().position(|word| *word == "like").unwrap() + 3])
        };
        found.iter().map(pair).collect()
    }

    #[test]
    fn only_a_new_pool_of_one_node_is_questioned() {
        assert_eq!(asked(&[("a1", 3), ("al", 1)], &["a1"], &[]), ["al a1"]);
        assert_eq!(asked(&[("al", 1)], &["a1"], &[]), ["al a1"], "the other pool is at zero");
        assert_eq!(asked(&[("a1", 3), ("al", 1)], &[], &[]), ["al a1"], "the first render");
        assert_eq!(asked(&[("a1", 3), ("al", 1)], &["a1"], &["al"]), [""; 0]);
        assert_eq!(asked(&[("a1", 3), ("al", 1)], &["a1", "al"], &[]), [""; 0]);
        assert_eq!(asked(&[("a1", 3), ("al", 2)], &["a1"], &[]), [""; 0]);
        assert_eq!(asked(&[("a1", 3), ("a2", 1)], &["a1"], &[]), [""; 0]);
        assert_eq!(asked(&[("a1", 0), ("al", 1)], &[], &[]), [""; 0], "a1 is not a pool yet");
        assert_eq!(asked(&[("a1", 1), ("al", 1)], &[], &[]), ["al a1"]);
        assert_eq!(asked(&[("Web", 1), ("web", 1)], &[], &[]), ["Web web"]);
        assert_eq!(
            asked(&[("aI", 1), ("al", 7)], &["a1"], &[]),
            ["aI a1"],
            "the lock decides which is not new"
        );
        assert_eq!(asked(&[("a1", 2), ("aI", 5), ("al", 1)], &[], &[]), ["al aI"]);
    }

    /// Compares the map of names with the comparison of all pairs.
    #[test]
    fn every_pair_is_found() {
        let letters = ["1", "l", "0", "o", "-", "A"];
        let names: Vec<String> = (0..216)
            .map(|n| format!("p{}{}{}", letters[n % 6], letters[n / 6 % 6], letters[n / 36]))
            .collect();
        let pools: Vec<(&str, usize)> =
            names.iter().enumerate().map(|(index, name)| (name.as_str(), 1 + index % 2)).collect();
        let asked = asked(&pools, &[], &[]);
        let groups = |nodes: &dyn Fn(usize) -> bool| -> Vec<String> {
            pools.iter().filter(|(_, count)| nodes(*count)).map(|(name, _)| looks_like(name)).collect()
        };
        let (single, several) = (groups(&|count| count == 1), groups(&|count| count > 1));
        let mut alone: Vec<&String> = single.iter().filter(|group| !several.contains(group)).collect();
        alone.sort_unstable();
        alone.dedup();
        // In a group of single nodes, one is not questioned.
        let expected = single.len() - alone.len();
        assert_eq!(asked.len(), expected);
        assert!(asked.iter().all(|pair| {
            let (one, other) = pair.split_once(' ').unwrap();
            one != other && looks_like(one) == looks_like(other)
        }));
    }

    #[test]
    fn only_pools_of_the_spec_can_be_confirmed() {
        let values = BTreeSet::from(["a1", "al"]);
        assert_eq!(cannot_confirm("al", &values, true, None), None);
        let message = |name, is_taken| cannot_confirm(name, &values, is_taken, None).unwrap().message;
        assert!(message("a11", true).starts_with("--new-pool: pool `a11` not found, did you mean"));
        assert_eq!(message("al", false), "--new-pool: the pool al is excluded by the spec");
    }
}
