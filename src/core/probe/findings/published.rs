//! What DNS hands out, compared with the addresses that belong there.

use std::collections::{BTreeMap, BTreeSet, HashMap};

// Compares addresses only and uses no network; a module of this crate has the same name as the one in std.
use ::core::net::IpAddr;

use crate::core::dns::Exclusion;
use crate::core::probe::findings::{Answers, Facts, Finding, Name, Weight, listed};
use crate::core::probe::names::{Answer, NameProblem, Published, ServerKind};
use crate::core::probe::plan::{End, Membership};
use crate::core::probe::rows::{Observed, Row, addresses};
use crate::core::report::pool_words;

/// The size of an answer that every resolver takes over UDP, in bytes (RFC 1035).
const FITS_INTO_UDP: usize = 512;

pub(super) fn findings(observed: &Observed, _rows: &[Row], facts: Facts<'_>) -> Vec<Finding> {
    let wanted = Wanted::of(observed);
    // Most name servers answer the same, so that one sentence names several.
    let mut said: BTreeMap<Said, Vec<String>> = BTreeMap::new();
    for published in &observed.published {
        let Some(name) = facts.names.iter().find(|name| name.hostname == published.name).copied() else {
            continue;
        };
        let current = published_by_authorities(observed, name.hostname);
        let all = match &published.result {
            Ok(answer) => about_answer(name, answer, published, &wanted, current.as_ref(), facts),
            Err(problem) => vec![about_problem(name, problem, facts.flags)],
        };
        for one in all {
            let servers = said.entry(one).or_default();
            // Without a server, the problem says which kind was not found.
            if !published.server.is_missing() {
                servers.push(published.server.to_string());
            }
        }
    }
    let finding = |(said, servers): (Said, Vec<String>)| Finding {
        weight: said.weight,
        kind: said.kind,
        message: if servers.is_empty() {
            said.message
        } else {
            format!("{} (asked {})", said.message, listed(&servers))
        },
        hint: said.hint,
    };
    said.into_iter().map(finding).chain(not_reserved(observed)).collect()
}

/// Reports load balancers with another address than the reserved one: DNS has the reserved one.
fn not_reserved(observed: &Observed) -> Vec<Finding> {
    let ends = observed.ends.iter().filter(|end| !end.reserved.is_empty() && end.state.is_ready());
    let other = ends.flat_map(|end| {
        let found = addresses(end, &observed.resolved).filter_map(|(_, address)| address);
        found.filter(|address| !end.reserved.contains(address)).map(move |address| (end, address))
    });
    let finding = |(end, address): (&End, IpAddr)| {
        let reserved: Vec<String> = end.reserved.iter().map(ToString::to_string).collect();
        Finding {
            weight: Weight::Difference,
            kind: "not-reserved",
            message: format!(
                "the load balancer of {} has the address {address}, and `spec.dns.reserved` has {}",
                pool_words::named(&end.pool),
                listed(&reserved)
            ),
            hint: "assign the reserved address to the load balancer, or reserve this one".to_owned(),
        }
    };
    other.map(finding).collect()
}

/// A finding before the servers are known.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Said {
    weight: Weight,
    kind: &'static str,
    message: String,
    hint: String,
}

/// The addresses of the pools.
struct Wanted {
    /// Those that belong into DNS, with the pool and its group.
    inside: BTreeMap<IpAddr, (String, Option<u32>)>,
    /// Those that do not, with the pool and the reason.
    outside: HashMap<IpAddr, (String, Exclusion)>,
    /// Those that are reserved for a pool in the round robin, whether or not its load balancer has them.
    reserved: HashMap<IpAddr, String>,
}

impl Wanted {
    fn of(observed: &Observed) -> Self {
        let (mut inside, mut outside, mut reserved) = (BTreeMap::new(), HashMap::new(), HashMap::new());
        for end in &observed.ends {
            for address in &end.reserved {
                match end.membership {
                    Membership::In => {
                        reserved.insert(*address, end.pool.clone());
                    }
                    // DNS had it before, and may still have it.
                    Membership::Out(why) => {
                        outside.insert(*address, (end.pool.clone(), why));
                    }
                    Membership::NoName => {}
                }
            }
            for address in addresses(end, &observed.resolved).filter_map(|(_, address)| address) {
                match end.membership {
                    // A load balancer that is being deleted may keep its address for a while.
                    Membership::In if end.state.is_ready() => {
                        inside.insert(address, (end.pool.clone(), end.group));
                    }
                    Membership::Out(why) => {
                        outside.insert(address, (end.pool.clone(), why));
                    }
                    Membership::In | Membership::NoName => {}
                }
            }
        }
        Self { inside, outside, reserved }
    }

    /// Returns whether an address belongs under a name.
    fn has(&self, name: Name<'_>, address: IpAddr) -> bool {
        self.inside.get(&address).is_some_and(|(_, group)| is_of(name, *group))
    }
}

/// Returns whether a name has the addresses of a group.
fn is_of(name: Name<'_>, group: Option<u32>) -> bool {
    name.group.is_none() || name.group == group
}

/// Returns all the addresses that authorities of the zone hand out for a name, if one of them answered.
fn published_by_authorities(observed: &Observed, hostname: &str) -> Option<BTreeSet<IpAddr>> {
    let published = observed.published.iter().filter(|one| one.name == hostname);
    let answers = published.filter_map(|one| Some((one, one.result.as_ref().ok()?)));
    let mut answers = answers.filter(|(one, answer)| is_from_authority(one, answer)).peekable();
    answers.peek()?;
    Some(answers.flat_map(|(_, answer)| answer.addresses.iter().map(|one| one.address)).collect())
}

/// Returns whether no cache is between the zone and the answer. A server that the user named can be an authority, too.
fn is_from_authority(published: &Published, answer: &Answer) -> bool {
    published.server.kind == ServerKind::Authoritative || answer.authoritative
}

fn about_problem(name: Name<'_>, problem: &NameProblem, flags: &str) -> Said {
    let hostname = name.hostname;
    let records = format!(
        "`kubectl largescale status{flags} -o zone` prints the records; check that external-dns runs and manages the zone"
    );
    let (weight, kind, hint) = match problem {
        NameProblem::Unreachable { .. } => (
            Weight::Unknown,
            "name-server-unreachable",
            "the network may block port 53, or the zone may be private: run the probe from another machine, or name a server with --dns",
        ),
        NameProblem::NotFound | NameProblem::NoAddresses => {
            (Weight::Difference, "name-not-found", records.as_str())
        }
        NameProblem::Lame => (
            Weight::Difference,
            "lame-name-server",
            "correct the NS records of the zone, or add the zone to the server: each client that asks it waits",
        ),
        NameProblem::AliasLoop { .. } | NameProblem::AliasTooLong => {
            (Weight::Difference, "alias-loop", "correct the CNAME records")
        }
        NameProblem::Refused => (
            Weight::Difference,
            "name-server-refuses",
            "the server does not answer for this name: correct the NS records, or name another server with --dns",
        ),
        NameProblem::ServerFailure | NameProblem::Invalid { .. } => {
            (Weight::Difference, "name-server-fails", "ask the operator of the name server")
        }
    };
    Said { weight, kind, message: format!("{hostname}: {problem}"), hint: hint.to_owned() }
}

/// Reports addresses that do not belong into the answer.
fn about_extra(
    name: Name<'_>,
    answer: &Answer,
    published: &Published,
    wanted: &Wanted,
    current: Option<&BTreeSet<IpAddr>>,
) -> Vec<Said> {
    let hostname = name.hostname;
    let mut said = Vec::new();
    let mut report = |weight, kind, message: String, hint: String| {
        said.push(Said { weight, kind, message, hint });
    };
    let mut foreign = Vec::new();
    let mut of_others = Vec::new();
    let mut reserved = Vec::new();
    let mut still: BTreeMap<(&str, &str), Vec<String>> = BTreeMap::new();
    let mut stale = Vec::new();
    for one in answer.addresses.iter().filter(|one| !wanted.has(name, one.address)) {
        let text = one.address.to_string();
        // Only a cache has an address that the authorities do not have.
        let is_cached = !is_from_authority(published, answer)
            && current.is_some_and(|current| !current.contains(&one.address));
        if let (false, Some((pool, Some(group)))) = (is_cached, wanted.inside.get(&one.address)) {
            of_others.push(format!("{text} (pool {pool} of group {group})"));
            continue;
        }
        match (wanted.outside.get(&one.address), wanted.reserved.get(&one.address)) {
            _ if is_cached => stale.push((text, one.ttl)),
            (Some((pool, why)), _) => still.entry((pool, why.words())).or_default().push(text),
            (None, Some(pool)) => reserved.push(format!("{text} ({})", pool_words::named(pool))),
            (None, None) => foreign.push(text),
        }
    }
    for ((pool, why), addresses) in still {
        report(
            Weight::Difference,
            "left-out-but-published",
            format!(
                "{hostname} still has {} of {}, which is left out: {why}",
                listed(&addresses),
                pool_words::named(pool)
            ),
            match name.ttl {
                Some(ttl) => format!(
                    "wait for external-dns, and then for the TTL of {ttl} s, before you take the pool down"
                ),
                None => {
                    "external-dns does not drain the records of routes: let it read Services (docs/dns.md)"
                        .to_owned()
                }
            },
        );
    }
    if let Some(longest) = stale.iter().map(|(_, ttl)| *ttl).max() {
        let addresses: Vec<String> = stale.into_iter().map(|(address, _)| address).collect();
        report(
            Weight::Difference,
            "stale-in-cache",
            format!("{hostname} still has {} in a cache", listed(&addresses)),
            format!("the cache drops it within {longest} s"),
        );
    }
    if !reserved.is_empty() {
        report(
            Weight::Difference,
            "reserved-not-given",
            format!(
                "{hostname} has {}, which `spec.dns.reserved` has but the load balancer does not",
                listed(&reserved)
            ),
            "assign the reserved address to the load balancer, or remove it from `spec.dns.reserved`"
                .to_owned(),
        );
    }
    if !of_others.is_empty() {
        report(
            Weight::Difference,
            "other-group-in-dns",
            format!("{hostname} has {}", listed(&of_others)),
            "after a change of `spec.dns.groups`, apply and wait for external-dns; otherwise check its log"
                .to_owned(),
        );
    }
    if !foreign.is_empty() {
        report(
            Weight::Difference,
            "foreign-in-dns",
            format!("{hostname} has {}, which no pool has", listed(&foreign)),
            "check the log of external-dns, or remove the record; if the address belongs to a pool that the directory lacks, render first"
                .to_owned(),
        );
    }
    said
}

fn about_answer(
    name: Name<'_>,
    answer: &Answer,
    published: &Published,
    wanted: &Wanted,
    current: Option<&BTreeSet<IpAddr>>,
    facts: Facts<'_>,
) -> Vec<Said> {
    let hostname = name.hostname;
    let flags = facts.flags;
    let mut said = about_extra(name, answer, published, wanted, current);
    let mut report = |weight, kind, message: String, hint: String| {
        said.push(Said { weight, kind, message, hint });
    };
    let published_addresses: BTreeSet<IpAddr> = answer.addresses.iter().map(|one| one.address).collect();
    let missing: Vec<String> = wanted
        .inside
        .iter()
        .filter(|(address, (_, group))| is_of(name, *group) && !published_addresses.contains(address))
        .map(|(address, (pool, _))| format!("{address} ({})", pool_words::named(pool)))
        .collect();
    if !missing.is_empty() && name.answers == Answers::All {
        report(
            Weight::Difference,
            "missing-in-dns",
            format!("{hostname} lacks {}", listed(&missing)),
            format!(
                "`kubectl largescale status{flags} -o zone` prints the records; check the log of external-dns"
            ),
        );
    }
    let ttl = answer.addresses.iter().map(|one| one.ttl).max().unwrap_or_default();
    if let Some(wanted) = name.ttl.filter(|wanted| ttl > *wanted) {
        report(
            Weight::Difference,
            "ttl-too-long",
            format!("{hostname} has the TTL {ttl} s, and `spec.dns.ttl` is {wanted} s"),
            "check the record and the DNS provider: some providers store another TTL than external-dns sends (docs/dns.md)"
                .to_owned(),
        );
    }
    if answer.over_tcp || answer.bytes > FITS_INTO_UDP {
        report(
            Weight::Warning,
            "large-answer",
            format!("the answer for {hostname} has {} bytes, more than {FITS_INTO_UDP}", answer.bytes),
            "some clients and firewalls drop such an answer: split the pools over several names with `spec.dns.groups`"
                .to_owned(),
        );
    }
    said
}
