//! Parts of the control plane die during an apply.

use std::time::Duration;

use crate::app::App;
use crate::control_plane::{ControlPlane, Parts};
use crate::proxy::{Fault, Proxy};
use crate::run::Run;
use crate::wait::until;

#[test]
fn etcd_and_the_api_server_are_unavailable_for_a_while() {
    let Some(plane) = &ControlPlane::own(Parts::Nodes, 8, 4) else { return };
    etcd_is_gone_for_ten_seconds(plane);
    etcd_goes_in_the_middle(plane);
    the_api_server_restarts(plane);
    the_api_server_does_not_come_back_in_time(plane);
}

fn etcd_is_gone_for_ten_seconds(plane: &ControlPlane) {
    let app = App::rendered(plane, "outage-etcd");
    plane.stop("etcd");
    let running = app.start(&plane.kubeconfig, &["apply"]);
    std::thread::sleep(Duration::from_secs(10));
    plane.start("etcd");
    reports_correctly(plane, &app, &running.wait());
    converges(&app);
}

fn etcd_goes_in_the_middle(plane: &ControlPlane) {
    let app = App::rendered(plane, "outage-middle");
    let proxy = Proxy::start(plane, |sent| {
        if sent.method == "PATCH" { Fault::Delay(Duration::from_millis(300)) } else { Fault::Pass }
    });
    let running = app.start(&proxy.kubeconfig(app.directory()), &["apply", "--concurrency", "1"]);
    until("a Service is being applied", || (proxy.count("PATCH", "/services/") > 0).then_some(()));
    plane.stop("etcd");
    std::thread::sleep(Duration::from_secs(10));
    plane.start("etcd");
    let run = running.wait();
    reports_correctly(plane, &app, &run);
    assert_eq!(run.code, Some(0), "the program must wait ten seconds: {run:?}");
    converges(&app);
}

fn the_api_server_restarts(plane: &ControlPlane) {
    let app = App::rendered(plane, "outage-restart");
    let proxy = Proxy::start(plane, |sent| {
        if sent.method == "PATCH" { Fault::Delay(Duration::from_millis(300)) } else { Fault::Pass }
    });
    let running = app.start(&proxy.kubeconfig(app.directory()), &["apply", "--concurrency", "1"]);
    until("a Service is being applied", || (proxy.count("PATCH", "/services/") > 0).then_some(()));
    plane.restart("kube-apiserver");
    let run = running.wait();
    reports_correctly(plane, &app, &run);
    assert_eq!(run.code, Some(0), "the program must wait for a restart: {run:?}");
    converges(&app);
}

fn the_api_server_does_not_come_back_in_time(plane: &ControlPlane) {
    let app = App::rendered(plane, "outage-gone");
    let proxy = Proxy::start(plane, |sent| {
        if sent.method == "PATCH" { Fault::Delay(Duration::from_millis(300)) } else { Fault::Pass }
    });
    let arguments = ["apply", "--concurrency", "1", "--request-timeout", "3s"];
    let running = app.start(&proxy.kubeconfig(app.directory()), &arguments);
    until("a Service is being applied", || (proxy.count("PATCH", "/services/") > 0).then_some(()));
    plane.stop("kube-apiserver");
    let run = running.wait();
    plane.start("kube-apiserver");
    assert_eq!(run.code, Some(6), "{run:?}");
    assert!(run.err.contains("not applied: service/"), "{run:?}");
    reports_correctly(plane, &app, &run);
    converges(&app);
}

/// Checks that objects reported as created exist, and that objects reported as not applied do not.
#[track_caller]
fn reports_correctly(plane: &ControlPlane, app: &App<'_>, run: &Run) {
    assert_eq!(run.code == Some(0), run.out.lines().count() == 6, "{run:?}");
    let left = run.err.lines().find_map(|line| line.strip_prefix("not applied: ")).unwrap_or_default();
    for pool in 0..plane.pools {
        let name = format!("web-pool{pool:02}");
        let key = format!("service/{}/{name}", app.namespace);
        let is_there = plane.get(&app.path("v1", &format!("services/{name}"))).is_some();
        if run.out.contains(&format!("{key} created")) {
            assert!(is_there, "{key} does not exist: {run:?}");
        }
        if left.split(", ").any(|known| known == key) {
            assert!(!is_there, "{key} exists: {run:?}");
        }
    }
}

fn converges(app: &App<'_>) {
    app.run(&["apply"]).ok();
    let run = app.run(&["apply", "--prune"]);
    assert!(run.err.contains("6 unchanged in "), "{run:?}");
}
