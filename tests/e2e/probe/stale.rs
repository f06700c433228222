//! An address that the cluster gave before, in a zone that external-dns and `CoreDNS` keep, and in a cache.

use std::collections::BTreeMap;
use std::net::TcpListener;

use crate::app::App;
use crate::control_plane::ControlPlane;
use crate::name_server::NameServer;
use crate::nodes::node_name;
use crate::probe::{applied, findings, free_port};
use crate::published::zone::{ZONE, Zone};
use crate::published::{load_balancers, published};

/// Probes, and returns the exit code and the lines about differences with their hints, sorted.
#[track_caller]
fn differences(app: &App<'_>, servers: &[&str]) -> (i32, Vec<String>) {
    let flags: Vec<&str> = servers.iter().flat_map(|server| ["--dns", server]).collect();
    let run = app.run(&[&["probe"], flags.as_slice()].concat());
    let mut lines: Vec<String> = Vec::new();
    for line in run.out.lines() {
        match (line.starts_with("difference: "), line.strip_prefix("  hint: "), lines.last_mut()) {
            (true, ..) => lines.push(line.to_owned()),
            (false, Some(hint), Some(last)) => *last = format!("{last} => {hint}"),
            _ => {}
        }
    }
    lines.sort();
    (run.code.unwrap(), lines)
}

#[test]
fn an_address_that_the_cluster_gave_before() {
    let Some(plane) = ControlPlane::on_loopback(8, 4) else { return };
    let Some(zone) = Zone::start(&plane) else { return };
    let port = free_port();
    let host = format!("www.{ZONE}");
    let dns = format!("  dns: {{hostname: {host}, ttl: 30}}\n");
    let (app, before) = applied(&plane, "stale", &format!("[{{port: {port}}}]"), &dns);
    let listen = |address: &String| TcpListener::bind((address.as_str(), port)).unwrap();
    let mut ends: BTreeMap<String, TcpListener> =
        before.iter().map(|(pool, address)| (pool.clone(), listen(address))).collect();
    let server = zone.address.to_string();
    zone.sync();
    assert_eq!(differences(&app, &[&server]), (0, Vec::new()));

    // The Service of a pool is deleted and created again while external-dns does not run. It gets another address.
    app.kubectl(&["delete", "service", "web-pool02"]).ok();
    app.run(&["apply", "--wait", "address"]).ok();
    let old = before["pool02"].clone();
    let new = load_balancers(&plane, &app)["web-pool02"].clone();
    assert_ne!(old, new);
    ends.insert("pool02".to_owned(), listen(&new));
    let foreign = format!(
        "difference: {host} has {old}, which no pool has (asked {server}) => check the log of external-dns, or remove the record; \
         if the address belongs to a pool that the directory lacks, render first"
    );
    let missing = format!(
        "difference: {host} lacks {new} (pool pool02) (asked {server}) => `kubectl largescale status -o zone` prints the records; \
         check the log of external-dns"
    );
    assert_eq!(differences(&app, &[&server]), (1, vec![foreign, missing]));

    // external-dns runs again. A resolver keeps the old addresses, of which the zone has no record any more.
    let all = published(&host, &zone);
    zone.sync();
    assert_eq!(differences(&app, &[&server]), (0, Vec::new()));
    let name = host.clone();
    let cache = NameServer::start(move |asked| {
        let records: Vec<String> = all.iter().map(|address| format!("{name} 17 A {address}")).collect();
        let records: Vec<&str> = records.iter().map(String::as_str).collect();
        let is_asked = asked.name == name && asked.kind.to_string() == "A";
        asked.resolved(if is_asked { &records } else { &[] }).into()
    });
    let resolver = cache.address.to_string();
    let (code, found) = differences(&app, &[&resolver, &server]);
    assert_eq!(code, 1);
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(
        found[0].starts_with(&format!("difference: {host} lacks {new} (pool pool02) (asked {resolver})")),
        "{found:?}"
    );
    assert_eq!(
        found[1],
        format!(
            "difference: {host} still has {old} in a cache (asked {resolver}) => the cache drops it within 17 s"
        )
    );

    // A pool is removed for good, again without external-dns.
    for number in [3, 7] {
        plane.delete(&format!("/api/v1/nodes/{}", node_name(number, 4)));
    }
    app.run(&["render", "--forget", "pool03"]).ok();
    app.run(&["apply", "--prune", "--yes"]).ok();
    let (code, found, value) = findings(&app, &["--dns", &server]);
    assert_eq!((code, found), (1, vec!["difference foreign-in-dns".to_owned()]), "{value}");
    assert!(value.to_string().contains(&before["pool03"]), "{value}");
    zone.sync();
    assert_eq!(differences(&app, &[&server]), (0, Vec::new()));
    drop(ends);
}
