//! `probe` from the outside: load balancers and name servers of this machine that answer, fail and lie.

mod by_pool;
mod drained;
mod ends;
mod figures;
mod shown;
mod stale;

use std::collections::BTreeMap;
use std::sync::OnceLock;

use serde_json::Value;

use crate::app::App;
use crate::control_plane::ControlPlane;
use crate::name_server::NameServer;

/// Returns a control plane whose load balancers have addresses of this machine, for all tests of `probe`.
fn plane() -> Option<&'static ControlPlane> {
    static PLANE: OnceLock<Option<ControlPlane>> = OnceLock::new();
    PLANE.get_or_init(|| ControlPlane::on_loopback(8, 4)).as_ref()
}

/// Creates an app with a Service for each of four pools, applies it, and returns the address of each pool. `ports` is the list of
/// the Service in YAML, and `spec` are more fields of the spec.
fn applied<'a>(
    plane: &'a ControlPlane,
    name: &str,
    ports: &str,
    spec: &str,
) -> (App<'a>, BTreeMap<String, String>) {
    let app = App::empty(plane, name);
    app.write(
        "largescale.yaml",
        &format!(
            "apiVersion: largescale.dev/v1alpha1\nkind: LargeScale\nmetadata: {{name: {name}, namespace: {name}}}\n\
             spec:\n  manifests: [web.yaml]\n  platform: azure-basic\n{spec}"
        ),
    );
    app.write(
        "web.yaml",
        &format!(
            "apiVersion: v1\nkind: Service\nmetadata: {{name: web}}\n\
             spec: {{type: LoadBalancer, selector: {{app: web}}, ports: {ports}}}\n"
        ),
    );
    app.run(&["render"]).ok();
    app.run(&["apply", "--wait", "address"]).ok();
    let status = app.run(&["status", "-o", "json"]).json();
    let pools = status["pools"].as_array().unwrap().iter();
    let address = |pool: &Value| {
        (pool["pool"].as_str().unwrap().to_owned(), pool["addresses"][0].as_str().unwrap().to_owned())
    };
    let addresses: BTreeMap<String, String> = pools.map(address).collect();
    assert_eq!(addresses.len(), 4, "{status}");
    assert!(addresses.values().all(|address| address.starts_with("127.")), "{addresses:?}");
    (app, addresses)
}

/// Starts a name server with these addresses of `www.example.test`.
fn zone<'a>(addresses: impl IntoIterator<Item = &'a String>, ttl: u32) -> NameServer {
    let records: Vec<String> =
        addresses.into_iter().map(|address| format!("www.example.test {ttl} A {address}")).collect();
    let records: Vec<&str> = records.iter().map(String::as_str).collect();
    NameServer::zone("example.test", &records)
}

const DNS: &str = "  dns: {hostname: www.example.test, ttl: 60}\n";

/// Probes, and returns the findings as `WEIGHT KIND`.
#[track_caller]
fn findings(app: &App<'_>, arguments: &[&str]) -> (i32, Vec<String>, Value) {
    let run = app.run(&[&["probe", "-o", "json"], arguments].concat());
    let value: Value = serde_json::from_str(&run.out).unwrap_or_else(|error| panic!("{error}: {run:?}"));
    let text = |finding: &Value, field: &str| finding[field].as_str().unwrap().to_owned();
    let found = value["findings"].as_array().unwrap().iter();
    let found =
        found.map(|finding| format!("{} {}", text(finding, "weight"), text(finding, "kind"))).collect();
    (run.code.unwrap(), found, value)
}

/// Returns a port of this machine that nothing uses.
fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}
