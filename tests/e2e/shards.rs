//! `spec.shards` on a cluster: shards get addresses, keep them when their number changes, and leave only on purpose.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::app::App;
use crate::control_plane::ControlPlane;

#[test]
fn shards_keep_their_addresses() {
    let Some(plane) = ControlPlane::shared() else { return };
    let app = App::new(plane, "shards");
    let with = |from: &str, to: &str| app.edit("largescale.yaml", from, to);
    with(
        "platform: azure-basic\n",
        "platform: azure-basic\n  shards: 2\n  dns: {hostname: www.example.com}\n",
    );
    let rendered = app.run(&["render"]);
    assert_eq!(rendered.code, Some(0), "{rendered:?}");
    assert!(
        rendered.err.contains("the shards have different addresses and one load balancer"),
        "{rendered:?}"
    );
    let applied = app.run(&["apply", "--wait", "address"]);
    assert_eq!(applied.code, Some(0), "{applied:?}");
    assert!(applied.out.contains("service/shards/web-shard-2 created\n"), "{applied:?}");
    assert_eq!(app.run(&["diff", "--live"]).ok(), "");

    let status = app.run(&["status"]);
    assert_eq!(status.code, Some(0), "{status:?}");
    assert!(status.out.starts_with("SHARD "), "{status:?}");
    let nodes: Vec<&str> = status.out.lines().filter(|line| line.starts_with("shard-")).collect();
    let counts: Vec<&str> = nodes.iter().filter_map(|line| line.split_whitespace().nth(1)).collect();
    assert!(counts.len() == 2 && counts[0] == counts[1], "every node is behind each shard: {status:?}");
    let first = addresses(&app);
    assert_eq!(first.len(), 2);
    let zone = app.run(&["status", "-o", "zone"]).ok();
    let zone: Vec<&str> =
        zone.lines().filter_map(|line| line.strip_prefix("www.example.com. 60 IN A    ")).collect();
    assert_eq!(zone, first.values().map(String::as_str).collect::<Vec<_>>());

    // Whether these addresses answer depends on the network of the machine. `probe` names each shard.
    let probed = app.run(&["probe", "--no-dns"]);
    assert!(probed.out.starts_with("SHARD "), "{probed:?}");
    assert!(!probed.out.contains("pool shard"), "{probed:?}");
    let tried = first.iter().all(|(shard, address)| {
        let is_of_both = |line: &str| line.starts_with(shard.as_str()) && line.contains(address.as_str());
        probed.out.lines().any(is_of_both)
    });
    assert!(tried, "{probed:?}");

    // More shards.
    with("shards: 2", "shards: 3");
    app.run(&["render"]).ok();
    app.run(&["apply", "--wait", "address"]).ok();
    let three = addresses(&app);
    assert_eq!(three.len(), 3);
    assert!(first.iter().all(|known| three.get(known.0) == Some(known.1)), "{first:?} {three:?}");

    // Fewer, and only on purpose.
    with("shards: 3", "shards: 1");
    let refused = app.run(&["render"]);
    assert_eq!(refused.code, Some(5), "{refused:?}");
    let capacity = app.run(&["capacity"]);
    assert!(capacity.err.contains("with Services that would lose their addresses"), "{capacity:?}");
    app.run(&["render", "--forget", "shard-3", "--forget", "shard-2"]).ok();
    let pruned = app.run(&["apply", "--prune", "--yes"]);
    assert_eq!(pruned.code, Some(0), "{pruned:?}");
    assert!(pruned.out.contains("service/shards/web-shard-3 pruned\n"), "{pruned:?}");
    let left = addresses(&app);
    assert_eq!(left.into_iter().next(), first.into_iter().next());
    let doctor = app.run(&["doctor"]);
    assert!(doctor.out.contains(" behind 1 shard\n"), "{doctor:?}");
}

/// Returns the addresses of the shards.
fn addresses(app: &App<'_>) -> BTreeMap<String, String> {
    let json = app.kubectl(&["get", "services", "-n", "shards", "-l", "largescale.dev/shard", "-o", "json"]);
    let list: Value = json.json();
    let of = |item: &Value| {
        let name = item["metadata"]["labels"]["largescale.dev/shard"].as_str()?.to_owned();
        Some((name, item["status"]["loadBalancer"]["ingress"][0]["ip"].as_str()?.to_owned()))
    };
    list["items"].as_array().unwrap().iter().filter_map(of).collect()
}
