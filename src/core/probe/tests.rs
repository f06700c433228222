//! Plans, rows and findings of made-up probes.

mod groups;

use ::core::time::Duration;
use serde_json::{Value, json};

use super::check::{Certificate, CertificateProblem, Check, Step, Tried, Trouble};
use super::names::{Alias, Answer, NameProblem, Published, PublishedAddress, Server, ServerKind};
use super::*;
use crate::core::dns::{Dns, Exclusion, RoundRobin};
use crate::core::status::{Address, AddressState, PoolRow};

const LIMIT: Duration = Duration::from_secs(5);

fn at(addresses: &[&str]) -> AddressState {
    let address = |text: &&str| match text.parse::<::core::net::IpAddr>() {
        Ok(_) => Address::Ip((*text).to_owned()),
        Err(_) => Address::Hostname((*text).to_owned()),
    };
    AddressState::Ready { addresses: addresses.iter().map(address).collect() }
}

fn service(ports: &Value) -> Value {
    json!({"kind": "Service", "metadata": {"name": "web-a"}, "spec": {"type": "LoadBalancer", "ports": ports}})
}

fn end(pool: &str, addresses: &[&str]) -> End {
    let settings = Settings { probe: &Probe::default(), round_robin: None, count: None };
    let state = if addresses.is_empty() { AddressState::Pending { why: None } } else { at(addresses) };
    let end = end_of(
        &PoolRow::sample(pool, "web", state),
        &service(&json!([{"port": 443, "name": "https"}])),
        &[],
        settings,
    );
    End { membership: Membership::In, ..end }
}

/// Returns a line for each port of a plan.
fn planned(object: &Value, probe: &Value, round_robin: Option<&RoundRobin<'_>>) -> Vec<String> {
    let probe: Probe = serde_json::from_value(probe.clone()).unwrap();
    let settings = Settings { probe: &probe, round_robin, count: None };
    let end = end_of(&PoolRow::sample("a", "web", at(&["192.0.2.1"])), object, &[], settings);
    let line = |port: &PlannedPort| {
        let plan = match &port.plan {
            PortPlan::Skip(why) => format!("skip: {why}"),
            PortPlan::Connect { check, timeout, count } => {
                let times = if *count == 1 { String::new() } else { format!(" {count} times") };
                let within = if *timeout == LIMIT { String::new() } else { format!(" within {timeout:?}") };
                let name = |name: &check::ServerName| {
                    format!("{} {:?}", name.name.as_deref().unwrap_or("any name"), name.trust)
                };
                let check = match check {
                    Check::Tcp => "tcp".to_owned(),
                    Check::Tls(server) => format!("tls {}", name(server)),
                    Check::Http(request) => format!(
                        "http {}{} {}{}",
                        request.host.as_deref().unwrap_or_default(),
                        request.path,
                        request.status,
                        request
                            .tls
                            .as_ref()
                            .map(|server| format!(", tls {}", name(server)))
                            .unwrap_or_default()
                    ),
                    Check::Udp { payload, reply } => format!("udp {} -> {}", payload.len(), reply.len()),
                };
                format!("{check}{times}{within}")
            }
        };
        let note = port.note.map(|note| format!(" ({note})")).unwrap_or_default();
        format!("{}/{} {plan}{note}", port.number, port.transport.name())
    };
    end.ports.iter().map(line).collect()
}

#[test]
fn what_is_checked_of_a_port() {
    let ports = json!([{"port": 80, "name": "http"}, {"port": 443, "name": "https"}, {"port": 53, "protocol": "UDP"},
        {"port": 9, "protocol": "SCTP"}]);
    let object = service(&ports);
    let usual = planned(&object, &json!({}), None);
    assert_eq!(
        usual,
        [
            "80/TCP tcp",
            "443/TCP tls any name Verify",
            "53/UDP skip: UDP without `send` and `expect` in `spec.probe`",
            "9/SCTP skip: SCTP is not checked",
        ]
    );
    let dns = Dns::new("*.example.com");
    let round_robin = RoundRobin::new(&dns);
    let wanted = json!({"timeout": "2s", "count": 4, "ports": [
        {"port": 80, "path": "/healthz", "timeout": "100ms"},
        {"port": "https", "status": "404", "tls": "anyIssuer"},
        {"port": 53, "send": "ping", "expect": "pong", "count": 1}]});
    assert_eq!(
        planned(&object, &wanted, Some(&round_robin)),
        [
            "80/TCP http largescale-probe.example.com/healthz 200-399 4 times within 100ms",
            "443/TCP http largescale-probe.example.com/ 404, tls largescale-probe.example.com AnyIssuer 4 times within 2s",
            "53/UDP udp 4 -> 4 within 2s",
            "9/SCTP skip: SCTP is not checked",
        ]
    );
    let wanted = json!({"ports": [{"port": 80, "check": "none"}, {"port": 443, "check": "tcp"}, {"port": 53, "check": "tcp"}]});
    assert_eq!(
        planned(&object, &wanted, None)[..3],
        [
            "80/TCP skip: `spec.probe` excludes it",
            "443/TCP tcp",
            "53/UDP skip: UDP without `send` and `expect` in `spec.probe`"
        ]
    );
}

#[test]
fn settings_that_no_port_has() {
    let probe: Probe =
        serde_json::from_value(json!({"ports": [{"port": 443}, {"port": "https"}, {"port": 8443},
        {"port": 443, "service": "api"}]}))
        .unwrap();
    let messages: Vec<String> = unused(&probe, &[end("a", &["192.0.2.1"])])
        .into_iter()
        .map(|warning| format!("{}; {}", warning.message, warning.hint.unwrap()))
        .collect();
    assert_eq!(
        messages,
        [
            "`spec.probe` is for the port 8443, which no load balancer has; the ports are: 443 (https) of web",
            "`spec.probe` is for the port 443 of api, which no load balancer has; the ports are: 443 (https) of web",
        ]
    );
}

#[test]
fn an_address_that_is_not_the_reserved_one() {
    let mut all = observed(vec![end("a", &["192.0.2.1"])], &[("192.0.2.1", None)]);
    all.ends[0].reserved = vec!["192.0.2.9".parse().unwrap()];
    assert_eq!(
        lines(&all, Answers::All),
        [
            "difference not-reserved: the load balancer of pool a has the address 192.0.2.1, and `spec.dns.reserved` has 192.0.2.9"
        ]
    );
}

#[test]
fn a_port_with_the_proxy_protocol_is_checked_up_to_tcp() {
    let object = json!({"kind": "Service", "metadata": {"annotations": {"example.com/proxy-protocol": "true"}},
        "spec": {"ports": [{"port": 443, "name": "https"}]}});
    assert_eq!(
        planned(&object, &json!({"ports": [{"port": 443, "path": "/healthz"}]}), None),
        ["443/TCP tcp (checked up to TCP only, because the port expects the PROXY protocol)"]
    );
    // The user may know that the load balancer adds it.
    assert_eq!(
        planned(&object, &json!({"ports": [{"port": 443, "check": "http", "tls": "anyIssuer"}]}), None),
        ["443/TCP http / 200-399, tls any name AnyIssuer"]
    );
}

fn tried(trouble: Option<Trouble>) -> Tried {
    let failed = u32::from(trouble.is_some());
    let latency = trouble.is_none().then_some(Duration::from_millis(3));
    Tried { count: 1, failed, latency, trouble, certificate: None }
}

fn timed_out() -> Trouble {
    Trouble::TimedOut { step: Step::Connect, limit: LIMIT }
}

/// Makes a probe of ends with the trouble of each address.
fn observed(ends: Vec<End>, results: &[(&str, Option<Trouble>)]) -> Observed {
    let key = |text: &str| (text.parse().unwrap(), 443, Transport::Tcp);
    let tried = results.iter().map(|(address, trouble)| (key(address), tried(trouble.clone()))).collect();
    Observed { ends, tried, ..Observed::default() }
}

fn server(kind: ServerKind, address: &str, result: Result<&[(&str, u32)], NameProblem>) -> Published {
    let answer = |addresses: &[(&str, u32)]| Answer {
        addresses: addresses
            .iter()
            .map(|(address, ttl)| PublishedAddress { address: address.parse().unwrap(), ttl: *ttl })
            .collect(),
        aliases: Vec::new(),
        authoritative: kind == ServerKind::Authoritative,
        over_tcp: false,
        bytes: 100,
    };
    let name = (kind == ServerKind::Authoritative).then(|| "ns1.example.com".to_owned());
    Published {
        name: "www.example.com".to_owned(),
        server: Server { kind, address: format!("{address}:53").parse().unwrap(), name },
        result: result.map(answer),
    }
}

fn lines(observed: &Observed, answers: Answers) -> Vec<String> {
    let rows = observed.rows();
    let names = [Name { hostname: "www.example.com", ttl: Some(60), answers, group: None }];
    let facts = Facts { names: &names, now: 1_000_000, flags: " -f app" };
    findings(observed, &rows, facts)
        .iter()
        .map(|finding| format!("{} {}: {}", finding.weight.word(), finding.kind, finding.message))
        .collect()
}

#[test]
fn nothing_to_say_if_all_sets_agree() {
    let mut all = observed(
        vec![end("a", &["192.0.2.1"]), end("b", &["2001:db8::2"])],
        &[("192.0.2.1", None), ("2001:db8::2", None)],
    );
    let addresses = [("192.0.2.1", 60), ("2001:db8::2", 30)];
    all.published = vec![
        server(ServerKind::System, "192.0.2.53", Ok(&addresses)),
        server(ServerKind::Authoritative, "192.0.2.54", Ok(&addresses)),
    ];
    assert_eq!(lines(&all, Answers::All), Vec::<String>::new());
    let rows = all.rows();
    assert!(rows.iter().all(|row| row.verdict == Verdict::Answers && row.dns == DnsState::Published));
    // Without a name server there is nothing to compare with.
    all.published.clear();
    assert!(all.rows().iter().all(|row| row.dns == DnsState::NotCompared));
}

#[test]
fn ports_that_do_not_answer() {
    let mut all = observed(
        vec![
            end("a", &["192.0.2.1"]),
            end("b", &["192.0.2.2"]),
            end("c", &["192.0.2.3"]),
            end("d", &[]),
            end("e", &["192.0.2.5"]),
        ],
        &[
            ("192.0.2.1", Some(Trouble::Refused)),
            ("192.0.2.2", Some(timed_out())),
            ("192.0.2.3", Some(Trouble::Certificate(CertificateProblem::Expired))),
            ("192.0.2.5", Some(Trouble::NoRoute)),
        ],
    );
    all.tried.get_mut(&("192.0.2.3".parse().unwrap(), 443, Transport::Tcp)).unwrap().count = 3;
    assert_eq!(
        lines(&all, Answers::All),
        [
            "difference not-answering: pool a: 192.0.2.1:443/TCP does not answer as expected: connection refused",
            "difference not-answering: pool b: 192.0.2.2:443/TCP does not answer as expected: timed out after 5s while connecting",
            "difference partly-answering: pool c: 192.0.2.3:443/TCP fails for 1 of 3 connections, the last time because: the certificate has expired",
            "difference no-address: pool d: service/web/web-d has no address: pending",
            "unknown not-reachable-from-here: cannot check pool e: 192.0.2.5:443/TCP: this machine has no route to it",
        ]
    );
}

#[test]
fn many_pools_with_the_same_trouble_are_one_sentence() {
    let addresses: Vec<String> = (0..200).map(|index| format!("192.0.2.{index}")).collect();
    let ends = addresses.iter().map(|address| end(address, &[address])).collect();
    let results: Vec<_> =
        addresses.iter().map(|address| (address.as_str(), Some(Trouble::Refused))).collect();
    let found = lines(&observed(ends, &results), Answers::All);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].ends_with("and 195 more do not answer as expected: connection refused"), "{found:?}");
}

#[test]
fn private_addresses_prove_nothing_from_outside() {
    let ends = || vec![end("a", &["10.0.0.1"]), end("b", &["fd00::2"])];
    let outside = observed(ends(), &[("10.0.0.1", Some(timed_out())), ("fd00::2", Some(timed_out()))]);
    assert_eq!(
        lines(&outside, Answers::All),
        [
            "unknown not-reachable-from-here: cannot check pool a: 10.0.0.1:443/TCP, pool b: [fd00::2]:443/TCP: the address is private and cannot be reached from here"
        ]
    );
    // One of them answers, so the other one would be reachable, too.
    let inside = observed(ends(), &[("10.0.0.1", Some(timed_out())), ("fd00::2", None)]);
    assert_eq!(lines(&inside, Answers::All).len(), 1);
    assert!(lines(&inside, Answers::All)[0].starts_with("difference not-answering: pool a"));
    // A refused connection is an answer.
    let refused = observed(ends(), &[("10.0.0.1", Some(Trouble::Refused)), ("fd00::2", Some(timed_out()))]);
    assert_eq!(lines(&refused, Answers::All).len(), 2);
}

#[test]
fn names_that_differ_from_the_pools() {
    let mut all = observed(
        vec![end("a", &["192.0.2.1"]), end("b", &["192.0.2.2"]), end("c", &["192.0.2.3"])],
        &[("192.0.2.1", None), ("192.0.2.2", None), ("192.0.2.3", None)],
    );
    all.ends[2].membership = Membership::Out(Exclusion::Drained);
    all.published = vec![
        server(
            ServerKind::System,
            "192.0.2.53",
            Ok(&[("192.0.2.1", 20), ("192.0.2.3", 20), ("198.51.100.9", 7)]),
        ),
        server(ServerKind::Authoritative, "192.0.2.54", Ok(&[("192.0.2.1", 300), ("192.0.2.3", 300)])),
        server(ServerKind::Given, "192.0.2.55", Err(NameProblem::NotFound)),
        server(
            ServerKind::Given,
            "192.0.2.56",
            Err(NameProblem::Unreachable { reason: "timed out".to_owned() }),
        ),
        server(ServerKind::Authoritative, "192.0.2.57", Err(NameProblem::Lame)),
    ];
    assert_eq!(
        lines(&all, Answers::All),
        [
            "difference lame-name-server: www.example.com: the server has no authority for the zone that names it (asked ns1.example.com (192.0.2.57))",
            "difference left-out-but-published: www.example.com still has 192.0.2.3 of pool c, which is left out: drained (asked system resolver (192.0.2.53), ns1.example.com (192.0.2.54))",
            "difference missing-in-dns: www.example.com lacks 192.0.2.2 (pool b) (asked system resolver (192.0.2.53), ns1.example.com (192.0.2.54))",
            "difference name-not-found: www.example.com: the name does not exist (NXDOMAIN) (asked 192.0.2.55)",
            "difference stale-in-cache: www.example.com still has 198.51.100.9 in a cache (asked system resolver (192.0.2.53))",
            "difference ttl-too-long: www.example.com has the TTL 300 s, and `spec.dns.ttl` is 60 s (asked ns1.example.com (192.0.2.54))",
            "unknown name-server-unreachable: www.example.com: no answer: timed out (asked 192.0.2.56)",
        ]
    );
    let states: Vec<_> = all.rows().iter().map(|row| row.dns.word()).collect();
    assert_eq!(states, ["partly", "missing", "still published"]);
}

#[test]
fn a_cache_is_compared_with_a_given_server_that_has_the_zone() {
    let mut all = observed(vec![end("a", &["192.0.2.1"])], &[("192.0.2.1", None)]);
    let cached = [("192.0.2.1", 60), ("198.51.100.9", 41)];
    let mut authority = server(ServerKind::Given, "192.0.2.54", Ok(&[("192.0.2.1", 60)]));
    authority.result.as_mut().unwrap().authoritative = true;
    all.published = vec![server(ServerKind::Given, "192.0.2.53", Ok(&cached)), authority];
    assert_eq!(
        lines(&all, Answers::All),
        ["difference stale-in-cache: www.example.com still has 198.51.100.9 in a cache (asked 192.0.2.53)"]
    );
}

#[test]
fn a_reserved_address_that_no_load_balancer_has() {
    let mut all = observed(vec![end("a", &["192.0.2.1"])], &[("192.0.2.1", None)]);
    all.ends[0].reserved = ["192.0.2.1", "2001:db8::1"].map(|text| text.parse().unwrap()).to_vec();
    let both = [("192.0.2.1", 60), ("2001:db8::1", 60)];
    all.published = vec![server(ServerKind::Authoritative, "192.0.2.54", Ok(&both))];
    assert_eq!(
        lines(&all, Answers::All),
        [
            "difference reserved-not-given: www.example.com has 2001:db8::1 (pool a), which `spec.dns.reserved` has but the load balancer does not (asked ns1.example.com (192.0.2.54))"
        ]
    );
    all.ends[0].membership = Membership::Out(Exclusion::Drained);
    assert_eq!(
        lines(&all, Answers::All),
        [
            "difference left-out-but-published: www.example.com still has 192.0.2.1, 2001:db8::1 of pool a, which is left out: drained (asked ns1.example.com (192.0.2.54))"
        ]
    );
}

#[test]
fn an_address_that_no_pool_has() {
    let mut all = observed(vec![end("a", &["192.0.2.1"])], &[("192.0.2.1", None)]);
    let foreign = [("192.0.2.1", 60), ("198.51.100.9", 60)];
    all.published = vec![server(ServerKind::Authoritative, "192.0.2.54", Ok(&foreign))];
    assert_eq!(
        lines(&all, Answers::All),
        [
            "difference foreign-in-dns: www.example.com has 198.51.100.9, which no pool has (asked ns1.example.com (192.0.2.54))"
        ]
    );
}

#[test]
fn an_answer_with_some_of_the_pools_lacks_none() {
    let mut all = observed(
        vec![end("a", &["a.elb.example.com"]), end("b", &["192.0.2.2"])],
        &[("192.0.2.1", None), ("192.0.2.2", None), ("192.0.2.4", None)],
    );
    let found = vec!["192.0.2.1".parse().unwrap(), "192.0.2.4".parse().unwrap()];
    all.resolved.insert("a.elb.example.com".to_owned(), Ok(found));
    all.published = vec![server(ServerKind::System, "192.0.2.53", Ok(&[("192.0.2.4", 60)]))];
    assert_eq!(lines(&all, Answers::Some), Vec::<String>::new());
    assert_eq!(all.rows().len(), 3, "every address of the host name");
    all.resolved.insert("a.elb.example.com".to_owned(), Err(NameProblem::NotFound));
    assert_eq!(
        lines(&all, Answers::Some)[0],
        "difference no-address: pool a: service/web/web-a has no address: a.elb.example.com: the name does not exist (NXDOMAIN)"
    );
}

#[test]
fn large_answers_and_aliases() {
    let mut all = observed(vec![end("a", &["192.0.2.1"])], &[("192.0.2.1", None)]);
    let mut published = server(ServerKind::System, "192.0.2.53", Ok(&[("192.0.2.1", 60)]));
    if let Ok(answer) = &mut published.result {
        answer.bytes = 1400;
        answer.over_tcp = true;
        answer.aliases =
            vec![Alias { name: "www.example.com".to_owned(), target: "lb.example.com".to_owned(), ttl: 60 }];
    }
    all.published = vec![published];
    assert_eq!(
        lines(&all, Answers::All),
        [
            "warning large-answer: the answer for www.example.com has 1400 bytes, more than 512 (asked system resolver (192.0.2.53))"
        ]
    );
    let chain = vec!["a.example.com".to_owned(), "b.example.com".to_owned(), "a.example.com".to_owned()];
    all.published = vec![server(ServerKind::System, "192.0.2.53", Err(NameProblem::AliasLoop { chain }))];
    assert_eq!(
        lines(&all, Answers::All),
        [
            "difference alias-loop: www.example.com: the aliases form a loop: a.example.com -> b.example.com -> a.example.com (asked system resolver (192.0.2.53))"
        ]
    );
}

#[test]
fn certificates_that_differ_or_expire_soon() {
    let mut all = observed(
        vec![end("a", &["192.0.2.1"]), end("b", &["192.0.2.2"])],
        &[("192.0.2.1", None), ("192.0.2.2", None)],
    );
    for (address, fingerprint, not_after) in
        [("192.0.2.1", "aa", 1_000_000 + 3 * 86_400), ("192.0.2.2", "bb", 9_000_000)]
    {
        let key = (address.parse().unwrap(), 443, Transport::Tcp);
        all.tried.get_mut(&key).unwrap().certificate = Some(Certificate {
            fingerprint: fingerprint.repeat(32),
            names: vec!["www.example.com".to_owned()],
            not_after,
            issuer: "x".to_owned(),
        });
    }
    assert_eq!(
        lines(&all, Answers::All),
        [
            "warning certificate-expires: the certificate of pool a (port 443) expires in 3 days",
            "warning certificates-differ: the pools have different certificates on port 443 of web: aaaaaaaaaaaaaaaa at a, bbbbbbbbbbbbbbbb at b",
        ]
    );
}

#[test]
fn each_port_of_an_address_is_tried_once() {
    let ends = [end("a", &["192.0.2.1", "192.0.2.2"]), end("b", &["192.0.2.2", "x.example"]), end("c", &[])];
    let resolved = [("x.example".to_owned(), Ok(vec!["192.0.2.1".parse().unwrap()]))].into();
    let tags: Vec<String> = connections(&ends, &resolved)
        .iter()
        .map(|((address, port, _), _)| format!("{address}:{port}"))
        .collect();
    assert_eq!(tags, ["192.0.2.1:443", "192.0.2.2:443"]);
}
