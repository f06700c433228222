//! Statements of docs/dns.md on a real zone: what external-dns makes of Services that change.

use std::collections::BTreeSet;

use crate::app::App;
use crate::control_plane::ControlPlane;
use crate::nodes::node_name;
use crate::published::zone::{ZONE, Zone};
use crate::published::{handed_out, load_balancers, published, zone_file};

const POOLS: usize = 4;

/// Returns the addresses of these Services.
fn of(plane: &ControlPlane, app: &App<'_>, names: &[&str]) -> BTreeSet<String> {
    let given = load_balancers(plane, app);
    names.iter().map(|name| given[*name].clone()).collect()
}

#[test]
fn services_that_change() {
    let Some(plane) = ControlPlane::on_loopback(8, POOLS) else { return };
    let Some(zone) = Zone::start(&plane) else { return };
    let app = App::new(&plane, "page");
    let host = format!("www.{ZONE}");
    let dns = format!(
        "platform: azure-basic\n  dns: {{hostname: {host}, ttl: 30}}\n  pools: {{whenEmpty: withdraw}}"
    );
    app.edit("largescale.yaml", "platform: azure-basic", &dns);
    app.run(&["render"]).ok();
    app.run(&["apply", "--wait", "address"]).ok();
    zone.sync();
    let services = ["web-pool00", "web-pool01", "web-pool02", "web-pool03"];
    let all = of(&plane, &app, &services);
    assert_eq!(published(&host, &zone), all);

    // Both prefixes are on the Services, so another version of external-dns keeps the record.
    assert_eq!(zone.sync_with(&["--annotation-prefix", "external-dns.alpha.kubernetes.io/"]), [""; 0]);

    // The address of a deleted Service is removed, and a Service without an address adds nothing.
    // The test's cloud never gives the lowest address again.
    let lowest = load_balancers(&plane, &app).into_iter().min_by_key(|(_, address)| address.clone());
    let (deleted, _) = lowest.unwrap();
    app.kubectl(&["delete", "service", &deleted]).ok();
    assert_eq!(zone.sync_with(&["--txt-owner-id", "other"]), [""; 0], "the record belongs to another owner");
    assert_eq!(published(&host, &zone), all);
    assert!(!zone.sync().is_empty());
    let three: BTreeSet<String> = load_balancers(&plane, &app).into_values().collect();
    assert_eq!(three.len(), 3);
    assert_eq!(published(&host, &zone), three);
    plane.stop("service-lb");
    app.run(&["apply"]).ok();
    assert_eq!(zone.sync(), [""; 0]);
    assert_eq!(handed_out(&host, &zone), zone_file(&app, &host));
    plane.start("service-lb");
    app.run(&["apply", "--wait", "address"]).ok();
    assert!(!zone.sync().is_empty());
    let again = of(&plane, &app, &services);
    assert_ne!(again, all, "the new Service has another address");
    assert_eq!(published(&host, &zone), again);

    // Different TTLs: that of the first Service counts, and the record still has all addresses.
    let ttl = |service: &str, ttl: &str| {
        let annotation = format!("external-dns.kubernetes.io/ttl={ttl}");
        app.kubectl(&["annotate", "--overwrite", "service", service, &annotation]).ok();
    };
    ttl("web-pool03", "7");
    assert_eq!(zone.sync(), [""; 0]);
    ttl("web-pool00", "8");
    assert!(!zone.sync().is_empty());
    let eight: BTreeSet<String> = again.iter().map(|address| format!("{address} 8")).collect();
    assert_eq!(handed_out(&host, &zone), eight);
    app.run(&["apply", "--force-conflicts"]).ok();
    zone.sync();
    assert_eq!(handed_out(&host, &zone), zone_file(&app, &host));

    // A pool that loses its last node is withdrawn with the next render, and keeps its load balancer.
    let nodes: Vec<String> = [1, 1 + POOLS].iter().map(|number| node_name(*number, POOLS)).collect();
    let kept: Vec<_> =
        nodes.iter().map(|name| plane.get(&format!("/api/v1/nodes/{name}")).unwrap()).collect();
    for name in &nodes {
        plane.delete(&format!("/api/v1/nodes/{name}"));
    }
    app.run(&["render"]).ok();
    app.run(&["apply"]).ok();
    assert!(!zone.sync().is_empty());
    let rest = of(&plane, &app, &["web-pool00", "web-pool02", "web-pool03"]);
    assert_eq!(published(&host, &zone), rest);
    assert_eq!(handed_out(&host, &zone), zone_file(&app, &host));
    assert_eq!(of(&plane, &app, &services), again);
    for mut node in kept {
        node["metadata"].as_object_mut().unwrap().remove("resourceVersion");
        plane.create("/api/v1/nodes", &node);
    }
    app.run(&["render"]).ok();
    app.run(&["apply"]).ok();
    assert!(!zone.sync().is_empty());
    assert_eq!(published(&host, &zone), again);
}

#[test]
fn set_identifiers_with_another_provider_than_route_53() {
    let Some(plane) = ControlPlane::on_loopback(8, POOLS) else { return };
    let Some(zone) = Zone::start(&plane) else { return };
    let app = App::new(&plane, "identifiers");
    let host = format!("www.{ZONE}");
    let dns = format!("platform: azure-basic\n  dns: {{hostname: {host}}}");
    app.edit("largescale.yaml", "platform: azure-basic", &dns);
    app.run(&["render"]).ok();
    app.run(&["apply", "--wait", "address"]).ok();
    let all: BTreeSet<String> = load_balancers(&plane, &app).into_values().collect();
    for service in load_balancers(&plane, &app).keys() {
        let identifier = format!("external-dns.kubernetes.io/set-identifier={service}");
        app.kubectl(&["annotate", "service", service, &identifier]).ok();
    }
    // The provider for CoreDNS knows no identifiers: it reads one record, and so external-dns replaces it at every turn.
    for _ in 0..3 {
        let changes = zone.sync();
        let created = changes.iter().filter(|line| line.starts_with(&format!("create {host} 60 A ")));
        assert_eq!(created.count(), POOLS, "{changes:?}");
        assert_eq!(published(&host, &zone), all);
    }
}
