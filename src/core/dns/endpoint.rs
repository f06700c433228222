//! The DNSEndpoint for reserved addresses: external-dns reads the records from it instead of from Services.

use ::core::net::IpAddr;
use serde_json::{Value, json};

use crate::core::dns::Dns;
use crate::core::json;
use crate::core::platform::AnswersWith;
use crate::core::pools::Pool;

/// Returns the object without namespace and labels; `None` if no pool with a reserved address is in the round robin.
pub fn endpoint(app: &str, dns: &Dns, pools: &[Pool]) -> Option<Value> {
    let members: Vec<&Pool> = pools.iter().filter(|pool| dns.exclusion(*pool).is_none()).collect();
    let endpoints = if dns.has_identifiers(AnswersWith::Address) {
        members.iter().flat_map(|pool| weighted(app, dns, pool)).collect()
    } else {
        records(dns, members.iter().flat_map(|pool| dns.addresses(&pool.value)))
    };
    (!endpoints.is_empty()).then(|| {
        json!({
            "apiVersion": "externaldns.k8s.io/v1alpha1",
            "kind": "DNSEndpoint",
            "metadata": { "name": app },
            "spec": { "endpoints": endpoints },
        })
    })
}

fn weighted(app: &str, dns: &Dns, pool: &Pool) -> Vec<Value> {
    let mut records = records(dns, dns.addresses(&pool.value));
    for record in &mut records {
        json::put(record, &["setIdentifier"], Dns::identifier(app, pool));
        json::put(
            record,
            &["providerSpecific"],
            json!([{ "name": "aws/weight", "value": dns.weight(pool).to_string() }]),
        );
    }
    records
}

/// Returns one record for each address family.
fn records(dns: &Dns, addresses: impl Iterator<Item = IpAddr>) -> Vec<Value> {
    let (v4, v6): (Vec<IpAddr>, Vec<IpAddr>) = addresses.partition(IpAddr::is_ipv4);
    let families = [("A", v4), ("AAAA", v6)];
    let record = |(kind, addresses): (&str, Vec<IpAddr>)| {
        let targets: Vec<String> = addresses.iter().map(ToString::to_string).collect();
        (!targets.is_empty()).then(|| {
            json!({ "dnsName": dns.hostname, "recordType": kind, "recordTTL": dns.ttl, "targets": targets })
        })
    };
    families.into_iter().filter_map(record).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::dns::DnsProvider;

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
}
