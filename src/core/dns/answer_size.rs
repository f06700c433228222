//! How large a DNS answer with the addresses of all pools is.

use std::collections::BTreeMap;

// Tells addresses apart and uses no network; a module of this crate has the same name as the one in std.
use ::core::net::IpAddr;

use crate::core::dns::assign::Ranking;
use crate::core::dns::{Dns, DnsGroups, HostnameRecords, MAX_GROUPS};
use crate::core::pools::Pool;

/// The largest answer over UDP, in bytes, to a client that offers no more (RFC 1035, 4.2.1).
pub const PLAIN_UDP: usize = 512;

/// The largest answer over UDP, in bytes, that most name servers send to clients with EDNS: more would be fragmented (RFC 9715, 3.1).
pub const EDNS_UDP: usize = 1232;

/// Bytes of the header of a message (RFC 1035, 4.1.1), and of the type and class of the question.
const HEADER_AND_QUESTION: usize = 12 + 4;

/// Bytes of a record without its address: a name that refers to the question, type, class, TTL and length (RFC 1035, 4.1.3 and 4.1.4).
const RECORD: usize = 12;

/// Bytes of the record of EDNS (RFC 6891, 6.1.2).
const EDNS: usize = 11;

/// An answer with addresses of one family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AnswerSize {
    /// The number of addresses.
    pub addresses: usize,
    /// The size of the message in bytes, with the record of EDNS.
    pub bytes: usize,
}

/// The largest answer that has the addresses of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupAnswer {
    /// The number of the group.
    pub group: u32,
    /// The name that a client asks for: that of the group, or one with a CNAME record of it.
    pub name: String,
    /// The size of the answer.
    pub size: AnswerSize,
}

/// The number of addresses by family.
#[derive(Clone, Copy, Default)]
struct Families {
    four: usize,
    six: usize,
}

impl Dns {
    /// Returns the size of the largest answer for the host name: `None` if each answer has only one record, because the pools have
    /// weights, or if the host name has no addresses. A pool has one IPv4 address, unless the spec reserves others.
    pub fn answer_size(&self, pools: &[Pool], has_identifiers: bool) -> Option<AnswerSize> {
        if has_identifiers || !self.hostname_has_addresses() {
            return None;
        }
        let held = pools.iter().filter(|pool| self.exclusion(*pool).is_none());
        let families = held.map(|pool| self.families(pool)).fold(Families::default(), Families::and);
        Some(size(&self.hostname, None, families))
    }

    /// Returns the largest answer of each group, by number.
    pub fn group_answers(&self, pools: &[Pool]) -> Vec<GroupAnswer> {
        let mut groups: BTreeMap<u32, Families> = BTreeMap::new();
        for pool in pools.iter().filter(|pool| self.exclusion(*pool).is_none()) {
            let Some(number) = self.group_of(&pool.value) else { continue };
            let families = groups.entry(number).or_default();
            *families = families.and(self.families(pool));
        }
        groups.into_iter().filter_map(|(group, families)| self.group_answer(group, families)).collect()
    }

    /// Returns the smallest number of groups with which each answer fits into 512 bytes; `None` if that takes more than [`MAX_GROUPS`].
    pub fn fitting_count(&self, pools: &[Pool]) -> Option<u32> {
        let least = self.groups.as_ref().map_or(2, |groups| groups.count.saturating_add(1).max(2));
        let groups = self.groups.clone().unwrap_or_else(|| DnsGroups::new(least));
        let mut dns = Self { groups: Some(groups), ..self.clone() };
        let held = pools.iter().filter(|pool| self.exclusion(*pool).is_none());
        let mut held: Vec<(Families, Option<u32>, Ranking)> = held
            .map(|pool| {
                let fixed = dns.groups.as_ref().and_then(|groups| groups.pools.get(&pool.value).copied());
                (self.families(pool), fixed, Ranking::of(&pool.value))
            })
            .collect();
        (2..=MAX_GROUPS).find(|count| {
            let mut groups: BTreeMap<u32, Families> = BTreeMap::new();
            for (families, fixed, ranking) in &mut held {
                ranking.add(*count);
                let sum = groups.entry(fixed.unwrap_or_else(|| ranking.number())).or_default();
                *sum = sum.and(*families);
            }
            if let Some(all) = &mut dns.groups {
                all.count = *count;
            }
            let fits = |(group, families): (u32, Families)| {
                dns.group_answer(group, families).is_some_and(|answer| answer.size.bytes <= PLAIN_UDP)
            };
            *count >= least && groups.into_iter().all(fits)
        })
    }

    fn group_answer(&self, group: u32, families: Families) -> Option<GroupAnswer> {
        let target = self.group_name(group)?;
        let groups = self.groups.as_ref()?;
        let is_tree = groups.hostname_records == HostnameRecords::WeightedCnames;
        let aliases = groups.aliases.iter().filter(|(_, number)| **number == group).map(|(name, _)| name);
        let chains = aliases.chain(is_tree.then_some(&self.hostname));
        let chains = chains.map(|name| (name.clone(), size(name, Some(&target), families)));
        let own = (target.clone(), size(&target, None, families));
        let (name, size) = chains.chain([own]).max_by_key(|(_, size)| size.bytes)?;
        Some(GroupAnswer { group, name, size })
    }

    fn families(&self, pool: &Pool) -> Families {
        if self.reserved.is_empty() {
            return Families { four: 1, six: 0 };
        }
        let (four, six): (Vec<_>, Vec<_>) = self.addresses(&pool.value).partition(IpAddr::is_ipv4);
        Families { four: four.len(), six: six.len() }
    }
}

impl Families {
    fn and(self, other: Self) -> Self {
        Self { four: self.four + other.four, six: self.six + other.six }
    }
}

/// Returns the size of the larger one of the answers for A and AAAA. `target` is the name with the addresses, if `name` has a CNAME record.
fn size(name: &str, target: Option<&str>, families: Families) -> AnswerSize {
    let cname = target.map_or(0, |target| RECORD + compressed(target, name));
    let sizes = [(families.four, 4), (families.six, 16)].map(|(addresses, each)| AnswerSize {
        addresses,
        bytes: HEADER_AND_QUESTION + name.len() + 2 + cname + addresses * (RECORD + each) + EDNS,
    });
    let [four, six] = sizes;
    if six.bytes >= four.bytes { six } else { four }
}

/// Returns the bytes of a name after another name: the labels that both end with are a reference (RFC 1035, 4.1.4).
fn compressed(name: &str, before: &str) -> usize {
    let shared = name.rsplit('.').zip(before.rsplit('.')).take_while(|(one, other)| one == other);
    let shared: usize = shared.map(|(label, _)| label.len() + 1).sum();
    if shared == 0 { name.len() + 2 } else { name.len() + 1 - shared + 2 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pools(count: usize) -> Vec<Pool> {
        let pool = |index: usize| Pool { value: format!("p{index}"), ..Pool::default() };
        (0..count).map(pool).collect()
    }

    #[test]
    fn about_thirty_addresses_fit_into_plain_udp() {
        let mut dns = Dns::new("www.example.com");
        let bytes = |dns: &Dns, count| dns.answer_size(&pools(count), false).map(|size| size.bytes);
        // tests/network compares this number with a message of the DNS library.
        assert_eq!(bytes(&dns, 28), Some(492));
        assert!(bytes(&dns, 29) <= Some(PLAIN_UDP) && bytes(&dns, 30) > Some(PLAIN_UDP));
        assert!(bytes(&dns, 74) <= Some(EDNS_UDP) && bytes(&dns, 75) > Some(EDNS_UDP));
        assert_eq!(dns.answer_size(&pools(500), true), None);
        dns.drain = (1..10).map(|index| format!("p{index}")).collect();
        assert_eq!(bytes(&dns, 37), Some(492));
    }

    #[test]
    fn reserved_addresses_are_counted_by_family() {
        let mut dns = Dns::new("www.example.com");
        dns.reserved = [(
            "p0".to_owned(),
            vec!["192.0.2.1".to_owned(), "2001:db8::1".to_owned(), "2001:db8::2".to_owned()],
        )]
        .into();
        let size = dns.answer_size(&pools(1), false);
        assert_eq!(size, Some(AnswerSize { addresses: 2, bytes: 100 }));
    }

    #[test]
    fn the_labels_that_two_names_share_take_two_bytes() {
        assert_eq!(compressed("www-1.example.com", "eu.example.com"), "www-1".len() + 1 + 2);
        assert_eq!(compressed("www-1.example.com", "shop.example.org"), "www-1.example.com".len() + 2);
        assert_eq!(compressed("www.example.com", "www.example.com"), 2);
    }

    #[test]
    fn answers_of_groups_fit_with_enough_groups() {
        let mut dns = Dns::new("www.example.com");
        let pools = pools(100);
        assert_eq!(dns.group_answers(&pools), []);
        let count = dns.fitting_count(&pools).unwrap();
        // 28 addresses fit for a name with two letters more.
        assert!((4..=8).contains(&count), "{count}");
        let largest = |dns: &Dns| dns.group_answers(&pools).iter().map(|one| one.size.bytes).max();
        dns.groups = Some(DnsGroups::new(count));
        assert!(largest(&dns) <= Some(PLAIN_UDP));
        dns.groups = Some(DnsGroups::new(count - 1));
        assert!(largest(&dns) > Some(PLAIN_UDP));
        assert_eq!(dns.fitting_count(&pools), Some(count));
        // A pool that the spec puts into a group counts there.
        let all = pools.iter().map(|pool| (pool.value.clone(), 1)).collect();
        dns.groups = Some(DnsGroups { pools: all, ..DnsGroups::new(2) });
        assert_eq!(dns.fitting_count(&pools), None);
        dns.drain = (30..100).map(|index| format!("p{index}")).collect();
        assert_eq!(dns.group_answers(&pools)[0].size.addresses, 30);
    }

    #[test]
    fn the_longest_chain_of_names_counts() {
        let mut dns = Dns::new("www.example.com");
        let aliases = [("shop.customer.example".to_owned(), 1), ("eu.example.com".to_owned(), 1)].into();
        dns.groups = Some(DnsGroups { aliases, pools: [("p0".to_owned(), 1)].into(), ..DnsGroups::new(2) });
        let answers = dns.group_answers(&pools(1));
        let size = AnswerSize { addresses: 1, bytes: 16 + 23 + 12 + 19 + 16 + 11 };
        assert_eq!(answers, [GroupAnswer { group: 1, name: "shop.customer.example".to_owned(), size }]);
    }
}
