//! What copies of a Service cost every node and the cloud: endpoints, rules of kube-proxy, entries of Cilium, and time.

use crate::core::capacity::Demand;

/// The sums of what Services cost. A node of the cluster without pods of a Service is counted: each of its own pods adds a little, as
/// the functions say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Price {
    /// Endpoints in all EndpointSlices.
    pub endpoints: u64,
    /// Rules of kube-proxy in iptables mode.
    pub iptables_rules: u64,
    /// Rules and elements of kube-proxy in nftables mode.
    pub nftables_entries: u64,
    /// Entries in Cilium's map of the Services of one IP family.
    pub cilium_entries: u64,
}

impl Price {
    /// Adds the costs of Services. A cost above the largest number is that number.
    pub fn of<'a>(services: impl Iterator<Item = &'a Demand>) -> Self {
        services.fold(Self::default(), |sum, demand| Self {
            endpoints: sum.endpoints.saturating_add(demand.endpoints()),
            iptables_rules: sum.iptables_rules.saturating_add(demand.iptables_rules()),
            nftables_entries: sum.nftables_entries.saturating_add(demand.nftables_entries()),
            cilium_entries: sum.cilium_entries.saturating_add(demand.cilium_entries()),
        })
    }
}

/// Endpoints in one slice (kube-controller-manager --max-endpoints-per-slice, 100 by default).
const PER_SLICE: u64 = 100;

impl Demand {
    /// Returns the number of endpoints in its EndpointSlices: its pods, in each IP family.
    pub fn endpoints(&self) -> u64 {
        self.pods.saturating_mul(self.families)
    }

    /// Returns the number of EndpointSlices that the controller creates for it.
    pub fn slices(&self) -> u64 {
        self.pods.div_ceil(PER_SLICE).saturating_mul(self.families)
    }

    /// Returns the number of ports with a node port; without the port of the health check.
    fn opened(&self) -> u64 {
        self.node_ports - u64::from(self.local).min(self.node_ports)
    }

    /// Returns the number of rules that kube-proxy writes in iptables mode. `tests/cli/proxies.rs` compares it with the code of
    /// kube-proxy 1.36. With `externalTrafficPolicy: Local`, a pod of the node adds at most 2 rules to each port and IP family.
    pub fn iptables_rules(&self) -> u64 {
        let local = u64::from(self.local);
        // One rule for the cluster IP, for the address of the load balancer, and for the node port. Local traffic is dropped on a node
        // without pods: one more for each that is reached from outside. The port of the health check is open for every port.
        let destinations = if self.pods == 0 { (2 + local, 1) } else { (2 + 2 * local, 1 + local) };
        // The cluster IP is masqueraded by one rule, and traffic from outside is handled by 2, or 3 if it is local.
        let fixed = if self.pods == 0 { 0 } else { 3 + local };
        // A jump and two rules of the endpoint; one more to keep a client at its endpoint.
        let each = 3 + u64::from(self.sticky);
        // Only traffic from these ranges goes on, and the rest is dropped by 2 rules.
        let ranges = if self.pods == 0 || self.source_ranges == 0 { 0 } else { self.source_ranges + 2 };
        let of_port = each.saturating_mul(self.pods).saturating_add(destinations.0 + fixed + ranges);
        let all = of_port.saturating_mul(self.ports).saturating_add(destinations.1 * self.opened());
        all.saturating_mul(self.families)
    }

    /// Returns the number of rules and elements that kube-proxy writes in nftables mode, with the elements of the map in a rule that
    /// chooses the endpoint. `tests/cli/proxies.rs` compares it with the code of kube-proxy 1.36. A pod of the node adds 1 element to
    /// each port and IP family, and at most 6 entries with `externalTrafficPolicy: Local`.
    pub fn nftables_entries(&self) -> u64 {
        let local = u64::from(self.local);
        let has_pods = u64::from(self.pods > 0);
        // An element for the cluster IP with its port, one for the address of the load balancer, and one that drops local traffic.
        let elements = 2 + local * has_pods;
        // Traffic from outside is handled by 2 rules, or 3 if it is local, and one chooses the endpoint.
        let rules = (3 + local) * has_pods;
        // An element in that rule; to keep a client at its endpoint, one rule more, and a chain of two.
        let each = if self.sticky { 4 } else { 1 };
        let ranges = 2 * u64::from(self.source_ranges > 0);
        let of_port = self.pods.saturating_mul(each).saturating_add(elements + rules + ranges);
        let node_ports = self.opened() * (1 + local * has_pods);
        // One element more for the cluster IP itself.
        of_port.saturating_mul(self.ports).saturating_add(node_ports + 1).saturating_mul(self.families)
    }

    /// Returns the number of entries in Cilium's map of the Services of one IP family, if it replaces kube-proxy. `tests/cli/proxies.rs`
    /// compares it with the code of Cilium 1.20. A node with several addresses has entries for each of them. With
    /// `externalTrafficPolicy: Local`, a pod of the node adds 3 entries to each port.
    pub fn cilium_entries(&self) -> u64 {
        // Every address and port has one entry, and one for each endpoint: the cluster IP, the address of the load balancer, and with a
        // node port 0.0.0.0 and the address of the node.
        let full = self.pods.saturating_add(1);
        // Local traffic: a second one for traffic from outside, whose endpoints are those of the node.
        let outside = full.saturating_add(u64::from(self.local));
        let of_port = full.saturating_add(outside);
        let of_node_ports = outside.saturating_mul(2).saturating_mul(self.opened());
        // Other ports of the cluster IP and of the load balancer are dropped. Cilium omits these 2 if the class of the load balancer is
        // not its own, which is a difference of little.
        of_port.saturating_mul(self.ports).saturating_add(of_node_ports).saturating_add(2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn service(ports: u64, pods: u64) -> Demand {
        Demand { ports, pods, node_ports: ports, families: 1, ..Demand::default() }
    }

    /// The numbers are those of the proxiers of kube-proxy 1.36 (tests/go/proxy-proof).
    #[test]
    fn rules_of_one_service() {
        let local = Demand { local: true, node_ports: 3, ..service(2, 3) };
        let bare = Demand { node_ports: 0, ..service(2, 3) };
        let ranges = Demand { source_ranges: 2, ..service(2, 3) };
        for (name, demand, iptables, nftables) in [
            ("cluster", service(2, 3), 30, 19),
            ("without pods", service(2, 0), 6, 7),
            ("local", local.clone(), 38, 25),
            ("local without pods", Demand { pods: 0, ..local.clone() }, 8, 7),
            ("sticky", Demand { sticky: true, ..service(2, 3) }, 36, 37),
            ("sticky and local", Demand { sticky: true, ..local }, 44, 43),
            ("without node ports", bare, 28, 17),
            ("two families", Demand { families: 2, ..service(2, 3) }, 60, 38),
            ("ranges", ranges.clone(), 38, 23),
            ("ranges without pods", Demand { pods: 0, ..ranges }, 6, 11),
        ] {
            assert_eq!((demand.iptables_rules(), demand.nftables_entries()), (iptables, nftables), "{name}");
        }
    }

    #[test]
    fn entries_of_cilium() {
        let local = Demand { local: true, node_ports: 2, ..service(1, 50) };
        let bare = Demand { node_ports: 0, ..service(1, 50) };
        assert_eq!(service(1, 50).cilium_entries(), 4 * 51 + 2);
        assert_eq!(bare.cilium_entries(), 2 * 51 + 2);
        assert_eq!(local.cilium_entries(), 4 * 51 + 5);
    }

    #[test]
    fn no_number_overflows() {
        let most = Demand {
            pods: u64::MAX,
            ports: 10_000,
            node_ports: 10_000,
            families: 2,
            local: true,
            sticky: true,
            source_ranges: 10_000,
            ..Demand::default()
        };
        let price = Price::of([most.clone(), most.clone()].iter());
        assert_eq!((price.iptables_rules, price.nftables_entries), (u64::MAX, u64::MAX));
        assert_eq!((price.cilium_entries, price.endpoints), (u64::MAX, u64::MAX));
        assert!(most.slices() > 0);
    }
}
