//! The real external-dns reads rendered directories: its source of Services, its DNSEndpoint and its planner.

use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::Command;

use crate::environment::{Environment, checkout};

const ALPHA: &str = "external-dns.alpha.kubernetes.io/";
const GA: &str = "external-dns.kubernetes.io/";

/// Returns the program of `tests/go/dns-proof`, which `make dns-proof` builds.
fn external_dns() -> Option<PathBuf> {
    let program = checkout().join("target/dns-proof");
    let program = std::env::var_os("LARGESCALE_DNS_PROOF").map_or(program, Into::into);
    if program.exists() {
        return Some(program);
    }
    assert!(std::env::var_os("CI").is_none(), "no external-dns: run `make dns-proof` first");
    // Bypass the capture of the test harness, so that the line is visible.
    writeln!(std::io::stderr(), "skipped: no external-dns (make dns-proof builds it, with Go)").unwrap();
    None
}

/// Returns the records for three pools, agentpool1 to agentpool3, whose load balancers have addresses in this
/// order.
#[track_caller]
fn records(dns: &str, more: &[&str]) -> Option<Vec<String>> {
    let program = external_dns()?;
    let environment = Environment::with(&checkout().join("tests/cases/shared"));
    let spec = environment.path().join("largescale.yaml");
    let text = fs::read_to_string(&spec).unwrap().replace("nodes.json", "three.json");
    fs::write(&spec, format!("{text}  dns: {{hostname: www.example.com, {dns}}}\n")).unwrap();
    let rendered = environment.program(&["render"]);
    assert!(rendered.status.success(), "{}", String::from_utf8_lossy(&rendered.stderr));
    let mut command = Command::new(program);
    command.args(more).arg(environment.path().join("rendered"));
    let output = environment.run(command);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect())
}

#[test]
fn all_pools_are_one_record() {
    for (annotations, prefix) in [("both", ALPHA), ("both", GA), ("alpha", ALPHA), ("ga", GA)] {
        let dns = format!("ttl: 30, annotations: {annotations}");
        let Some(records) = records(&dns, &["--annotation-prefix", prefix]) else { return };
        assert_eq!(records, ["www.example.com 30 A 203.0.113.1,203.0.113.2,203.0.113.3"], "{dns} {prefix}");
    }
    assert_eq!(records("annotations: alpha", &["--annotation-prefix", GA]), Some(vec![]));
}

#[test]
fn a_drained_pool_is_not_published() {
    let Some(records) = records("drain: [agentpool2]", &[]) else { return };
    assert_eq!(records, ["www.example.com 60 A 203.0.113.1,203.0.113.3"]);
}

#[test]
fn one_of_several_names_is_published() {
    let Some(records) = records("ttl: 60", &["--answers", "name"]) else { return };
    assert_eq!(records, ["www.example.com 60 CNAME lb-1.example.net"]);
}

#[test]
fn with_weights_each_pool_has_its_record() {
    let dns = "provider: route53, weights: {agentpool1: 10, agentpool2: 20, agentpool3: 0}";
    for (answers, kind, of) in [
        ("address", "A", ["203.0.113.1", "203.0.113.2", "203.0.113.3"]),
        ("name", "CNAME", ["lb-1.example.net", "lb-2.example.net", "lb-3.example.net"]),
    ] {
        let Some(records) = records(dns, &["--answers", answers]) else { return };
        let expected: Vec<String> = ["10", "20", "0"]
            .iter()
            .enumerate()
            .map(|(index, weight)| {
                let pool = index + 1;
                format!(
                    "www.example.com 60 {kind} {} identifier=nginx-agentpool{pool} aws/weight={weight}",
                    of[index]
                )
            })
            .collect();
        assert_eq!(records, expected);
    }
}

#[test]
fn reserved_addresses_are_published_once() {
    let reserved = "reserved: {agentpool1: [192.0.2.1, '2001:db8::1'], agentpool2: [192.0.2.2], agentpool3: [192.0.2.3]}";
    let Some(found) = records(&format!("{reserved}, drain: [agentpool3]"), &[]) else { return };
    assert_eq!(found, ["www.example.com 60 A 192.0.2.1,192.0.2.2", "www.example.com 60 AAAA 2001:db8::1"]);
    let weights =
        "provider: route53, weights: {agentpool1: 3, agentpool2: 1, agentpool3: 1}, drain: [agentpool3]";
    let found = records(&format!("{reserved}, {weights}"), &[]).unwrap();
    assert_eq!(
        found,
        [
            "www.example.com 60 A 192.0.2.1 identifier=nginx-agentpool1 aws/weight=3",
            "www.example.com 60 A 192.0.2.2 identifier=nginx-agentpool2 aws/weight=1",
            "www.example.com 60 AAAA 2001:db8::1 identifier=nginx-agentpool1 aws/weight=3",
        ]
    );
}
