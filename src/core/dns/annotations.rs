//! The external-dns annotations on a Service.

use crate::core::dns::{AnnotationPrefix, Dns, DnsProvider};
use crate::core::platform::AnswersWith;
use crate::core::pools::Pool;

/// Both prefixes of external-dns, the older one first.
pub const PREFIXES: [&str; 2] = ["external-dns.alpha.kubernetes.io/", "external-dns.kubernetes.io/"];

/// The weight of a pool that `spec.dns.weights` does not list.
const WEIGHT: u32 = 1;

/// Splits an external-dns annotation key into prefix and name; `None` for any other key.
pub fn annotation(key: &str) -> Option<(&'static str, &str)> {
    PREFIXES.into_iter().find_map(|prefix| Some((prefix, key.strip_prefix(prefix)?)))
}

impl Dns {
    /// Returns whether each pool has its own record, with a set identifier and a weight. Only Route 53 supports this, and only
    /// there can several records share a name.
    pub fn has_identifiers(&self, answers_with: AnswersWith) -> bool {
        let of_names = answers_with == AnswersWith::Name && self.reserved.is_empty();
        self.provider == Some(DnsProvider::Route53) && (of_names || !self.weights.is_empty())
    }

    /// Returns the prefixes of the annotations.
    pub fn prefixes(&self) -> &'static [&'static str] {
        match self.annotations {
            AnnotationPrefix::Alpha => &PREFIXES[..1],
            AnnotationPrefix::Ga => &PREFIXES[1..],
            AnnotationPrefix::Both => &PREFIXES[..],
        }
    }

    /// Returns the set identifier of a pool's record.
    pub fn identifier(app: &str, pool: &Pool) -> String {
        format!("{app}-{}", pool.name)
    }

    /// Returns the weight of a pool.
    pub fn weight(&self, pool: &Pool) -> u32 {
        self.weights.get(&pool.value).copied().unwrap_or(WEIGHT)
    }

    /// Returns the annotations for the Service of a pool that is in the round robin. external-dns splits the host names at commas
    /// (`SplitHostnameAnnotation` in source/annotations, v0.22.0).
    pub fn annotations(&self, app: &str, pool: &Pool, answers_with: AnswersWith) -> Vec<(String, String)> {
        let mut named =
            vec![("hostname", self.names_of(&pool.value).join(",")), ("ttl", self.ttl.to_string())];
        if self.has_identifiers(answers_with) {
            named.push(("set-identifier", Self::identifier(app, pool)));
            named.push(("aws-weight", self.weight(pool).to_string()));
        }
        let prefixes = self.prefixes();
        let with = |prefix: &&str| {
            let prefix = (*prefix).to_owned();
            named.iter().map(move |(name, value)| (format!("{prefix}{name}"), value.clone()))
        };
        prefixes.iter().flat_map(with).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn annotations(dns: &Dns, answers_with: AnswersWith) -> Vec<String> {
        let pool = Pool { value: "Pool_1".to_owned(), name: "pool-1-x".to_owned(), ..Pool::default() };
        let pairs = dns.annotations("app", &pool, answers_with);
        pairs.into_iter().map(|(key, value)| format!("{key}={value}")).collect()
    }

    #[test]
    fn hostname_and_ttl_under_both_prefixes() {
        let mut dns = Dns::new("www.example.com");
        assert_eq!(
            annotations(&dns, AnswersWith::Address),
            [
                "external-dns.alpha.kubernetes.io/hostname=www.example.com",
                "external-dns.alpha.kubernetes.io/ttl=60",
                "external-dns.kubernetes.io/hostname=www.example.com",
                "external-dns.kubernetes.io/ttl=60",
            ]
        );
        dns.annotations = AnnotationPrefix::Alpha;
        assert!(annotations(&dns, AnswersWith::Address).iter().all(|text| text.contains(".alpha.")));
        dns.annotations = AnnotationPrefix::Ga;
        assert!(annotations(&dns, AnswersWith::Address).iter().all(|text| !text.contains(".alpha.")));
    }

    #[test]
    fn set_identifiers_only_for_route_53_and_only_if_needed() {
        let mut dns = Dns::new("www.example.com");
        dns.annotations = AnnotationPrefix::Ga;
        assert_eq!(annotations(&dns, AnswersWith::Name).len(), 2);
        dns.provider = Some(DnsProvider::Route53);
        assert_eq!(annotations(&dns, AnswersWith::Address).len(), 2);
        let identified = |weight: &str| {
            [
                "external-dns.kubernetes.io/set-identifier=app-pool-1-x".to_owned(),
                format!("external-dns.kubernetes.io/aws-weight={weight}"),
            ]
        };
        assert_eq!(annotations(&dns, AnswersWith::Name)[2..], identified("1"));
        dns.weights.insert("Pool_1".to_owned(), 10);
        assert_eq!(annotations(&dns, AnswersWith::Address)[2..], identified("10"));
    }

    #[test]
    fn annotation_keys_are_split() {
        assert_eq!(annotation("external-dns.kubernetes.io/ttl"), Some((PREFIXES[1], "ttl")));
        assert_eq!(annotation("external-dns.alpha.kubernetes.io/ttl"), Some((PREFIXES[0], "ttl")));
        assert_eq!(annotation("example.com/ttl"), None);
    }
}
