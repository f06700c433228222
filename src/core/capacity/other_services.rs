//! The Services of other apps, and the pools whose load balancers they share.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::core::capacity::Demand;
use crate::core::capacity::demand::demand;
use crate::core::live::LiveObject;
use crate::core::manifest::label;
use crate::core::patch::placeholder;
use crate::core::platform::Platform;
use crate::core::pools::PoolSet;
use crate::core::render::{POOL_LABEL, SERVICE_LABEL};

/// The Services that are not rendered here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OtherServices {
    /// The number of Services, by namespace.
    pub services: BTreeMap<String, u64>,
    /// The number of Services of type LoadBalancer among them.
    pub load_balancers: u64,
    /// The number of their node ports.
    pub node_ports: u64,
    /// What those require whose load balancer is that of a pool. Their pods are not counted.
    pub on_pools: Vec<Demand>,
    /// Whether all Services of the cluster were read; otherwise only those of the other apps of this command are counted.
    pub is_complete: bool,
    /// The copies among them: namespace, Service that they are copies of, and pool.
    copies: BTreeSet<(String, String, String)>,
}

/// Finds the pool whose load balancer a Service uses, by its binding.
pub struct PoolFinder<'a> {
    pools: BTreeSet<&'a str>,
    /// The pools by the pointer and the value of a field of the binding, in lower case: clouds compare names without case.
    bound: BTreeMap<(&'a str, String), &'a str>,
    paths: BTreeSet<&'a str>,
}

impl<'a> PoolFinder<'a> {
    /// Fills the binding of the platform for each pool.
    pub fn new(platform: &'a Platform, pools: &'a PoolSet) -> Self {
        let mut finder = Self { pools: BTreeSet::new(), bound: BTreeMap::new(), paths: BTreeSet::new() };
        let templates: Vec<(&str, &str)> = platform
            .binding
            .added_paths()
            .zip(platform.binding.added_values())
            .filter_map(|(path, template)| Some((path, template.as_str()?)))
            .filter(|(_, template)| template.contains("${pool."))
            .collect();
        for pool in &pools.pools {
            finder.pools.insert(&pool.name);
            for (path, template) in &templates {
                // A field that has another value for each Service, or lacks one, shows no pool.
                let Ok(value) = placeholder::fill(template, &pools.values(pool)) else { continue };
                finder.bound.insert((*path, value.to_lowercase()), &pool.name);
                finder.paths.insert(path);
            }
        }
        finder
    }

    /// Returns the pools of a Service: those in its binding, otherwise the pool of its label.
    pub fn pools_of(&self, service: &Value) -> Vec<&'a str> {
        let mut found: BTreeSet<&str> = BTreeSet::new();
        for path in &self.paths {
            let Some(text) = service.pointer(path).and_then(Value::as_str) else { continue };
            let whole = std::iter::once(text);
            let parts = whole.chain(text.split(',').map(str::trim));
            found.extend(parts.filter_map(|part| self.bound.get(&(*path, part.to_lowercase())).copied()));
        }
        if found.is_empty() {
            found.extend(label(service, POOL_LABEL).and_then(|name| self.pools.get(name).copied()));
        }
        found.into_iter().collect()
    }
}

impl OtherServices {
    /// Counts the Services of a cluster, without those that are rendered here: their namespaces and names.
    pub fn of_cluster(
        services: &[LiveObject],
        ours: &BTreeSet<(&str, &str)>,
        finder: &PoolFinder<'_>,
    ) -> Self {
        let mut all = Self { is_complete: true, ..Self::default() };
        for service in services.iter().filter(|it| !ours.contains(&(it.namespace(), it.name()))) {
            let spec = service.field("spec");
            *all.services.entry(service.namespace().to_owned()).or_default() += 1;
            let ports = spec["ports"].as_array().into_iter().flatten();
            let opened = ports.filter(|port| port["nodePort"].is_number()).count() as u64;
            all.node_ports += opened + u64::from(spec["healthCheckNodePort"].is_number());
            if spec["type"] != "LoadBalancer" {
                continue;
            }
            all.load_balancers += 1;
            let source = service.label(SERVICE_LABEL).unwrap_or_else(|| service.name());
            for pool in finder.pools_of(service.value()) {
                all.on_pools.push(demand(pool, service.value(), 0));
                all.copies.insert((service.namespace().to_owned(), source.to_owned(), pool.to_owned()));
            }
        }
        all
    }

    /// Adds the copies of another app's Service that were not read from the cluster.
    pub fn add(&mut self, demand: Demand) {
        let (namespace, source) = demand.key.clone();
        if !self.copies.insert((namespace.clone(), source, demand.pool.clone())) {
            return;
        }
        *self.services.entry(namespace).or_default() += 1;
        self.load_balancers += 1;
        self.node_ports += demand.node_ports;
        self.on_pools.push(demand);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::core::platform::read_builtin;
    use crate::core::pools::Pool;

    fn pools() -> PoolSet {
        let pool = |name: &str| Pool {
            name: name.to_owned(),
            value: name.to_owned(),
            vm_set: Some(format!("{name}-availabilitySet-1")),
            ..Pool::default()
        };
        PoolSet { label: "agentpool".to_owned(), pools: vec![pool("a"), pool("b")], ..PoolSet::default() }
    }

    #[test]
    fn the_binding_shows_the_pool() {
        let (basic, pools) = (read_builtin("azure-basic").unwrap().unwrap(), pools());
        let finder = PoolFinder::new(&basic, &pools);
        let of = |mode: &str, label: &str| {
            finder.pools_of(&json!({"metadata": {"labels": {"largescale.dev/pool": label},
                "annotations": {"service.beta.kubernetes.io/azure-load-balancer-mode": mode}}}))
        };
        assert_eq!(of("a-availabilitySet-1", ""), ["a"]);
        assert_eq!(of("A-AVAILABILITYSET-1", "b"), ["a"], "the binding decides, not the label");
        assert_eq!(of("a-availabilitySet-1, b-availabilitySet-1", ""), ["a", "b"]);
        assert_eq!(of("c-availabilitySet-1", "b"), ["b"]);
        assert!(of("c-availabilitySet-1", "c").is_empty());
        let hetzner = read_builtin("hetzner").unwrap().unwrap();
        let finder = PoolFinder::new(&hetzner, &pools);
        let service = json!({"metadata": {"annotations": {"load-balancer.hetzner.cloud/node-selector": "agentpool=b"}}});
        assert_eq!(finder.pools_of(&service), ["b"]);
    }

    #[test]
    fn a_copy_in_the_cluster_is_not_counted_again() {
        let (basic, pools) = (read_builtin("azure-basic").unwrap().unwrap(), pools());
        let finder = PoolFinder::new(&basic, &pools);
        let service = |name: &str, pool: &str| {
            LiveObject::sample(&json!({"apiVersion": "v1", "kind": "Service",
                "metadata": {"name": format!("{name}-{pool}"), "namespace": "n",
                    "labels": {"largescale.dev/pool": pool, "largescale.dev/service": name}},
                "spec": {"type": "LoadBalancer", "ports": [{"port": 80, "nodePort": 30_000}]}}))
        };
        let live = [service("web", "a"), service("web", "b"), service("api", "a")];
        let mut others =
            OtherServices::of_cluster(&live, &BTreeSet::from([("n", "web-a"), ("n", "web-b")]), &finder);
        assert_eq!((others.load_balancers, others.node_ports, others.on_pools.len()), (1, 1, 1));
        let copy = |source: &str, pool: &str| Demand {
            pool: pool.to_owned(),
            key: ("n".to_owned(), source.to_owned()),
            ports: 1,
            node_ports: 1,
            families: 1,
            ..Demand::default()
        };
        others.add(copy("api", "a"));
        assert_eq!((others.load_balancers, others.on_pools.len()), (1, 1), "applied already");
        others.add(copy("api", "b"));
        assert_eq!((others.load_balancers, others.node_ports, others.services["n"]), (2, 2, 2));
    }
}
