//! `spec.dns.groups`: several names, each with the addresses of a part of the pools, so that every answer fits into a packet.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::core::dns::hostname;
use crate::core::pointer;
use crate::core::report::diagnostic::Diagnostic;
use crate::core::yaml::Document;

/// The most groups. The 1,000 names with 29 addresses each would hold 29,000 pools.
pub const MAX_GROUPS: u32 = 1000;

/// The place of the number in `spec.dns.groups.hostname`.
const NUMBER: char = '#';

/// Second-level labels below which countries register domains, such as `example.co.uk`.
const PUBLIC_LABELS: [&str; 11] = ["ac", "co", "com", "edu", "go", "gob", "gov", "ne", "net", "or", "org"];

/// Names that have the addresses of a part of the pools each.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DnsGroups {
    /// The number of groups, 2 to 1000. A pool is in the group that its name decides, so no other pool changes it. A larger count moves
    /// as few pools as possible.
    pub count: u32,
    /// The names of the groups, with `#` in place of the number; default: `www-#.example.com` if `spec.dns.hostname` is
    /// `www.example.com`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hostname: Option<String>,
    /// The records of `spec.dns.hostname` itself.
    #[serde(default)]
    pub hostname_records: HostnameRecords,
    /// Names of customers or regions, each a CNAME record of a group, with the number of the group.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub aliases: BTreeMap<String, u32>,
    /// The groups of single pools, in place of those that their names decide.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub pools: BTreeMap<String, u32>,
}

/// The records of `spec.dns.hostname` beside groups.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum HostnameRecords {
    /// The addresses of all pools, as without groups.
    #[default]
    Addresses,
    /// One CNAME record for each group, with a weight: the number of its pools. Route 53 only.
    WeightedCnames,
    /// None: clients use the names of the groups and the aliases.
    None,
}

/// What decides about groups besides their own settings.
#[derive(Clone, Copy, Debug)]
pub(super) struct Around<'a> {
    /// `spec.dns.hostname`.
    pub(super) hostname: &'a str,
    /// Whether `spec.dns.provider` is Route 53.
    pub(super) is_route53: bool,
    /// Whether the pools have weights.
    pub(super) has_weights: bool,
}

impl DnsGroups {
    /// Creates groups with default settings.
    pub fn new(count: u32) -> Self {
        Self {
            count,
            hostname: None,
            hostname_records: HostnameRecords::default(),
            aliases: BTreeMap::new(),
            pools: BTreeMap::new(),
        }
    }

    /// Returns the name of a group.
    pub(super) fn name(&self, hostname: &str, number: u32) -> String {
        self.pattern(hostname).replace(NUMBER, &number.to_string())
    }

    /// Returns the names with `#` for the number.
    fn pattern(&self, hostname: &str) -> String {
        self.hostname.clone().unwrap_or_else(|| match hostname.split_once('.') {
            Some((first, rest)) => format!("{first}-{NUMBER}.{rest}"),
            None => format!("{hostname}-{NUMBER}"),
        })
    }

    /// Returns whether a name is that of one of the groups.
    fn has_name(&self, hostname: &str, name: &str) -> bool {
        let pattern = self.pattern(hostname);
        let Some((before, after)) = pattern.split_once(NUMBER) else { return false };
        let number = name.strip_prefix(before).and_then(|rest| rest.strip_suffix(after));
        let number = number.filter(|text| text.starts_with(|first: char| matches!(first, '1'..='9')));
        let number = number.and_then(|text| text.parse().ok());
        number.is_some_and(|number: u32| (1..=self.count).contains(&number))
    }

    /// Returns every problem in the settings.
    pub(super) fn problems(&self, around: Around<'_>, document: &Document) -> Vec<Diagnostic> {
        const AT: &str = "/spec/dns/groups";
        let mut problems = Vec::new();
        let mut report = |at: &str, problem: Diagnostic| problems.push(problem.at(document.location(at)));
        if !(2..=MAX_GROUPS).contains(&self.count) {
            let message = format!("`spec.dns.groups.count` is {}, expected 2 to {MAX_GROUPS}", self.count);
            report(&format!("{AT}/count"), Diagnostic::error(message));
        }
        match &self.hostname {
            Some(pattern) => {
                if let Err(problem) = check_pattern(pattern, self.count) {
                    report(&format!("{AT}/hostname"), problem);
                } else if self.has_name(around.hostname, around.hostname) {
                    let message =
                        format!("{} is `spec.dns.hostname` and the name of a group", around.hostname);
                    report(&format!("{AT}/hostname"), Diagnostic::error(message));
                }
            }
            None => {
                if let Some(problem) = self.cannot_derive(around.hostname) {
                    report(AT, problem);
                }
            }
        }
        if around.has_weights {
            let message = "`spec.dns.weights` gives each answer the address of one pool, so that groups have nothing to split";
            let hint = "remove `spec.dns.groups`, or the weights";
            report(&format!("{AT}/count"), Diagnostic::error(message).hint(hint));
        }
        if self.hostname_records == HostnameRecords::WeightedCnames {
            for problem in cannot_be_weighted(around) {
                report(&format!("{AT}/hostnameRecords"), problem);
            }
        }
        for (name, number) in &self.aliases {
            let at = pointer::join(&format!("{AT}/aliases"), name);
            for problem in self.problems_of_alias(name, *number, around.hostname) {
                report(&at, problem);
            }
        }
        for (pool, number) in self.pools.iter().filter(|(_, number)| self.lacks_group(**number)) {
            let message = format!("the group of pool {pool} is {number}, expected 1 to {}", self.count);
            report(&pointer::join(&format!("{AT}/pools"), pool), Diagnostic::error(message));
        }
        problems
    }

    /// Returns whether there is no group with a number. An invalid count is reported alone.
    fn lacks_group(&self, number: u32) -> bool {
        number == 0 || (2..=MAX_GROUPS).contains(&self.count) && number > self.count
    }

    /// Reports a host name from which no names of groups follow that are in the same zone for certain.
    fn cannot_derive(&self, hostname: &str) -> Option<Diagnostic> {
        let message = if hostname.starts_with('*') {
            format!("the names of the groups do not follow from the wildcard {hostname}")
        } else if is_registered(hostname) {
            let first = self.pattern(hostname).replace(NUMBER, "1");
            format!("the names of the groups do not follow from {hostname}: {first} would be another domain")
        } else {
            // The number makes the name longer.
            let last = self.pattern(hostname).replace(NUMBER, &self.count.to_string());
            let message = hostname::check("the name of a group", &last).err()?;
            return Some(Diagnostic::error(message).hint("set a shorter `spec.dns.groups.hostname`"));
        };
        let hint = format!(
            "set `spec.dns.groups.hostname: pools-{NUMBER}.{}`, or another name with `{NUMBER}` for the number",
            hostname.trim_start_matches("*.")
        );
        Some(Diagnostic::error(message).hint(hint))
    }

    fn problems_of_alias(&self, name: &str, number: u32, hostname: &str) -> Vec<Diagnostic> {
        let mut problems = Vec::new();
        if let Err(message) = hostname::check("spec.dns.groups.aliases", name) {
            problems.push(Diagnostic::error(message));
        } else if name == hostname {
            problems.push(
                Diagnostic::error(format!("the alias {name} is `spec.dns.hostname`"))
                    .hint("`spec.dns.groups.hostnameRecords` decides which records this name has"),
            );
        } else if self.has_name(hostname, name) {
            problems.push(
                Diagnostic::error(format!("the alias {name} is the name of a group, which has addresses"))
                    .hint("choose another name"),
            );
        } else if is_apex(name) {
            problems.push(apex(name));
        }
        if self.lacks_group(number) {
            let message = format!("the alias {name} names group {number}, expected 1 to {}", self.count);
            problems.push(Diagnostic::error(message));
        }
        problems
    }
}

/// Checks `spec.dns.groups.hostname`.
fn check_pattern(pattern: &str, count: u32) -> Result<(), Diagnostic> {
    const WHAT: &str = "spec.dns.groups.hostname";
    if pattern.matches(NUMBER).count() != 1 {
        return Err(Diagnostic::error(format!(
            "`{WHAT}` is `{pattern}`, expected one `{NUMBER}` for the number"
        ))
        .hint(format!("write a name such as `www-{NUMBER}.example.com`")));
    }
    let name = pattern.replace(NUMBER, &count.to_string());
    if pattern.starts_with('*') {
        return Err(Diagnostic::error(format!("`{WHAT}` is `{pattern}`, expected no wildcard")));
    }
    hostname::check(WHAT, &name).map_err(Diagnostic::error)
}

/// Reports what the CNAME tree of `spec.dns.hostname` lacks.
fn cannot_be_weighted(around: Around<'_>) -> Vec<Diagnostic> {
    let mut problems = Vec::new();
    if !around.is_route53 {
        problems.push(
            Diagnostic::error(
                "`hostnameRecords: weightedCnames` needs Route 53, and `spec.dns.provider` is not set to it: elsewhere a name has only one CNAME record",
            )
            .hint(
                "set `provider: route53` if you use it; otherwise let `hostname` keep the addresses, and give clients aliases of the groups (`spec.dns.groups.aliases`)",
            ),
        );
    }
    if is_apex(around.hostname) {
        problems.push(apex(around.hostname));
    }
    problems
}

fn apex(name: &str) -> Diagnostic {
    Diagnostic::error(format!("{name} is the apex of a zone, which cannot have a CNAME record"))
        .hint(format!("use a name below it, such as www.{name}"))
}

/// Returns whether a name has two labels. A zone has its own records there.
fn is_apex(name: &str) -> bool {
    name.split('.').count() == 2 && !name.starts_with('*')
}

/// Returns whether a name may be a registered domain, beside which another owner may register `NAME-1`.
fn is_registered(name: &str) -> bool {
    match name.split('.').collect::<Vec<_>>()[..] {
        [_, second, top] => top.len() == 2 && PUBLIC_LABELS.contains(&second),
        [..] => is_apex(name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::dns::Dns;
    use crate::core::yaml;

    fn messages(dns: &str) -> Vec<String> {
        let text = format!("spec:\n  dns:\n    {}\n", dns.replace('\n', "\n    "));
        let document = yaml::read_one("f", &text).unwrap();
        let dns: Dns = serde_json::from_value(document.value["spec"]["dns"].clone()).unwrap();
        dns.problems(&document).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_group_is_known_by_its_name() {
        let groups = DnsGroups::new(12);
        for (name, expected) in [
            ("www-1.example.com", true),
            ("www-12.example.com", true),
            ("www-13.example.com", false),
            ("www-0.example.com", false),
            ("www-01.example.com", false),
            ("www-+1.example.com", false),
            ("www-1.example.org", false),
            ("www.example.com", false),
        ] {
            assert_eq!(groups.has_name("www.example.com", name), expected, "{name}");
        }
    }

    #[test]
    fn names_that_may_belong_to_another_owner() {
        for name in ["example.com", "example.co.uk", "example.com.au"] {
            assert!(is_registered(name), "{name}");
        }
        for name in ["www.example.com", "www.co.example", "www.example.co.uk", "www.abc.io"] {
            assert!(!is_registered(name), "{name}");
        }
        let problem = |hostname: &str| DnsGroups::new(2).cannot_derive(hostname).unwrap();
        assert_eq!(
            problem("example.co.uk").message,
            "the names of the groups do not follow from example.co.uk: example-1.co.uk would be another domain"
        );
        let hint = problem("*.example.com").hint;
        assert!(hint.is_some_and(|hint| hint.contains("pools-#.example.com`")));
        let found = messages("hostname: '*.example.com'\ngroups: {count: 2}");
        assert_eq!(found, ["f:4: the names of the groups do not follow from the wildcard *.example.com"]);
        let found = messages("hostname: '*.example.com'\ngroups: {count: 2, hostname: 'p#.example.com'}");
        assert_eq!(found, Vec::<String>::new());
    }

    #[test]
    fn all_problems_are_reported() {
        let found = messages(
            "hostname: www.example.com
weights: {a: 1}
provider: route53
groups:
  count: 3
  hostname: www.example.com
  aliases: {eu.example.com: 0, www.example.com: 1, Eu.example.com: 1, example.org: 1, www-3.example.com: 1}
  pools: {a: 1002}",
        );
        let first: Vec<&str> = found.iter().filter_map(|message| message.lines().next()).collect();
        assert_eq!(
            first,
            [
                "f:8: `spec.dns.groups.hostname` is `www.example.com`, expected one `#` for the number",
                "f:7: `spec.dns.weights` gives each answer the address of one pool, so that groups have nothing to split",
                "f:9: `spec.dns.groups.aliases` is `Eu.example.com`, expected a DNS name such as `www.example.com` or `*.example.com`: lower-case letters, digits and dashes between dots",
                "f:9: the alias eu.example.com names group 0, expected 1 to 3",
                "f:9: example.org is the apex of a zone, which cannot have a CNAME record",
                "f:9: the alias www.example.com is `spec.dns.hostname`",
                "f:10: the group of pool a is 1002, expected 1 to 3",
            ]
        );
    }

    #[test]
    fn a_number_that_makes_a_name_too_long() {
        let label = "a".repeat(61);
        assert_eq!(
            messages(&format!("hostname: {label}.example.com\ngroups: {{count: 9}}")),
            Vec::<String>::new()
        );
        let found = messages(&format!("hostname: {label}.example.com\ngroups: {{count: 10}}"));
        assert!(found[0].contains("`the name of a group` is `aaa"), "{found:?}");
        let found = messages("hostname: www.example.com\ngroups: {count: 2, hostname: '*.x#.example.com'}");
        assert!(found[0].contains("expected no wildcard"), "{found:?}");
        let found =
            messages("hostname: www-2.example.com\ngroups: {count: 2, hostname: 'www-#.example.com'}");
        assert!(found[0].contains("is `spec.dns.hostname` and the name of a group"), "{found:?}");
    }

    #[test]
    fn weighted_cnames_need_route_53() {
        let tree = |more: &str| {
            messages(&format!(
                "hostname: www.example.com\n{more}groups: {{count: 2, hostnameRecords: weightedCnames}}"
            ))
        };
        assert!(tree("")[0].contains("needs Route 53"));
        assert!(tree("provider: coredns\n")[0].contains("needs Route 53"));
        assert_eq!(tree("provider: route53\n"), Vec::<String>::new());
        assert!(tree("provider: route53\nweights: {a: 2}\n")[0].contains("nothing to split"));
    }
}
