//! Where the proxies of an applied case run, and that they answer.

use std::collections::BTreeSet;
use std::path::Path;

use largescale::core::gateway::FleetMode;
use serde_json::Value;

use crate::gateway::applied::{Applied, name};
use crate::gateway::envoy::Envoy;
use crate::gateway_cases::POOLS;
use crate::wait::until;

impl Applied<'_> {
    /// The proxies of a pool run on its nodes; those of one fleet may run on any.
    pub(super) fn check_nodes(&self) {
        let found = self.pools_of_proxies();
        assert_eq!(found.len(), self.gateways(), "{found:?}");
        for (gateway, pools) in found {
            assert!(!pools.is_empty(), "{}: {gateway} runs nowhere", self.case.name());
            if let Some(pool) = gateway.strip_prefix(&format!("{}-", self.case.platform)) {
                assert_eq!(pools, [pool.to_owned()].into(), "{}: {gateway}", self.case.name());
            }
        }
    }

    /// The rendered Services of the mode `shared` have the proxies of the fleet as endpoints.
    pub(super) fn check_endpoints(&self) {
        let proxies: BTreeSet<String> = self.owned("/api/v1", "pods").iter().map(name).collect();
        for service in self.rendered().iter().filter(|object| object["kind"] == "Service") {
            until(&format!("{} has the proxies as endpoints", name(service)), || {
                let slices = self.slices(&name(service));
                let endpoints = slices.iter().filter_map(|slice| slice["endpoints"].as_array()).flatten();
                let pods: BTreeSet<String> = endpoints.map(named_pod).collect();
                (pods == proxies).then_some(())
            });
        }
    }

    /// Each fleet answers through the route, on each target port of each Service that selects its pods.
    pub(super) fn check_answers(&self, program: &Path) {
        let mut services = self.owned("/api/v1", "services");
        services.extend(self.rendered().into_iter().filter(|object| object["kind"] == "Service"));
        let certificate = self.app.directory().join("tls.crt");
        for workload in self.workloads() {
            let labels = &workload["spec"]["template"]["metadata"]["labels"];
            let selects = |service: &&Value| {
                let selector = service["spec"]["selector"].as_object();
                selector.is_some_and(|it| it.iter().all(|(key, value)| labels[key] == *value))
            };
            let selecting: Vec<&Value> = services.iter().filter(selects).collect();
            let expected = if self.case.mode == FleetMode::Shared { 1 + POOLS.len() } else { 1 };
            assert_eq!(selecting.len(), expected, "{}", name(&workload));
            let envoy = Envoy::start(self.plane, program, &workload);
            for service in selecting {
                for port in service["spec"]["ports"].as_array().unwrap() {
                    let scheme = if port["port"] == 443 { "https" } else { "http" };
                    let answer = envoy.request(scheme, port["targetPort"].as_u64().unwrap(), &certificate);
                    assert_eq!(answer, self.case.name(), "{}: {port}", name(service));
                }
            }
        }
    }
}

fn named_pod(endpoint: &Value) -> String {
    endpoint["targetRef"]["name"].as_str().unwrap_or_default().to_owned()
}
