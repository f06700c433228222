//! The DNSEndpoint for reserved addresses, which external-dns reads instead of Services, and for CNAME records, which Services cannot have.

use std::collections::BTreeMap;

use ::core::net::IpAddr;
use serde_json::{Value, json};

use crate::core::dns::{Cname, Dns, Weighted};
use crate::core::json;
use crate::core::platform::AnswersWith;
use crate::core::pools::Pool;

/// Returns the object without namespace and labels; `None` if it has no records: no pool with a reserved address is in the round
/// robin, and no name has a CNAME record.
pub fn endpoint(app: &str, dns: &Dns, pools: &[Pool]) -> Option<Value> {
    let members: Vec<&Pool> = pools.iter().filter(|pool| dns.exclusion(*pool).is_none()).collect();
    let mut endpoints = if dns.has_identifiers(AnswersWith::Address) {
        members.iter().flat_map(|pool| weighted(app, dns, pool)).collect()
    } else {
        of_addresses(dns, &members)
    };
    let sizes = dns.group_sizes(members.iter().map(|pool| pool.value.as_str()));
    endpoints.extend(dns.cnames(app, &sizes).iter().map(|cname| of_cname(dns, cname)));
    (!endpoints.is_empty()).then(|| {
        json!({
            "apiVersion": "externaldns.k8s.io/v1alpha1",
            "kind": "DNSEndpoint",
            "metadata": { "name": app },
            "spec": { "endpoints": endpoints },
        })
    })
}

/// Returns the records of the reserved addresses: those of the host name, then those of each group.
fn of_addresses(dns: &Dns, members: &[&Pool]) -> Vec<Value> {
    let mut named: BTreeMap<(u32, String), Vec<IpAddr>> = BTreeMap::new();
    for pool in members {
        let group = dns.group_of(&pool.value);
        for name in dns.names_of(&pool.value) {
            let number = if name == dns.hostname { 0 } else { group.unwrap_or_default() };
            named.entry((number, name)).or_default().extend(dns.addresses(&pool.value));
        }
    }
    named.into_iter().flat_map(|((_, name), addresses)| records(dns, &name, addresses.into_iter())).collect()
}

fn of_cname(dns: &Dns, cname: &Cname) -> Value {
    let mut record = json!({
        "dnsName": cname.name, "recordType": "CNAME", "recordTTL": dns.ttl, "targets": [cname.target],
    });
    if let Some(Weighted { identifier, weight }) = &cname.weighted {
        identify(&mut record, identifier, &weight.to_string());
    }
    record
}

fn weighted(app: &str, dns: &Dns, pool: &Pool) -> Vec<Value> {
    let mut records = records(dns, &dns.hostname, dns.addresses(&pool.value));
    for record in &mut records {
        identify(record, &Dns::identifier(app, pool), &dns.weight(pool).to_string());
    }
    records
}

/// Tells a record from others of the same name, and sets its weight.
fn identify(record: &mut Value, identifier: &str, weight: &str) {
    json::put(record, &["setIdentifier"], identifier);
    json::put(record, &["providerSpecific"], json!([{ "name": "aws/weight", "value": weight }]));
}

/// Returns one record for each address family.
fn records(dns: &Dns, name: &str, addresses: impl Iterator<Item = IpAddr>) -> Vec<Value> {
    let (v4, v6): (Vec<IpAddr>, Vec<IpAddr>) = addresses.partition(IpAddr::is_ipv4);
    let families = [("A", v4), ("AAAA", v6)];
    let record = |(kind, addresses): (&str, Vec<IpAddr>)| {
        let targets: Vec<String> = addresses.iter().map(ToString::to_string).collect();
        (!targets.is_empty())
            .then(|| json!({ "dnsName": name, "recordType": kind, "recordTTL": dns.ttl, "targets": targets }))
    };
    families.into_iter().filter_map(record).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::dns::{DnsGroups, DnsProvider, HostnameRecords};

    fn dns() -> (Dns, Vec<Pool>) {
        let mut dns = Dns::new("www.example.com");
        for (pool, addresses) in
            [("a", vec!["192.0.2.1", "2001:0DB8::1"]), ("b", vec!["192.0.2.2"]), ("c", vec!["192.0.2.3"])]
        {
            dns.reserved.insert(pool.to_owned(), addresses.into_iter().map(str::to_owned).collect());
        }
        dns.drain = vec!["c".to_owned()];
        let pool = |value: &str| Pool { value: value.to_owned(), name: value.to_owned(), ..Pool::default() };
        (dns, ["a", "b", "c", "d"].map(pool).into())
    }

    #[test]
    fn one_record_for_all_pools_in_the_round_robin() {
        let (dns, pools) = dns();
        let object = endpoint("nginx", &dns, &pools).unwrap();
        assert_eq!(object["metadata"], json!({ "name": "nginx" }));
        assert_eq!(
            object["spec"]["endpoints"],
            json!([
                { "dnsName": "www.example.com", "recordType": "A", "recordTTL": 60, "targets": ["192.0.2.1", "192.0.2.2"] },
                { "dnsName": "www.example.com", "recordType": "AAAA", "recordTTL": 60, "targets": ["2001:db8::1"] },
            ])
        );
        assert_eq!(endpoint("nginx", &dns, &pools[2..]), None);
    }

    #[test]
    fn weights_need_one_record_for_each_pool() {
        let (mut dns, pools) = dns();
        dns.provider = Some(DnsProvider::Route53);
        dns.weights.insert("b".to_owned(), 10);
        let object = endpoint("nginx", &dns, &pools).unwrap();
        let shown: Vec<String> = object["spec"]["endpoints"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| format!("{} {} {}", one["recordType"], one["setIdentifier"], one["providerSpecific"]))
            .collect();
        assert_eq!(
            shown,
            [
                r#""A" "nginx-a" [{"name":"aws/weight","value":"1"}]"#,
                r#""AAAA" "nginx-a" [{"name":"aws/weight","value":"1"}]"#,
                r#""A" "nginx-b" [{"name":"aws/weight","value":"10"}]"#,
            ]
        );
    }
    #[test]
    fn groups_have_records_of_their_pools_and_cnames() {
        let (mut dns, pools) = dns();
        let mut groups = DnsGroups::new(2);
        groups.pools = [("a".to_owned(), 2), ("b".to_owned(), 1)].into();
        groups.aliases = [("eu.example.com".to_owned(), 2)].into();
        dns.groups = Some(groups);
        let shown = |dns: &Dns| -> Vec<String> {
            let object = endpoint("nginx", dns, &pools).unwrap();
            let endpoints = object["spec"]["endpoints"].as_array().unwrap();
            let line = |one: &Value| format!("{} {} {}", one["dnsName"], one["recordType"], one["targets"]);
            endpoints.iter().map(line).map(|line| line.replace('"', "")).collect()
        };
        let of_groups = [
            "www-1.example.com A [192.0.2.2]",
            "www-2.example.com A [192.0.2.1]",
            "www-2.example.com AAAA [2001:db8::1]",
            "eu.example.com CNAME [www-2.example.com]",
        ];
        let all = shown(&dns);
        assert_eq!(
            all[..2],
            ["www.example.com A [192.0.2.1,192.0.2.2]", "www.example.com AAAA [2001:db8::1]"]
        );
        assert_eq!(all[2..], of_groups);
        dns.groups.as_mut().unwrap().hostname_records = HostnameRecords::None;
        assert_eq!(shown(&dns), of_groups);
        // Without reserved addresses, only the CNAME is left: the Services have the rest.
        dns.reserved.clear();
        assert_eq!(shown(&dns), of_groups[3..]);
    }
}
