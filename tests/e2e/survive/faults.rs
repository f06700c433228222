//! Faulty responses: once, where a retry helps, and always, where it does not.

use std::collections::HashSet;
use std::time::Duration;

use super::scene::Scene;
use crate::control_plane::ControlPlane;
use crate::fake_server::Reply;
use crate::proxy::{Fault, Proxy, Sent};

fn busy() -> Fault {
    Fault::Answer(Reply::status(503, "ServiceUnavailable", "no leader"))
}

fn error() -> Fault {
    Fault::Answer(Reply::status(500, "InternalError", "something broke"))
}

fn slow_down() -> Fault {
    Fault::Answer(Reply::status(429, "TooManyRequests", "slow down").with("Retry-After", "1"))
}

/// Injects the fault into the first try of every matching request; the second passes.
fn first_tries(plane: &ControlPlane, fault: Fault, meant: fn(&Sent) -> bool) -> Proxy {
    let mut seen = HashSet::new();
    Proxy::start(plane, move |sent| {
        let is_first =
            meant(sent) && seen.insert((sent.method.clone(), sent.path.clone(), sent.query.clone()));
        if is_first { fault.clone() } else { Fault::Pass }
    })
}

/// Matches every request but the first, which reads the cluster's identity: it is not retried, so that a wrong
/// address is reported immediately.
fn any(sent: &Sent) -> bool {
    !sent.path.ends_with("/kube-system")
}

fn is_write(sent: &Sent) -> bool {
    sent.method == "PATCH"
}

/// Creates everything, changes one object and prunes one, with the first try of each request failing.
#[track_caller]
fn passes_at_the_second_try(name: &str, fault: &Fault, meant: fn(&Sent) -> bool) {
    let Some(plane) = ControlPlane::shared() else { return };
    let scene = Scene::rendered(plane, name);
    let run = scene.survives(&first_tries(plane, fault.clone(), meant), &["apply"], &["apply"]);
    assert_eq!((run.code, run.out.matches(" created\n").count()), (Some(0), 6), "{run:?}");

    scene.app.edit("web.yaml", "image: nginx", "image: nginx:2");
    scene.forget_the_config_map();
    let prune = ["apply", "--prune", "--yes"];
    let run = scene.survives(&first_tries(plane, fault.clone(), meant), &prune, &prune);
    assert_eq!((run.code, run.out.matches(" configured\n").count()), (Some(0), 1), "{run:?}");
    assert_eq!(run.out.matches(" pruned\n").count(), 1, "{run:?}");
}

#[test]
fn too_many_requests() {
    passes_at_the_second_try("survive-429", &slow_down(), is_write);
}

#[test]
fn server_errors() {
    passes_at_the_second_try("survive-500", &error(), any);
}

#[test]
fn unavailable() {
    passes_at_the_second_try("survive-503", &busy(), any);
}

#[test]
fn connections_that_end_before_the_server_acts() {
    passes_at_the_second_try("survive-before", &Fault::ResetBefore, any);
}

#[test]
fn connections_that_end_after_the_server_acted() {
    passes_at_the_second_try("survive-after", &Fault::ResetAfter, any);
}

#[test]
fn truncated_responses() {
    passes_at_the_second_try("survive-cut", &Fault::Truncate(40), any);
}

#[test]
fn slow_responses() {
    passes_at_the_second_try("survive-slow", &Fault::Delay(Duration::from_millis(300)), any);
}

/// One object always fails; the others must still be applied.
#[test]
fn permanent_failures_are_reported() {
    let Some(plane) = ControlPlane::shared() else { return };
    let scene = Scene::rendered(plane, "survive-never");
    let faults = [
        (error(), "status 500: something broke"),
        (busy(), "the server is busy (status 503: no leader); gave up after"),
        (slow_down(), "the server is busy (status 429: slow down); gave up after"),
        (Fault::ResetBefore, "the connection was closed before the response"),
        (Fault::Truncate(40), "the response was truncated after 40 bytes"),
        (Fault::Delay(Duration::from_secs(4)), "the response took longer than 2 s"),
    ];
    let mut greeting = "hello".to_owned();
    for (number, (fault, said)) in faults.into_iter().enumerate() {
        let next = format!("hello-{number}");
        scene.greet(&greeting, &next);
        greeting = next;
        let proxy = Proxy::start(plane, move |sent| {
            if sent.is("PATCH", "/configmaps/web") { fault.clone() } else { Fault::Pass }
        });
        let run = scene.survives(&proxy, &["apply", "--request-timeout", "2s"], &["apply"]);
        assert_eq!(run.code, Some(6), "{run:?}");
        assert!(run.err.contains(said), "{said}: {run:?}");
    }
}

#[test]
fn the_inventory_cannot_be_narrowed() {
    let Some(plane) = ControlPlane::shared() else { return };
    let scene = Scene::applied(plane, "survive-narrow");
    scene.forget_the_config_map();
    let prune = ["apply", "--prune", "--yes"];
    let proxy = Proxy::start(plane, |sent| {
        if sent.is("PATCH", "/configmaps/survive-narrow") { error() } else { Fault::Pass }
    });
    let run = scene.survives(&proxy, &prune, &prune);
    assert_eq!(run.code, Some(6), "{run:?}");
    let said =
        "error: configmap/survive-narrow/survive-narrow: the inventory still lists deleted objects: cannot";
    assert!(run.err.contains(said), "{run:?}");
    assert!(run.err.contains("5 unchanged, 1 pruned, 1 failed in "), "{run:?}");
}
