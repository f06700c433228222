//! `spec.dns`: the settings of the round robin.

use std::collections::BTreeMap;

// Parses addresses only and uses no network; a module of this crate has the same name as the one in std.
use ::core::net::IpAddr;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::core::dns::groups::{Around, DnsGroups};
use crate::core::dns::hostname;
use crate::core::pointer;
use crate::core::report::diagnostic::Diagnostic;
use crate::core::report::pool_words;
use crate::core::yaml::Document;

/// The largest TTL in DNS (RFC 2181, 8).
const MAX_TTL: u32 = i32::MAX as u32;

/// The largest weight in Route 53.
const MAX_WEIGHT: u32 = 255;

/// A DNS name that resolves to the addresses of all pools.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Dns {
    /// The name, without a dot at the end; the first label may be `*`.
    pub hostname: String,
    /// The TTL in seconds. All pools share it, because records with different TTLs do not merge.
    #[serde(default = "default_ttl")]
    pub ttl: u32,
    /// The prefixes of the external-dns annotations that are written.
    #[serde(default)]
    pub annotations: AnnotationPrefix,
    /// The Service that the name is for, if the manifests have several of type LoadBalancer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// Pools that leave the round robin but keep their load balancers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub drain: Vec<String>,
    /// The DNS provider that external-dns writes the records to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<DnsProvider>,
    /// The share of the traffic for each pool, 0 to 255; the default is 1. Route 53 only.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub weights: BTreeMap<String, u32>,
    /// Reserved addresses by pool. They are written to a DNSEndpoint, and no Service is annotated.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub reserved: BTreeMap<String, Vec<String>>,
    /// Names that have the addresses of a part of the pools each, so that every answer fits into a packet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub groups: Option<DnsGroups>,
}

/// The prefixes of the external-dns annotations that are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum AnnotationPrefix {
    /// `external-dns.alpha.kubernetes.io/`: read by default until v0.21.
    Alpha,
    /// `external-dns.kubernetes.io/`: read by default from v0.22 on.
    Ga,
    /// Both, because external-dns reads one and ignores the other.
    #[default]
    Both,
}

// external-dns passes the TTL to all of these, although docs/advanced/ttl.md of v0.23.0 says that Civo, CoreDNS, Linode, NS1, OVH and
// PowerDNS ignore it: `RecordTTL` in provider/{civo/civo,coredns/coredns,linode/linode,ns1/ns1,ovh/ovh,pdns/pdns}.go, in v0.14.0 to
// v0.23.0. So no provider gets a warning.
/// The DNS provider that external-dns writes the records to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum DnsProvider {
    /// Amazon Route 53.
    Route53,
    /// Azure DNS, public or private.
    Azure,
    /// Google Cloud DNS.
    Google,
    /// Cloudflare.
    Cloudflare,
    /// Civo.
    Civo,
    /// `CoreDNS`.
    CoreDns,
    /// Linode.
    Linode,
    /// NS1.
    Ns1,
    /// OVH.
    Ovh,
    /// `PowerDNS`.
    Pdns,
    /// Any other.
    Other,
}

fn default_ttl() -> u32 {
    60
}

impl Dns {
    /// Creates a round robin with a name and default settings.
    pub fn new(hostname: &str) -> Self {
        Self {
            hostname: hostname.to_owned(),
            ttl: default_ttl(),
            annotations: AnnotationPrefix::default(),
            service: None,
            drain: Vec::new(),
            provider: None,
            weights: BTreeMap::new(),
            reserved: BTreeMap::new(),
            groups: None,
        }
    }

    /// Returns the addresses that are reserved for a pool, in their short form.
    pub fn addresses(&self, pool: &str) -> impl Iterator<Item = IpAddr> {
        self.reserved.get(pool).into_iter().flatten().filter_map(|text| text.parse().ok())
    }

    /// Returns every problem in the settings.
    pub fn problems(&self, document: &Document) -> Vec<Diagnostic> {
        let mut problems = Vec::new();
        let mut report = |at: &str, problem: Diagnostic| problems.push(problem.at(document.location(at)));
        if let Err(message) = hostname::check("spec.dns.hostname", &self.hostname) {
            report("/spec/dns/hostname", Diagnostic::error(message));
        }
        if self.ttl == 0 || self.ttl > MAX_TTL {
            let message = format!("`spec.dns.ttl` is {}, expected 1 to {MAX_TTL} seconds", self.ttl);
            report("/spec/dns/ttl", Diagnostic::error(message));
        }
        if let Some(problem) = self.weights_of_other_provider() {
            report("/spec/dns/weights", problem);
        }
        for (pool, weight) in self.weights.iter().filter(|(_, weight)| **weight > MAX_WEIGHT) {
            let message = format!("the weight of pool {pool} is {weight}, expected 0 to {MAX_WEIGHT}");
            report(&pointer::join("/spec/dns/weights", pool), Diagnostic::error(message));
        }
        let mut taken: BTreeMap<IpAddr, &str> = BTreeMap::new();
        for (pool, addresses) in &self.reserved {
            let at = pointer::join("/spec/dns/reserved", pool);
            if addresses.is_empty() {
                report(
                    &at,
                    Diagnostic::error(format!("{} has no reserved address", pool_words::named(pool))),
                );
            }
            for (index, text) in addresses.iter().enumerate() {
                let result = reserve(pool, text, &mut taken);
                if let Err(message) = result {
                    report(&format!("{at}/{index}"), Diagnostic::error(message));
                }
            }
        }
        let around = Around {
            hostname: &self.hostname,
            is_route53: self.provider == Some(DnsProvider::Route53),
            has_weights: !self.weights.is_empty(),
        };
        problems.extend(self.groups.iter().flat_map(|groups| groups.problems(around, document)));
        problems
    }

    /// Refuses weights for other providers. Weights need a set identifier for each pool, which other providers handle wrongly.
    fn weights_of_other_provider(&self) -> Option<Diagnostic> {
        if self.weights.is_empty() {
            return None;
        }
        let message = match self.provider {
            Some(DnsProvider::Route53) => return None,
            None => "`spec.dns.weights` needs Route 53, and `spec.dns.provider` is not set to it",
            Some(DnsProvider::Azure) => {
                "Azure DNS does not support weights; weights need set identifiers, with which the pools would overwrite each other's record"
            }
            Some(_) => {
                "external-dns supports weights and set identifiers only for Route 53; with other providers the identifiers keep the pools' records from merging"
            }
        };
        Some(Diagnostic::error(message).hint(
            "set `provider: route53` if you use it, or remove the weights: the addresses of all pools are then in one record",
        ))
    }
}

fn reserve<'a>(pool: &'a str, text: &str, taken: &mut BTreeMap<IpAddr, &'a str>) -> Result<(), String> {
    let Ok(address) = text.parse::<IpAddr>() else {
        return Err(format!("`{text}` is not an IP address"));
    };
    if address.is_unspecified() || address.is_loopback() || address.is_multicast() {
        return Err(format!("{text} cannot be the address of a load balancer"));
    }
    match taken.insert(address, pool) {
        Some(other) if other == pool => {
            Err(format!("{text} is reserved twice for {}", pool_words::named(pool)))
        }
        Some(other) => Err(format!("{text} is reserved for pools {other} and {pool}")),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::yaml;

    fn messages(text: &str) -> Vec<String> {
        let document = yaml::read_one("f", text).unwrap();
        let dns: Dns = serde_json::from_value(document.value["spec"]["dns"].clone()).unwrap();
        dns.problems(&document).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn only_the_hostname_is_required() {
        let dns: Dns = serde_json::from_value(serde_json::json!({"hostname": "www.example.com"})).unwrap();
        assert_eq!((dns.ttl, dns.annotations), (60, AnnotationPrefix::Both));
        assert_eq!(messages("spec: {dns: {hostname: www.example.com}}"), Vec::<String>::new());
    }

    #[test]
    fn weights_need_route_53() {
        let with = |provider: &str| {
            let text = format!("spec: {{dns: {{hostname: a.example, {provider}weights: {{a: 10}}}}}}");
            messages(&text).first().map(|message| message.lines().next().unwrap_or_default().to_owned())
        };
        let cases = [
            ("provider: route53, ", None),
            ("", Some("f:1: `spec.dns.weights` needs Route 53, and `spec.dns.provider` is not set to it")),
            (
                "provider: azure, ",
                Some(
                    "f:1: Azure DNS does not support weights; weights need set identifiers, with which the pools would overwrite each other's record",
                ),
            ),
            (
                "provider: google, ",
                Some(
                    "f:1: external-dns supports weights and set identifiers only for Route 53; with other providers the identifiers keep the pools' records from merging",
                ),
            ),
        ];
        for (provider, expected) in cases {
            assert_eq!(with(provider).as_deref(), expected, "{provider}");
        }
    }

    #[test]
    fn all_problems_are_reported() {
        let text = "spec:
  dns:
    hostname: www
    ttl: 0
    provider: route53
    weights: {a: 256}
    reserved:
      a: [192.0.2.1, 192.0.2.1, 0.0.0.0, nginx.example]
      b: [192.0.2.1, '2001:0db8::1']
      c: ['2001:db8::1']
      d: []
";
        assert_eq!(
            messages(text),
            [
                "f:3: `spec.dns.hostname` is `www`, expected a DNS name such as `www.example.com` or `*.example.com`: lower-case letters, digits and dashes between dots",
                "f:4: `spec.dns.ttl` is 0, expected 1 to 2147483647 seconds",
                "f:6: the weight of pool a is 256, expected 0 to 255",
                "f:8: 192.0.2.1 is reserved twice for pool a",
                "f:8: 0.0.0.0 cannot be the address of a load balancer",
                "f:8: `nginx.example` is not an IP address",
                "f:9: 192.0.2.1 is reserved for pools a and b",
                "f:10: 2001:db8::1 is reserved for pools b and c",
                "f:11: pool d has no reserved address",
            ]
        );
    }
}
