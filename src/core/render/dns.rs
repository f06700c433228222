//! `spec.dns`: sets the host names on the Service of each pool in the round robin, or adds one DNSEndpoint with reserved
//! addresses, and with the CNAME records of groups.

mod groups;

use std::collections::BTreeSet;

// Tells addresses apart and uses no network; a module of this crate has the same name as the one in std.
use ::core::net::IpAddr;

use crate::core::dns::{AnswerSize, Dns, DnsProvider, EDNS_UDP, PLAIN_UDP, annotation, endpoint};
use crate::core::json;
use crate::core::manifest::Object;
use crate::core::platform::AnswersWith;
use crate::core::pointer;
use crate::core::pools::Pool;
use crate::core::render::draft::{Input, PendingObject, Role};
use crate::core::report::diagnostic::Diagnostic;
use crate::core::report::plural::thousands;
use crate::core::report::suggest::{Suggestions, did_you_mean};

const ANNOTATIONS: &str = "/metadata/annotations";

/// Reports errors in `spec.dns` for these manifests and pools.
pub(super) fn problems(input: Input<'_>) -> Vec<Diagnostic> {
    let Some(dns) = &input.spec.spec.dns else { return Vec::new() };
    let mut problems: Vec<Diagnostic> = ambiguous(input, dns).into_iter().collect();
    let known = || input.pools.pools.iter().map(|pool| pool.value.as_str());
    let others = &input.spec.spec.other_pools;
    let is_unknown = |pool: &str| !known().any(|known| known == pool) && !others.may_have("dns", pool);
    for (index, pool) in dns.drain.iter().enumerate().filter(|(_, pool)| is_unknown(pool)) {
        problems.push(
            Diagnostic::error(format!(
                "`spec.dns.drain` names the {} `{pool}`, which does not exist{}",
                input.pools.kind.word(),
                did_you_mean(pool, known())
            ))
            .at(input.document.location(&format!("/spec/dns/drain/{index}")))
            .hint(format!("list the {}s with `kubectl largescale pools`", input.pools.kind.word())),
        );
    }
    let left_out = dns.left_out(&input.pools.pools);
    if !left_out.is_empty() && left_out.len() == input.pools.pools.len() {
        problems.push(
            Diagnostic::error(format!(
                "no {} is left in the round robin of {}: {}",
                input.pools.kind.word(),
                dns.hostname,
                left_out.join(", ")
            ))
            .at(input.document.location("/spec/dns"))
            .hint(format!(
                "the name would have no addresses: keep at least one {}, or remove `spec.dns`",
                input.pools.kind.word()
            )),
        );
    }
    problems.extend(groups::problems(input, dns));
    problems.extend(
        services(input)
            .filter(|object| is_meant(dns, object))
            .flat_map(|object| conflicts(input, dns, object)),
    );
    problems
}

/// Returns warnings about `spec.dns`.
pub(super) fn warnings(input: Input<'_>) -> Vec<Diagnostic> {
    let mut warnings: Vec<Diagnostic> = services(input).flat_map(cluster_ips).collect();
    let Some(dns) = &input.spec.spec.dns else { return warnings };
    let at = |path: &str| input.document.location(path);
    let answers_with = input.platform.spec.answers_with;
    if answers_with == AnswersWith::Name && dns.reserved.is_empty() && !dns.has_identifiers(answers_with) {
        warnings.push(
            Diagnostic::warning(format!(
                "the load balancers of platform {} have a hostname instead of an address: external-dns publishes only one of them for {}, and its pool gets all the traffic",
                input.platform.name, dns.hostname
            ))
            .at(at("/spec/dns"))
            .hint("set `provider: route53` if you use Route 53, reserve addresses (`spec.dns.reserved`), or run external-dns with --resolve-service-load-balancer-hostname"),
        );
    }
    warnings.extend(both_families(input, dns));
    warnings.extend(unnamed(input, dns));
    warnings.extend(large_answer(input, dns));
    warnings.extend(groups::warnings(input, dns));
    let fields =
        [("weights", dns.weights.keys().collect::<Vec<_>>()), ("reserved", dns.reserved.keys().collect())];
    let pools = || input.pools.pools.iter().map(|pool| pool.value.as_str());
    let (known, mut suggestions) = (pools().collect::<BTreeSet<_>>(), Suggestions::among(pools()));
    for (field, pool) in fields.iter().flat_map(|(field, pools)| pools.iter().map(move |pool| (field, *pool)))
    {
        if !known.contains(pool.as_str()) && !input.spec.spec.other_pools.may_have("dns", pool) {
            let near = suggestions.did_you_mean(pool);
            warnings.push(
                Diagnostic::warning(format!(
                    "`spec.dns.{field}` names the {} `{pool}`, which does not exist{near}",
                    input.pools.kind.word()
                ))
                .at(at(&pointer::join(&format!("/spec/dns/{field}"), pool))),
            );
        }
    }
    warnings
}

/// Warns about an answer that does not fit into a packet.
fn large_answer(input: Input<'_>, dns: &Dns) -> Option<Diagnostic> {
    let answers_with = input.platform.spec.answers_with;
    // A name is one CNAME, which has been reported.
    if answers_with == AnswersWith::Name && dns.reserved.is_empty() {
        return None;
    }
    let size = dns.answer_size(&input.pools.pools, dns.has_identifiers(answers_with))?;
    let AnswerSize { addresses, bytes } = size;
    let (hostname, size) = (&dns.hostname, thousands(bytes as u64));
    // The names of groups are the way out, and clients may not use them yet.
    let what = if dns.groups.is_some() {
        format!("beside its groups, {hostname} keeps all {addresses} addresses in an answer of {size} bytes")
    } else {
        format!("an answer with the {addresses} addresses of {hostname} has {size} bytes")
    };
    if bytes <= PLAIN_UDP {
        return None;
    }
    let message = if bytes <= EDNS_UDP {
        format!("{what}: clients without EDNS get {PLAIN_UDP} over UDP, and must ask again over TCP")
    } else {
        format!(
            "{what}: most name servers send {EDNS_UDP} over UDP at most, so all clients must ask again over TCP"
        )
    };
    Some(Diagnostic::warning(message).at(input.document.location("/spec/dns/hostname")).hint(format!(
        "see that TCP port 53 is open between clients, resolvers and name servers, or {}",
        smaller_answers(input, dns)
    )))
}

/// Returns what to do for answers that fit.
fn smaller_answers(input: Input<'_>, dns: &Dns) -> String {
    if dns.groups.is_some() {
        let records = if dns.provider == Some(DnsProvider::Route53) { "weightedCnames" } else { "none" };
        return format!(
            "let clients use the names of the groups, and then set `spec.dns.groups.hostnameRecords: {records}` (docs/dns.md)"
        );
    }
    match dns.fitting_count(&input.pools.pools) {
        Some(count) => format!(
            "split the pools over {count} names with `spec.dns.groups: {{count: {count}}}` (docs/dns.md)"
        ),
        None => "give each part of the pools another name (docs/scale.md)".to_owned(),
    }
}

/// Publishes the pools in the round robin; returns a note about those that are not.
pub(super) fn publish<'a>(input: Input<'a>, pending: &mut Vec<PendingObject<'a>>) -> Option<String> {
    let dns = input.spec.spec.dns.as_ref()?;
    let app = &input.spec.metadata.name;
    let pools = &input.pools.pools;
    for draft in pending.iter_mut().filter(|draft| draft.role.is_service() && is_meant(dns, draft.source)) {
        let Some(pool) = draft.pool.map(|index| &pools[index]) else { continue };
        annotate(draft, dns, app, pool, input.platform.spec.answers_with);
    }
    // Without reserved addresses, groups may still have CNAME records.
    if !dns.reserved.is_empty() || dns.groups.is_some() {
        let service = pending.iter().find(|draft| draft.role.is_service() && is_meant(dns, draft.source));
        let added = service.and_then(|service| records(input, dns, service));
        pending.extend(added);
    }
    dns.note(pools)
}

fn services(input: Input<'_>) -> impl Iterator<Item = &Object> {
    input.objects.iter().filter(|object| object.is_load_balancer())
}

fn is_meant(dns: &Dns, object: &Object) -> bool {
    dns.service.as_ref().is_none_or(|name| object.value()["metadata"]["name"] == name.as_str())
}

/// Reports that the Service for the name is missing or ambiguous.
fn ambiguous(input: Input<'_>, dns: &Dns) -> Option<Diagnostic> {
    let names: BTreeSet<String> = services(input).map(|object| object.key().name).collect();
    let list = || names.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
    match &dns.service {
        Some(name) if names.contains(name) => None,
        Some(name) => {
            let near = did_you_mean(name, names.iter().map(String::as_str));
            Some(
                Diagnostic::error(format!(
                    "`spec.dns.service` names the Service `{name}`, but the manifests contain no such Service of type LoadBalancer{near}"
                ))
                .at(input.document.location("/spec/dns/service")),
            )
        }
        None if names.len() > 1 => Some(
            Diagnostic::error(format!(
                "`spec.dns` needs `service`, because the manifests contain several Services of type LoadBalancer: {}",
                list()
            ))
            .at(input.document.location("/spec/dns"))
            .hint(format!("choose one: `spec.dns.service: {}`", names.first()?)),
        ),
        None => None,
    }
}

/// Reports annotations in the manifests that contradict the spec.
fn conflicts(input: Input<'_>, dns: &Dns, object: &Object) -> Vec<Diagnostic> {
    let has_identifiers = dns.has_identifiers(input.platform.spec.answers_with);
    let conflict = |(key, value): (&String, &str)| {
        let (_, name) = annotation(key)?;
        let problem = |other: String| {
            Some(
                Diagnostic::error(format!("`{key}` is {value}, but {other}"))
                    .at(object.location(&pointer::join(ANNOTATIONS, key)))
                    .hint("remove either the annotation or `spec.dns`"),
            )
        };
        match name {
            "hostname" if value != dns.hostname => {
                problem(format!("`spec.dns.hostname` is {}", dns.hostname))
            }
            "ttl" if value != dns.ttl.to_string() => problem(format!("`spec.dns.ttl` is {}", dns.ttl)),
            "set-identifier" | "aws-weight" if has_identifiers => {
                problem("`spec.dns` sets it for each pool".to_owned())
            }
            _ => None,
        }
    };
    annotations(object).filter_map(conflict).collect()
}

/// Reports an annotation that makes external-dns publish cluster IPs, which differ for every copy.
fn cluster_ips(object: &Object) -> Vec<Diagnostic> {
    let keys = annotations(object).map(|(key, _)| key);
    let keys = keys.filter(|key| annotation(key).is_some_and(|(_, name)| name == "internal-hostname"));
    keys.map(|key| {
        Diagnostic::warning(format!("`{key}` publishes the cluster IPs of the pools' Services, not the addresses of their load balancers"))
            .at(object.location(&pointer::join(ANNOTATIONS, key)))
            .hint("to publish the addresses of load balancers, also of internal ones, use `spec.dns.hostname`")
    })
    .collect()
}

fn annotations(object: &Object) -> impl Iterator<Item = (&String, &str)> {
    let annotations = object.value().pointer(ANNOTATIONS).and_then(|found| found.as_object());
    annotations.into_iter().flatten().filter_map(|(key, value)| Some((key, value.as_str()?)))
}

/// Reports reserved addresses of both families for `CoreDNS`. Its provider in external-dns joins the A and AAAA records of a name when
/// it reads them (`findEp` in provider/coredns/coredns.go, v0.14.0 to v0.23.0): it writes them again at every turn, and may leave old
/// ones.
fn both_families(input: Input<'_>, dns: &Dns) -> Option<Diagnostic> {
    let has = |is: fn(&IpAddr) -> bool| dns.reserved.keys().any(|pool| dns.addresses(pool).any(|it| is(&it)));
    let applies = dns.provider == Some(DnsProvider::CoreDns) && has(IpAddr::is_ipv4) && has(IpAddr::is_ipv6);
    applies.then(|| {
        Diagnostic::warning(
            "external-dns does not keep IPv4 and IPv6 addresses of one name apart in CoreDNS: it writes the records again at every turn, and may leave addresses of drained pools",
        )
        .at(input.document.location("/spec/dns/reserved"))
        .hint("reserve addresses of one family only, or let another DNS provider have the zone")
    })
}

/// Reports pools that are not in `spec.dns.weights`.
fn unnamed(input: Input<'_>, dns: &Dns) -> Option<Diagnostic> {
    let unnamed = |pool: &&Pool| dns.exclusion(*pool).is_none() && !dns.weights.contains_key(&pool.value);
    let unnamed: Vec<&str> =
        input.pools.pools.iter().filter(unnamed).map(|pool| pool.value.as_str()).collect();
    (!dns.weights.is_empty() && !unnamed.is_empty()).then(|| {
        Diagnostic::warning(format!(
            "`spec.dns.weights` does not name every pool; pools without a weight have weight 1: {}",
            unnamed.join(", ")
        ))
        .at(input.document.location("/spec/dns/weights"))
    })
}

/// Sets the annotations of the spec on the copy, and removes those that the manifests set for the same purpose.
fn annotate(draft: &mut PendingObject<'_>, dns: &Dns, app: &str, pool: &Pool, answers_with: AnswersWith) {
    let Some(annotations) = json::existing_map(&mut draft.value, &["metadata", "annotations"]) else {
        return;
    };
    annotations.retain(|key, _| annotation(key).is_none_or(|(_, name)| !matches!(name, "hostname" | "ttl")));
    // The DNSEndpoint holds the records; annotations would publish them twice.
    if dns.exclusion(pool).is_some() || !dns.reserved.is_empty() {
        return;
    }
    annotations
        .extend(dns.annotations(app, pool, answers_with).into_iter().map(|(key, value)| (key, value.into())));
}

/// Returns the DNSEndpoint, in the namespace of its Service.
fn records<'a>(input: Input<'a>, dns: &Dns, service: &PendingObject<'a>) -> Option<PendingObject<'a>> {
    let mut value = endpoint(&input.spec.metadata.name, dns, &input.pools.pools)?;
    if let Some(namespace) = service.value["metadata"].get("namespace") {
        json::put(&mut value, &["metadata", "namespace"], namespace.clone());
    }
    let labels = input.spec.spec.labels.iter().map(|(key, value)| (key.clone(), value.as_str().into()));
    json::put(&mut value, &["metadata", "labels"], labels.collect::<serde_json::Map<_, _>>());
    json::put(&mut value, &["metadata", "annotations"], serde_json::json!({}));
    Some(PendingObject { value, source: service.source, pool: None, role: Role::Records })
}
