//! The real external-dns reads rendered directories: its sources of Services and routes, its DNSEndpoint and its planner.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::Command;

use largescale::core::dns::RoundRobin;
use largescale::core::lock::{Lock, LockedPool};
use largescale::core::manifest::Key;
use largescale::core::spec::LargeScale;
use largescale::core::status::{Address, AddressState, Binding, PoolRow, zone};
use largescale::core::yaml;

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
    let environment = Environment::with(&checkout().join("tests/cases/shared"));
    let spec = environment.path().join("largescale.yaml");
    let text = fs::read_to_string(&spec).unwrap().replace("nodes.json", "three.json");
    fs::write(&spec, format!("{text}  dns: {{hostname: www.example.com, {dns}}}\n")).unwrap();
    published(&environment, more)
}

/// Returns the records for a Gateway of `tests/cases/gateways` with three pools, and a route of www.example.com. The program gives
/// each load balancer an address, in the order of the pools, and the Gateway of a shared fleet the cluster IP 10.96.0.1.
#[track_caller]
fn gateway_records(case: &str, dns: &str, more: &[&str]) -> Option<Vec<String>> {
    let environment = Environment::with(&checkout().join("tests/cases/gateways").join(case).join("in"));
    let path = environment.path().join("largescale.yaml");
    let text = fs::read_to_string(&path).unwrap();
    let without: Vec<&str> = text.lines().filter(|line| !line.starts_with("  dns:")).collect();
    let dns = if dns.is_empty() { String::new() } else { format!("  dns: {{{dns}}}\n") };
    fs::write(&path, format!("{}\n{dns}", without.join("\n"))).unwrap();
    published(&environment, more)
}

/// Renders, and returns the records that external-dns makes of the directory.
#[track_caller]
fn published(environment: &Environment, more: &[&str]) -> Option<Vec<String>> {
    let program = external_dns()?;
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

/// The groups of the three pools, as `spec.dns.groups` decides them.
const GROUPS: [&str; 2] =
    ["www-1.example.com 60 A 203.0.113.1,203.0.113.2", "www-2.example.com 60 A 203.0.113.3"];

#[test]
fn each_group_has_a_record_of_its_pools() {
    let groups = "groups: {count: 2, aliases: {eu.example.com: 2}}";
    let alias = "eu.example.com 60 CNAME www-2.example.com";
    for prefix in [ALPHA, GA] {
        let Some(found) = records(groups, &["--annotation-prefix", prefix]) else { return };
        let all = "www.example.com 60 A 203.0.113.1,203.0.113.2,203.0.113.3";
        assert_eq!(found, [alias, GROUPS[0], GROUPS[1], all]);
    }
    let without = "groups: {count: 2, hostnameRecords: none}";
    assert_eq!(records(without, &[]).unwrap(), GROUPS);
    let drained = records(&format!("{groups}, drain: [agentpool2]"), &[]).unwrap();
    assert_eq!(drained[1..3], ["www-1.example.com 60 A 203.0.113.1", GROUPS[1]]);
    // Without the source of DNSEndpoints, only the aliases are absent.
    assert_eq!(records(groups, &["--source", "service"]).unwrap()[..2], GROUPS);
}

#[test]
fn the_hostname_can_have_a_weighted_cname_for_each_group() {
    let dns = "provider: route53, groups: {count: 2, hostnameRecords: weightedCnames}";
    let Some(found) = records(dns, &[]) else { return };
    let cnames = [
        "www.example.com 60 CNAME www-1.example.com identifier=nginx-group-1 aws/weight=2",
        "www.example.com 60 CNAME www-2.example.com identifier=nginx-group-2 aws/weight=1",
    ];
    assert_eq!(found, [GROUPS[0], GROUPS[1], cnames[0], cnames[1]]);
    let reserved =
        "reserved: {agentpool1: [203.0.113.1], agentpool2: [203.0.113.2], agentpool3: [203.0.113.3]}";
    let found = records(&format!("{dns}, {reserved}"), &[]).unwrap();
    assert_eq!(found, [GROUPS[0], GROUPS[1], cnames[0], cnames[1]], "a DNSEndpoint alone gives the same");
}

#[test]
fn the_printed_zone_has_what_external_dns_makes() {
    for (records_of_hostname, provider) in
        [("addresses", "other"), ("none", "other"), ("weightedCnames", "route53")]
    {
        let environment = Environment::with(&checkout().join("tests/cases/shared"));
        let path = environment.path().join("largescale.yaml");
        let text = fs::read_to_string(&path).unwrap().replace("nodes.json", "three.json");
        let dns = format!(
            "  dns: {{hostname: www.example.com, provider: {provider}, groups: {{count: 2, aliases: {{eu.example.com: 2}}, hostnameRecords: {records_of_hostname}}}}}\n"
        );
        fs::write(&path, format!("{text}{dns}")).unwrap();
        let Some(found) = published(&environment, &[]) else { return };
        assert_eq!(found, printed(&environment), "{records_of_hostname}");
    }
}

/// Returns the records of `status -o zone` if the load balancers have the addresses that the proof gives them.
fn printed(environment: &Environment) -> Vec<String> {
    let read = |file: &str| fs::read_to_string(environment.path().join(file)).unwrap();
    let document = yaml::read_one("f", &read("largescale.yaml")).unwrap();
    let spec: LargeScale = serde_json::from_value(document.value.clone()).unwrap();
    let lock = Lock::read("lock", &read("largescale.lock")).unwrap();
    let round_robin = RoundRobin::of(&spec.spec, &lock);
    let row = |(index, pool): (usize, &LockedPool)| {
        let addresses = vec![Address::Ip(format!("203.0.113.{}", index + 1))];
        let (pool, source) = (pool.name.clone(), "nginx".to_owned());
        let service = Key {
            group: String::new(),
            kind: "Service".to_owned(),
            namespace: String::new(),
            name: format!("nginx-{pool}"),
        };
        let (made, nodes, created, ports) = (None, None, None, String::new());
        let (state, binding) = (AddressState::Ready { addresses }, Binding::Same);
        PoolRow { pool, source, service, made, nodes, created, ports, state, binding }
    };
    let rows: Vec<PoolRow> = lock.pools.values().enumerate().map(row).collect();
    let zone = zone(&spec.metadata.name, 60, round_robin.as_ref(), &rows);
    let mut sets: BTreeMap<(String, &str, String), Vec<String>> = BTreeMap::new();
    for record in zone.records {
        let weighted =
            record.weighted.map(|it| format!(" identifier={} aws/weight={}", it.identifier, it.weight));
        let key = (record.name.trim_end_matches('.').to_owned(), record.kind, weighted.unwrap_or_default());
        sets.entry(key).or_default().push(record.data.trim_end_matches('.').to_owned());
    }
    let line = |((name, kind, weighted), data): ((String, &str, String), Vec<String>)| {
        format!("{name} 60 {kind} {}{weighted}", data.join(","))
    };
    let mut lines: Vec<String> = sets.into_iter().map(line).collect();
    lines.sort_unstable();
    lines
}

const ALL: &str = "A 203.0.113.1,203.0.113.2,203.0.113.3";

/// Checks the records of a case for several settings of `spec.dns` and arguments of external-dns.
#[track_caller]
fn check_gateways(case: &str, rows: &[(&str, &[&str], &[String])]) {
    for (dns, arguments, expected) in rows {
        let Some(records) = gateway_records(case, dns, arguments) else { return };
        assert_eq!(records, *expected, "{case} {dns} {arguments:?}");
    }
}

#[test]
fn a_route_of_a_shared_gateway_points_to_the_name_of_all_pools() {
    const DNS: &str = "hostname: edge.example.com";
    let name = format!("edge.example.com 60 {ALL}");
    let route = "www.example.com 0 CNAME edge.example.com".to_owned();
    // `render` warns of this address.
    let cluster_ip = ["www.example.com 0 A 10.96.0.1".to_owned()];
    let both = [name.clone(), route.clone()];
    check_gateways(
        "one-fleet",
        &[
            (DNS, &["--annotation-prefix", GA], &both),
            (DNS, &["--annotation-prefix", ALPHA], &both),
            (DNS, &["--source", "service"], &[name]),
            (DNS, &["--source", "gateway-httproute"], &[route]),
            (
                "hostname: edge.example.com, drain: [pool2]",
                &[],
                &["edge.example.com 60 A 203.0.113.1,203.0.113.3".to_owned(), both[1].clone()],
            ),
            ("", &[], &cluster_ip),
            ("hostname: edge.example.com, annotations: alpha", &["--annotation-prefix", GA], &cluster_ip),
        ],
    );
}

#[test]
fn a_route_of_the_gateways_of_pools_has_all_their_addresses() {
    const DNS: &str = "hostname: www.example.com";
    const DRAINED: &str = "hostname: www.example.com, drain: [pool2]";
    const WEIGHTED: &str =
        "hostname: www.example.com, provider: route53, weights: {pool1: 1, pool2: 2, pool3: 3}";
    const ROUTES: &[&str] = &["--source", "gateway-httproute"];
    const SERVICES: &[&str] = &["--source", "service"];
    // The source of routes knows neither the TTL, nor drained pools, nor weights: all are on the Services.
    let of_routes = [format!("www.example.com 0 {ALL}")];
    let of_services = [format!("www.example.com 60 {ALL}")];
    let drained = ["www.example.com 60 A 203.0.113.1,203.0.113.3".to_owned()];
    check_gateways(
        "per-pool",
        &[
            ("", ROUTES, &of_routes),
            ("", SERVICES, &[]),
            (DNS, ROUTES, &of_routes),
            (DNS, SERVICES, &of_services),
            (DRAINED, ROUTES, &of_routes),
            (DRAINED, SERVICES, &drained),
            (WEIGHTED, ROUTES, &of_routes),
        ],
    );
}
