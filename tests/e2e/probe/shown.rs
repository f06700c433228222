//! What `probe` shows for Envoys that answer, and for those that do not.

use std::collections::BTreeMap;
use std::fs;
use std::net::{IpAddr, TcpListener};

use serde_json::{Value, json};

use crate::app::App;
use crate::certificates::Certificates;
use crate::name_server::NameServer;
use crate::objects::Patch;
use crate::probe::ends::{Behavior, Envoy, program};
use crate::probe::{DNS, applied, findings, free_port, plane, zone};
use crate::run::{Run, Running};

/// An app whose pools have an Envoy each, with certificates for `www.example.test`.
struct Fleet<'a> {
    app: App<'a>,
    addresses: BTreeMap<String, String>,
    envoys: BTreeMap<String, Envoy>,
    certificates: Certificates,
    http: u16,
    https: u16,
}

impl Fleet<'_> {
    /// Starts the Envoys. `None` if a part is missing.
    fn start(name: &str) -> Option<Self> {
        let plane = plane()?;
        program()?;
        let (http, https) = (free_port(), free_port());
        let ports = format!("[{{name: http, port: {http}}}, {{name: https, port: {https}}}]");
        let probe = format!(
            "  probe: {{timeout: 1s, ports: [{{port: {http}, path: /healthz}}, {{port: {https}, path: /healthz}}]}}\n"
        );
        let (app, addresses) = applied(plane, name, &ports, &format!("{DNS}{probe}"));
        let certificates = Certificates::new();
        fs::write(app.directory().join("ca.crt"), certificates.authority_pem()).unwrap();
        let mut fleet = Self { app, addresses, envoys: BTreeMap::new(), certificates, http, https };
        for pool in fleet.addresses.keys().cloned().collect::<Vec<_>>() {
            fleet.replace(&pool, 200, 0, (&["www.example.test"], -1, 90));
        }
        Some(fleet)
    }

    /// Replaces the Envoy of a pool with one that behaves in another way.
    fn replace(&mut self, pool: &str, status: u16, delay: u32, certificate: (&[&str], i64, i64)) {
        self.envoys.remove(pool);
        let leaf = self.certificates.leaf(certificate.0, certificate.1, certificate.2);
        let behavior = Behavior { status, delay, certificate: &leaf };
        let ports = (self.http, self.https);
        let envoy = Envoy::start(&program().unwrap(), &self.addresses[pool], ports, &behavior);
        self.envoys.insert(pool.to_owned(), envoy);
    }

    /// Probes with a system that trusts the certificate authority.
    fn probe(&self, arguments: &[&str]) -> Run {
        let kubeconfig = &plane().unwrap().kubeconfig;
        let arguments = [&["probe"], arguments].concat();
        let program = env!("CARGO_BIN_EXE_kubectl-largescale");
        let mut command = self.app.command(program, kubeconfig, &arguments);
        Running::start(command.env("SSL_CERT_FILE", self.app.directory().join("ca.crt"))).wait()
    }

    /// Returns `POOL PORT RESULT: REASON` for each port that does not answer.
    fn troubles(&self) -> Vec<String> {
        let run = self.probe(&["--no-dns", "-o", "json"]);
        let value: Value = serde_json::from_str(&run.out).unwrap_or_else(|error| panic!("{error}: {run:?}"));
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let ports = value["ports"].as_array().unwrap().iter().filter(|port| port["result"] != "answers");
        let line = |port: &Value| {
            let name = if port["port"] == self.http { "http" } else { "https" };
            format!("{} {name} {}: {}", text(&port["pool"]), text(&port["result"]), text(&port["reason"]))
        };
        let lines: Vec<String> = ports.map(line).collect();
        assert_eq!(run.code, Some(i32::from(!lines.is_empty())), "{run:?}");
        lines
    }
}

#[test]
fn envoys_that_answer_and_envoys_that_do_not() {
    let Some(mut fleet) = Fleet::start("probe-envoys") else { return };
    let server = zone(fleet.addresses.values(), 60);
    let dns = server.address.to_string();

    let all_well = fleet.probe(&["--dns", &dns, "--count", "5"]);
    assert_eq!(all_well.code, Some(0), "{all_well:?}");
    assert!(all_well.out.ends_with("\n8 of 8 ports answer as expected, no difference\n"), "{}", all_well.out);
    assert_eq!(all_well.out.matches("published").count(), 8, "{}", all_well.out);
    let wide = fleet.probe(&["--dns", &dns, "--count", "5", "-o", "wide"]).ok();
    assert_eq!(wide.matches(" 0/5 ").count(), 8, "{wide}");
    assert!(wide.contains("service/probe-envoys/web-pool00"), "{wide}");
    assert_eq!(wide.matches("www.example.test\n").count(), 4, "each certificate is for one name: {wide}");
    // The same certificate authority, but a system that does not trust it.
    let distrusted = fleet.app.run(&["probe", "--no-dns", "-o", "json"]).out;
    assert_eq!(distrusted.matches("this system does not trust the issuer of the certificate").count(), 5);

    fleet.envoys.get_mut("pool00").unwrap().kill();
    fleet.envoys["pool01"].pause();
    fleet.replace("pool02", 503, 0, (&["www.example.test"], -1, 90));
    assert_eq!(
        fleet.troubles(),
        [
            "pool00 http fails: connection refused",
            "pool00 https fails: connection refused",
            "pool01 http fails: timed out after 1s while waiting for the HTTP response",
            "pool01 https fails: timed out after 1s while negotiating TLS",
            "pool02 http fails: status 503, expected 200-399",
            "pool02 https fails: status 503, expected 200-399",
        ]
    );
    fleet.replace("pool00", 200, 0, (&["other.example.test"], -1, 90));
    fleet.replace("pool01", 200, 0, (&["www.example.test"], -90, -1));
    fleet.replace("pool02", 200, 3_000, (&["www.example.test"], -1, 90));
    assert_eq!(
        fleet.troubles(),
        [
            "pool00 https fails: the certificate is not for www.example.test",
            "pool01 https fails: the certificate has expired",
            "pool02 http fails: timed out after 1s while waiting for the HTTP response",
            "pool02 https fails: timed out after 1s while waiting for the HTTP response",
        ]
    );
    let shown = fleet.probe(&["--dns", &dns]);
    assert_eq!(shown.code, Some(1));
    for line in [
        "does not answer as expected: the certificate is not for www.example.test\n  hint: set `host` of the port",
        "does not answer as expected: the certificate has expired\n  hint: renew the certificate",
        "4 of 8 ports answer as expected, 3 differences\n",
        "warning: the pools have different certificates on port",
    ] {
        assert!(shown.out.contains(line), "`{line}` not in:\n{}", shown.out);
    }
}

/// Listens on each address, and accepts nothing: the kernel completes the connections.
fn listen(addresses: &BTreeMap<String, String>, port: u16) -> BTreeMap<String, TcpListener> {
    let listen = |(pool, address): (&String, &String)| {
        let address: IpAddr = address.parse().unwrap();
        (pool.clone(), TcpListener::bind((address, port)).unwrap())
    };
    addresses.iter().map(listen).collect()
}

#[test]
fn names_that_are_missing_foreign_or_too_long() {
    let Some(plane) = plane() else { return };
    let port = free_port();
    let (app, addresses) = applied(plane, "probe-names", &format!("[{{port: {port}}}]"), DNS);
    let _ends = listen(&addresses, port);
    let all: Vec<&String> = addresses.values().collect();

    let well = zone(all.iter().copied(), 60);
    let (code, found, value) = findings(&app, &["--dns", &well.address.to_string()]);
    assert_eq!((code, found.as_slice(), &value["agrees"]), (0, &[][..], &Value::Bool(true)), "{value}");
    assert_eq!(value["names"][0]["addresses"].as_array().unwrap().len(), 4);

    let foreign = "127.9.9.9".to_owned();
    let wrong = zone(all[1..].iter().copied().chain([&foreign]), 300);
    let (code, found, value) = findings(&app, &["--dns", &wrong.address.to_string()]);
    let expected = ["difference foreign-in-dns", "difference missing-in-dns", "difference ttl-too-long"];
    assert_eq!((code, found), (1, expected.map(str::to_owned).to_vec()), "{value}");

    let empty = zone([], 60);
    let (code, found, _) = findings(&app, &["--dns", &empty.address.to_string()]);
    assert_eq!((code, found), (1, vec!["difference name-not-found".to_owned()]));

    // Nothing listens there: that proves nothing about the name.
    let (code, found, value) = findings(&app, &["--dns", "127.0.0.1:1"]);
    assert_eq!((code, found), (0, vec!["unknown name-server-unreachable".to_owned()]), "{value}");

    let dns = wrong.address.to_string();
    let names = app.run(&["probe", "--dns", &dns, "-o", "name"]);
    assert_eq!(names.out, "service/web-pool00\n");
    let junit = app.run(&["probe", "--dns", &dns, "-o", "junit"]);
    assert_eq!(junit.code, Some(1));
    for suite in [
        "<testsuite name=\"probe-names: ports\" tests=\"4\" failures=\"0\"",
        "<testsuite name=\"probe-names: DNS\" tests=\"3\" failures=\"3\"",
    ] {
        assert!(junit.out.contains(suite), "{}", junit.out);
    }
    let yaml = app.run(&["probe", "--dns", &well.address.to_string(), "-o", "yaml"]).ok();
    assert!(yaml.starts_with("apiVersion: largescale.dev/v1alpha1\nkind: Probe\n"), "{yaml}");
}

#[test]
fn a_load_balancer_with_both_families() {
    let Some(plane) = plane() else { return };
    let Ok(_v6) = TcpListener::bind("[::1]:0") else { return };
    let port = free_port();
    let (app, addresses) = applied(plane, "probe-families", &format!("[{{port: {port}}}]"), DNS);
    let ends = listen(&addresses, port);
    let ingress = json!([{"ip": addresses["pool00"]}, {"ip": "::1"}]);
    let service = app.path("v1", "services/web-pool00/status");
    plane.patch(&service, Patch::Merge, &json!({"status": {"loadBalancer": {"ingress": ingress}}}));
    let mut records: Vec<String> =
        addresses.values().map(|address| format!("www.example.test 60 A {address}")).collect();
    let server = |records: &[String]| {
        NameServer::zone("example.test", &records.iter().map(String::as_str).collect::<Vec<_>>())
    };
    let without = server(&records);
    let (code, found, value) = findings(&app, &["--dns", &without.address.to_string()]);
    let expected = ["difference not-answering", "difference missing-in-dns"];
    assert_eq!((code, found), (1, expected.map(str::to_owned).to_vec()), "{value}");
    assert!(value.to_string().contains(&format!("pool pool00: [::1]:{port}/TCP does not answer")), "{value}");
    let _six = TcpListener::bind(("::1", port)).unwrap();
    records.push("www.example.test 60 AAAA ::1".to_owned());
    let with = server(&records);
    let (code, found, value) = findings(&app, &["--dns", &with.address.to_string()]);
    assert_eq!((code, found.len()), (0, 0), "{value}");
    assert_eq!(value["ports"].as_array().unwrap().len(), 5);
    drop(ends);
}

#[test]
fn wrong_usage_and_a_cluster_that_is_away() {
    let Some(plane) = plane() else { return };
    let (app, _) = applied(plane, "probe-usage", "[{port: 80}]", "");
    for (arguments, expected) in [
        (&["--dns", "1.1.1"][..], "it is neither an IP address nor a host name"),
        (&["--dns", "https://dns.example"], "omit the scheme"),
        (&["--count", "0"], "0 is not in 1..=10000"),
        (&["--dns", "1.1.1.1", "--no-dns"], "cannot be used with"),
        (&["--every", "soon"], "invalid duration"),
    ] {
        let run = app.run(&[&["probe"], arguments].concat());
        assert!(run.code == Some(2) && run.err.contains(expected), "{arguments:?}: {run:?}");
    }
    let run = app.run(&["probe", "--dns", "no-such-host.invalid"]);
    assert_eq!(run.code, Some(3), "{run:?}");
    assert!(run.err.contains("--dns no-such-host.invalid: "), "{run:?}");
    let away = app.run(&["probe", "--server", "https://127.0.0.1:1", "--request-timeout", "1"]);
    assert_eq!(away.code, Some(4), "{away:?}");
    let probe = "  probe: {ports: [{port: 80, path: healthz, status: 2xx}]}\n  platform:";
    app.edit("largescale.yaml", "  platform:", probe);
    let invalid = app.run(&["probe"]);
    assert_eq!(invalid.code, Some(3));
    for text in ["begins with a slash, such as `/healthz`", "`2xx` is not a status"] {
        assert!(invalid.err.contains(text), "{invalid:?}");
    }
}
