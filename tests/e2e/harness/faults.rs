//! The proxy: forwards requests unchanged, and injects each kind of fault.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::app::App;
use crate::control_plane::ControlPlane;
use crate::fake_server::Reply;
use crate::proxy::{Fault, Proxy, Sent};
use crate::wait::until;

/// Returns kubectl's arguments to create a `ConfigMap` through a proxy.
fn create<'a>(proxy: &'a str, name: &'a str) -> [&'a str; 6] {
    ["--server", proxy, "create", "configmap", name, "--from-literal=a=1"]
}

fn writes_a_configmap(sent: &Sent) -> bool {
    sent.is("POST", "/configmaps")
}

#[test]
fn what_passes_is_unchanged() {
    let Some(plane) = ControlPlane::shared() else { return };
    let app = App::rendered(plane, "harness-passes");
    let proxy = Proxy::passing(plane);
    assert!(app.run_through(&proxy, &["diff"]).ok().is_empty());
    assert_eq!(proxy.count("GET", "/api/v1/nodes"), 1);
    assert!(proxy.sent().iter().all(|sent| sent.status == Some(200)));
    assert_eq!(proxy.connections(), 1, "connections are reused");
    let difference = app.kubectl(&["--server", &proxy.url(), "diff", "--server-side", "-f", "rendered"]);
    assert_eq!(difference.code, Some(1), "{difference:?}");
    assert!(proxy.writes().is_empty(), "{:?}", proxy.writes());

    app.kubectl(&["--server", &proxy.url(), "apply", "--server-side", "-f", "rendered"]).ok();
    let sent = proxy.sent();
    let sent = sent.iter().find(|sent| sent.is("PATCH", "/configmaps/web")).unwrap();
    assert_eq!((&sent.json()["data"], sent.status), (&json!({"greeting": "hello"}), Some(201)));
    assert_eq!(sent.header("content-type"), Some("application/apply-patch+yaml"));
    assert!(sent.query.contains("fieldManager=kubectl"), "{sent:?}");
    assert!(plane.get(&app.path("v1", "configmaps/web")).is_some());
}

#[test]
fn the_proxy_answers_one_request() {
    let Some(plane) = ControlPlane::shared() else { return };
    let app = App::new(plane, "harness-answered");
    let slow_down = Reply::status(429, "TooManyRequests", "slow down").with("Retry-After", "1");
    let proxy = Proxy::index(plane, 1, Fault::Answer(slow_down), |sent| {
        sent.method == "GET" && sent.path.ends_with("/nodes")
    });
    let began = Instant::now();
    app.run_through(&proxy, &["pools"]).ok();
    assert!(began.elapsed() >= Duration::from_secs(1), "the client must wait for Retry-After");
    let nodes: Vec<_> = proxy.sent().into_iter().filter(|sent| sent.path.ends_with("/nodes")).collect();
    assert_eq!(nodes.iter().map(|sent| sent.status).collect::<Vec<_>>(), [Some(429), Some(200)]);
}

#[test]
fn a_request_or_its_response_is_lost() {
    let Some(plane) = ControlPlane::shared() else { return };
    let app = App::new(plane, "harness-lost");
    let path = |name: &str| app.path("v1", &format!("configmaps/{name}"));

    let proxy = Proxy::index(plane, 2, Fault::ResetBefore, writes_a_configmap);
    app.kubectl(&create(&proxy.url(), "first")).ok();
    assert_eq!(app.kubectl(&create(&proxy.url(), "before")).code, Some(1));
    assert!(plane.get(&path("first")).is_some(), "only the second request has a fault");
    assert_eq!(plane.get(&path("before")), None, "the server must not receive it");
    assert_eq!(proxy.sent().last().unwrap().status, None);

    let proxy = Proxy::index(plane, 1, Fault::ResetAfter, writes_a_configmap);
    assert_eq!(app.kubectl(&create(&proxy.url(), "after")).code, Some(1));
    assert!(plane.get(&path("after")).is_some(), "the server acts");

    let proxy = Proxy::index(plane, 1, Fault::Truncate(40), writes_a_configmap);
    let run = app.kubectl(&create(&proxy.url(), "cut"));
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(run.err.contains("unexpected EOF"), "{}", run.err);
    assert!(plane.get(&path("cut")).is_some(), "the server acts");

    let proxy = Proxy::index(plane, 1, Fault::Delay(Duration::from_secs(1)), writes_a_configmap);
    let began = Instant::now();
    app.kubectl(&create(&proxy.url(), "late")).ok();
    assert!(began.elapsed() >= Duration::from_secs(1));
}

#[test]
fn a_thousand_concurrent_writes_take_seconds() {
    const CLIENTS: usize = 16;
    const EACH: usize = 63;
    let Some(plane) = ControlPlane::shared() else { return };
    let app = App::new(plane, "harness-thousand");
    let proxy = Proxy::passing(plane);
    let clients = crate::upstream::Upstream::connect(&proxy.kubeconfig(app.directory()));
    let began = Instant::now();
    std::thread::scope(|scope| {
        for client in 0..CLIENTS {
            let (app, clients) = (&app, &clients);
            scope.spawn(move || {
                for number in 0..EACH {
                    let name = format!("c-{client}-{number}");
                    let path = app.path("v1", &format!("configmaps/{name}?fieldManager=test"));
                    let object = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}});
                    let apply = [("Content-Type".to_owned(), "application/apply-patch+yaml".to_owned())];
                    let answer = clients.send("PATCH", &path, &apply, object.to_string().into()).unwrap();
                    assert_eq!(answer.status, 201);
                }
            });
        }
    });
    let took = began.elapsed();
    assert_eq!(proxy.count("PATCH", "/configmaps/"), CLIENTS * EACH);
    assert!((2..=CLIENTS).contains(&proxy.most_concurrent()), "{}", proxy.most_concurrent());
    // A few more than the concurrent requests: a client that waits for a free connection may open another one.
    assert!(proxy.connections() <= 3 * CLIENTS, "{}", proxy.connections());
    assert!(took < Duration::from_secs(30), "{took:?}");
}

#[test]
fn a_program_is_killed_while_it_waits() {
    let Some(plane) = ControlPlane::shared() else { return };
    let app = App::new(plane, "harness-killed");
    let proxy = Proxy::start(plane, |_| Fault::Delay(Duration::from_secs(2)));
    let mut running = app.start(&proxy.kubeconfig(app.directory()), &["render"]);
    until("it asks", || (!proxy.sent().is_empty()).then_some(()));
    running.kill();
    assert_eq!(running.wait().code, None);
    assert!(!app.directory().join("rendered").exists());
}
