//! Reserved addresses on a real zone: external-dns reads the rendered DNSEndpoint from the API server.

use std::collections::BTreeSet;

use crate::app::App;
use crate::control_plane::{ControlPlane, Parts};
use crate::published::zone::{ZONE, Zone};
use crate::published::{handed_out, load_balancers, published, zone_file};

/// Changes the settings of the round robin, renders and applies.
#[track_caller]
fn set(app: &App<'_>, from: &str, to: &str) {
    app.edit("largescale.yaml", from, to);
    app.run(&["render"]).ok();
    app.run(&["apply"]).ok();
}

/// Returns addresses in the form of [`published`].
fn set_of<const N: usize>(addresses: [&str; N]) -> BTreeSet<String> {
    addresses.map(str::to_owned).into()
}

#[test]
fn reserved_addresses_are_the_round_robin() {
    // The spec refuses addresses of loopback as reserved ones.
    let Some(plane) = ControlPlane::with_addresses(8, 4, "192.0.2.0/24") else { return };
    let Some(zone) = Zone::start(&plane) else { return };
    zone.define_endpoints();
    let app = App::new(&plane, "reserved");
    let host = format!("www.{ZONE}");
    let sync = || zone.sync_with(&["--source", "service,crd"]);

    // Before the load balancers exist, DNS has the record: that is what a reservation is for.
    let reserved = "pool00: [192.0.2.200], pool01: [192.0.2.201], pool02: [192.0.2.202]";
    let dns = format!("dns: {{hostname: {host}, ttl: 45, reserved: {{{reserved}}}}}");
    app.edit("largescale.yaml", "platform: azure-basic", &format!("platform: azure-basic\n  {dns}"));
    let render = app.run(&["render"]);
    assert_eq!(render.code, Some(0), "{render:?}");
    assert!(render.err.contains("left out: pool03 (no reserved address)"), "{render:?}");
    plane.stop("service-lb");
    app.run(&["apply"]).ok();
    assert!(load_balancers(&plane, &app).values().all(String::is_empty));
    assert_eq!(sync(), [format!("create {host} 45 A 192.0.2.200,192.0.2.201,192.0.2.202")]);
    let first = set_of(["192.0.2.200 45", "192.0.2.201 45", "192.0.2.202 45"]);
    assert_eq!(handed_out(&host, &zone), first);

    // The load balancers get their addresses. The Services have no host name, so that they add nothing.
    plane.start("service-lb");
    app.run(&["apply", "--wait", "address"]).ok();
    let given = load_balancers(&plane, &app);
    assert!(given.values().all(|address| address.starts_with("192.0.2.")), "{given:?}");
    let services = plane.list(&app.path("v1", "services"));
    assert_eq!(services.len(), 4);
    assert!(!serde_json::to_string(&services).unwrap().contains("external-dns"), "{services:?}");
    assert_eq!(sync(), [""; 0]);
    // external-dns writes the status of the DNSEndpoint, and `diff` ignores it.
    let endpoint = plane.get(&app.path("externaldns.k8s.io/v1alpha1", "dnsendpoints/reserved")).unwrap();
    assert_eq!(endpoint["status"]["observedGeneration"], endpoint["metadata"]["generation"], "{endpoint}");
    app.run(&["diff", "--live"]).ok();
    let status = app.run(&["status", "-o", "zone"]);
    assert_eq!(status.err.matches("which is not in `spec.dns.reserved`").count(), 3, "{status:?}");

    // Now the reserved addresses are those of the load balancers. A drained pool leaves.
    let [one, two, three] = ["web-pool00", "web-pool01", "web-pool02"].map(|service| given[service].as_str());
    let now = format!("pool00: [{one}], pool01: [{two}], pool02: [{three}]");
    set(&app, reserved, &now);
    assert_eq!(sync().len(), 1);
    assert_eq!(published(&host, &zone), set_of([one, two, three]));
    assert_eq!(handed_out(&host, &zone), zone_file(&app, &host));
    set(&app, "ttl: 45", "ttl: 45, drain: [pool01]");
    assert_eq!(published(&host, &zone).len(), 3, "external-dns has not run yet");
    assert_eq!(sync().len(), 1);
    assert_eq!(published(&host, &zone), set_of([one, three]));
    assert_eq!(handed_out(&host, &zone), zone_file(&app, &host));
    assert_eq!(sync(), [""; 0]);
    set(&app, ", drain: [pool01]", "");
    assert_eq!(sync().len(), 1);

    // IPv4 and IPv6 addresses. external-dns changes something at every turn, because its provider for CoreDNS joins the A and
    // AAAA records of a name when it reads them (`findEp`). The addresses are right as long as there are some of both families.
    let both = format!("pool00: [{one}, '2001:db8::1'], pool01: [{two}, '2001:db8::2'], pool02: [{three}]");
    set(&app, &now, &both);
    for _ in 0..3 {
        let changes = sync();
        for kind in ["A", "AAAA"] {
            let found = changes.iter().any(|line| line.contains(&format!(" {host} 45 {kind} ")));
            assert!(found || changes.len() == 1, "{changes:?}");
        }
        let all = set_of([one, two, three, "2001:db8::1", "2001:db8::2"]);
        assert_eq!(published(&host, &zone), all, "{changes:?}");
    }
    assert!(handed_out(&host, &zone).iter().all(|record| record.ends_with(" 45")));
    set(&app, "ttl: 45", "ttl: 45, drain: [pool01]");
    sync();
    assert_eq!(published(&host, &zone), set_of([one, three, "2001:db8::1"]));
    app.edit("largescale.yaml", "ttl: 45", "ttl: 45, provider: coredns");
    let render = app.run(&["render"]);
    assert!(render.err.contains("external-dns does not keep IPv4 and IPv6 addresses"), "{render:?}");
}

#[test]
fn addresses_of_the_other_family_may_stay_in_coredns() {
    let Some(plane) = ControlPlane::own(Parts::Nodes, 2, 2) else { return };
    let Some(zone) = Zone::start(&plane) else { return };
    zone.define_endpoints();
    let app = App::new(&plane, "families");
    let host = format!("www.{ZONE}");
    let dns = format!("dns: {{hostname: {host}, ttl: 45, reserved: {{pool00: [192.0.2.1]}}}}");
    app.edit("largescale.yaml", "platform: azure-basic", &format!("platform: azure-basic\n  {dns}"));
    app.run(&["render"]).ok();
    app.run(&["apply"]).ok();
    // The state after the last IPv6 address has left the DNSEndpoint, if the first key in etcd has an IPv6 address. The keys of
    // external-dns are random; these are before all of them.
    zone.put_as_external_dns(&host, "0000", "2001:db8::1", 45);
    zone.put_as_external_dns(&host, "0001", "2001:db8::2", 45);
    for _ in 0..3 {
        // With the registry of TXT records, external-dns would not touch records that this test has made.
        let changes = zone.sync_with(&["--source", "crd", "--registry", "noop"]);
        assert!(changes.contains(&format!("create {host} 45 A 192.0.2.1")), "{changes:?}");
        assert!(published(&host, &zone).contains("2001:db8::1"), "{changes:?}");
    }
}
