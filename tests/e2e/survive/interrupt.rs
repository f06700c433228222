//! Interrupting a run with Ctrl-C.

use std::time::{Duration, Instant};

use super::scene::Scene;
use super::told::{Told, told};
use crate::control_plane::ControlPlane;
use crate::proxy::{Fault, Proxy, Sent};
use crate::wait::until;

const MANY: usize = 40;

/// Returns a scene with many more objects to apply.
fn scene<'a>(plane: &'a ControlPlane, name: &str) -> Scene<'a> {
    let scene = Scene::rendered(plane, name);
    let mut text = std::fs::read_to_string(scene.app.directory().join("web.yaml")).unwrap();
    for number in 0..MANY {
        text += &format!(
            "---\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: many-{number}\ndata:\n  a: \"1\"\n"
        );
    }
    scene.app.write("web.yaml", &text);
    scene.app.run(&["render"]).ok();
    scene
}

fn is_one_of_many(sent: &Sent) -> bool {
    sent.is("PATCH", "/configmaps/many-")
}

fn slow(plane: &ControlPlane, pause: Duration) -> Proxy {
    Proxy::start(plane, move |sent| if is_one_of_many(sent) { Fault::Delay(pause) } else { Fault::Pass })
}

#[test]
fn one_interrupt_finishes_requests_in_progress() {
    const CONCURRENCY: usize = 4;
    let Some(plane) = ControlPlane::shared() else { return };
    let scene = scene(plane, "survive-once");
    let proxy = slow(plane, Duration::from_millis(300));
    let before = scene.before();
    let kubeconfig = proxy.kubeconfig(scene.app.directory());
    let running = scene.app.start(&kubeconfig, &["apply", "--concurrency", "4"]);
    until("some are sent", || (proxy.count("PATCH", "/many-") > 2 * CONCURRENCY).then_some(()));
    running.interrupt();
    let run = running.wait();
    assert_eq!(run.code, Some(130), "{run:?}");
    assert!(run.err.contains("interrupted: finishing requests in progress, starting no new ones"), "{run:?}");
    scene.is_told(&before, &run);
    let sent = proxy.count("PATCH", "/many-") + proxy.count("PATCH", "/configmaps/web");
    assert_eq!(run.out.matches(" created\n").count(), sent, "sent requests must be waited for: {run:?}");
    assert!(sent < MANY, "no new requests must be sent: {sent}");
    assert!(run.err.contains("not applied: "), "{run:?}");
    assert_eq!(proxy.count("PATCH", "/deployments/"), 0);
    scene.converges(&["apply"]);
}

#[test]
fn two_interrupts_end_the_run() {
    let Some(plane) = ControlPlane::shared() else { return };
    let scene = scene(plane, "survive-twice");
    let proxy = slow(plane, Duration::from_secs(6));
    let before = scene.before();
    let kubeconfig = proxy.kubeconfig(scene.app.directory());
    let running = scene.app.start(&kubeconfig, &["apply", "--concurrency", "4"]);
    until("some are sent", || (proxy.count("PATCH", "/many-") > 2).then_some(()));
    let began = Instant::now();
    running.interrupt();
    std::thread::sleep(Duration::from_millis(300));
    running.interrupt();
    let run = running.wait();
    assert!(began.elapsed() < Duration::from_secs(4), "{:?}", began.elapsed());
    assert_eq!(run.code, Some(130), "{run:?}");
    let unknown = run.err.matches("the request was sent, but its result is unknown").count();
    assert!((1..=4).contains(&unknown), "{run:?}");
    scene.is_told(&before, &run);
    scene.converges(&["apply"]);
}

/// Interrupts twice while the parent is written, which is a single request and not one of many.
#[test]
fn two_interrupts_end_the_run_also_at_the_parent() {
    let Some(plane) = ControlPlane::shared() else { return };
    let scene = Scene::rendered(plane, "survive-first");
    let proxy = Proxy::start(plane, |sent| {
        let is_parent = sent.is("PATCH", "/configmaps/survive-first");
        if is_parent { Fault::Delay(Duration::from_secs(6)) } else { Fault::Pass }
    });
    let before = scene.before();
    let kubeconfig = proxy.kubeconfig(scene.app.directory());
    let running = scene.app.start(&kubeconfig, &["apply"]);
    until("it is sent", || (proxy.count("PATCH", "/survive-first") > 0).then_some(()));
    let began = Instant::now();
    running.interrupt();
    std::thread::sleep(Duration::from_millis(300));
    running.interrupt();
    let run = running.wait();
    assert!(began.elapsed() < Duration::from_secs(4), "{:?}: {run:?}", began.elapsed());
    assert_eq!(run.code, Some(130), "{run:?}");
    scene.is_told(&before, &run);
    let told = told(&run, &[]);
    assert!(told.values().all(|what| *what == Told::NotApplied), "{run:?}");
    scene.converges(&["apply"]);
}
