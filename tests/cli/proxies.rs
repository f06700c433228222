//! The real kube-proxy and the real Cilium count what they write for copies of a Service; `capacity` must calculate the same.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use largescale::core::capacity::{Demand, Price, demands};
use serde_json::{Value, json};

use crate::environment::checkout;

/// Returns a program of `tests/go`, which `make NAME` builds.
fn program(name: &str) -> Option<PathBuf> {
    let program = checkout().join("target").join(name);
    if program.exists() {
        return Some(program);
    }
    assert!(std::env::var_os("CI").is_none(), "no {name}: run `make {name}` first");
    // Bypass the capture of the test harness, so that the line is visible.
    writeln!(std::io::stderr(), "skipped: no {name} (make {name} builds it, with Go)").unwrap();
    None
}

/// Copies of one Service over the same pods.
struct Copies {
    services: usize,
    ports: usize,
    pods: usize,
    /// Pods on the node whose rules are counted.
    here: usize,
    spec: Value,
}

impl Copies {
    /// Returns the Services and a workload, as they are rendered.
    fn rendered(&self) -> Vec<Value> {
        let workload = json!({"kind": "Deployment", "metadata": {"name": "web", "namespace": "n"},
            "spec": {"replicas": self.pods, "template": {"metadata": {"labels": {"app": "web"}}}}});
        let ports: Vec<Value> = (0..self.ports)
            .map(|index| json!({"name": format!("p{index}"), "port": 80 + index, "targetPort": 8080 + index}))
            .collect();
        let services = (0..self.services).map(|index| {
            let mut service = json!({"apiVersion": "v1", "kind": "Service",
                "metadata": {"name": format!("web-{index}"), "namespace": "n"},
                "spec": {"type": "LoadBalancer", "selector": {"app": "web"}, "ports": ports}});
            let fields = self.spec.as_object().unwrap().clone();
            service["spec"].as_object_mut().unwrap().extend(fields);
            service
        });
        std::iter::once(workload).chain(services).collect()
    }

    /// Returns what `capacity` calculates, for each Service.
    fn demands(&self) -> Vec<Demand> {
        let rendered = self.rendered();
        demands(rendered.iter().map(|object| ((object["kind"] == "Service").then_some("a"), object)))
    }

    /// Returns what a program counts.
    fn counted(&self, program: &PathBuf) -> Value {
        let rendered = self.rendered();
        let services: Vec<&Value> = rendered.iter().filter(|object| object["kind"] == "Service").collect();
        let slices = services.iter().flat_map(|service| self.slices(service));
        let completed = services.iter().enumerate().map(|(index, service)| completed(service, index));
        let documents: Vec<Value> = completed.chain(slices).collect();
        let mut child = Command::new(program).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(&serde_json::to_vec(&documents).unwrap()).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success());
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// Returns the EndpointSlices of a Service, with 100 endpoints each.
    fn slices(&self, service: &Value) -> Vec<Value> {
        let name = service["metadata"]["name"].as_str().unwrap();
        let dual = self.spec["ipFamilyPolicy"] == "RequireDualStack";
        let families: &[&str] = if dual { &["IPv4", "IPv6"] } else { &["IPv4"] };
        let mut slices = Vec::new();
        for family in families {
            let endpoints: Vec<Value> = (0..self.pods)
                .map(|pod| {
                    let node = if pod < self.here { "this-node" } else { "other" };
                    let address = match *family {
                        "IPv4" => format!("10.0.{}.{}", pod / 250, pod % 250 + 1),
                        _ => format!("fd00:10::{:x}", pod + 1),
                    };
                    json!({"addresses": [address], "conditions": {"ready": true}, "nodeName": node})
                })
                .collect();
            let ports: Vec<Value> = service["spec"]["ports"]
                .as_array()
                .unwrap()
                .iter()
                .map(|port| json!({"name": port["name"], "port": port["targetPort"], "protocol": "TCP"}))
                .collect();
            slices.extend(endpoints.chunks(100).enumerate().map(|(index, endpoints)| {
                json!({"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": family,
                    "metadata": {"name": format!("{name}-{}-{index}", family.to_lowercase()), "namespace": "n",
                        "labels": {"kubernetes.io/service-name": name}},
                    "endpoints": endpoints, "ports": ports})
            }));
        }
        slices
    }
}

/// Returns a Service with the fields that an API server and a cloud add.
fn completed(service: &Value, index: usize) -> Value {
    let spec = &service["spec"];
    let families: &[&str] =
        if spec["ipFamilyPolicy"] == "RequireDualStack" { &["IPv4", "IPv6"] } else { &["IPv4"] };
    let number = index + 1;
    let of_families =
        |addresses: [String; 2]| -> Vec<String> { addresses.into_iter().take(families.len()).collect() };
    let cluster = of_families([format!("172.30.0.{number}"), format!("fd00:172::{number:x}")]);
    let cloud = of_families([format!("198.18.0.{number}"), format!("2001:db8:2::{number:x}")]);
    let ingress: Vec<Value> = cloud.iter().map(|address| json!({"ip": address})).collect();
    let first_port = 30_000 + 20 * index;
    let ports: Vec<Value> = spec["ports"]
        .as_array()
        .unwrap()
        .iter()
        .enumerate()
        .map(|(index, port)| {
            let mut port = port.as_object().unwrap().clone();
            port.insert("protocol".to_owned(), "TCP".into());
            if spec["allocateLoadBalancerNodePorts"] != false {
                port.insert("nodePort".to_owned(), (first_port + 1 + index).into());
            }
            port.into()
        })
        .collect();
    let mut fields = json!({"clusterIP": cluster[0], "clusterIPs": cluster, "ipFamilies": families, "ports": ports,
        "externalTrafficPolicy": "Cluster", "internalTrafficPolicy": "Cluster"});
    let fields = fields.as_object_mut().unwrap();
    if spec["externalTrafficPolicy"] == "Local" {
        fields.insert("externalTrafficPolicy".to_owned(), "Local".into());
        fields.insert("healthCheckNodePort".to_owned(), first_port.into());
    }
    if spec["sessionAffinity"] == "ClientIP" {
        let config = json!({"clientIP": {"timeoutSeconds": 10_800}});
        fields.insert("sessionAffinityConfig".to_owned(), config);
    }
    let mut service = service.as_object().unwrap().clone();
    service["spec"].as_object_mut().unwrap().append(fields);
    service.insert("status".to_owned(), json!({"loadBalancer": {"ingress": ingress}}));
    service.into()
}

fn sum(counts: &Value, names: &[&str]) -> u64 {
    names.iter().map(|name| counts["nftables"][*name].as_u64().unwrap()).sum()
}

/// The numbers of Services, ports and pods that are compared.
const SIZES: [(usize, usize, usize); 5] = [(1, 1, 0), (1, 1, 1), (3, 2, 3), (2, 5, 101), (20, 1, 7)];

/// The fields of Services that change what is written.
fn variants() -> Vec<Value> {
    let mut variants = vec![
        json!({}),
        json!({"loadBalancerSourceRanges": ["203.0.113.0/24", "198.51.100.0/24"]}),
        json!({"sessionAffinity": "ClientIP", "allocateLoadBalancerNodePorts": false,
            "externalTrafficPolicy": "Local", "ipFamilyPolicy": "RequireDualStack"}),
    ];
    for (field, value) in [
        ("externalTrafficPolicy", json!("Local")),
        ("sessionAffinity", json!("ClientIP")),
        ("allocateLoadBalancerNodePorts", json!(false)),
        ("ipFamilyPolicy", json!("RequireDualStack")),
    ] {
        for (second, other) in [("name", Value::Null), ("externalTrafficPolicy", json!("Local"))] {
            let mut spec = json!({});
            spec.as_object_mut().unwrap().insert(field.to_owned(), value.clone());
            if second != "name" {
                spec.as_object_mut().unwrap().insert(second.to_owned(), other);
            }
            variants.push(spec);
        }
    }
    variants
}

#[test]
fn kube_proxy_writes_as_many_rules_as_are_calculated() {
    let Some(program) = program("proxy-proof") else { return };
    for spec in variants() {
        for (services, ports, pods) in SIZES {
            let copies = Copies { services, ports, pods, here: 0, spec: spec.clone() };
            let price = Price::of(copies.demands().iter());
            let counts = copies.counted(&program);
            let what = format!("{services} Services, {ports} ports, {pods} pods, {spec}: {counts}");
            assert_eq!(price.iptables_rules, counts["iptables"]["rules"], "iptables: {what}");
            let entries = sum(&counts, &["rules", "elements", "endpoints"]);
            assert_eq!(price.nftables_entries, entries, "nftables: {what}");
        }
    }
}

/// Pods of the node itself add at most what the functions in `src/core/capacity/price.rs` say.
#[test]
fn pods_of_the_node_add_little() {
    let Some(program) = program("proxy-proof") else { return };
    for spec in variants() {
        for here in [1, 3, 10] {
            let copies = Copies { services: 2, ports: 2, pods: 10, here, spec: spec.clone() };
            let all = copies.demands();
            let (price, counts) = (Price::of(all.iter()), copies.counted(&program));
            let each: u64 = all.iter().map(|demand| demand.ports * demand.families).sum();
            let local = all[0].local;
            let here = u64::try_from(here).unwrap();
            let most = price.iptables_rules + each * here * if local { 2 } else { 0 };
            assert!(
                counts["iptables"]["rules"].as_u64().unwrap() <= most,
                "{spec}: {counts}, at most {most}"
            );
            let entries = sum(&counts, &["rules", "elements", "endpoints"]);
            let most = price.nftables_entries + each * here * if local { 6 } else { 1 };
            assert!(entries <= most, "{spec}: {counts}, at most {most}");
        }
    }
}

#[test]
fn cilium_writes_as_many_entries_as_are_calculated() {
    let Some(program) = program("cilium-proof") else { return };
    let compare = |spec: &Value| {
        for (services, ports, pods) in SIZES {
            let copies = Copies { services, ports, pods, here: 0, spec: spec.clone() };
            let price = Price::of(copies.demands().iter());
            let counts = copies.counted(&program);
            let what = format!("{services} Services, {ports} ports, {pods} pods, {spec}: {counts}");
            assert_eq!(price.cilium_entries, counts["ipv4"], "{what}");
            let dual = spec["ipFamilyPolicy"] == "RequireDualStack";
            assert_eq!(counts["ipv6"], if dual { counts["ipv4"].clone() } else { 0.into() }, "{what}");
        }
    };
    // Cilium writes in batches, and the program waits for them most of its time.
    let variants = variants();
    std::thread::scope(|scope| {
        for spec in &variants {
            scope.spawn(|| compare(spec));
        }
    });
}

/// Pods of the node itself, and classes of other controllers, change little.
#[test]
fn pods_of_the_node_and_classes_change_little_in_cilium() {
    let Some(program) = program("cilium-proof") else { return };
    for (class, fewer) in
        [("io.cilium/l2-announcer", 0), ("io.cilium/bgp-control-plane", 0), ("io.cilium/node", 4)]
    {
        for local in [false, true] {
            let policy = if local { "Local" } else { "Cluster" };
            let spec = json!({"loadBalancerClass": class, "externalTrafficPolicy": policy});
            let copies = Copies { services: 2, ports: 2, pods: 10, here: 3, spec: spec.clone() };
            let price = Price::of(copies.demands().iter());
            let counts = copies.counted(&program);
            // Each pod of the node has an entry for each of three addresses from outside, for 2 Services with 2 ports.
            let more = if local { 3 * 3 * 4 } else { 0 };
            assert_eq!(price.cilium_entries + more - fewer, counts["ipv4"], "{spec}: {counts}");
        }
    }
}
