//! `status` with missing rights, with the wrong cluster, and with `--watch`.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;

use serde_json::json;

use super::{apply, as_json, ready};
use crate::app::App;
use crate::control_plane::ControlPlane;
use crate::fake_server::Reply;
use crate::objects::Patch;
use crate::proxy::{Fault, Proxy};
use crate::wait::until;

/// A platform with a load balancer class that no controller of the cluster handles, so its Services stay pending.
const UNHANDLED_CLASS: &str = "apiVersion: largescale.dev/v1alpha1
kind: Platform
metadata: {name: unhandled}
spec:
  title: a cloud without a controller
  sources: [none]
  choose: never
  recognize: {nodeNames: ['^k8s-']}
  poolLabels: [agentpool]
  binding:
  - {op: add, path: /spec/loadBalancerClass, value: example.com/unhandled}
";

#[test]
fn users_with_few_rights() {
    let Some(plane) = ControlPlane::shared() else { return };
    let app = App::new(plane, "status-rights");
    app.write("unhandled.yaml", UNHANDLED_CLASS);
    app.edit("largescale.yaml", "platform: azure-basic", "platform: ./unhandled.yaml");
    app.run(&["render"]).ok();
    apply(&app);
    let user = "status-viewer";
    let looks = ["status", "-o", "json", "--as", user];
    let run = app.run(&looks);
    assert_eq!(run.code, Some(4), "{run:?}");
    assert!(run.err.contains("user `status-viewer` cannot "), "{}", run.err);

    let namespace = Some(app.namespace.as_str());
    plane.allow(user, namespace, &["get", "list"], "", "services");
    plane.allow(user, namespace, &["get", "list"], "apps", "deployments");
    let run = app.run(&looks);
    assert_eq!(run.code, Some(1), "{run:?}");
    for told in [
        "cannot check that this is the cluster of the lock",
        "cannot count the nodes of the pools: forbidden: user `status-viewer` cannot list nodes",
        "cannot read why load balancers have no address: forbidden: user `status-viewer` cannot list events in namespace `status-rights`",
        "cannot compare all objects with the directory: forbidden: user `status-viewer` cannot get configmaps in namespace `status-rights`",
    ] {
        assert!(run.err.contains(told), "{told}\n{}", run.err);
    }
    let status = as_json(&run);
    assert_eq!(status["drift"]["unseen"], json!(["configmap/status-rights/web"]));
    assert_eq!(status["pools"][0].get("nodes"), None);
    assert_eq!(status["warnings"].as_array().map(Vec::len), Some(3), "{status}");

    plane.allow(user, namespace, &["list"], "", "events");
    plane.allow(user, namespace, &["get"], "", "configmaps");
    plane.allow(user, None, &["list"], "", "nodes");
    let run = app.run(&looks);
    assert_eq!(run.err.lines().count(), 2, "only the identity is hidden: {}", run.err);
    assert_eq!(as_json(&run)["warnings"], json!([]));
    assert_eq!(as_json(&run)["pools"][0]["nodes"], json!({"ready": 5, "total": 5}));
}

#[test]
fn another_cluster() {
    let Some(plane) = ControlPlane::shared() else { return };
    let app = App::rendered(plane, "status-another");
    let lock = std::fs::read_to_string(app.directory().join("largescale.lock")).unwrap();
    let line = lock.lines().find(|line| line.starts_with("cluster: ")).unwrap().to_owned();
    app.edit("largescale.lock", &line, "cluster: 11111111-2222-3333-4444-555555555555");
    let proxy = Proxy::passing(plane);
    let run = app.run_through(&proxy, &["status"]);
    assert_eq!((run.code, run.out.as_str()), (Some(5), ""), "{run:?}");
    assert!(run.err.contains("wrong cluster: the lock belongs to 11111111-"), "{}", run.err);
    assert_eq!(proxy.sent().len(), 1, "nothing else must be requested");
}

#[test]
fn a_watch_shows_what_changes_and_ends_when_interrupted() {
    let Some(plane) = ControlPlane::shared() else { return };
    let app = App::rendered(plane, "status-watch");
    apply(&app);
    ready(&app);
    let is_away = Arc::new(AtomicBool::new(false));
    let away = Arc::clone(&is_away);
    let proxy = Proxy::start(plane, move |sent| {
        if away.load(Relaxed) && sent.is("GET", "/services") {
            return Fault::Answer(Reply::status(500, "InternalError", "etcd is away"));
        }
        Fault::Pass
    });
    let watch = app.start(&proxy.kubeconfig(app.directory()), &["status", "--watch"]);
    let looks = || proxy.count("GET", "/configmaps/web");
    let two_more_looks = || {
        let before = looks();
        until("it has polled twice", || (looks() >= before + 2).then_some(()));
    };
    two_more_looks();
    plane.patch(&app.path("v1", "configmaps/web"), Patch::Merge, &json!({"data": {"greeting": "goodbye"}}));
    two_more_looks();
    is_away.store(true, Relaxed);
    two_more_looks();
    is_away.store(false, Relaxed);
    two_more_looks();
    watch.interrupt();
    let run = watch.wait();
    assert_eq!(run.code, Some(130), "{run:?}");
    assert_eq!(run.out.matches("POOL ").count(), 1, "only changes must be printed: {}", run.out);
    assert!(
        run.out.ends_with(
            "deployment/status-watch/web   done

1 object differs from the directory: kubectl largescale diff --live

ready: 4 of 4 load balancers have an address, 1 of 1 workload rolled out
"
        ),
        "{}",
        run.out
    );
    assert_eq!(
        run.err.matches("etcd is away").count(),
        1,
        "a repeated error must be printed once: {}",
        run.err
    );
    assert!(run.err.ends_with("the cluster responds again\n"), "{}", run.err);
    assert_eq!(proxy.count("GET", "/api/v1/nodes"), 1, "thousands of nodes are not listed every 2 seconds");
    assert!(proxy.writes().is_empty(), "{:?}", proxy.writes());
}
