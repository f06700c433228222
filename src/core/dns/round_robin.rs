//! Decides which pools are in the round robin.

// Parses addresses only and uses no network; a module of this crate has the same name as the one in std.
use std::collections::BTreeMap;

use ::core::net::IpAddr;

use crate::core::dns::{Cname, Dns};
use crate::core::lock::Lock;
use crate::core::pools::Pool;
use crate::core::report::pool_words;
use crate::core::spec::{Spec, WhenEmpty};

/// The facts that decide whether a pool is in the round robin.
#[derive(Clone, Copy, Debug)]
pub struct Candidate<'a> {
    /// The value of the pool label.
    pub value: &'a str,
    /// Whether the pool has no nodes and the spec withdraws such pools.
    pub withdrawn: bool,
}

/// The reason why a pool is not in the round robin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exclusion {
    /// The spec drains the pool.
    Drained,
    /// The pool has no nodes, and the spec withdraws such pools.
    Empty,
    /// The pool has no reserved address, but other pools have one.
    NotReserved,
}

impl Exclusion {
    /// Returns the reason as it is printed.
    pub fn words(self) -> &'static str {
        match self {
            Self::Drained => "drained",
            Self::Empty => "no node",
            Self::NotReserved => "no reserved address",
        }
    }
}

/// The round robin of the last render.
#[derive(Clone, Debug)]
pub struct RoundRobin<'a> {
    /// `spec.dns`.
    pub dns: &'a Dns,
    /// The pools that are not in the round robin, by name, with the reason.
    pub out: BTreeMap<&'a str, Exclusion>,
    /// The reserved addresses of the pools, by pool name.
    pub reserved: BTreeMap<&'a str, Vec<IpAddr>>,
    /// The number of the group of each pool, by pool name; empty without `spec.dns.groups`.
    pub groups: BTreeMap<&'a str, u32>,
}

/// A name that DNS should have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DnsName {
    /// The name.
    pub name: String,
    /// The group whose addresses it has; `None` for the addresses of all pools.
    pub group: Option<u32>,
    /// Whether it has a CNAME record.
    pub is_cname: bool,
}

impl<'a> RoundRobin<'a> {
    /// Creates a round robin from which no known pool is left out.
    pub fn new(dns: &'a Dns) -> Self {
        Self { dns, out: BTreeMap::new(), reserved: BTreeMap::new(), groups: BTreeMap::new() }
    }

    /// Returns the round robin that the lock recorded; `None` if the spec has none.
    pub fn of(spec: &'a Spec, lock: &'a Lock) -> Option<Self> {
        let dns = spec.dns.as_ref()?;
        let withdraws = spec.pools.when_empty == WhenEmpty::Withdraw;
        let out = lock.pools.iter().filter_map(|(value, pool)| {
            let why = dns.exclusion(Candidate { value, withdrawn: withdraws && pool.empty })?;
            Some((pool.name.as_str(), why))
        });
        let reserved = lock.pools.iter().filter_map(|(value, pool)| {
            let addresses: Vec<IpAddr> = dns.addresses(value).collect();
            (!addresses.is_empty()).then_some((pool.name.as_str(), addresses))
        });
        let groups = lock.pools.iter().filter_map(|(value, pool)| {
            let number = dns.group_of(value)?;
            Some((pool.name.as_str(), number))
        });
        let (out, reserved, groups) = (out.collect(), reserved.collect(), groups.collect());
        Some(Self { dns, out, reserved, groups })
    }

    /// Returns the names with the addresses of a pool.
    pub fn names_of(&self, pool: &str) -> Vec<String> {
        self.dns.names_of_group(self.groups.get(pool).copied())
    }

    /// Returns the CNAME records.
    pub fn cnames(&self, app: &str) -> Vec<Cname> {
        self.dns.cnames(app, &self.group_sizes())
    }

    /// Returns every name that DNS should have: the host name, those of the groups, and the aliases.
    pub fn names(&self) -> Vec<DnsName> {
        let sizes = self.group_sizes();
        let hostname = &self.dns.hostname;
        let mut names = Vec::new();
        if self.dns.hostname_has_addresses() {
            names.push(DnsName { name: hostname.clone(), group: None, is_cname: false });
        }
        let of_groups = sizes.keys().filter_map(|number| {
            let name = self.dns.group_name(*number)?;
            Some(DnsName { name, group: Some(*number), is_cname: false })
        });
        names.extend(of_groups);
        // The host name has several CNAME records, and one name.
        for cname in self.dns.cnames("", &sizes) {
            let group = (cname.name != *hostname).then_some(cname.group);
            let name = DnsName { name: cname.name, group, is_cname: true };
            if !names.contains(&name) {
                names.push(name);
            }
        }
        names
    }

    /// Returns the number of pools of each group that are in the round robin.
    fn group_sizes(&self) -> BTreeMap<u32, usize> {
        let mut sizes = BTreeMap::new();
        for (_, number) in self.groups.iter().filter(|(pool, _)| !self.out.contains_key(*pool)) {
            *sizes.entry(*number).or_default() += 1;
        }
        sizes
    }

    /// Returns whether the name is for this Service of the manifests.
    pub fn is_for(&self, service: &str) -> bool {
        self.dns.service.as_ref().is_none_or(|meant| meant == service)
    }
}

impl<'a> From<&'a Pool> for Candidate<'a> {
    fn from(pool: &'a Pool) -> Self {
        Self { value: &pool.value, withdrawn: pool.withdrawn }
    }
}

impl Dns {
    /// Returns why a pool is not in the round robin; `None` if it is.
    pub fn exclusion<'a>(&self, pool: impl Into<Candidate<'a>>) -> Option<Exclusion> {
        let Candidate { value, withdrawn } = pool.into();
        if self.drain.iter().any(|drained| drained == value) {
            return Some(Exclusion::Drained);
        }
        if withdrawn {
            return Some(Exclusion::Empty);
        }
        (!self.reserved.is_empty() && !self.reserved.contains_key(value)).then_some(Exclusion::NotReserved)
    }

    /// Returns `www.example.com has 2 of 3 pools; left out: b (drained)`; `None` if no pool is left out.
    pub fn note(&self, pools: &[Pool]) -> Option<String> {
        let left_out = self.left_out(pools);
        let (all, held) = (pools.len(), pools.len() - left_out.len());
        let name = &self.hostname;
        let word = pool_words::word(pools.iter().map(|pool| pool.value.as_str()));
        (!left_out.is_empty())
            .then(|| format!("{name} has {held} of {all} {word}s; left out: {}", left_out.join(", ")))
    }

    /// Returns the pools that are not in the round robin, with the reasons.
    pub fn left_out(&self, pools: &[Pool]) -> Vec<String> {
        let shown = |pool: &Pool| self.exclusion(pool).map(|why| format!("{} ({})", pool.value, why.words()));
        pools.iter().filter_map(shown).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::dns::{DnsGroups, HostnameRecords};
    use crate::core::lock::LockedPool;

    fn pool(value: &str, withdrawn: bool) -> Pool {
        Pool { value: value.to_owned(), name: value.to_owned(), withdrawn, ..Pool::default() }
    }

    #[test]
    fn pools_that_the_lock_records_as_empty() {
        let mut spec = Spec::new("azure-basic");
        let locked = |name: &str, empty| LockedPool { name: name.to_owned(), empty, ..LockedPool::default() };
        let pools = [("A", locked("a-1", false)), ("b", locked("b", true)), ("c", locked("c", false))];
        let pools = pools.map(|(value, pool)| (value.to_owned(), pool)).into();
        let lock = Lock { pools, ..Lock::default() };
        assert!(RoundRobin::of(&spec, &lock).is_none());
        let mut dns = Dns::new("www.example.com");
        dns.drain = vec!["A".to_owned()];
        spec.dns = Some(dns);
        // The lock counts only while the spec still withdraws empty pools.
        assert_eq!(RoundRobin::of(&spec, &lock).unwrap().out, [("a-1", Exclusion::Drained)].into());
        spec.pools.when_empty = WhenEmpty::Withdraw;
        let expected = [("a-1", Exclusion::Drained), ("b", Exclusion::Empty)].into();
        assert_eq!(RoundRobin::of(&spec, &lock).unwrap().out, expected);
    }

    #[test]
    fn the_names_that_dns_should_have() {
        let mut dns = Dns::new("www.example.com");
        let shown = |dns: &Dns, out: &[&'static str]| -> Vec<String> {
            let groups = ["a", "b"].into_iter().filter_map(|pool| Some((pool, dns.group_of(pool)?)));
            let out = out.iter().map(|pool| (*pool, Exclusion::Drained)).collect();
            let round_robin = RoundRobin { groups: groups.collect(), out, ..RoundRobin::new(dns) };
            let line = |one: &DnsName| format!("{} {:?} {}", one.name, one.group, one.is_cname);
            round_robin.names().iter().map(line).collect()
        };
        assert_eq!(shown(&dns, &[]), ["www.example.com None false"]);
        let mut groups = DnsGroups::new(3);
        groups.pools = [("a".to_owned(), 1), ("b".to_owned(), 3)].into();
        groups.aliases = [("eu.example.com".to_owned(), 3)].into();
        dns.groups = Some(groups);
        let of_groups = ["www-1.example.com Some(1) false", "www-3.example.com Some(3) false"];
        let all = shown(&dns, &[]);
        assert_eq!(all[..1], ["www.example.com None false"]);
        assert_eq!(all[1..3], of_groups);
        assert_eq!(all[3..], ["eu.example.com Some(3) true"]);
        assert_eq!(shown(&dns, &["b"])[1..], of_groups[..1]);
        dns.groups.as_mut().unwrap().hostname_records = HostnameRecords::WeightedCnames;
        assert_eq!(shown(&dns, &[])[2..], ["www.example.com None true", "eu.example.com Some(3) true"]);
    }

    #[test]
    fn reasons_for_pools_that_are_left_out() {
        let pools = [pool("a", false), pool("b", false), pool("c", true), pool("d", true)];
        let mut dns = Dns::new("www.example.com");
        dns.drain = vec!["b".to_owned(), "d".to_owned()];
        let out: Vec<_> = pools.iter().map(|pool| dns.exclusion(pool)).collect();
        assert_eq!(out, [None, Some(Exclusion::Drained), Some(Exclusion::Empty), Some(Exclusion::Drained)]);
        assert_eq!(
            dns.note(&pools).as_deref(),
            Some("www.example.com has 1 of 4 pools; left out: b (drained), c (no node), d (drained)")
        );
        dns.reserved.insert("b".to_owned(), vec!["192.0.2.1".to_owned()]);
        assert_eq!(dns.exclusion(&pools[0]), Some(Exclusion::NotReserved));
        assert_eq!(Dns::new("www.example.com").note(&pools[..2]), None);
    }
}
