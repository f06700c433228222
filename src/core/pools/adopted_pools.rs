//! Pools that one directory takes over from the lock of another, when Services move between them.

use crate::core::lock::Lock;
use crate::core::report::diagnostic::{Diagnostic, Location};

/// Returns the lock of a directory with the pools of another lock that it lacks. Only a lock records a pool without nodes, so a
/// Service that moves would lose its copy for that pool. Refuses a lock of another cluster, platform or label. `at` is the path of
/// the other lock.
pub fn with_pools_of(own: Option<&Lock>, other: &Lock, at: &str) -> Result<Lock, Diagnostic> {
    let mut lock = match own {
        Some(own) => own.clone(),
        None => Lock {
            platform: other.platform.clone(),
            label: other.label.clone(),
            cluster: other.cluster.clone(),
            ..Lock::default()
        },
    };
    let cluster = |lock: &Lock| lock.cluster.clone().unwrap_or_default();
    let facts = [
        ("cluster", cluster(&lock), cluster(other)),
        ("platform", lock.platform.clone(), other.platform.clone()),
        ("pool label", lock.label.clone(), other.label.clone()),
    ];
    for (what, here, there) in facts {
        // A lock that was rendered from a file of nodes names no cluster.
        if here != there && !here.is_empty() && !there.is_empty() {
            return Err(Diagnostic::refusal(format!(
                "cannot take over pools: the {what} in this lock file is {there}, but here it is {here}"
            ))
            .at(Location::file(at))
            .hint("--pools-of needs the lock file of a spec for the same cluster"));
        }
    }
    for (value, pool) in &other.pools {
        lock.pools.entry(value.clone()).or_insert_with(|| pool.clone());
    }
    Ok(lock)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::lock::LockedPool;

    fn lock(cluster: Option<&str>, label: &str, pools: &[(&str, &str)]) -> Lock {
        let pool = |(value, name): &(&str, &str)| {
            ((*value).to_owned(), LockedPool { name: (*name).to_owned(), ..LockedPool::default() })
        };
        Lock {
            platform: "hetzner".to_owned(),
            cluster: cluster.map(str::to_owned),
            label: label.to_owned(),
            pools: pools.iter().map(pool).collect(),
            ..Lock::default()
        }
    }

    #[test]
    fn pools_that_are_missing_are_added() {
        let other = lock(Some("u"), "l", &[("a", "a"), ("b", "x")]);
        let names = |lock: Lock| lock.pools.into_values().map(|pool| pool.name).collect::<Vec<_>>();
        assert_eq!(names(with_pools_of(None, &other, "w").unwrap()), ["a", "x"]);
        let own = lock(None, "l", &[("b", "b"), ("c", "c")]);
        assert_eq!(names(with_pools_of(Some(&own), &other, "w").unwrap()), ["a", "b", "c"]);
    }

    #[test]
    fn locks_of_other_clusters_are_refused() {
        let own = lock(Some("u"), "l", &[]);
        for other in [lock(Some("v"), "l", &[]), lock(Some("u"), "m", &[])] {
            let problem = with_pools_of(Some(&own), &other, "w.lock").unwrap_err();
            assert!(problem.to_string().starts_with("w.lock: cannot take over pools: the "), "{problem}");
        }
    }
}
