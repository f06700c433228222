//! The result for programs.

use serde_json::{Value, json};

use crate::core::json;
use crate::core::probe::check::Certificate;
use crate::core::probe::names::{Published, ServerKind};
use crate::core::probe::{Finding, Row, Weight};
use crate::engine::probe::Probed;

/// Returns the result as a JSON value.
pub(super) fn value(app: &str, probed: &Probed, lines: &[String]) -> Value {
    let agrees = !probed.findings.iter().any(|finding| finding.weight == Weight::Difference);
    let unseen: Vec<&str> = probed.unseen.iter().map(|problem| problem.message.as_str()).collect();
    json!({
        "apiVersion": "largescale.dev/v1alpha1",
        "kind": "Probe",
        "name": app,
        "agrees": agrees,
        "ports": probed.rows.iter().map(row).collect::<Vec<_>>(),
        "names": probed.observed.published.iter().map(published).collect::<Vec<_>>(),
        "findings": probed.findings.iter().map(finding).collect::<Vec<_>>(),
        "leftOut": lines,
        "warnings": unseen,
    })
}

fn row(row: &Row) -> Value {
    let mut item = json!({
        "pool": row.pool,
        "object": { "kind": row.object.kind, "namespace": row.object.namespace, "name": row.object.name, "copyOf": row.source },
        "result": row.verdict.word(),
        "dns": row.dns.word(),
    });
    if let Some(hostname) = &row.hostname {
        json::put(&mut item, &["hostname"], hostname.as_str());
    }
    if let Some(address) = row.address {
        json::put(&mut item, &["address"], address.to_string());
    }
    if let Some((port, transport)) = row.port {
        json::put(&mut item, &["port"], port);
        json::put(&mut item, &["protocol"], transport.name());
    }
    if let Some(check) = row.check {
        json::put(&mut item, &["check"], check);
    }
    if let Some(why) = row.verdict.reason() {
        json::put(&mut item, &["reason"], why);
    }
    if let Some(note) = row.note {
        json::put(&mut item, &["note"], note);
    }
    if let Some(tried) = &row.tried {
        json::put(&mut item, &["connections"], tried.count);
        json::put(&mut item, &["failed"], tried.failed);
        if let Some(latency) = tried.latency {
            // Microseconds are exact enough, and JSON has no durations.
            let milliseconds = f64::from(u32::try_from(latency.as_micros()).unwrap_or(u32::MAX)) / 1000.0;
            json::put(&mut item, &["latencyMs"], milliseconds);
        }
        if let Some(certificate) = &tried.certificate {
            json::put(&mut item, &["certificate"], of_certificate(certificate));
        }
    }
    item
}

fn of_certificate(certificate: &Certificate) -> Value {
    json!({ "sha256": certificate.fingerprint, "names": certificate.names, "issuer": certificate.issuer,
        "notAfter": jiff::Timestamp::from_second(certificate.not_after).map(|time| time.to_string()).unwrap_or_default() })
}

fn published(published: &Published) -> Value {
    let kind = match published.server.kind {
        ServerKind::System => "system",
        ServerKind::Given => "given",
        ServerKind::Authoritative => "authoritative",
    };
    let mut item = json!({
        "name": published.name,
        "server": { "kind": kind, "address": published.server.address.to_string() },
    });
    if let Some(name) = &published.server.name {
        json::put(&mut item, &["server", "name"], name.as_str());
    }
    match &published.result {
        Ok(answer) => {
            let addresses = answer.addresses.iter();
            let addresses: Vec<Value> =
                addresses.map(|one| json!({ "address": one.address.to_string(), "ttl": one.ttl })).collect();
            let aliases = answer.aliases.iter();
            let aliases: Vec<Value> = aliases
                .map(|alias| json!({ "name": alias.name, "target": alias.target, "ttl": alias.ttl }))
                .collect();
            json::put(&mut item, &["addresses"], Value::from(addresses));
            json::put(&mut item, &["aliases"], Value::from(aliases));
            json::put(&mut item, &["authoritative"], answer.authoritative);
            json::put(&mut item, &["bytes"], answer.bytes);
            json::put(&mut item, &["truncatedOverUdp"], answer.over_tcp);
        }
        Err(problem) => json::put(&mut item, &["problem"], problem.to_string()),
    }
    item
}

fn finding(finding: &Finding) -> Value {
    json!({ "weight": finding.weight.word(), "kind": finding.kind, "message": finding.message, "hint": finding.hint })
}
