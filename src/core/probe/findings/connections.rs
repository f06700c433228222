//! Load balancers without an address, and ports that do not answer.

use std::collections::BTreeMap;

use crate::core::probe::check::{CertificateProblem, Trouble};
use crate::core::probe::findings::{Facts, Finding, Weight, listed};
use crate::core::probe::rows::{PRIVATE, Row, Verdict};
use crate::core::report::pool_words;

pub(super) fn findings(rows: &[Row], facts: Facts<'_>) -> Vec<Finding> {
    let mut findings: Vec<Finding> = Vec::new();
    // When a zone or a network fails, hundreds of pools have the same trouble.
    let mut failing: BTreeMap<String, (Vec<String>, String)> = BTreeMap::new();
    let mut without: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    let mut unknown: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for row in rows {
        match &row.verdict {
            Verdict::Answers | Verdict::NotChecked(_) => {}
            Verdict::Unknown(why) => unknown.entry(why).or_default().push(end_of(row)),
            Verdict::NoAddress(why) => without.entry(why).or_default().push(end_of(row)),
            Verdict::Fails(trouble) => {
                let group = failing.entry(trouble.to_string());
                group.or_insert_with(|| (Vec::new(), next_step(row, trouble))).0.push(end_of(row));
            }
            Verdict::Partly(trouble) => findings.push(partly(row, trouble)),
        }
    }
    let failing = failing.into_iter().map(|(trouble, (ends, hint))| {
        let verb = if ends.len() == 1 { "does" } else { "do" };
        let message = format!("{} {verb} not answer as expected: {trouble}", listed(&ends));
        Finding { weight: Weight::Difference, kind: "not-answering", message, hint }
    });
    let without = without.into_iter().map(|(why, ends)| {
        let verb = if ends.len() == 1 { "has" } else { "have" };
        Finding {
            weight: Weight::Difference,
            kind: "no-address",
            message: format!("{} {verb} no address: {why}", listed(&ends)),
            hint: format!("`kubectl largescale status{}` shows why", facts.flags),
        }
    });
    let unknown = unknown.into_iter().map(|(why, ends)| not_known(why, &ends));
    failing.chain(findings).chain(without).chain(unknown).collect()
}

fn partly(row: &Row, trouble: &Trouble) -> Finding {
    let (failed, count) = row.tried.as_ref().map_or((0, 0), |tried| (tried.failed, tried.count));
    Finding {
        weight: Weight::Difference,
        kind: "partly-answering",
        message: format!(
            "{} fails for {failed} of {count} connections, the last time because: {trouble}",
            end_of(row)
        ),
        hint: next_step(row, trouble),
    }
}

fn not_known(why: &str, ends: &[String]) -> Finding {
    let hint = if why == PRIVATE {
        "run the probe where the address is reachable, such as in the cluster: `kubectl largescale probe --help` shows how"
    } else {
        "run the probe from another machine"
    };
    Finding {
        weight: Weight::Unknown,
        kind: "not-reachable-from-here",
        message: format!("cannot check {}: {why}", listed(ends)),
        hint: hint.to_owned(),
    }
}

/// Returns `pool a: 192.0.2.1:443`.
fn end_of(row: &Row) -> String {
    let pool = if row.pool.is_empty() { row.object.to_string() } else { pool_words::named(&row.pool) };
    match (row.address, row.port) {
        (Some(address), Some((port, transport))) => {
            let socket = ::core::net::SocketAddr::new(address, port);
            format!("{pool}: {socket}/{}", transport.name())
        }
        (Some(address), None) => format!("{pool}: {address}"),
        _ => format!("{pool}: {}", row.object),
    }
}

fn next_step(row: &Row, trouble: &Trouble) -> String {
    let service = &row.object.name;
    let namespace = &row.object.namespace;
    let endpoints = format!(
        "kubectl get endpointslices --namespace {namespace} --selector kubernetes.io/service-name={service}"
    );
    match trouble {
        Trouble::Refused | Trouble::Closed { .. } => {
            format!("check that the load balancer has a healthy node and a ready endpoint: {endpoints}")
        }
        Trouble::TimedOut { .. } => format!(
            "check the firewall of the nodes, the health probe of the load balancer, and the endpoints: {endpoints}"
        ),
        Trouble::Certificate(CertificateProblem::Expired | CertificateProblem::NotYetValid) => {
            "renew the certificate in the Secret that this port uses, and restart what serves it".to_owned()
        }
        Trouble::Certificate(CertificateProblem::OtherName { .. }) => {
            "set `host` of the port in `spec.probe` if clients use another name; otherwise issue a certificate for this name"
                .to_owned()
        }
        Trouble::Certificate(_) => {
            "set `tls: anyIssuer` for the port in `spec.probe` if clients trust the issuer and this machine does not"
                .to_owned()
        }
        Trouble::Tls(_) => {
            "set `check: tcp` for the port in `spec.probe` if it has no TLS; otherwise look at the log of what serves it"
                .to_owned()
        }
        Trouble::Status { .. } | Trouble::NotHttp(_) => format!(
            "set `path`, `host` and `status` of the port in `spec.probe` to what a client expects, or look at the pods: {endpoints}"
        ),
        Trouble::OtherReply { .. } => "set `expect` of the port in `spec.probe` to a part of the reply".to_owned(),
        Trouble::NoRoute | Trouble::Other(_) => "run the probe from another machine".to_owned(),
    }
}
