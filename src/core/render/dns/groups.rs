//! `spec.dns.groups`: what does not fit together, and names that would lose their records.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::core::dns::{Dns, DnsGroups, HostnameRecords, PLAIN_UDP, annotation};
use crate::core::platform::AnswersWith;
use crate::core::pointer;
use crate::core::pools::Pool;
use crate::core::render::draft::Input;
use crate::core::report::diagnostic::Diagnostic;
use crate::core::report::plural::thousands;
use crate::core::report::suggest::did_you_mean;
use crate::core::spec::GatewayMode;

const AT: &str = "/spec/dns/groups";

/// The controller of external-dns in annotations (`ControllerValue` in source/annotations, v0.22.0).
const CONTROLLER: &str = "dns-controller";

/// How many groups one sentence names.
const LISTED: usize = 5;

/// Reports errors about the groups for these manifests and pools.
pub(super) fn problems(input: Input<'_>, dns: &Dns) -> Vec<Diagnostic> {
    let Some(groups) = &dns.groups else { return Vec::new() };
    let mut problems = Vec::new();
    let at = |path: &str| input.document.location(path);
    if input.platform.spec.answers_with == AnswersWith::Name && dns.reserved.is_empty() {
        problems.push(
            Diagnostic::error(format!(
                "the load balancers of platform {} have a hostname instead of an address, so that no answer has many addresses and groups have nothing to split",
                input.platform.name
            ))
            .at(at(AT))
            .hint("remove `spec.dns.groups`, or reserve addresses (`spec.dns.reserved`)"),
        );
    }
    let is_shared = is_shared(input);
    if is_shared && groups.hostname_records == HostnameRecords::None {
        problems.push(
            Diagnostic::error(format!(
                "the records of the routes point to {}, which would have none with `hostnameRecords: none`",
                dns.hostname
            ))
            .at(at(&format!("{AT}/hostnameRecords")))
            .hint("remove `hostnameRecords`, or set `spec.gateways: {mode: perPool}`"),
        );
    }
    problems.extend(emptied(input, dns, groups));
    if is_shared {
        problems.extend(hosts_of_routes(input, dns, groups, Diagnostic::error));
    }
    problems
}

/// Returns whether the records of routes point to `spec.dns.hostname`.
fn is_shared(input: Input<'_>) -> bool {
    input.spec.spec.gateways.as_ref().is_some_and(|gateways| gateways.mode == Some(GatewayMode::Shared))
}

/// Returns warnings about the groups.
pub(super) fn warnings(input: Input<'_>, dns: &Dns) -> Vec<Diagnostic> {
    let Some(groups) = &dns.groups else { return Vec::new() };
    let mut warnings = Vec::new();
    let mut known: BTreeMap<&str, u32> = BTreeMap::new();
    for pool in &input.pools.pools {
        known.insert(&pool.value, groups.group_of(&pool.value));
    }
    for pool in groups.pools.keys() {
        if !known.contains_key(pool.as_str()) && !input.spec.spec.other_pools.may_have("dns", pool) {
            let near = did_you_mean(pool, known.keys().copied());
            let message =
                format!("`spec.dns.groups.pools` names the pool `{pool}`, which does not exist{near}");
            let at = input.document.location(&pointer::join(&format!("{AT}/pools"), pool));
            warnings.push(Diagnostic::warning(message).at(at));
        }
    }
    let taken: BTreeSet<u32> = known.values().copied().collect();
    let unused: Vec<String> = (1..=groups.count)
        .filter(|number| !taken.contains(number) && !groups.aliases.values().any(|alias| alias == number))
        .filter_map(|number| dns.group_name(number))
        .collect();
    if !unused.is_empty() {
        let message = format!(
            "{} of {} groups have no pool, and their names have no records: {}",
            unused.len(),
            groups.count,
            listed(&unused)
        );
        warnings.push(
            Diagnostic::warning(message)
                .at(input.document.location(&format!("{AT}/count")))
                .hint("lower the count, put pools into them with `spec.dns.groups.pools`, or let no client use these names"),
        );
    }
    if !is_shared(input) {
        warnings.extend(hosts_of_routes(input, dns, groups, Diagnostic::warning));
    }
    warnings.extend(large_answers(input, dns));
    warnings
}

/// Warns about groups whose answers do not fit into a packet.
fn large_answers(input: Input<'_>, dns: &Dns) -> Option<Diagnostic> {
    let pools = &input.pools.pools;
    let large: Vec<_> =
        dns.group_answers(pools).into_iter().filter(|answer| answer.size.bytes > PLAIN_UDP).collect();
    let largest = large.iter().max_by_key(|answer| answer.size.bytes)?;
    let others = if let [_] = large[..] {
        String::new()
    } else {
        format!("; {} groups have such answers", large.len())
    };
    let message = format!(
        "an answer with the {} addresses of group {} for {} has {} bytes: clients without EDNS get {PLAIN_UDP} over UDP, and must ask again over TCP{others}",
        largest.size.addresses,
        largest.group,
        largest.name,
        thousands(largest.size.bytes as u64)
    );
    let hint = match dns.fitting_count(pools) {
        Some(count) => format!(
            "set `spec.dns.groups.count: {count}`, with which every answer fits, or put pools into smaller groups with `spec.dns.groups.pools`"
        ),
        None => "put pools into smaller groups with `spec.dns.groups.pools`".to_owned(),
    };
    let at = input.document.location(&format!("{AT}/count"));
    Some(Diagnostic::warning(message).at(at).hint(hint))
}

/// Reports groups whose names would lose their records, and aliases of groups without a pool.
fn emptied(input: Input<'_>, dns: &Dns, groups: &DnsGroups) -> Vec<Diagnostic> {
    let pools = &input.pools.pools;
    let mut members: BTreeMap<u32, Vec<&Pool>> = BTreeMap::new();
    for pool in pools {
        members.entry(groups.group_of(&pool.value)).or_default().push(pool);
    }
    let left_out = |pool: &&Pool| dns.exclusion(*pool).is_some();
    // The name of all pools would disappear, which is reported.
    if pools.iter().all(|pool| left_out(&pool)) {
        return Vec::new();
    }
    let hint = "keep a pool of the group, or put another one into it with `spec.dns.groups.pools`";
    let emptied = members.iter().filter(|(_, pools)| pools.iter().all(left_out)).map(|(number, pools)| {
        let why = pools
            .iter()
            .filter_map(|pool| Some(format!("{} ({})", pool.value, dns.exclusion(*pool)?.words())));
        let why: Vec<String> = why.collect();
        let name = dns.group_name(*number).unwrap_or_default();
        Diagnostic::error(format!("no pool is left for {name}: {}", listed(&why)))
            .at(input.document.location(AT))
            .hint(hint)
    });
    let unused = groups
        .aliases
        .iter()
        .filter(|(_, number)| (1..=groups.count).contains(*number) && !members.contains_key(number));
    let unused = unused.map(|(alias, number)| {
        Diagnostic::error(format!("the alias {alias} names group {number}, which has no pool"))
            .at(input.document.location(&pointer::join(&format!("{AT}/aliases"), alias)))
            .hint("name another group, or put a pool into this one with `spec.dns.groups.pools`")
    });
    emptied.chain(unused).collect()
}

/// Reports routes whose host has records of `spec.dns.groups`, too: external-dns makes other records for it. external-dns leaves alone
/// an object that names another controller (`annotations.IsControllerMismatch` in source/gateway.go, v0.22.0).
fn hosts_of_routes(
    input: Input<'_>,
    dns: &Dns,
    groups: &DnsGroups,
    report: fn(String) -> Diagnostic,
) -> Vec<Diagnostic> {
    let mut problems = Vec::new();
    let of_groups: BTreeSet<String> =
        (1..=groups.count).filter_map(|number| dns.group_name(number)).collect();
    for object in input.objects.iter().filter(|object| object.key().kind.ends_with("Route")) {
        let annotations = object.value()["metadata"]["annotations"].as_object();
        let mut annotations = annotations.into_iter().flatten();
        let names_other = |(key, value): (&String, &Value)| {
            annotation(key).is_some_and(|(_, name)| name == "controller") && value != CONTROLLER
        };
        if annotations.any(names_other) {
            continue;
        }
        let hosts = object.value()["spec"]["hostnames"].as_array();
        for (index, host) in hosts.into_iter().flatten().enumerate() {
            let host = host.as_str().unwrap_or_default().to_ascii_lowercase();
            let what = match groups.aliases.get(&host) {
                Some(number) => format!("an alias of group {number}"),
                None if of_groups.contains(&host) => "the name of a group".to_owned(),
                None => continue,
            };
            problems.push(
                report(format!(
                    "the host {host} of {} is {what} in `spec.dns.groups`: external-dns also makes records of the route",
                    object.key()
                ))
                .at(object.location(&format!("/spec/hostnames/{index}")))
                .hint("let external-dns ignore the route: give it the annotation `external-dns.kubernetes.io/controller: none`"),
            );
        }
    }
    problems
}

/// Joins names: `a, b and 3 more`.
fn listed(names: &[String]) -> String {
    match names.len().checked_sub(LISTED) {
        None | Some(0) => names.join(", "),
        Some(more) => format!("{} and {more} more", names[..LISTED].join(", ")),
    }
}
