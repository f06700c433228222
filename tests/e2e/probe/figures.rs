//! The time of a probe of 500 pools.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::thread;
use std::time::Instant;

use serde_json::json;

use crate::app::App;
use crate::control_plane::{ControlPlane, Parts};
use crate::name_server::{NameServer, answer_from, record};
use crate::nodes::pool_name;
use crate::objects::Patch;
use crate::probe::{DNS, findings};

const POOLS: usize = 500;

/// Listens on all addresses of this machine, so that two listeners serve 500 addresses. Returns the port.
fn listen(answer: fn(TcpStream)) -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || listener.incoming().flatten().for_each(answer));
    port
}

fn over_http(mut stream: TcpStream) {
    thread::spawn(move || {
        let mut read = [0; 2048];
        if stream.read(&mut read).is_ok_and(|length| length > 0) {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok");
        }
    });
}

/// Starts a name server with more addresses of one name than a packet has room for.
fn large_zone(addresses: &[String]) -> NameServer {
    let records: Vec<_> =
        addresses.iter().map(|address| record(&format!("www.example.test 60 A {address}"))).collect();
    NameServer::start(move |asked| {
        let whole = answer_from("example.test", &records, asked);
        if asked.over_tcp || whole.answers.is_empty() {
            return whole.into();
        }
        let mut cut = asked.answer(&[]);
        cut.metadata.truncation = true;
        cut.into()
    })
}

/// Measures three probes of 500 load balancers with 4 ports, two of them with HTTP, and one name with 500 addresses.
/// `KUBECTL_LARGESCALE_MEASURED` names another program than that of the tests, such as a release build.
#[test]
#[ignore = "a figure, not a test: `cargo test --test e2e -- --ignored --nocapture probe::figures`"]
fn five_hundred_pools() {
    let Some(plane) = ControlPlane::own(Parts::Nodes, POOLS, POOLS) else { return };
    let ports = [listen(drop), listen(drop), listen(over_http), listen(over_http)];
    let addresses: Vec<String> =
        (0..POOLS).map(|pool| format!("127.3.{}.{}", pool / 250, 1 + pool % 250)).collect();

    let app = App::empty(&plane, "probe-figures");
    let [first, second, third, fourth] = ports;
    app.write(
        "largescale.yaml",
        &format!(
            "apiVersion: largescale.dev/v1alpha1\nkind: LargeScale\nmetadata: {{name: figures, namespace: probe-figures}}\n\
             spec:\n  manifests: [web.yaml]\n  platform: azure-basic\n{DNS}\
             \x20 probe: {{ports: [{{port: {third}, path: /}}, {{port: {fourth}, path: /}}]}}\n"
        ),
    );
    app.write(
        "web.yaml",
        &format!(
            "apiVersion: v1\nkind: Service\nmetadata: {{name: web}}\nspec:\n  type: LoadBalancer\n  selector: {{app: web}}\n\
             \x20 allocateLoadBalancerNodePorts: false\n  ports:\n\
             \x20 - {{name: a, port: {first}}}\n  - {{name: b, port: {second}}}\n\
             \x20 - {{name: c, port: {third}}}\n  - {{name: d, port: {fourth}}}\n"
        ),
    );
    app.run(&["render"]).ok();
    app.run(&["apply"]).ok();
    for (pool, address) in addresses.iter().enumerate() {
        let status = json!({"status": {"loadBalancer": {"ingress": [{"ip": address}]}}});
        plane.patch(
            &app.path("v1", &format!("services/web-{}/status", pool_name(pool))),
            Patch::Merge,
            &status,
        );
    }

    let names = large_zone(&addresses);
    let server = names.address.to_string();
    let (code, found, value) = findings(&app, &["--dns", &server]);
    assert_eq!((code, found), (0, vec!["warning large-answer".to_owned()]), "{}", value["findings"]);
    assert_eq!(value["ports"].as_array().unwrap().len(), POOLS * ports.len());

    let program = std::env::var("KUBECTL_LARGESCALE_MEASURED");
    let program = program.as_deref().unwrap_or(env!("CARGO_BIN_EXE_kubectl-largescale"));
    for _ in 0..3 {
        let mut command = app.command(program, &plane.kubeconfig, &["probe", "--dns", &server, "-o", "json"]);
        let began = Instant::now();
        let output = command.output().unwrap();
        let elapsed = began.elapsed();
        assert!(output.status.success(), "{output:?}");
        writeln!(std::io::stdout(), "{POOLS} pools with {} ports: {elapsed:.2?}", ports.len()).unwrap();
    }
}
