//! A zone that external-dns and `CoreDNS` keep for a control plane.

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Command};

use base64::prelude::{BASE64_STANDARD, Engine};
use serde_json::{Value, json};

use crate::child::{new_directory, shell, skip};
use crate::control_plane::ControlPlane;
use crate::wait::until;

/// The zone whose records external-dns writes into etcd.
pub(crate) const ZONE: &str = "example.test";

/// The zone that `CoreDNS` reads from a file, with names that external-dns does not write.
pub(crate) const STATIC_ZONE: &str = "static.test";

/// A running `CoreDNS`. It ends when it is dropped, or with this process.
pub(crate) struct Zone<'a> {
    /// The address for `--dns`.
    pub(crate) address: SocketAddr,
    plane: &'a ControlPlane,
    external_dns: PathBuf,
    _process: Child,
}

impl<'a> Zone<'a> {
    /// Starts `CoreDNS` on 127.0.0.1; `None` after printing why it is not there.
    pub(crate) fn start(plane: &'a ControlPlane) -> Option<Self> {
        let target = Path::new(env!("CARGO_MANIFEST_DIR")).join("target");
        let [coredns, external_dns] = ["coredns", "dns-proof"].map(|name| target.join(name));
        for program in [&coredns, &external_dns] {
            if !program.exists() {
                skip(&format!("{} was not built: run make coredns dns-proof", program.display()));
                return None;
            }
        }
        let directory = new_directory("coredns-").unwrap();
        let address = free_address();
        let port = address.port();
        let corefile = format!(
            "{ZONE}:{port} {{\n bind 127.0.0.1\n errors\n log\n etcd {{\n  path /skydns\n  endpoint {}\n }}\n}}\n\
             {STATIC_ZONE}:{port} {{\n bind 127.0.0.1\n errors\n file {}\n}}\n",
            plane.etcd,
            directory.join("static.zone").display(),
        );
        fs::write(directory.join("static.zone"), static_zone()).unwrap();
        fs::write(directory.join("Corefile"), corefile).unwrap();
        let log = plane.directory.join("logs/coredns.log");
        let script = format!(
            r#""$1" -conf "$2/Corefile" >'{}' 2>&1 </dev/null &
            cat >/dev/null; kill -9 $!; rm -rf "$2""#,
            log.display()
        );
        let process = shell(&script, &coredns, &directory).unwrap();
        until("CoreDNS listens", || TcpStream::connect(address).ok());
        Some(Self { address, plane, external_dns, _process: process })
    }

    /// Runs external-dns once, and returns the changes of records that it made.
    #[track_caller]
    pub(crate) fn sync(&self) -> Vec<String> {
        self.sync_with(&[])
    }

    /// Runs external-dns once with more of its flags.
    #[track_caller]
    pub(crate) fn sync_with(&self, flags: &[&str]) -> Vec<String> {
        let output = Command::new(&self.external_dns)
            .args(["sync", "--etcd", &self.plane.etcd, "--domain-filter", ZONE, "--kubeconfig"])
            .arg(&self.plane.kubeconfig)
            .args(flags)
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
    }
}

impl Zone<'_> {
    /// Defines the kind `DNSEndpoint` in the cluster, with the file that external-dns brings.
    #[track_caller]
    pub(crate) fn define_endpoints(&self) {
        let output = Command::new(&self.external_dns).arg("crd").output().unwrap();
        assert!(output.status.success(), "{output:?}");
        let file = self.plane.directory.join("dnsendpoints.yaml");
        fs::write(&file, output.stdout).unwrap();
        let run = |arguments: &[&str]| {
            let mut kubectl = Command::new("kubectl");
            kubectl.arg("--kubeconfig").arg(&self.plane.kubeconfig).args(arguments);
            let output = kubectl.arg("--filename").arg(&file).output().unwrap();
            assert!(output.status.success(), "{output:?}");
        };
        run(&["apply", "--server-side"]);
        run(&["wait", "--for=condition=Established", "--timeout=30s"]);
    }

    /// Writes a record that external-dns did not make. `label` tells the records of a name apart.
    #[track_caller]
    pub(crate) fn put(&self, name: &str, label: &str, address: &str, ttl: u32) {
        self.write(name, label, &json!({"host": address, "ttl": ttl}));
    }

    /// Writes a record in the form of external-dns, which takes it for one of its own if it has no registry.
    #[track_caller]
    pub(crate) fn put_as_external_dns(&self, name: &str, label: &str, address: &str, ttl: u32) {
        self.write(name, label, &json!({"host": address, "ttl": ttl, "targetstrip": 1}));
    }

    #[track_caller]
    fn write(&self, name: &str, label: &str, record: &Value) {
        let value = BASE64_STANDARD.encode(record.to_string());
        self.post("put", &json!({"key": key(name, label), "value": value}));
    }

    /// Removes a record of [`Self::put`].
    #[track_caller]
    pub(crate) fn remove(&self, name: &str, label: &str) {
        self.post("deleterange", &json!({"key": key(name, label)}));
    }

    /// Sends a request to the JSON interface of etcd.
    #[track_caller]
    fn post(&self, call: &str, body: &Value) {
        let host = self.plane.etcd.strip_prefix("http://").unwrap();
        let body = body.to_string();
        let mut stream = TcpStream::connect(host).unwrap();
        write!(
            stream,
            "POST /v3/kv/{call} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
        .unwrap();
        let mut response = String::new();
        stream.read_to_string(&mut response).unwrap();
        assert!(response.starts_with("HTTP/1.1 200 "), "{response}");
    }
}

/// Returns the key of a record: the labels of its name in reverse order.
fn key(name: &str, label: &str) -> String {
    let path: Vec<&str> = name.rsplit('.').collect();
    BASE64_STANDARD.encode(format!("/skydns/{}/{label}", path.join("/")))
}

/// Returns an address of 127.0.0.1 whose port is free for UDP and TCP.
fn free_address() -> SocketAddr {
    let found = (0..50).find_map(|_| {
        let socket = UdpSocket::bind("127.0.0.1:0").ok()?;
        let address = socket.local_addr().ok()?;
        TcpListener::bind(address).ok().map(|_| address)
    });
    found.expect("a port that is free for UDP and TCP")
}

fn static_zone() -> String {
    let big: String = (0..200).map(|index| format!("big 60 IN A 198.51.100.{index}\n")).collect();
    format!(
        "$ORIGIN {STATIC_ZONE}.\n\
         @ 60 IN SOA ns1 admin 1 60 60 60 60\n\
         @ 60 IN NS ns1\n\
         ns1 60 IN A 127.0.0.1\n\
         www 60 IN CNAME lb\n\
         lb 60 IN A 192.0.2.1\n\
         lb 60 IN AAAA 2001:db8::1\n\
         loop 60 IN CNAME pool\n\
         pool 60 IN CNAME loop\n\
         * 60 IN A 192.0.2.7\n\
         {big}"
    )
}
