//! `apply --by-pool` with a cloud that breaks a load balancer because of one annotation.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use serde_json::Value;

use crate::app::App;
use crate::control_plane::ControlPlane;
use crate::probe::{applied, free_port, plane};

/// A server that answers one request on each connection, until it is stopped.
struct Server {
    runs: Arc<AtomicBool>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Server {
    fn start(address: &str, port: u16) -> Self {
        let listener = TcpListener::bind((address, port)).unwrap();
        listener.set_nonblocking(true).unwrap();
        let runs = Arc::new(AtomicBool::new(true));
        let goes_on = Arc::clone(&runs);
        let thread = thread::spawn(move || {
            while goes_on.load(Ordering::SeqCst) {
                let Ok((stream, _)) = listener.accept() else {
                    thread::sleep(Duration::from_millis(2));
                    continue;
                };
                thread::spawn(move || answer(stream));
            }
        });
        Self { runs, thread: Some(thread) }
    }
}

impl Drop for Server {
    /// Returns when the port is closed.
    fn drop(&mut self) {
        self.runs.store(false, Ordering::SeqCst);
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }
}

fn answer(mut stream: TcpStream) {
    stream.set_nonblocking(false).unwrap();
    let mut read = [0; 2048];
    if stream.read(&mut read).is_ok_and(|length| length > 0) {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok");
    }
}

/// Sends requests to an address without a pause, and counts those that fail.
fn client(address: String, port: u16, runs: Arc<AtomicBool>) -> thread::JoinHandle<(usize, usize)> {
    thread::spawn(move || {
        let (mut all, mut lost) = (0, 0);
        while runs.load(Ordering::SeqCst) {
            all += 1;
            let request = || -> std::io::Result<String> {
                let mut stream = TcpStream::connect((address.as_str(), port))?;
                stream.set_read_timeout(Some(Duration::from_secs(10)))?;
                stream.write_all(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")?;
                let mut text = String::new();
                stream.read_to_string(&mut text)?;
                Ok(text)
            };
            if !request().is_ok_and(|text| text.ends_with("ok")) {
                lost += 1;
            }
            thread::sleep(Duration::from_millis(5));
        }
        (all, lost)
    })
}

/// Returns the value of our annotation for each pool.
fn settings(plane: &ControlPlane, app: &App<'_>) -> BTreeMap<String, String> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let services = plane.list(&app.path("v1", "services"));
    let setting = |service: &Value| {
        let metadata = &service["metadata"];
        (
            text(&metadata["labels"]["largescale.dev/pool"]),
            text(&metadata["annotations"]["example.com/setting"]),
        )
    };
    services.iter().map(setting).collect()
}

/// Sets the annotation in the directory.
fn change(app: &App<'_>, value: &str) {
    let text = fs::read_to_string(app.directory().join("web.yaml")).unwrap();
    let line = |line: &str| {
        if line.starts_with("metadata:") {
            format!("metadata: {{name: web, annotations: {{example.com/setting: '{value}'}}}}\n")
        } else {
            format!("{line}\n")
        }
    };
    app.write("web.yaml", &text.lines().map(line).collect::<String>());
    app.run(&["render"]).ok();
}

#[test]
fn a_pool_that_breaks_stops_the_change_of_the_others() {
    let Some(plane) = plane() else { return };
    let port = free_port();
    let probe = format!("  probe: {{timeout: 2s, ports: [{{port: {port}, path: /}}]}}\n");
    let (app, addresses) = applied(plane, "probe-by-pool", &format!("[{{port: {port}}}]"), &probe);
    let mut servers: BTreeMap<&str, Server> =
        addresses.iter().map(|(pool, address)| (pool.as_str(), Server::start(address, port))).collect();

    let runs = Arc::new(AtomicBool::new(true));
    let others = addresses.iter().filter(|(pool, _)| *pool != "pool02");
    let clients: Vec<_> =
        others.map(|(_, address)| client(address.clone(), port, Arc::clone(&runs))).collect();

    // The cloud: it breaks the load balancer of one pool a moment after it sees the annotation.
    change(&app, "2");
    let arguments = ["apply", "--by-pool", "--settle", "3s", "--timeout", "5s"];
    let breaks = AtomicUsize::new(0);
    let run = thread::scope(|scope| {
        let broken = servers.remove("pool02");
        scope.spawn(|| {
            let broken = broken;
            for _ in 0..600 {
                if settings(plane, &app)["pool02"] == "2" {
                    thread::sleep(Duration::from_millis(500));
                    drop(broken);
                    breaks.fetch_add(1, Ordering::SeqCst);
                    return;
                }
                thread::sleep(Duration::from_millis(100));
            }
        });
        app.run(&arguments)
    });
    assert_eq!(breaks.load(Ordering::SeqCst), 1);
    assert_eq!(run.code, Some(6), "{run:?}");
    for text in [
        "pool pool00 answers (1 of 4)\n",
        "pool pool01 answers (2 of 4)\n",
        "error: stopped at pool pool02:\n  pool pool02: ",
        "connection refused\napplied: pool pool00, pool01, pool pool02; pools that were not changed: pool03\n",
        "hint: to go back, restore the rendered directory of before",
        "not applied: service/probe-by-pool/web-pool03\n",
    ] {
        assert!(run.err.contains(text), "`{text}` not in:\n{}", run.err);
    }
    let values = |all: [&str; 4]| -> BTreeMap<String, String> {
        addresses.keys().cloned().zip(all.map(str::to_owned)).collect()
    };
    assert_eq!(settings(plane, &app), values(["2", "2", "2", ""]));

    // After the repair, the same command goes on, and probes again what is done.
    servers.insert("pool02", Server::start(&addresses["pool02"], port));
    let again = app.run(&arguments);
    assert_eq!(again.code, Some(0), "{again:?}");
    assert!(again.err.contains("1 configured, 3 unchanged"), "{again:?}");
    assert!(again.err.contains("pool pool03 answers (4 of 4)\n"), "{again:?}");
    assert_eq!(settings(plane, &app), values(["2"; 4]));

    change(&app, "3");
    let first = app.run(&["apply", "--first", "pool01", "--settle", "1s"]);
    assert_eq!(first.code, Some(0), "{first:?}");
    assert!(first.err.contains("3 changed objects of other pools will not be applied\n"), "{first:?}");
    assert_eq!(settings(plane, &app), values(["2", "3", "2", "2"]));
    let unknown = app.run(&["apply", "--first", "pool09"]);
    assert_eq!(unknown.code, Some(3), "{unknown:?}");
    assert!(unknown.err.contains("the pools are: pool00, pool01, pool02, pool03"), "{unknown:?}");

    runs.store(false, Ordering::SeqCst);
    for client in clients {
        let (all, lost) = client.join().unwrap();
        assert!(all > 100 && lost == 0, "{lost} of {all} requests were lost");
    }
}

#[test]
fn a_pool_whose_change_the_cloud_refuses_stops_the_others() {
    let Some(plane) = plane() else { return };
    let port = free_port();
    let (app, addresses) = applied(plane, "probe-refused", &format!("[{{port: {port}}}]"), "");
    let _servers: Vec<Server> = addresses.values().map(|address| Server::start(address, port)).collect();
    let overlay = |stem: &str, pool: &str, key: &str| {
        app.write(
            &format!("{stem}.yaml"),
            &format!(
                "apiVersion: largescale.dev/v1alpha1\nkind: Overlay\nmetadata: {{name: {stem}}}\nspec:\n  title: test\n  \
                 target: {{kind: Service, pool: '{pool}'}}\n  patches:\n  \
                 - {{patch: [{{op: add, path: /metadata/annotations/{key}, value: x}}]}}\n"
            ),
        );
    };
    overlay("all", "*", "example.com~1setting");
    overlay("one", "pool01", "test.largescale.dev~1refused");
    app.edit("largescale.yaml", "  platform:", "  overlays: [./all.yaml, ./one.yaml]\n  platform:");
    app.run(&["render"]).ok();
    let run = app.run(&["apply", "--by-pool", "--settle", "3s", "--timeout", "6s"]);
    assert_eq!(run.code, Some(6), "{run:?}");
    for text in [
        "pool pool00 answers (1 of 4)\n",
        "error: stopped at pool pool01:\n",
        "SyncLoadBalancerFailed: Error syncing load balancer: failed to ensure load balancer: the cloud refuses \"x\"",
        "pools that were not changed: pool02, pool03\n",
    ] {
        assert!(run.err.contains(text), "`{text}` not in:\n{}", run.err);
    }
    assert_eq!(settings(plane, &app).into_values().collect::<Vec<_>>(), ["x", "x", "", ""]);
}

#[test]
fn wait_answer() {
    let Some(plane) = plane() else { return };
    let port = free_port();
    let probe = format!("  probe: {{timeout: 1s, ports: [{{port: {port}, path: /}}]}}\n");
    let (app, addresses) = applied(plane, "probe-wait", &format!("[{{port: {port}}}]"), &probe);
    let run = app.run(&["apply", "--wait", "answer", "--timeout", "2s"]);
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(run.err.contains("do not answer as expected: connection refused"), "{run:?}");
    let _servers: Vec<Server> = addresses.values().map(|address| Server::start(address, port)).collect();
    let run = app.run(&["apply", "--wait", "answer", "--timeout", "20s"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(run.err.contains("every load balancer has its address, and answers (4 in all)"), "{run:?}");
}
