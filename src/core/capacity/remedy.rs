//! What helps if a limit is near or exceeded.

use std::sync::LazyLock;

use crate::core::overlay;
use crate::core::platform::{LimitName, Platform, Workers};

/// What decides which remedies exist.
#[derive(Clone, Copy, Debug)]
pub(super) struct Choices {
    /// Whether all pools share the pods of one workload.
    shared_pods: bool,
    /// Whether the overlay `no-node-ports` is for this platform.
    no_node_ports: bool,
    /// Whether the controller may handle several Services at a time.
    workers: Workers,
}

impl Choices {
    /// Returns the choices on a platform.
    pub(super) fn of(platform: &Platform, workload_per_pool: bool) -> Self {
        let serial = platform.spec.serial_updates.as_ref();
        Self {
            shared_pods: !workload_per_pool,
            no_node_ports: WITHOUT_NODE_PORTS.contains(&platform.name),
            workers: serial.map_or(Workers::Configurable, |serial| serial.workers),
        }
    }
}

/// The platforms of the overlay `no-node-ports`.
static WITHOUT_NODE_PORTS: LazyLock<Vec<String>> = LazyLock::new(|| {
    overlay::read_builtin("no-node-ports").and_then(Result::ok).map_or_else(Vec::new, |it| it.spec.platforms)
});

/// Returns what helps, as a clause.
pub(super) fn remedy(name: LimitName, choices: Choices) -> &'static str {
    match name {
        LimitName::NodesPerLoadBalancer
        | LimitName::TargetsPerFrontend
        | LimitName::NodesPerPool
        | LimitName::NodesPerVmSet => "distribute the nodes over more pools",
        LimitName::TargetsPerLoadBalancer
        | LimitName::IpConfigurationsPerLoadBalancer
        | LimitName::PortsPerLoadBalancer
        | LimitName::FrontendsPerLoadBalancer
        | LimitName::RulesPerNetworkCard => "use fewer ports or Services for each pool, or smaller pools",
        LimitName::PoolsPerCluster
        | LimitName::NodesPerCluster
        | LimitName::LoadBalancers
        | LimitName::LoadBalancerServices => "request a higher quota from the cloud, or use another cluster",
        LimitName::Services | LimitName::ServicesPerNamespace => {
            "use fewer and larger pools, or another cluster"
        }
        LimitName::NodePorts if choices.no_node_ports => {
            "add the overlay `no-node-ports`, or use fewer ports, or fewer and larger pools"
        }
        LimitName::NodePorts => "use fewer ports, or fewer and larger pools, or another cluster",
        LimitName::EndpointSlices | LimitName::Endpoints if choices.shared_pods => {
            "set `workload.perPool` with fewer replicas for each pool, or use fewer and larger pools"
        }
        LimitName::EndpointSlices | LimitName::Endpoints => "use fewer replicas, or fewer and larger pools",
        LimitName::IptablesRules | LimitName::NftablesEntries if choices.shared_pods => {
            "set `workload.perPool` with fewer replicas for each pool, or use fewer ports, or fewer and larger pools"
        }
        LimitName::IptablesRules | LimitName::NftablesEntries => {
            "use fewer replicas or ports, or fewer and larger pools"
        }
        LimitName::CiliumMapEntries => match (choices.shared_pods, choices.no_node_ports) {
            (true, true) => {
                "set `workload.perPool` with fewer replicas for each pool, add the overlay `no-node-ports`, use fewer ports, or raise `--bpf-lb-map-max` of Cilium"
            }
            (true, false) => {
                "set `workload.perPool` with fewer replicas for each pool, use fewer ports, or raise `--bpf-lb-map-max` of Cilium"
            }
            (false, true) => {
                "add the overlay `no-node-ports`, use fewer replicas or ports, or raise `--bpf-lb-map-max` of Cilium"
            }
            (false, false) => "use fewer replicas or ports, or raise `--bpf-lb-map-max` of Cilium",
        },
        LimitName::SecondsToLastLoadBalancer => match choices.workers {
            Workers::Configurable => {
                "raise `--concurrent-service-syncs` of the cloud controller manager, or use fewer and larger pools"
            }
            Workers::One => {
                "use fewer Services, or fewer and larger pools: this controller handles one Service at a time"
            }
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::platform::read_builtin;

    #[test]
    fn remedies_exist_on_the_platform() {
        for (platform, name, wanted) in [
            ("metallb-l2", LimitName::NodePorts, "`no-node-ports`"),
            ("hetzner", LimitName::NodePorts, "fewer ports"),
            ("cilium-l2", LimitName::CiliumMapEntries, "`no-node-ports`"),
            ("azure-basic", LimitName::SecondsToLastLoadBalancer, "one Service at a time"),
            ("hetzner", LimitName::SecondsToLastLoadBalancer, "`--concurrent-service-syncs`"),
            ("hetzner", LimitName::NftablesEntries, "`workload.perPool`"),
        ] {
            let read = read_builtin(platform).unwrap().unwrap();
            let text = remedy(name, Choices::of(&read, false));
            assert!(text.contains(wanted), "{platform}: {text}");
        }
        let hetzner = read_builtin("hetzner").unwrap().unwrap();
        assert!(!remedy(LimitName::NodePorts, Choices::of(&hetzner, false)).contains("overlay"));
        for name in LimitName::ALL {
            assert!(!remedy(name, Choices::of(&hetzner, true)).contains("perPool"), "{}", name.key());
        }
    }
}
