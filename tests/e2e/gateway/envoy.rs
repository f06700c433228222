//! Envoy with the bootstrap of a Deployment or `DaemonSet` that Envoy Gateway made, as a process of this machine.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{IpAddr, SocketAddr, TcpListener, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::thread;

use serde_json::{Value, json};

use crate::child::{new_directory, shell};
use crate::control_plane::ControlPlane;
use crate::gateway::controller::{NAMESPACE, write_secret};
use crate::wait::until;

/// The name by which proxies in a cluster find the controller.
const CONTROLLER: &str = "envoy-gateway.envoy-gateway-system.svc.cluster.local.";

/// A running Envoy. It ends when it is dropped, or with this process.
pub(super) struct Envoy {
    pub(super) log: PathBuf,
    process: Child,
}

impl Envoy {
    /// Starts the program as a kubelet starts the container of a workload. Only the address of the controller and the directories of its
    /// volumes are others.
    #[track_caller]
    pub(super) fn start(plane: &ControlPlane, program: &Path, workload: &Value) -> Self {
        let name = workload["metadata"]["name"].as_str().unwrap();
        let directory = new_directory("envoy-").unwrap();
        write_secret(plane, "envoy", &directory.join("certs"));
        let volumes = |text: &str| {
            let at = |folder: &str| format!("{}/", directory.join(folder).display());
            text.replace("/certs/", &at("certs")).replace("/sds/", &at("sds"))
        };
        fs::create_dir(directory.join("sds")).unwrap();
        let files = plane.get(&format!("/api/v1/namespaces/{NAMESPACE}/configmaps/{name}")).unwrap();
        for (file, text) in files["data"].as_object().unwrap() {
            fs::write(directory.join("sds").join(file), volumes(text.as_str().unwrap())).unwrap();
        }
        let containers = workload["spec"]["template"]["spec"]["containers"].as_array().unwrap();
        let container = containers.iter().find(|container| container["name"] == "envoy").unwrap();
        let argument = |text: &Value| {
            let text = text.as_str().unwrap();
            let text = text.replace("$(ENVOY_POD_NAME)", name).replace("$(ENVOY_SERVICE_ZONE)", "");
            volumes(&text).replace(CONTROLLER, "127.0.0.1")
        };
        let mut arguments: Vec<String> = container["args"].as_array().unwrap().iter().map(argument).collect();
        assert!(arguments.iter().any(|text| text.contains("xds_cluster")), "{arguments:?}");
        // Other Envoys may run on this machine.
        arguments.push("--use-dynamic-base-id".to_owned());
        let log = plane.directory.join(format!("logs/{name}.log"));
        let quoted: Vec<String> = arguments.iter().map(|text| quote(text)).collect();
        let script = format!(
            r#""$1" {} >{} 2>&1 </dev/null &
            cat >/dev/null; kill -9 $!; rm -rf "$2""#,
            quoted.join(" "),
            quote(&log.display().to_string())
        );
        Self { log, process: shell(&script, program, &directory).unwrap() }
    }

    /// Returns what the backend of the route answers to a request on a port of this machine.
    #[track_caller]
    pub(super) fn request(&self, scheme: &str, port: u64, certificate: &Path) -> String {
        let host = "www.example.com";
        until(&format!("Envoy answers on port {port}, see {}", self.log.display()), || {
            let output = Command::new("curl")
                .args(["--silent", "--fail", "--max-time", "5", "--noproxy", "*", "--cacert"])
                .arg(certificate)
                .args(["--resolve", &format!("{host}:{port}:127.0.0.1")])
                .args(["--header", &format!("Host: {host}"), &format!("{scheme}://{host}:{port}/")])
                .output()
                .unwrap();
            output.status.success().then(|| String::from_utf8(output.stdout).unwrap())
        })
    }
}

impl Drop for Envoy {
    /// Waits for its end: the next one has the same ports.
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        self.process.wait().unwrap();
    }
}

fn quote(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// Starts an HTTP server on an address of this machine that endpoints may have, which loopback is not. It answers with a text, and runs
/// until the process ends.
pub(super) fn backend(text: String) -> SocketAddr {
    let listener = TcpListener::bind((address(), 0)).unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let mut lines = BufReader::new(&stream).lines().map_while(Result::ok);
            let _head: Vec<String> = lines.by_ref().take_while(|line| !line.is_empty()).collect();
            let reply = format!(
                "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{text}",
                text.len()
            );
            let _sent = (&stream).write_all(reply.as_bytes());
        }
    });
    address
}

/// Returns the address with which this machine would reach others. Nothing is sent.
fn address() -> IpAddr {
    let socket = UdpSocket::bind("0.0.0.0:0").unwrap();
    socket.connect("192.0.2.1:9").unwrap();
    socket.local_addr().unwrap().ip()
}

/// Returns the objects of a Service without pods, whose endpoint is a server.
pub(super) fn service_of(server: SocketAddr) -> [Value; 2] {
    let port = json!({"name": "http", "port": 8080, "protocol": "TCP"});
    let service = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}, "spec": {"ports": [port]}});
    let slice = json!({
        "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
        "metadata": {"name": "web-here", "labels": {"kubernetes.io/service-name": "web"}},
        "addressType": "IPv4",
        "endpoints": [{"addresses": [server.ip().to_string()], "conditions": {"ready": true}}],
        "ports": [{"name": "http", "port": server.port(), "protocol": "TCP"}],
    });
    [service, slice]
}
