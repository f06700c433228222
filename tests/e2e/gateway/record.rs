//! Records what Envoy Gateway makes of the cases, or compares it with the record.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use largescale::core::gateway::FleetMode;
use largescale::core::yaml::write_plain;
use serde_json::Value;

use crate::gateway::applied::{Applied, control_plane, name};
use crate::gateway::controller::{EnvoyGateway, built};
use crate::gateway::made::{endpoint_slice, service, workload};
use crate::gateway_cases::{cases, fixtures, stamp, write};
use crate::wait::until;

impl Applied<'_> {
    /// Returns the pools of the nodes on which pods of each Gateway run, by its name. Nodes of other platforms are in none.
    pub(super) fn pools_of_proxies(&self) -> BTreeMap<String, BTreeSet<String>> {
        let pools: BTreeMap<String, String> = self
            .plane
            .list("/api/v1/nodes")
            .iter()
            .map(|node| {
                let pool = node["metadata"]["labels"][self.case.label].as_str().unwrap_or("none");
                (name(node), pool.to_owned())
            })
            .collect();
        let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for pod in self.owned("/api/v1", "pods") {
            let gateway =
                pod["metadata"]["labels"]["gateway.envoyproxy.io/owning-gateway-name"].as_str().unwrap();
            let node = pod["spec"]["nodeName"].as_str().unwrap();
            found.entry(gateway.to_owned()).or_default().insert(pools[node].clone());
        }
        found
    }

    /// Returns the endpoints of a Service with a proxy on each node of the pool.
    fn endpoints(&self, service: &Value) -> Value {
        until(&format!("{} has two endpoints", name(service)), || {
            let slice = self.slices(&name(service)).into_iter().next()?;
            let ready = |it: &&Value| it["conditions"]["ready"] == true;
            let count = slice["endpoints"].as_array()?.iter().filter(ready).count();
            (count == 2).then(|| endpoint_slice(&name(service), &slice))
        })
    }

    /// Returns what the controller made, and the rendered objects.
    fn record(&self) -> Vec<(&'static str, String)> {
        let mut made: Vec<Value> = self.owned("/api/v1", "services").iter().map(service).collect();
        if self.case.has_daemons() && self.case.mode == FleetMode::PerPool {
            let slices: Vec<Value> = made.iter().map(|service| self.endpoints(service)).collect();
            made.extend(slices);
        }
        made.extend(self.workloads().iter().map(workload));
        made.sort_by_key(|object| (object["kind"].to_string(), object["metadata"]["name"].to_string()));
        let mut files = vec![("made.yaml", write(&made)), ("rendered.yaml", write(&self.rendered()))];
        if self.case.mode == FleetMode::PerPool {
            // The scheduler chooses the nodes of one fleet, differently in each run.
            files.push(("pools.yaml", write_plain(&self.pools_of_proxies())));
        }
        files
    }
}

/// Compares with the record, or writes it.
fn keep(path: &Path, text: &str) {
    if std::env::var_os("RECORD_GATEWAY").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        return;
    }
    let recorded = fs::read_to_string(path).unwrap_or_default();
    assert_eq!(text, recorded, "{}: `make record-gateway` writes it", path.display());
}

#[test]
#[ignore = "`make record-gateway` runs it"]
fn envoy_gateway_makes_what_is_recorded() {
    let Some(plane) = control_plane() else { return };
    let Some(controller) = EnvoyGateway::start(&plane) else { return };
    let Some(envoy) = built("envoy").map(|directory| directory.join("envoy")) else { return };
    let applied: Vec<Applied> = cases().map(|case| Applied::new(&plane, case)).collect();
    let mut all_rendered = Vec::new();
    for case in &applied {
        case.wait(&controller);
        // Only the rendered fields count: the controller writes the status, and a finalizer of the class.
        assert!(case.app.run(&["diff"]).ok().is_empty(), "{}", case.case.name());
        case.check_nodes();
        case.check_endpoints();
        case.check_answers(&envoy);
        for (file, text) in case.record() {
            keep(&case.case.record().join(file), &text);
            if file == "rendered.yaml" {
                all_rendered.push(text);
            }
        }
    }
    keep(&fixtures().join("stamp"), &format!("{}\n", stamp(&all_rendered)));
}
