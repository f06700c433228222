//! Decides which pool is in which group of `spec.dns.groups`. No state is kept: the name of a pool decides, so a new or forgotten pool
//! moves no other pool, and a larger count moves pools only into the new groups (rendezvous hashing).

use sha2::{Digest, Sha256};

use crate::core::dns::{Dns, DnsGroups};

/// The increment and the multipliers of `SplitMix64` (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014).
const INCREMENT: u64 = 0x9E37_79B9_7F4A_7C15;
const FIRST: u64 = 0xBF58_476D_1CE4_E5B9;
const SECOND: u64 = 0x94D0_49BB_1331_11EB;

/// The groups that a pool has for growing counts.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ranking {
    seed: u64,
    best: (u64, u32),
}

impl Ranking {
    /// Starts with one group for a pool.
    pub(super) fn of(pool: &str) -> Self {
        let digest = Sha256::digest(pool.as_bytes());
        let seed = digest.iter().take(8).fold(0, |seed, byte| (seed << 8) | u64::from(*byte));
        Self { seed, best: (score(seed, 1), 1) }
    }

    /// Adds a group, whose number is one more than that of the last group.
    pub(super) fn add(&mut self, number: u32) {
        let score = score(self.seed, number);
        // On equal scores the lower number stays.
        if score > self.best.0 {
            self.best = (score, number);
        }
    }

    /// Returns the number of the group.
    pub(super) fn number(&self) -> u32 {
        self.best.1
    }
}

/// Returns the score of a pool for a group. The group with the highest one has the pool.
fn score(seed: u64, number: u32) -> u64 {
    let mixed = seed.wrapping_add(INCREMENT.wrapping_mul(u64::from(number)));
    let mixed = (mixed ^ (mixed >> 30)).wrapping_mul(FIRST);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(SECOND);
    mixed ^ (mixed >> 31)
}

impl DnsGroups {
    /// Returns the number of the group of a pool.
    pub fn group_of(&self, pool: &str) -> u32 {
        if let Some(number) = self.pools.get(pool) {
            return *number;
        }
        let mut ranking = Ranking::of(pool);
        for number in 2..=self.count {
            ranking.add(number);
        }
        ranking.number()
    }
}

impl Dns {
    /// Returns the number of the group of a pool; `None` without groups.
    pub fn group_of(&self, pool: &str) -> Option<u32> {
        self.groups.as_ref().map(|groups| groups.group_of(pool))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn names(pools: usize) -> Vec<String> {
        (1..=pools).map(|index| format!("agentpool{index}")).collect()
    }

    fn assigned(pools: &[String], count: u32) -> BTreeMap<String, u32> {
        let groups = DnsGroups::new(count);
        pools.iter().map(|pool| (pool.clone(), groups.group_of(pool))).collect()
    }

    /// Returns the smallest and the largest number of pools in a group.
    fn spread(pools: usize, count: u32) -> (usize, usize) {
        let mut sizes = vec![0; usize::try_from(count).unwrap()];
        for number in assigned(&names(pools), count).values() {
            sizes[usize::try_from(*number).unwrap() - 1] += 1;
        }
        (*sizes.iter().min().unwrap(), *sizes.iter().max().unwrap())
    }

    /// Another version of the program must not move pools, so these numbers never change.
    #[test]
    fn the_groups_of_known_pools() {
        let found: Vec<u32> = names(8).iter().map(|pool| DnsGroups::new(4).group_of(pool)).collect();
        assert_eq!(found, [4, 1, 4, 3, 2, 4, 2, 1]);
        // The first output of SplitMix64 with the seed 0.
        assert_eq!(score(0, 1), 0xE220_A839_7B1D_CDAF);
    }

    #[test]
    fn a_pool_more_or_less_moves_no_other_pool() {
        let all = names(100);
        let before = assigned(&all, 6);
        let fewer: Vec<String> = all.iter().filter(|pool| !pool.ends_with('7')).cloned().collect();
        assert!(assigned(&fewer, 6).iter().all(|(pool, number)| before[pool] == *number));
        let more = assigned(&names(200), 6);
        assert!(before.iter().all(|(pool, number)| more[pool] == *number));
    }

    #[test]
    fn a_larger_count_moves_pools_into_new_groups_only() {
        let pools = names(500);
        let mut before = assigned(&pools, 2);
        for count in 3..=40 {
            let after = assigned(&pools, count);
            let moved: Vec<u32> =
                after.iter().filter(|(pool, number)| before[*pool] != **number).map(|(_, n)| *n).collect();
            assert!(moved.iter().all(|number| *number == count), "{count}: {moved:?}");
            // About 500 / count move; the deviation is less than 4 standard deviations.
            let expected = 500 / usize::try_from(count).unwrap();
            assert!(moved.len() <= expected + 4 * expected.isqrt() + 4, "{count}: {}", moved.len());
            before = after;
        }
    }

    /// docs/dns.md has these numbers.
    #[test]
    fn pools_spread_over_the_groups() {
        let found = [spread(100, 4), spread(100, 6), spread(500, 20), spread(500, 30), spread(1000, 60)];
        assert_eq!(found, [(20, 35), (9, 22), (14, 35), (9, 26), (6, 27)]);
    }

    #[test]
    fn a_pool_can_be_put_into_a_group() {
        let mut groups = DnsGroups::new(4);
        groups.pools.insert("agentpool1".to_owned(), 3);
        assert_eq!(groups.group_of("agentpool1"), 3);
        assert_eq!(groups.group_of("agentpool2"), DnsGroups::new(4).group_of("agentpool2"));
    }
}
