//! Ctrl-C in the middle of an apply.

use std::time::Duration;

use crate::app::App;
use crate::control_plane::ControlPlane;
use crate::proxy::{Fault, Proxy};
use crate::run::Run;
use crate::wait::until;

/// Interrupts an apply, one request at a time through a slow proxy, when the first Service is under way.
fn interrupted(plane: &ControlPlane, app: &App<'_>, slow: Duration, times: u32) -> Run {
    let proxy = Proxy::start(plane, move |sent| {
        if sent.method == "PATCH" && sent.path.contains("/services/") {
            Fault::Delay(slow)
        } else {
            Fault::Pass
        }
    });
    let kubeconfig = proxy.kubeconfig(app.directory());
    let running = app.start(&kubeconfig, &["apply", "--concurrency", "1"]);
    until("a Service is under way", || (proxy.count("PATCH", "/services/") > 0).then_some(()));
    for _ in 0..times {
        running.interrupt();
        std::thread::sleep(Duration::from_millis(300));
    }
    running.wait()
}

#[test]
fn once_finishes_what_is_under_way() {
    let Some(plane) = ControlPlane::shared() else { return };
    let app = App::rendered(plane, "interrupted-once");
    let run = interrupted(plane, &app, Duration::from_secs(1), 1);
    assert_eq!(run.code, Some(130), "{run:?}");
    assert!(run.err.contains("interrupted: what is under way is finished, nothing more is begun"), "{run:?}");
    let there = plane.list(&app.path("v1", "services")).len();
    let created =
        run.out.lines().filter(|line| line.contains("service/") && line.ends_with(" created")).count();
    assert_eq!((there, created), (1, 1), "{run:?}");
    assert!(run.err.contains("3 created, 3 not applied in "), "{run:?}");
    assert_eq!(
        run.err.lines().find(|line| line.starts_with("not applied: ")).unwrap().matches("service/").count(),
        3
    );
    converges(&app);
}

#[test]
fn twice_does_not_wait() {
    let Some(plane) = ControlPlane::shared() else { return };
    let app = App::rendered(plane, "interrupted-twice");
    let run = interrupted(plane, &app, Duration::from_secs(8), 2);
    assert_eq!(run.code, Some(130), "{run:?}");
    assert!(run.err.contains("2 created, 1 unknown, 3 not applied in "), "{run:?}");
    assert!(run.err.contains("it was sent, and nobody waited for the answer"), "{run:?}");
    converges(&app);
}

fn converges(app: &App<'_>) {
    app.run(&["apply"]).ok();
    let run = app.run(&["apply", "--prune"]);
    assert!(run.err.starts_with("6 unchanged in "), "{run:?}");
}
