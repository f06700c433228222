//! Parts of the control plane hang, die and come back.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::app::App;
use crate::control_plane::{ControlPlane, Parts};
use crate::proxy::{Fault, Proxy};

#[test]
fn parts_hang_die_and_come_back() {
    let Some(plane) = ControlPlane::own(Parts::Nodes, 6, 3).map(Arc::new) else { return };
    let app = App::rendered(&plane, "harness-parts");
    let proxy = Proxy::passing(&plane);

    // A suspended part responds when it is resumed.
    plane.pause("etcd");
    let began = Instant::now();
    std::thread::scope(|scope| {
        let asked = scope.spawn(|| plane.list("/api/v1/nodes?resourceVersion=").len());
        std::thread::sleep(Duration::from_secs(2));
        plane.resume("etcd");
        assert_eq!(asked.join().unwrap(), 6);
    });
    assert!(began.elapsed() >= Duration::from_secs(2));

    // A killed part is away, then back on the same port with its data.
    plane.stop("kube-apiserver");
    let run = app.run_through(&proxy, &["pools", "--request-timeout", "1s"]);
    assert_eq!(
        (run.code, proxy.sent().iter().any(|sent| sent.status.is_some())),
        (Some(4), false),
        "{run:?}"
    );
    plane.start("kube-apiserver");
    assert!(plane.get(&format!("/api/v1/namespaces/{}", app.namespace)).is_some());
    assert!(app.run_through(&proxy, &["diff"]).ok().is_empty());

    plane.restart("etcd");
    plane.restart("fake-kubelet");
    assert_eq!(plane.list("/api/v1/nodes").len(), 6);

    // Also between two requests of one run.
    let kept = Arc::clone(&plane);
    let proxy = Proxy::start(&plane, move |sent| {
        if sent.number == 1 {
            kept.restart("kube-apiserver");
        }
        Fault::Pass
    });
    assert!(app.run_through(&proxy, &["diff"]).ok().is_empty());
    assert!(proxy.sent().len() > 1);
    drop(proxy);
    assert_eq!(Arc::strong_count(&plane), 1, "a dropped proxy must release the control plane");
}

#[test]
fn addresses_outlive_the_service_controller() {
    let Some(plane) = ControlPlane::own(Parts::All, 4, 2) else { return };
    let app = App::rendered(&plane, "harness-controller");
    app.kubectl(&["apply", "--server-side", "-f", "rendered"]).ok();
    let address = |name: &str| {
        let path = app.path("v1", &format!("services/{name}"));
        crate::wait::until(&format!("{name} has an address"), || {
            let service = plane.get(&path).unwrap();
            service["status"]["loadBalancer"]["ingress"][0]["ip"].as_str().map(str::to_owned)
        })
    };
    let before = [address("web-pool00"), address("web-pool01")];
    plane.restart("service-lb");
    app.kubectl(&["expose", "deployment", "web", "--name=late", "--type=LoadBalancer", "--port=80"]).ok();
    assert!(!before.contains(&address("late")), "an address was given twice");
    assert_eq!([address("web-pool00"), address("web-pool01")], before);
    // The controller may also update the nodes of a load balancer.
    let calls = plane.load_balancer_calls(&app.namespace);
    assert!(calls.iter().all(|call| call["call"] != "delete"), "{calls:?}");
    let late = format!("{}/late", app.namespace);
    assert!(calls.iter().any(|call| call["call"] == "ensure" && call["service"] == late), "{calls:?}");
}
