//! The whole chain of DNS with its real parts: the service controller gives addresses, external-dns writes them to etcd, `CoreDNS`
//! publishes them, and the program asks `CoreDNS`.

mod page;
mod reserved;
pub(crate) mod zone;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use largescale::core::probe::names::{Answer, NameProblem, Published, ServerKind};
use largescale::network::dns::{Limits, Servers, addresses_of, lookup};
use largescale::network::run;
use serde_json::Value;

use crate::app::App;
use crate::control_plane::{ControlPlane, Parts};
use crate::published::zone::{STATIC_ZONE, ZONE, Zone};

/// Asks only the zone, as `--dns` does.
fn given(zone: &Zone) -> Servers {
    Servers {
        system: false,
        given: vec![zone.address],
        authoritative: false,
        resolv_conf: PathBuf::from("/nonexistent/resolv.conf"),
        port: zone.address.port(),
    }
}

#[track_caller]
fn ask(name: &str, servers: &Servers) -> Vec<Published> {
    run(lookup(&[name.to_owned()], servers, &Limits::default())).unwrap()
}

#[track_caller]
fn answer(name: &str, zone: &Zone) -> Result<Answer, NameProblem> {
    ask(name, &given(zone)).remove(0).result
}

/// Returns the addresses that the zone has for a name.
#[track_caller]
pub(crate) fn published(name: &str, zone: &Zone) -> BTreeSet<String> {
    let answer = answer(name, zone).unwrap();
    assert!(answer.authoritative, "{answer:?}");
    answer.addresses.iter().map(|found| found.address.to_string()).collect()
}

/// Returns the records of `status -o zone` as `ADDRESS TTL`, for one name.
#[track_caller]
fn zone_file(app: &App<'_>, host: &str) -> BTreeSet<String> {
    let text = app.run(&["status", "-o", "zone"]).out;
    let records = text.lines().filter(|line| !line.starts_with(';'));
    let record = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        assert_eq!(words[0], format!("{host}."), "{line}");
        assert_eq!(words[3], if words[4].contains(':') { "AAAA" } else { "A" }, "{line}");
        format!("{} {}", words[4], words[1])
    };
    records.map(record).collect()
}

/// Returns what the zone hands out, in the form of [`zone_file`].
#[track_caller]
fn handed_out(host: &str, zone: &Zone) -> BTreeSet<String> {
    let answer = answer(host, zone).unwrap();
    answer.addresses.iter().map(|found| format!("{} {}", found.address, found.ttl)).collect()
}

/// Returns the address of each Service of an app.
pub(crate) fn load_balancers(plane: &ControlPlane, app: &App<'_>) -> BTreeMap<String, String> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let services = plane.list(&app.path("v1", "services"));
    let address = |service: &Value| text(&service["status"]["loadBalancer"]["ingress"][0]["ip"]);
    services.iter().map(|service| (text(&service["metadata"]["name"]), address(service))).collect()
}

#[test]
fn dns_has_the_addresses_of_the_pools_in_the_round_robin() {
    let Some(plane) = ControlPlane::on_loopback(8, 4) else { return };
    let Some(zone) = Zone::start(&plane) else { return };
    let app = App::new(&plane, "published");
    let host = format!("www.{ZONE}");
    assert_eq!(answer(&host, &zone), Err(NameProblem::NotFound));

    let spec = |drain: &str| {
        format!("platform: azure-basic\n  dns: {{hostname: {host}, ttl: 30, provider: coredns{drain}}}")
    };
    app.edit("largescale.yaml", "platform: azure-basic", &spec(""));
    let render = app.run(&["render"]);
    assert_eq!(render.code, Some(0), "{render:?}");
    assert!(!render.err.contains("TTL"), "external-dns passes the TTL to CoreDNS: {render:?}");
    app.run(&["apply", "--wait", "address"]).ok();
    let given = load_balancers(&plane, &app);
    let all: BTreeSet<String> = given.values().cloned().collect();
    assert_eq!(all.len(), 4);
    assert!(all.iter().all(|address| address.starts_with("127.")), "{all:?}");
    let changes = zone.sync();
    assert!(changes.iter().any(|line| line.starts_with(&format!("create {host} 30 A "))), "{changes:?}");
    assert_eq!(published(&host, &zone), all);
    assert_eq!(handed_out(&host, &zone), zone_file(&app, &host));
    assert!(handed_out(&host, &zone).iter().all(|record| record.ends_with(" 30")));
    assert!(zone.sync().is_empty(), "a second turn changes nothing");

    // A record that external-dns did not make is published, too, and external-dns leaves it alone.
    zone.put(&host, "foreign", "192.0.2.66", 7);
    zone.put(&host, "six", "2001:db8::66", 7);
    let found = answer(&host, &zone).unwrap();
    assert_eq!(found.addresses.len(), 6);
    let foreign = found.addresses.last().unwrap();
    assert_eq!((foreign.address.to_string().as_str(), foreign.ttl), ("2001:db8::66", 7));
    zone.remove(&host, "six");
    assert!(zone.sync().is_empty());
    assert_eq!(published(&host, &zone).len(), 5);
    zone.remove(&host, "foreign");
    assert_eq!(published(&host, &zone), all);

    // A drained pool keeps its address, and DNS loses it with the next turn of external-dns.
    app.edit("largescale.yaml", &spec(""), &spec(", drain: [pool01]"));
    app.run(&["render"]).ok();
    app.run(&["apply", "--wait", "address"]).ok();
    assert_eq!(published(&host, &zone), all, "external-dns has not run yet");
    assert!(!zone.sync().is_empty());
    let drained = &given["web-pool01"];
    let rest: BTreeSet<String> = all.iter().filter(|address| *address != drained).cloned().collect();
    assert_eq!(published(&host, &zone), rest);
    assert_eq!(handed_out(&host, &zone), zone_file(&app, &host));
}

#[test]
fn a_real_zone_has_aliases_loops_wildcards_and_large_answers() {
    let Some(plane) = ControlPlane::own(Parts::Nodes, 1, 1) else { return };
    let Some(zone) = Zone::start(&plane) else { return };
    let name = |label: &str| format!("{label}.{STATIC_ZONE}");

    let www = answer(&name("www"), &zone).unwrap();
    let addresses: Vec<_> = www.addresses.iter().map(|found| found.address.to_string()).collect();
    assert_eq!(addresses, ["192.0.2.1", "2001:db8::1"]);
    assert_eq!(www.aliases[0].target, name("lb"));
    let big = answer(&name("big"), &zone).unwrap();
    assert_eq!(big.addresses.len(), 200);
    assert!(big.over_tcp && big.bytes > 1232, "{} bytes", big.bytes);
    let looped = answer(&name("loop"), &zone).unwrap_err();
    assert!(matches!(looped, NameProblem::AliasLoop { .. }), "{looped:?}");
    assert_eq!(published(&name("*"), &zone), BTreeSet::from(["192.0.2.7".to_owned()]));
    assert_eq!(answer(STATIC_ZONE, &zone), Err(NameProblem::NoAddresses));
    assert_eq!(answer("www.example.com", &zone), Err(NameProblem::Refused));

    // CoreDNS as the name server of the system, which is an authority of its zone, too.
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "nameserver 127.0.0.1\n").unwrap();
    let servers = Servers {
        system: true,
        given: Vec::new(),
        authoritative: true,
        resolv_conf: file.path().to_owned(),
        port: zone.address.port(),
    };
    let rows = ask(&name("www"), &servers);
    let kinds: Vec<_> = rows.iter().map(|row| row.server.kind).collect();
    assert_eq!(kinds, [ServerKind::System, ServerKind::Authoritative]);
    assert_eq!(rows[1].server.name, Some(name("ns1")));
    assert_eq!(rows[0].result, rows[1].result);
    let found = run(addresses_of(&name("lb"), &servers, &Limits::default())).unwrap();
    assert_eq!(found.server.kind, ServerKind::Authoritative);
    assert_eq!(found.result.unwrap().addresses.len(), 2);
}
