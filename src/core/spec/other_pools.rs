//! The pools of the other clusters of a spec: a field that all clusters share may name a pool that only one of them has.

use std::collections::BTreeSet;

/// The pools of the other clusters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OtherPools {
    /// The fields of the spec that this cluster sets itself; they are about its own pools only.
    pub own_fields: BTreeSet<String>,
    /// The pools in the locks of the other clusters, by the value of the pool label.
    pub known: BTreeSet<String>,
    /// Whether another cluster has no lock yet, so that its pools are unknown.
    pub is_incomplete: bool,
}

impl OtherPools {
    /// Returns whether a field, such as `dns`, may mean a pool of another cluster.
    pub fn may_have(&self, field: &str, pool: &str) -> bool {
        !self.own_fields.contains(field) && (self.is_incomplete || self.known.contains(pool))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_shared_fields_may_name_pools_of_other_clusters() {
        let text = |text: &str| BTreeSet::from([text.to_owned()]);
        let mut pools = OtherPools { own_fields: text("names"), known: text("a"), is_incomplete: false };
        assert!(pools.may_have("dns", "a") && !pools.may_have("names", "a") && !pools.may_have("dns", "b"));
        pools.is_incomplete = true;
        assert!(pools.may_have("dns", "b") && !pools.may_have("names", "b"));
        assert!(!OtherPools::default().may_have("dns", "a"), "a spec without clusters");
    }
}
