//! Services: `validateService`.

use std::collections::HashMap;

use crate::core::kubernetes::formats::Format;
use crate::core::kubernetes::name_rules::is_subdomain;
use crate::core::schema::field::{Field, Report};

/// The annotation that `loadBalancerSourceRanges` replaced.
const SOURCE_RANGES: &str = "service.beta.kubernetes.io/load-balancer-source-ranges";

const TYPES: &[&str] = &["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"];

pub(super) fn service(service: &Field<'_>, report: &mut Report<'_>) {
    let spec = service.get("spec");
    let kind = spec.text_or("type", "ClusterIP");
    ports(&spec, kind, report);
    affinity(&spec, report);
    if !TYPES.contains(&kind) {
        // It is reported as such, and nothing depends on it then.
        return;
    }
    addresses(&spec, kind, report);
    external_traffic(&spec, kind, report);
    for field in ["allocateLoadBalancerNodePorts", "loadBalancerClass"] {
        let field = spec.get(field);
        if field.is_set() && kind != "LoadBalancer" {
            report.forbidden(&field, &format!("`spec.type` is {kind}, not LoadBalancer"));
        }
    }
    source_ranges(service, &spec, kind, report);
    let distribution = spec.get("trafficDistribution");
    if distribution
        .text()
        .is_some_and(|text| !matches!(text, "PreferClose" | "PreferSameZone" | "PreferSameNode"))
    {
        report.invalid(&distribution, "PreferSameZone, PreferSameNode or PreferClose");
    }
    let external_name = spec.get("externalName");
    if kind == "ExternalName" {
        match external_name.text().map(|name| name.strip_suffix('.').unwrap_or(name)) {
            None => report.missing(&external_name, None),
            Some(name) if !is_subdomain(name) => {
                report.invalid(&external_name, &Format::Subdomain.describe());
            }
            Some(_) => {}
        }
    }
}

fn is_headless(spec: &Field<'_>) -> bool {
    let addresses = spec.get("clusterIPs");
    spec.get("clusterIP").text() == Some("None") || addresses.item(0).text() == Some("None")
}

fn addresses(spec: &Field<'_>, kind: &str, report: &mut Report<'_>) {
    let (address, addresses, families) =
        (spec.get("clusterIP"), spec.get("clusterIPs"), spec.get("ipFamilies"));
    if is_headless(spec) && matches!(kind, "LoadBalancer" | "NodePort") {
        let at = if address.is_empty() { &addresses } else { &address };
        report.add(at, |field| format!("{field} is `None`, but `spec.type` is {kind}"), None);
    }
    if kind == "ExternalName" {
        for field in [families, spec.get("ipFamilyPolicy")] {
            if !field.is_empty() {
                report.forbidden(&field, "`spec.type` is ExternalName");
            }
        }
        return;
    }
    let form = Format::Address;
    for field in addresses.items().chain([address]) {
        if field.text().is_some_and(|text| text != "None") && !form.accepts(field.value) {
            report.invalid(&field, "an IP address or `None`");
        }
    }
    if !addresses.is_empty() && !address.is_empty() && addresses.item(0).value != address.value {
        report.add(&addresses, |field| format!("the first item of {field} is not `spec.clusterIP`"), None);
    }
    let (first, second) = (families.item(0), families.item(1));
    if first.is_set() && first.value == second.value {
        report.duplicate(&second, &first);
    }
}

fn ports(spec: &Field<'_>, kind: &str, report: &mut Report<'_>) {
    let ports = spec.get("ports");
    if ports.is_empty() && kind != "ExternalName" && !is_headless(spec) {
        report.missing(&ports, Some("list the ports, such as `ports: [{port: 80}]`".to_owned()));
    }
    let needs_names = ports.items().count() > 1;
    let mut names: HashMap<&str, usize> = HashMap::new();
    let mut numbers: HashMap<(&str, i64), usize> = HashMap::new();
    let mut node_ports: HashMap<(&str, i64), usize> = HashMap::new();
    let all = ports.value.as_array().into_iter().flatten().enumerate();
    for (index, value) in all {
        let port = ports.item(index);
        let name = port.get("name");
        match value.get("name").and_then(|name| name.as_str()).filter(|name| !name.is_empty()) {
            None if needs_names && value.is_object() => {
                report.missing(&name, Some("a Service with several ports needs a name for each".to_owned()));
            }
            None => {}
            Some(text) => {
                let first = *names.entry(text).or_insert(index);
                if first != index {
                    report.duplicate(&name, &ports.item(first).get("name"));
                }
            }
        }
        let protocol = value
            .get("protocol")
            .and_then(|text| text.as_str())
            .filter(|text| !text.is_empty())
            .unwrap_or("TCP");
        if let Some(number) = port.get("port").number() {
            let first = *numbers.entry((protocol, number)).or_insert(index);
            if first != index {
                report.add(
                    &port.get("port"),
                    |field| format!("{field} is {number} with protocol {protocol}, a duplicate of `spec.ports[{first}]`"),
                    None,
                );
            }
        }
        let node_port = port.get("nodePort");
        let Some(number) = node_port.number().filter(|number| *number != 0) else { continue };
        if kind == "ClusterIP" {
            report.forbidden(&node_port, "`spec.type` is ClusterIP");
        }
        let first = *node_ports.entry((protocol, number)).or_insert(index);
        if first != index {
            report.duplicate(&node_port, &ports.item(first).get("nodePort"));
        }
    }
}

fn affinity(spec: &Field<'_>, report: &mut Report<'_>) {
    // Without affinity, Kubernetes drops the configuration.
    if spec.text_or("sessionAffinity", "None") == "None" {
        return;
    }
    let config = spec.get("sessionAffinityConfig");
    let client = config.get("clientIP");
    let timeout = client.get("timeoutSeconds");
    let form = Format::Between(1, 86_400);
    if !form.accepts(timeout.value) {
        report.invalid(&timeout, &form.describe());
    }
}

fn external_traffic(spec: &Field<'_>, kind: &str, report: &mut Report<'_>) {
    let policy = spec.get("externalTrafficPolicy");
    let is_external = matches!(kind, "LoadBalancer" | "NodePort")
        || kind == "ClusterIP" && !spec.get("externalIPs").is_empty();
    if policy.text().is_some() && !is_external {
        report.forbidden(&policy, &format!("`spec.type` is {kind}, which takes no traffic from outside"));
    }
    let check = spec.get("healthCheckNodePort");
    let is_checked = kind == "LoadBalancer" && policy.text() == Some("Local");
    if check.number().is_some_and(|port| port != 0) && !is_checked {
        report.forbidden(&check, "it requires `type: LoadBalancer` and `externalTrafficPolicy: Local`");
    }
}

fn source_ranges(service: &Field<'_>, spec: &Field<'_>, kind: &str, report: &mut Report<'_>) {
    let ranges = spec.get("loadBalancerSourceRanges");
    if ranges.is_empty() {
        let metadata = service.get("metadata");
        let annotations = metadata.get("annotations");
        let annotation = annotations.get(SOURCE_RANGES);
        let Some(text) = annotation.value.as_str() else { return };
        if kind != "LoadBalancer" {
            report.forbidden(&annotation, &format!("`spec.type` is {kind}, not LoadBalancer"));
        }
        let is_range = |range: &str| Format::Cidr.accepts(&range.trim().into());
        if !text.trim().is_empty() && !text.split(',').all(is_range) {
            report.invalid(&annotation, "address ranges, such as `192.0.2.0/24`, separated by commas");
        }
        return;
    }
    if kind != "LoadBalancer" {
        report.forbidden(&ranges, &format!("`spec.type` is {kind}, not LoadBalancer"));
    }
    for range in ranges.items() {
        if range.value.as_str().is_some_and(|text| !Format::Cidr.accepts(&text.trim().into())) {
            report.invalid(&range, &Format::Cidr.describe());
        }
    }
}
