//! The whole life cycle, on the cluster of the article grown to 5,000 nodes: from nodes to addresses, through
//! typical changes over the years, to another program and back.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::app::App;
use crate::control_plane::{ControlPlane, Parts};
use crate::nodes::{node_name, pool_name};
use crate::objects::Patch;
use crate::wait::until;

const NODES: usize = 5_000;
const POOLS: usize = 50;

/// The workload of the article, with its two hand-written Services merged into one, in current API versions.
const NGINX: &str = "apiVersion: v1
kind: Service
metadata:
  name: nginx-service
spec:
  type: LoadBalancer
  ports:
  - name: http
    port: 80
    targetPort: nginx-http
    protocol: TCP
  selector:
    app: nginx
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: nginx-deploy
spec:
  replicas: 30
  selector:
    matchLabels:
      app: nginx
  template:
    metadata:
      labels:
        app: nginx
    spec:
      containers:
      - name: nginx
        image: nginx
        ports:
        - name: nginx-http
          containerPort: 80
";

const SPEC: &str = "apiVersion: largescale.dev/v1alpha1
kind: LargeScale
metadata: {name: nginx, namespace: story}
spec:
  manifests: [nginx.yaml]
  platform: azure-basic
";

#[test]
fn the_articles_cluster_as_5000_nodes() {
    let Some(plane) = &ControlPlane::own(Parts::All, NODES, POOLS) else { return };
    let app = &App::new(plane, "story");
    app.write("largescale.yaml", SPEC);
    app.write("nginx.yaml", NGINX);

    let pools = app.run(&["pools", "-o", "json"]).json();
    assert_eq!(pools["items"].as_array().map(Vec::len), Some(POOLS));
    app.run(&["render"]).ok();
    let seen = app.run(&["diff", "--live", "--summary"]);
    assert_eq!(
        (seen.code, seen.out.as_str()),
        (Some(1), "51 created, 0 configured, 0 pruned, 0 unchanged\n")
    );

    let before = app.run(&["status"]);
    assert_eq!(before.code, Some(1), "nothing is there yet: {before:?}");
    let run = app.run(&["apply", "--wait", "address"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_eq!(lines_with(&run.out, " created"), 51, "{run:?}");
    let addresses = the_addresses(app);
    assert_eq!(addresses.len(), POOLS);

    let address = a_pool_is_scaled_to_zero(plane, app, &addresses);
    the_pool_is_forgotten(plane, app, &address);
    a_service_is_edited_by_hand(plane, app);
    nothing_is_left_to_do(app);
    it_goes_to_kubectl_and_comes_back(app);
    nothing_is_left_to_do(app);
}

/// Another team manages the app with kubectl for a while.
fn it_goes_to_kubectl_and_comes_back(app: &App<'_>) {
    app.run(&["inventory", "handover", "--to", "kubectl", "--yes"]).ok();
    let apply =
        app.kubectl(&["apply", "--server-side", "--prune", "--applyset=configmap/nginx", "-f", "rendered"]);
    assert_eq!(apply.code, Some(0), "{apply:?}");
    assert_eq!(lines_with(&apply.out, " serverside-applied"), POOLS, "{apply:?}");
    assert_eq!(apply.out.lines().count(), POOLS, "nothing is pruned: {apply:?}");
    let refused = app.run(&["apply"]);
    assert_eq!(refused.code, Some(5), "{refused:?}");
    assert_eq!(app.run(&["status"]).code, Some(0), "nothing has changed");
    app.run(&["inventory", "adopt", "--yes"]).ok();
    assert_eq!(the_addresses(app).len(), POOLS - 1);
}

/// Returns the addresses in `status` of a healthy cluster: each pool has its own.
fn the_addresses(app: &App<'_>) -> BTreeSet<String> {
    addresses_if(true, app)
}

/// Returns the addresses in `status`, which says whether every pool gets traffic.
fn addresses_if(is_ready: bool, app: &App<'_>) -> BTreeSet<String> {
    let run = app.run(&["status", "-o", "json"]);
    assert_eq!(run.code, Some(i32::from(!is_ready)), "{run:?}");
    let status: Value = serde_json::from_str(&run.out).unwrap();
    assert_eq!(status["ready"], is_ready, "{status}");
    let pools = status["pools"].as_array().unwrap();
    let zone = app.run(&["status", "-o", "zone"]);
    assert_eq!(zone.code, run.code, "{zone:?}");
    let zone = zone.out;
    let addresses: BTreeSet<String> =
        pools.iter().flat_map(|pool| pool["addresses"].as_array().unwrap()).map(text).collect();
    assert_eq!(addresses.len(), pools.len(), "{status}");
    for address in &addresses {
        assert!(zone.contains(address.as_str()), "{address} is not in the zone:\n{zone}");
    }
    addresses
}

/// The nodes of a pool are removed. Its load balancer and address must stay, because clients know the address.
fn a_pool_is_scaled_to_zero(plane: &ControlPlane, app: &App<'_>, addresses: &BTreeSet<String>) -> String {
    let service = app.path("v1", "services/nginx-service-pool07");
    let live = plane.get(&service).unwrap();
    let address = text(&live["status"]["loadBalancer"]["ingress"][0]["ip"]);
    for number in (0..NODES).filter(|number| number % POOLS == 7) {
        plane.delete(&format!("/api/v1/nodes/{}", node_name(number, POOLS)));
    }
    until("the pool has no node", || {
        let pools = app.run(&["pools", "-o", "json"]).json();
        let pool = pools["items"].as_array()?.iter().find(|pool| pool["name"] == pool_name(7).as_str())?;
        (pool["state"] == "kept").then_some(())
    });
    let run = app.run(&["render", "--check"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    nothing_is_left_to_do(app);
    // A pool without nodes gets no traffic, so the app is not ready.
    assert_eq!(&addresses_if(false, app), addresses);
    assert_eq!(plane.get(&service).unwrap()["metadata"]["uid"], live["metadata"]["uid"]);
    address
}

/// The pool is removed. Its Service is deleted only after the address was shown and the user confirmed.
fn the_pool_is_forgotten(plane: &ControlPlane, app: &App<'_>, address: &str) {
    let service = app.path("v1", "services/nginx-service-pool07");
    app.run(&["render", "--forget", "pool07"]).ok();
    let run = app.run(&["apply"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(plane.get(&service).is_some(), "apply alone prunes nothing");

    let lost = format!(
        "service/story/nginx-service-pool07 will be deleted, and its address {address} will be lost\n"
    );
    let seen = app.run(&["diff", "--live", "--prune"]);
    assert_eq!(seen.code, Some(1), "{seen:?}");
    assert!(seen.err.contains(&lost) && seen.out.contains("+++ /dev/null"), "{seen:?}");
    let unconfirmed = app.run(&["apply", "--prune"]);
    assert_eq!(unconfirmed.code, Some(5), "{unconfirmed:?}");
    assert!(unconfirmed.err.contains(&lost), "{unconfirmed:?}");
    assert!(plane.get(&service).is_some(), "not confirmed");

    let run = app.run(&["apply", "--prune", "--yes"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(run.err.contains(&lost), "{run:?}");
    assert!(run.out.ends_with("service/story/nginx-service-pool07 pruned\n"), "{run:?}");
    assert_eq!(lines_with(&run.out, " unchanged"), POOLS, "{run:?}");
    until("its load balancer is deleted", || plane.get(&service).is_none().then_some(()));
}

/// An operator fixes something by hand and does not report it.
fn a_service_is_edited_by_hand(plane: &ControlPlane, app: &App<'_>) {
    let service = app.path("v1", "services/nginx-service-pool11");
    plane.patch(&service, Patch::Merge, &json!({"spec": {"selector": {"app": "elsewhere"}}}));
    let status = app.run(&["status", "-o", "json"]).json();
    assert_eq!(status["drift"]["differing"], json!(["service/story/nginx-service-pool11"]), "{status}");
    let seen = app.run(&["diff", "--live", "--force-conflicts"]);
    assert_eq!(seen.code, Some(1), "{seen:?}");
    assert!(seen.out.contains("-    app: elsewhere\n"), "{seen:?}");
    let refused = app.run(&["apply"]);
    assert_eq!(refused.code, Some(6), "{refused:?}");
    assert!(refused.err.contains(".spec.selector") && refused.err.contains("elsewhere"), "{refused:?}");
    let repaired = app.run(&["apply", "--force-conflicts"]);
    assert_eq!(repaired.code, Some(0), "{repaired:?}");
    assert!(repaired.out.contains("service/story/nginx-service-pool11 configured\n"), "{repaired:?}");
}

fn nothing_is_left_to_do(app: &App<'_>) {
    assert_eq!(app.run(&["diff", "--live", "--prune"]).ok(), "");
    let run = app.run(&["apply", "--prune"]);
    let lines = run.out.lines().count();
    assert_eq!((run.code, lines_with(&run.out, " unchanged")), (Some(0), lines), "{run:?}");
}

fn lines_with(text: &str, end: &str) -> usize {
    text.lines().filter(|line| line.ends_with(end)).count()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
