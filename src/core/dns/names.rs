//! The names that have the addresses of a pool: `spec.dns.hostname`, and the name of its group.

use crate::core::dns::{Dns, HostnameRecords};

impl Dns {
    /// Returns whether `hostname` has the addresses of all pools.
    pub fn hostname_has_addresses(&self) -> bool {
        self.groups.as_ref().is_none_or(|groups| groups.hostname_records == HostnameRecords::Addresses)
    }

    /// Returns the name of a group; `None` without groups.
    pub fn group_name(&self, number: u32) -> Option<String> {
        let groups = self.groups.as_ref()?;
        Some(groups.name(&self.hostname, number))
    }

    /// Returns the names with the addresses of a pool.
    pub fn names_of(&self, pool: &str) -> Vec<String> {
        self.names_of_group(self.group_of(pool))
    }

    /// Returns the names with the addresses of a pool that is in this group.
    pub fn names_of_group(&self, number: Option<u32>) -> Vec<String> {
        let of_group = number.and_then(|number| self.group_name(number));
        let hostname = self.hostname_has_addresses().then(|| self.hostname.clone());
        hostname.into_iter().chain(of_group).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::dns::DnsGroups;

    fn dns(hostname: &str, groups: DnsGroups) -> Dns {
        Dns { groups: Some(groups), ..Dns::new(hostname) }
    }

    #[test]
    fn names_follow_from_the_hostname() {
        let mut all = dns("www.example.com", DnsGroups::new(12));
        assert_eq!(all.group_name(12).as_deref(), Some("www-12.example.com"));
        all.groups.as_mut().unwrap().hostname = Some("edge-#.example.net".to_owned());
        assert_eq!(all.group_name(3).as_deref(), Some("edge-3.example.net"));
        assert_eq!(Dns::new("www.example.com").group_name(1), None);
        assert_eq!(Dns::new("www.example.com").names_of("a"), ["www.example.com"]);
        let groups = all.groups.as_mut().unwrap();
        groups.pools.insert("a".to_owned(), 7);
        assert_eq!(all.names_of("a"), ["www.example.com", "edge-7.example.net"]);
        all.groups.as_mut().unwrap().hostname_records = HostnameRecords::None;
        assert_eq!(all.names_of("a"), ["edge-7.example.net"]);
    }
}
