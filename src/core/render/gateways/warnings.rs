//! Warnings about Gateways that are split: certificates, names of routes, and references to unknown Gateways.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::core::dns::annotation;
use crate::core::gateway::FleetMode;
use crate::core::gateway::references::{gateway_named, is_route, parent_lists};
use crate::core::manifest::Object;
use crate::core::platform::Grade;
use crate::core::pointer;
use crate::core::render::draft::Input;
use crate::core::render::gateways::copies::has_issuer;
use crate::core::render::gateways::{Gateways, How, full_name, is_gateway, is_listener_set, routes};
use crate::core::report::diagnostic::Diagnostic;
use crate::core::report::plural::first_of;
use crate::core::report::suggest::did_you_mean;

/// Returns warnings, and errors about the names of routes.
pub(in crate::core::render) fn warnings(
    input: Input<'_>,
    gateways: &Gateways<'_>,
    problems: &mut Vec<Diagnostic>,
) -> Vec<Diagnostic> {
    let Some(how) = gateways.how() else { return Vec::new() };
    let mut warnings = unproven(input, how);
    warnings.extend(unknown_parents(input, gateways));
    match how.mode {
        FleetMode::PerPool => {
            warnings.extend(challenges(input, gateways));
            warnings.extend(all_addresses(input));
        }
        FleetMode::Shared => {
            warnings.extend(published(input, gateways));
            problems.extend(names_of_round_robin(input));
        }
    }
    warnings
}

/// Returns a note about the objects that each pool more or less changes: those that name the Gateways of all pools.
pub(in crate::core::render) fn note(input: Input<'_>, gateways: &Gateways<'_>) -> Option<String> {
    gateways.how().filter(|how| how.mode == FleetMode::PerPool)?;
    let names_all = |object: &&Object| {
        let (namespace, _) = full_name(input.spec, &object.key());
        let value = object.value();
        let lists = parent_lists(value).into_iter().chain(["/spec/targetRefs".to_owned()]);
        lists.filter_map(|at| value.pointer(&at)?.as_array()).any(|list| {
            list.iter().any(|reference| routes::names_of(gateways, &namespace, reference).is_some())
        })
    };
    let names: Vec<String> =
        input.objects.iter().filter(names_all).map(|object| object.key().to_string()).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    (!names.is_empty())
        .then(|| format!("each pool more or less changes {}, which names all Gateways", first_of(&names)))
}

fn unproven(input: Input<'_>, how: How<'_>) -> Vec<Diagnostic> {
    let spec = &how.implementation.spec;
    if spec.proof.grade != Grade::Documented {
        return Vec::new();
    }
    let warning = Diagnostic::warning(format!(
        "the Services of {} are known from its code, which was never run on rendered Gateways",
        how.implementation.name
    ));
    let hint = "check the nodes of one load balancer before you rely on it";
    vec![warning.at(input.document.location("/spec/gateways")).hint(hint)]
}

/// Warns of routes whose Gateway is not in the manifests: they stay on that Gateway alone.
fn unknown_parents(input: Input<'_>, gateways: &Gateways<'_>) -> Vec<Diagnostic> {
    let known: BTreeSet<_> = input
        .objects
        .iter()
        .filter(|object| is_gateway(object))
        .map(|object| full_name(input.spec, &object.key()))
        .collect();
    let mut warnings = Vec::new();
    for object in input.objects.iter().filter(|object| is_route(object.value())) {
        let (namespace, _) = full_name(input.spec, &object.key());
        let parents = object.value()["spec"]["parentRefs"].as_array();
        for (index, parent) in parents.into_iter().flatten().enumerate() {
            let Some(name) = gateway_named(parent, &namespace) else { continue };
            if known.contains(&name) || gateways.split.contains_key(&name) {
                continue;
            }
            let near = did_you_mean(&name.1, gateways.split.keys().map(|(_, name)| name.as_str()));
            let shown = if name.0.is_empty() { name.1.clone() } else { format!("{}/{}", name.0, name.1) };
            warnings.push(
                Diagnostic::warning(format!(
                    "{} names gateway/{shown}, which is not in the manifests{near}",
                    object.key()
                ))
                .at(object.location(&format!("/spec/parentRefs/{index}")))
                .hint("add the Gateway to the manifests, so that the route gets the Gateways of all pools"),
            );
        }
    }
    warnings
}

/// Warns of a certificate that is renewed with HTTP-01: the challenge may arrive at any pool, and the route of the solver must be
/// attached to the Gateways of all pools.
fn challenges(input: Input<'_>, gateways: &Gateways<'_>) -> Vec<Diagnostic> {
    let makes_certificate = |object: &&Object| {
        let name = full_name(input.spec, &object.key());
        let is_split = is_gateway(object) && gateways.split.contains_key(&name)
            || is_listener_set(object) && gateways.listener_sets.contains_key(&name);
        is_split && has_issuer(object)
    };
    let Some(object) = input.objects.iter().find(makes_certificate) else { return Vec::new() };
    let issuers: Vec<&Value> = input
        .objects
        .iter()
        .map(Object::value)
        .filter(|value| matches!(value["kind"].as_str(), Some("Issuer" | "ClusterIssuer")))
        .collect();
    if !issuers.is_empty() {
        return Vec::new();
    }
    let warning = Diagnostic::warning(format!(
        "cert-manager makes the certificate for {}, and its issuer is not in the manifests: an HTTP-01 challenge may arrive at any pool",
        object.key()
    ));
    let hint =
        "add the issuer to the manifests, so that its solver names the Gateways of all pools, or use DNS-01";
    vec![warning.at(object.location("/metadata/annotations")).hint(hint)]
}

/// Warns of a round robin that the Gateway sources of external-dns do not know: they publish the addresses of all Gateways of a route
/// (`source/gateway.go` in kubernetes-sigs/external-dns), also of drained pools, and without weights.
fn all_addresses(input: Input<'_>) -> Option<Diagnostic> {
    let dns = input.spec.spec.dns.as_ref()?;
    let (field, at) = match (dns.drain.is_empty(), dns.weights.is_empty()) {
        (false, _) => ("drain", "/spec/dns/drain"),
        (true, false) => ("weights", "/spec/dns/weights"),
        (true, true) => return None,
    };
    let warning = Diagnostic::warning(format!(
        "the Gateway sources of external-dns ignore `spec.dns.{field}`: they publish all Gateways of a route"
    ));
    let hint = "let external-dns read Services only for this host name: its source `service`, not `gateway-httproute`";
    Some(warning.at(input.document.location(at)).hint(hint))
}

/// Warns of addresses that external-dns publishes in place of those of the load balancers.
fn published(input: Input<'_>, gateways: &Gateways<'_>) -> Vec<Diagnostic> {
    let mut warnings = Vec::new();
    if input.spec.spec.dns.is_none() {
        let split = |object: &&Object| is_gateway(object) && gateways.of(input.spec, object).is_some();
        if let Some(gateway) = input.objects.iter().find(split) {
            let has_target = annotations(gateway).any(|(_, name)| name == "target");
            if !has_target {
                warnings.push(
                    Diagnostic::warning(format!(
                        "external-dns would publish the cluster IP of {} for its routes: its own Service has no load balancer",
                        gateway.key()
                    ))
                    .at(gateway.location("/metadata/name"))
                    .hint("set `spec.dns.hostname`: then the names of the routes point to a name with the addresses of all pools"),
                );
            }
        }
    }
    for set in input.objects.iter().filter(|object| is_listener_set(object)) {
        let is_split = gateways.listener_sets.contains_key(&full_name(input.spec, &set.key()));
        for (key, _) in annotations(set).filter(|(_, name)| is_split && *name == "target") {
            warnings.push(
                Diagnostic::warning(format!(
                    "`{key}` of {} replaces the name with the addresses of all pools for its routes",
                    set.key()
                ))
                .at(set.location(&pointer::join("/metadata/annotations", key)))
                .hint("remove it, so that the target of the Gateway applies"),
            );
        }
    }
    warnings
}

/// Returns the external-dns annotations of an object: the key, and its name without the prefix.
fn annotations(object: &Object) -> impl Iterator<Item = (&str, &str)> {
    let map = object.value()["metadata"]["annotations"].as_object();
    map.into_iter().flatten().filter_map(|(key, _)| Some((key.as_str(), annotation(key)?.1)))
}

/// Reports routes whose host is the name of the round robin, or the apex of a zone: external-dns would make a CNAME of it.
fn names_of_round_robin(input: Input<'_>) -> Vec<Diagnostic> {
    let Some(dns) = &input.spec.spec.dns else { return Vec::new() };
    let mut problems = Vec::new();
    for object in input.objects.iter().filter(|object| is_route(object.value())) {
        let hosts = object.value()["spec"]["hostnames"].as_array();
        for (index, host) in hosts.into_iter().flatten().enumerate() {
            let Some(host) = host.as_str() else { continue };
            let at = object.location(&format!("/spec/hostnames/{index}"));
            if host.eq_ignore_ascii_case(&dns.hostname) {
                problems.push(
                    Diagnostic::error(format!(
                        "the host {host} of {} is `spec.dns.hostname`: external-dns would make a CNAME of it that points to itself",
                        object.key()
                    ))
                    .at(at)
                    .hint("choose another `spec.dns.hostname`, such as `edge.` before the domain"),
                );
            } else if is_apex(host, &dns.hostname) {
                problems.push(
                    Diagnostic::error(format!(
                        "the host {host} of {} is the apex of a zone, which cannot be a CNAME of {}",
                        object.key(),
                        dns.hostname
                    ))
                    .at(at)
                    .hint("set `spec.gateways: {mode: perPool}`, or publish the addresses of this name yourself"),
                );
            }
        }
    }
    problems
}

/// Whether a host is a parent of the name of the round robin with few labels: the zone that both are in has its records at this name.
fn is_apex(host: &str, round_robin: &str) -> bool {
    let (host, round_robin) = (host.to_ascii_lowercase(), round_robin.to_ascii_lowercase());
    !host.starts_with("*.") && round_robin.ends_with(&format!(".{host}"))
}
