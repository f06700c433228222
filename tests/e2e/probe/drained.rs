//! A pool that is drained, in a zone that external-dns and `CoreDNS` keep: from the spec to the end of its record.

use std::collections::BTreeMap;
use std::fs::{File, read_to_string};
use std::net::TcpListener;
use std::process::Stdio;

use serde_json::Value;

use crate::control_plane::ControlPlane;
use crate::probe::{applied, findings, free_port};
use crate::published::zone::{ZONE, Zone};
use crate::wait::until;

#[test]
fn a_drained_pool_runs_out_of_dns() {
    // The zone belongs to one control plane, and this one has no other apps.
    let Some(plane) = ControlPlane::on_loopback(8, 4) else { return };
    let Some(zone) = Zone::start(&plane) else { return };
    let port = free_port();
    let dns = format!("  dns: {{hostname: www.{ZONE}, ttl: 3}}\n");
    let (app, addresses) = applied(&plane, "drained", &format!("[{{port: {port}}}]"), &dns);
    let ends: BTreeMap<&String, TcpListener> = addresses
        .iter()
        .map(|(pool, address)| (pool, TcpListener::bind((address.as_str(), port)).unwrap()))
        .collect();
    let server = zone.address.to_string();
    let (code, found, value) = findings(&app, &["--dns", &server]);
    assert_eq!((code, found), (1, vec!["difference name-not-found".to_owned()]), "{value}");
    zone.sync();
    let (code, found, value) = findings(&app, &["--dns", &server]);
    assert_eq!((code, found.len()), (0, 0), "{value}");
    let states: Vec<&Value> = value["ports"].as_array().unwrap().iter().map(|port| &port["dns"]).collect();
    assert_eq!(states, ["published"; 4]);

    app.edit("largescale.yaml", "ttl: 3}", "ttl: 3, drain: [pool01]}");
    app.run(&["render"]).ok();
    app.run(&["apply"]).ok();
    let (code, found, value) = findings(&app, &["--dns", &server]);
    assert_eq!((code, found), (1, vec!["difference left-out-but-published".to_owned()]), "{value}");
    let arguments = ["probe", "--dns", &server, "--watch", "--every", "300ms"];
    let program = env!("CARGO_BIN_EXE_kubectl-largescale");
    let log = app.directory().join("log");
    let mut command = app.command(program, &plane.kubeconfig, &arguments);
    let mut watch = command.stdout(File::create(&log).unwrap()).stderr(Stdio::null()).spawn().unwrap();
    let shows = |text: &str| {
        until(&format!("the watch shows `{text}`"), || {
            read_to_string(&log).is_ok_and(|shown| shown.contains(text)).then_some(())
        });
    };
    shows("still has ");
    zone.sync();
    shows(
        "pool pool01 is left out, and no name server hands out its addresses; caches may keep them for up to 3 s\n",
    );
    shows("pool pool01 is left out, and its addresses have run out of DNS and of caches that keep the TTL\n");
    watch.kill().unwrap();
    watch.wait().unwrap();
    let (code, found, value) = findings(&app, &["--dns", &server]);
    assert_eq!((code, found.len()), (0, 0), "{value}");
    drop(ends);
}
