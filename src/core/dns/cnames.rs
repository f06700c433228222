//! The CNAME records of `spec.dns.groups`: those of aliases, and those of `spec.dns.hostname` with weights.

use std::collections::BTreeMap;

use crate::core::dns::{Dns, HostnameRecords};

/// The largest weight in Route 53.
const MAX_WEIGHT: usize = 255;

/// A CNAME record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cname {
    /// The name that has the record.
    pub name: String,
    /// The name of a group.
    pub target: String,
    /// The number of the group.
    pub group: u32,
    /// What tells the record from others of the same name.
    pub weighted: Option<Weighted>,
}

/// A record beside others of the same name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Weighted {
    /// The set identifier.
    pub identifier: String,
    /// The weight, 1 to 255.
    pub weight: usize,
}

impl Dns {
    /// Returns the number of pools in each group that has one. `members` are the pools in the round robin.
    pub fn group_sizes<'p>(&self, members: impl Iterator<Item = &'p str>) -> BTreeMap<u32, usize> {
        let mut sizes = BTreeMap::new();
        for number in members.filter_map(|pool| self.group_of(pool)) {
            *sizes.entry(number).or_default() += 1;
        }
        sizes
    }

    /// Returns the CNAME records: those of `hostname`, then those of the aliases. `sizes` has the number of pools of each group; a group
    /// without pools has no record.
    pub fn cnames(&self, app: &str, sizes: &BTreeMap<u32, usize>) -> Vec<Cname> {
        let Some(groups) = &self.groups else { return Vec::new() };
        let cname = |name: &str, group: u32, weighted: Option<Weighted>| {
            let name = name.to_owned();
            Some(Cname { name, target: self.group_name(group)?, group, weighted })
        };
        let is_tree = groups.hostname_records == HostnameRecords::WeightedCnames;
        let largest = sizes.values().max().copied().unwrap_or(1);
        let of_hostname = sizes.iter().filter(|_| is_tree).filter_map(|(number, size)| {
            // Each pool gets the same share of the clients.
            let weight = if largest > MAX_WEIGHT { size * MAX_WEIGHT / largest } else { *size };
            let identifier = format!("{app}-group-{number}");
            cname(&self.hostname, *number, Some(Weighted { identifier, weight: weight.max(1) }))
        });
        let aliases = groups.aliases.iter().filter(|(_, number)| sizes.contains_key(number));
        let aliases = aliases.filter_map(|(name, number)| cname(name, *number, None));
        of_hostname.chain(aliases).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::dns::DnsGroups;

    fn shown(dns: &Dns, sizes: &[(u32, usize)]) -> Vec<String> {
        let weight = |weighted: &Weighted| format!(" {} {}", weighted.identifier, weighted.weight);
        let line = |cname: &Cname| {
            format!(
                "{} {}{}",
                cname.name,
                cname.target,
                cname.weighted.as_ref().map(weight).unwrap_or_default()
            )
        };
        dns.cnames("web", &sizes.iter().copied().collect()).iter().map(line).collect()
    }

    #[test]
    fn the_records_of_the_hostname_and_of_aliases() {
        let mut dns = Dns::new("www.example.com");
        assert!(dns.group_sizes(["a", "b"].into_iter()).is_empty());
        assert_eq!(shown(&dns, &[]), Vec::<String>::new());
        let mut groups = DnsGroups::new(3);
        groups.aliases = [("eu.example.com".to_owned(), 3), ("us.example.com".to_owned(), 2)].into();
        groups.pools = [("a".to_owned(), 1), ("b".to_owned(), 3), ("c".to_owned(), 3)].into();
        dns.groups = Some(groups);
        assert_eq!(dns.group_sizes(["a", "b", "c"].into_iter()), [(1, 1), (3, 2)].into());
        assert_eq!(shown(&dns, &[(1, 1), (3, 2)]), ["eu.example.com www-3.example.com"]);
        dns.groups.as_mut().unwrap().hostname_records = HostnameRecords::WeightedCnames;
        assert_eq!(
            shown(&dns, &[(1, 1), (3, 2)]),
            [
                "www.example.com www-1.example.com web-group-1 1",
                "www.example.com www-3.example.com web-group-3 2",
                "eu.example.com www-3.example.com"
            ]
        );
        assert_eq!(
            shown(&dns, &[(1, 1), (2, 510), (3, 255)])[..3],
            [
                "www.example.com www-1.example.com web-group-1 1",
                "www.example.com www-2.example.com web-group-2 255",
                "www.example.com www-3.example.com web-group-3 127",
            ]
        );
    }
}
