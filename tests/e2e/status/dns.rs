//! The DNS records that `status` reports for a spec with a DNS name.

use super::{apply, ready};
use crate::app::App;
use crate::control_plane::ControlPlane;

#[test]
fn the_zone_is_the_round_robin_of_the_spec() {
    let Some(plane) = ControlPlane::shared() else { return };
    let app = App::new(plane, "status-dns");
    app.edit(
        "largescale.yaml",
        "platform: azure-basic",
        "platform: azure-basic\n  dns: {hostname: www.example.com, ttl: 30, drain: [pool01]}",
    );
    let run = app.run(&["render"]);
    assert!(run.err.contains("www.example.com has 3 of 4 pools; left out: pool01 (drained)"), "{}", run.err);
    apply(&app);
    let status = ready(&app);
    let addresses: Vec<&str> = status["pools"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|pool| pool["pool"] != "pool01")
        .map(|pool| pool["addresses"][0].as_str().unwrap())
        .collect();
    let zone = app.run(&["status", "-o", "zone"]);
    assert_eq!(zone.code, Some(0), "{zone:?}");
    let (comments, records): (Vec<&str>, Vec<&str>) =
        zone.out.lines().partition(|line| line.starts_with(';'));
    let expected: Vec<String> =
        addresses.iter().map(|address| format!("www.example.com. 30 IN A {address}")).collect();
    let records: Vec<String> =
        records.iter().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    assert_eq!(records, expected, "{}", zone.out);
    assert!(
        comments.iter().any(|line| line.contains("pool01")),
        "the comment must name the excluded pool: {}",
        zone.out
    );
}
