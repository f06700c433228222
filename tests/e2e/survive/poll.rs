//! Waiting. The program polls instead of watching, so that no watch can end unnoticed. These tests check that a
//! failed poll does not end the wait.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::scene::Scene;
use crate::control_plane::ControlPlane;
use crate::fake_server::Reply;
use crate::proxy::{Fault, Proxy, Sent};
use crate::wait::until;

/// The number of tries of one request.
const TRIES: usize = 3;

fn looks_at_workloads(sent: &Sent) -> bool {
    sent.method == "GET" && sent.path.contains("/deployments")
}

/// Fails all tries of one poll, after some polls have succeeded.
fn one_poll_fails(plane: &ControlPlane, after: usize, tries: usize) -> Proxy {
    let looks = AtomicUsize::new(0);
    Proxy::start(plane, move |sent| {
        if !looks_at_workloads(sent) {
            return Fault::Pass;
        }
        let look = looks.fetch_add(1, Ordering::SeqCst);
        let error = Reply::status(500, "InternalError", "etcdserver: leader changed");
        if (after..after + tries).contains(&look) { Fault::Answer(error) } else { Fault::Pass }
    })
}

#[test]
fn a_poll_that_fails_does_not_end_apply_wait() {
    let Some(plane) = ControlPlane::shared() else { return };
    let scene = Scene::applied(plane, "survive-wait");
    scene.app.edit("web.yaml", "image: nginx", "image: nginx:2");
    scene.app.run(&["render"]).ok();
    // The first poll is part of the apply.
    let proxy = one_poll_fails(plane, 1, TRIES);
    let run = scene.survives(&proxy, &["apply", "--wait", "ready", "--timeout", "60s"], &["apply"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(run.err.contains("etcdserver: leader changed"), "{run:?}");
    assert!(run.err.ends_with("the workload is rolled out\n"), "{run:?}");
    assert!(proxy.sent().iter().all(|sent| !sent.query.contains("watch")), "it polls");
}

#[test]
fn ctrl_c_while_waiting() {
    let Some(plane) = ControlPlane::shared() else { return };
    let scene = Scene::applied(plane, "survive-waiting");
    scene.app.edit("web.yaml", "image: nginx", "image: nginx:2");
    scene.app.edit("web.yaml", "replicas: 3", "replicas: 3\n  paused: true");
    scene.app.run(&["render"]).ok();
    let proxy = Proxy::passing(plane);
    let kubeconfig = proxy.kubeconfig(scene.app.directory());
    let running = scene.app.start(&kubeconfig, &["apply", "--wait", "ready"]);
    let looks = || proxy.sent().iter().filter(|sent| looks_at_workloads(sent)).count();
    until("it waits", || (looks() > 2).then_some(()));
    running.interrupt();
    let run = running.wait();
    assert_eq!(run.code, Some(130), "{run:?}");
    assert!(run.err.contains("interrupted while waiting; everything is applied"), "{run:?}");
    assert!(plane.get(&scene.app.path("apps/v1", "deployments/web")).unwrap()["spec"]["paused"] == true);
    scene.leaves_strangers_alone(&run);
    scene.converges(&["apply"]);
}

#[test]
fn a_poll_that_fails_does_not_end_status() {
    let Some(plane) = ControlPlane::shared() else { return };
    let scene = Scene::applied(plane, "survive-status");
    scene.app.run(&["apply", "--wait", "address", "--timeout", "60s"]).ok();
    let busy = Reply::status(503, "ServiceUnavailable", "no leader");
    let proxy = Proxy::index(plane, 1, Fault::Answer(busy), looks_at_workloads);
    assert_eq!(scene.app.run_through(&proxy, &["status"]).code, Some(0));

    let proxy = one_poll_fails(plane, 1, 1);
    let kubeconfig = proxy.kubeconfig(scene.app.directory());
    let running = scene.app.start(&kubeconfig, &["status", "--watch"]);
    let looks = || proxy.sent().iter().filter(|sent| looks_at_workloads(sent)).count();
    until("it polls again", || (looks() > 3).then_some(()));
    running.interrupt();
    let run = running.wait();
    assert!(run.err.contains("etcdserver: leader changed"), "{run:?}");
    assert!(run.err.contains("the cluster responds again"), "{run:?}");
    assert!(proxy.writes().is_empty() && proxy.sent().iter().all(|sent| !sent.query.contains("watch")));
}
