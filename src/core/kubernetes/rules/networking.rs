//! Ingresses and network policies: `ValidateIngressSpec`, `ValidateNetworkPolicySpec`.

use crate::core::kubernetes::formats::Format;
use crate::core::kubernetes::name_rules::is_subdomain;
use crate::core::kubernetes::rules::container::one_of;
use crate::core::schema::field::{Field, Report};

/// What a path of type Exact or Prefix must not contain.
const IN_PATHS: &[&str] = &["//", "/./", "/../", "%2f", "%2F"];

/// How it must not end.
const AT_THE_END: &[&str] = &["/..", "/."];

pub(super) fn ingress(spec: &Field<'_>, report: &mut Report<'_>) {
    if spec.get("rules").is_empty() && !spec.get("defaultBackend").is_set() {
        report.add(spec, |field| format!("{field} has neither `rules` nor `defaultBackend`"), None);
    }
    let tls = spec.get("tls");
    for item in tls.items() {
        let hosts = item.get("hosts");
        for host in hosts.items() {
            self::host(&host, report);
        }
        let secret = item.get("secretName");
        if secret.text().is_some_and(|name| !is_subdomain(name)) {
            report.invalid(&secret, &Format::Subdomain.describe());
        }
    }
}

pub(super) fn ingress_rule(rule: &Field<'_>, report: &mut Report<'_>) {
    let host = rule.get("host");
    self::host(&host, report);
    if host.text().is_some_and(|host| Format::Address.accepts(&host.into())) {
        report.invalid(&host, "a DNS name, not an IP address");
    }
}

/// A DNS name, or `*.` and a DNS name.
fn host(host: &Field<'_>, report: &mut Report<'_>) {
    let Some(text) = host.text() else { return };
    if !is_subdomain(text.strip_prefix("*.").unwrap_or(text)) {
        report.invalid(host, "a DNS name, such as `www.example.com` or `*.example.com`");
    }
}

pub(super) fn ingress_path(path: &Field<'_>, report: &mut Report<'_>) {
    let (kind, field) = (path.get("pathType"), path.get("path"));
    let text = field.value.as_str().unwrap_or_default();
    let is_absolute = text.starts_with('/');
    match kind.text() {
        Some("Exact" | "Prefix") => {
            if !is_absolute {
                report.invalid(&field, "a path that begins with `/`");
            }
            let bad = IN_PATHS.iter().find(|bad| text.contains(**bad));
            if let Some(bad) = bad.or_else(|| AT_THE_END.iter().find(|bad| text.ends_with(**bad))) {
                report.invalid(&field, &format!("a path without `{bad}`"));
            }
        }
        Some("ImplementationSpecific") if !text.is_empty() && !is_absolute => {
            report.invalid(&field, "a path that begins with `/`");
        }
        _ => {}
    }
}

pub(super) fn ingress_backend(backend: &Field<'_>, report: &mut Report<'_>) {
    one_of(backend, &["service", "resource"], report);
    let service = backend.get("service");
    if !service.is_set() || backend.get("resource").is_set() {
        return;
    }
    let port = service.get("port");
    let (name, number) = (port.get("name"), port.get("number"));
    let has_number = number.number().is_some_and(|number| number != 0);
    if name.is_empty() && !has_number {
        report.missing(&port, Some("set `number` or `name` of the port".to_owned()));
    } else if !name.is_empty() && has_number {
        report.forbidden(&name, "`number` is set, too");
    }
}

pub(super) fn policy_peer(peer: &Field<'_>, report: &mut Report<'_>) {
    let (block, pods, namespaces) =
        (peer.get("ipBlock"), peer.get("podSelector"), peer.get("namespaceSelector"));
    if block.is_set() && (pods.is_set() || namespaces.is_set()) {
        report.add(
            peer,
            |field| format!("{field} has both `ipBlock` and a selector"),
            Some("write two peers".to_owned()),
        );
    } else if !block.is_set() && !pods.is_set() && !namespaces.is_set() {
        one_of(peer, &["podSelector", "namespaceSelector", "ipBlock"], report);
    }
}

pub(super) fn policy_port(port: &Field<'_>, report: &mut Report<'_>) {
    let (first, last) = (port.get("port"), port.get("endPort"));
    if first.is_set() && !Format::PortOrName.accepts(first.value) {
        report.invalid(&first, &Format::PortOrName.describe());
    }
    if !last.is_set() {
        return;
    }
    match first.number() {
        None => report.forbidden(&last, "`port` is not a number"),
        Some(number) if last.number().is_some_and(|last| last < number) => {
            report.invalid(&last, &format!("at least `port` ({number})"));
        }
        Some(_) if !Format::Between(1, 65535).accepts(last.value) => {
            report.invalid(&last, &Format::Between(1, 65535).describe());
        }
        Some(_) => {}
    }
}

pub(super) fn webhook_client(config: &Field<'_>, report: &mut Report<'_>) {
    one_of(config, &["service", "url"], report);
}
