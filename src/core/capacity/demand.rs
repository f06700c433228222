//! What each rendered Service requires of load balancers, nodes and the EndpointSlice controller.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use crate::core::kubernetes::workloads::Workloads;

/// What one Service of type LoadBalancer requires.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Demand {
    /// The name of its pool.
    pub pool: String,
    /// Namespace and name.
    pub key: (String, String),
    /// Namespace and name of the Gateway that an implementation makes it for, under a name of its choice.
    pub gateway: Option<(String, String)>,
    /// The number of ports.
    pub ports: u64,
    /// The ports, in the order of the Service. Copies of a Service share them.
    pub port_numbers: Arc<[u16]>,
    /// The number of IP families; each needs a front end.
    pub families: u64,
    /// The number of ports that it opens on every node.
    pub node_ports: u64,
    /// Whether its traffic stays on the node that it reaches (`externalTrafficPolicy: Local`).
    pub local: bool,
    /// The number of pods that it selects, as far as the manifests show.
    pub pods: u64,
    /// Whether a client stays at its endpoint (`sessionAffinity: ClientIP`).
    pub sticky: bool,
    /// The number of `loadBalancerSourceRanges`.
    pub source_ranges: u64,
}

/// Returns the demand of each Service of type LoadBalancer. Each object comes with the name of its pool, if it has one.
pub fn demands<'a>(objects: impl Iterator<Item = (Option<&'a str>, &'a Value)> + Clone) -> Vec<Demand> {
    let most = autoscaled(objects.clone().map(|(_, object)| object));
    // Workloads are grouped by pool, so that each Service is compared only with the workloads of its own pool.
    let mut by_pool: BTreeMap<Option<&str>, Vec<(&Value, u64)>> = BTreeMap::new();
    for (pool, object) in objects.clone().filter(|(_, object)| object["spec"]["template"].is_object()) {
        by_pool.entry(pool).or_default().push((object, replicas(object, &most)));
    }
    let workloads: BTreeMap<Option<&str>, Workloads<'_, u64>> =
        by_pool.into_iter().map(|(pool, workloads)| (pool, Workloads::of(workloads))).collect();
    objects
        .filter_map(|(pool, object)| Some((pool?, object)))
        .filter(|(_, object)| object["kind"] == "Service" && object["spec"]["type"] == "LoadBalancer")
        .map(|(pool, service)| {
            let near = [Some(pool), None].into_iter().filter_map(|pool| workloads.get(&pool));
            demand(
                pool,
                service,
                near.flat_map(|workloads| workloads.selected_by(service))
                    .fold(0, |sum: u64, pods| sum.saturating_add(*pods)),
            )
        })
        .collect()
}

/// Returns the demand of a Service of type LoadBalancer.
pub(super) fn demand(pool: &str, service: &Value, pods: u64) -> Demand {
    let spec = &service["spec"];
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let ports = spec["ports"].as_array().map_or(0, Vec::len) as u64;
    let families = match (&spec["ipFamilyPolicy"], spec["ipFamilies"].as_array()) {
        (_, Some(list)) if list.len() == 2 => 2,
        (policy, _) if policy == "RequireDualStack" => 2,
        _ => 1,
    };
    let opened = if spec["allocateLoadBalancerNodePorts"] == false { 0 } else { ports };
    let local = spec["externalTrafficPolicy"] == "Local";
    let health_check = u64::from(local);
    Demand {
        pool: pool.to_owned(),
        key: (text(&service["metadata"]["namespace"]), text(&service["metadata"]["name"])),
        gateway: None,
        ports,
        port_numbers: spec["ports"].as_array().into_iter().flatten().map(port_number).collect(),
        families,
        node_ports: opened + health_check,
        local,
        pods,
        sticky: spec["sessionAffinity"] == "ClientIP",
        source_ranges: spec["loadBalancerSourceRanges"].as_array().map_or(0, Vec::len) as u64,
    }
}

fn port_number(port: &Value) -> u16 {
    port["port"].as_u64().and_then(|number| u16::try_from(number).ok()).unwrap_or_default()
}

/// Returns the maximum replicas that the autoscalers in the manifests allow, by kind, namespace and name of the workload.
fn autoscaled<'a>(objects: impl Iterator<Item = &'a Value>) -> BTreeMap<(&'a str, &'a str, &'a str), u64> {
    objects
        .filter(|object| object["kind"] == "HorizontalPodAutoscaler")
        .filter_map(|object| {
            let target = &object["spec"]["scaleTargetRef"];
            let namespace = object["metadata"]["namespace"].as_str().unwrap_or_default();
            let key = (target["kind"].as_str()?, namespace, target["name"].as_str()?);
            Some((key, object["spec"]["maxReplicas"].as_u64()?))
        })
        .collect()
}

fn replicas(workload: &Value, most: &BTreeMap<(&str, &str, &str), u64>) -> u64 {
    let text = |value: &'_ Value| value.as_str().unwrap_or_default().to_owned();
    let (kind, metadata) = (text(&workload["kind"]), &workload["metadata"]);
    let key = (kind.as_str(), &*text(&metadata["namespace"]), &*text(&metadata["name"]));
    most.get(&key).copied().unwrap_or_else(|| workload["spec"]["replicas"].as_u64().unwrap_or(1))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn workload(name: &str, replicas: u64) -> Value {
        json!({"kind": "Deployment", "metadata": {"name": name},
            "spec": {"replicas": replicas, "template": {"metadata": {"labels": {"app": name, "tier": "web"}}}}})
    }

    fn service(name: &str, spec: &Value) -> Value {
        let mut service =
            json!({"kind": "Service", "metadata": {"name": name, "namespace": null}, "spec": spec});
        service["metadata"].as_object_mut().unwrap().remove("namespace");
        service["spec"]["type"] = "LoadBalancer".into();
        service
    }

    #[test]
    fn demands_count_ports_families_node_ports_and_pods() {
        let deployment = workload("web", 250);
        let scaled = workload("api", 3);
        let autoscaler = json!({"kind": "HorizontalPodAutoscaler", "metadata": {},
            "spec": {"scaleTargetRef": {"kind": "Deployment", "name": "api"}, "maxReplicas": 40}});
        let ports = json!([{"port": 80}, {"port": 443}]);
        for (spec, wanted) in [
            (json!({"ports": ports, "selector": {"app": "web"}}), (2, 1, 2, 250, 3)),
            (json!({"ports": ports, "selector": {"app": "api"}}), (2, 1, 2, 40, 1)),
            (json!({"ports": ports, "selector": {"tier": "web"}}), (2, 1, 2, 290, 3)),
            (json!({"ports": ports, "selector": {}}), (2, 1, 2, 0, 0)),
            (
                json!({"ports": ports, "selector": {"app": "web"}, "externalTrafficPolicy": "Local"}),
                (2, 1, 3, 250, 3),
            ),
            (
                json!({"ports": ports, "selector": {"app": "web"}, "ipFamilyPolicy": "RequireDualStack"}),
                (2, 2, 2, 250, 6),
            ),
            (
                json!({"ports": ports, "selector": {"app": "web"}, "allocateLoadBalancerNodePorts": false}),
                (2, 1, 0, 250, 3),
            ),
        ] {
            let service = service("web-a", &spec);
            let objects = [(None, &deployment), (None, &scaled), (None, &autoscaler), (Some("a"), &service)];
            let found = demands(objects.into_iter());
            assert_eq!(found.len(), 1);
            let one = &found[0];
            let got = (one.ports, one.families, one.node_ports, one.pods, one.slices());
            assert_eq!(got, wanted, "{spec}");
        }
    }

    #[test]
    fn a_pool_counts_the_pods_of_its_own_workload() {
        let (a, b) = (workload("web", 10), workload("web", 20));
        let spec = json!({"ports": [{"port": 80}], "selector": {"app": "web"}});
        let (of_a, of_b) = (service("web-a", &spec), service("web-b", &spec));
        let objects = [(Some("a"), &a), (Some("b"), &b), (Some("a"), &of_a), (Some("b"), &of_b)];
        let pods: Vec<u64> = demands(objects.into_iter()).iter().map(|demand| demand.pods).collect();
        assert_eq!(pods, [10, 20]);
    }
}
