//! The real kube-proxy counts what it writes for copies of a Service; `capacity` must calculate the same.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use largescale::core::capacity::{Demand, Price, demands};
use serde_json::{Value, json};

use crate::environment::checkout;

/// Returns the program of `tests/go/proxy-proof`, which `make proxy-proof` builds.
fn proxiers() -> Option<PathBuf> {
    let program = checkout().join("target/proxy-proof");
    if program.exists() {
        return Some(program);
    }
    assert!(std::env::var_os("CI").is_none(), "no kube-proxy: run `make proxy-proof` first");
    // Bypass the capture of the test harness, so that the line is visible.
    writeln!(std::io::stderr(), "skipped: no kube-proxy (make proxy-proof builds it, with Go)").unwrap();
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

    /// Returns what kube-proxy counts.
    fn counted(&self, program: &PathBuf) -> Value {
        let rendered = self.rendered();
        let services: Vec<&Value> = rendered.iter().filter(|object| object["kind"] == "Service").collect();
        let slices = services.iter().flat_map(|service| self.slices(service));
        let documents: Vec<Value> = services.iter().map(|service| (*service).clone()).chain(slices).collect();
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

fn sum(counts: &Value, names: &[&str]) -> u64 {
    names.iter().map(|name| counts["nftables"][*name].as_u64().unwrap()).sum()
}

/// The fields of Services that change what kube-proxy writes.
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
    let Some(program) = proxiers() else { return };
    for spec in variants() {
        for (services, ports, pods) in [(1, 1, 0), (1, 1, 1), (3, 2, 3), (2, 5, 101), (20, 1, 7)] {
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
    let Some(program) = proxiers() else { return };
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
