//! The state of a Service's load balancer.

use std::fmt;

use serde_json::Value;

use crate::core::live::LiveObject;
use crate::core::status::event::{Event, last_event};

/// The address of a load balancer.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Address {
    /// An IP address.
    Ip(String),
    /// A hostname.
    Hostname(String),
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self::Ip(text) | Self::Hostname(text)) = self;
        f.write_str(text)
    }
}

/// The state of a Service of type LoadBalancer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AddressState {
    /// The load balancer has an address.
    Ready {
        /// At least one address.
        addresses: Vec<Address>,
    },
    /// The load balancer has no address yet.
    Pending {
        /// The last event of a controller, if there is one.
        why: Option<Event>,
    },
    /// The Service is being deleted.
    Leaving {
        /// The addresses that it still has.
        addresses: Vec<Address>,
    },
    /// The controller does not serve the Gateway.
    NotProgrammed {
        /// A condition with its reason.
        why: String,
    },
    /// The Service does not exist.
    Absent,
    /// The live Service has another type.
    OtherType {
        /// The type, such as `ClusterIP`.
        found: String,
    },
}

/// Returns the state of a live Service; `None` means that it does not exist. Events about other objects are ignored.
pub fn address_state(service: Option<&LiveObject>, events: &[&LiveObject]) -> AddressState {
    let Some(service) = service else { return AddressState::Absent };
    let addresses = addresses(service.value());
    if service.is_being_deleted() {
        return AddressState::Leaving { addresses };
    }
    let found = service.field("spec")["type"].as_str().unwrap_or("ClusterIP");
    if found != "LoadBalancer" {
        return AddressState::OtherType { found: found.to_owned() };
    }
    if addresses.is_empty() {
        return AddressState::Pending { why: last_event(service, events) };
    }
    AddressState::Ready { addresses }
}

impl AddressState {
    /// Whether the load balancer has its address and is not being deleted.
    pub fn is_ready(&self) -> bool {
        matches!(self, Self::Ready { .. })
    }

    /// Returns the addresses.
    pub fn addresses(&self) -> &[Address] {
        match self {
            Self::Ready { addresses } | Self::Leaving { addresses } => addresses,
            Self::Pending { .. } | Self::NotProgrammed { .. } | Self::Absent | Self::OtherType { .. } => &[],
        }
    }

    /// Returns the name of the state.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Ready { .. } => "ready",
            Self::Pending { .. } => "pending",
            Self::Leaving { .. } => "leaving",
            Self::NotProgrammed { .. } => "not-programmed",
            Self::Absent => "absent",
            Self::OtherType { .. } => "other-type",
        }
    }

    /// Returns a sentence about what it waits for; `None` if it is ready. `now` is in seconds since 1970.
    pub fn reason(&self, now: i64) -> Option<String> {
        match self {
            Self::Ready { .. } => None,
            Self::Pending { why: Some(event) } => Some(event.sentence(now)),
            Self::Pending { why: None } => Some("no event says why".to_owned()),
            Self::Leaving { .. } => Some("it is being deleted".to_owned()),
            Self::NotProgrammed { why } => Some(why.clone()),
            Self::Absent => Some("it is not in the cluster".to_owned()),
            Self::OtherType { found } => Some(format!("its type is {found} and not LoadBalancer")),
        }
    }
}

/// Returns the ports in kubectl's format: `80:30123/TCP,53/UDP`.
pub fn ports(service: &Value) -> String {
    let ports = service["spec"]["ports"].as_array().into_iter().flatten();
    let shown: Vec<String> = ports
        .map(|port| {
            let node_port = port["nodePort"].as_u64().filter(|node_port| *node_port > 0);
            let node_port = node_port.map(|node_port| format!(":{node_port}")).unwrap_or_default();
            let protocol = port["protocol"].as_str().unwrap_or("TCP");
            format!("{}{node_port}/{protocol}", port["port"])
        })
        .collect();
    shown.join(",")
}

fn addresses(service: &Value) -> Vec<Address> {
    let ingress = service["status"]["loadBalancer"]["ingress"].as_array().into_iter().flatten();
    let text = |value: &Value| value.as_str().filter(|text| !text.is_empty()).map(str::to_owned);
    // If there are both, prefer the IP, as kubectl does.
    ingress
        .filter_map(|one| {
            text(&one["ip"]).map(Address::Ip).or_else(|| text(&one["hostname"]).map(Address::Hostname))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn service(status: &Value) -> Value {
        json!({"kind": "Service", "metadata": {"name": "a", "namespace": "web"}, "spec": {"type": "LoadBalancer"},
            "status": {"loadBalancer": status}})
    }

    fn ip(text: &str) -> Address {
        Address::Ip(text.to_owned())
    }

    #[test]
    fn a_service_with_an_address_is_ready() {
        let ready = |addresses: Vec<Address>| AddressState::Ready { addresses };
        let cases = [
            (json!([{"ip": "192.0.2.1"}]), ready(vec![ip("192.0.2.1")])),
            (
                json!([{"ip": "192.0.2.1", "ipMode": "VIP"}, {"ip": "2001:db8::1"}]),
                ready(vec![ip("192.0.2.1"), ip("2001:db8::1")]),
            ),
            (json!([{"hostname": "a.example"}]), ready(vec![Address::Hostname("a.example".to_owned())])),
            (json!([{"hostname": "a.example", "ip": "192.0.2.1"}]), ready(vec![ip("192.0.2.1")])),
            (json!([{"ip": ""}]), AddressState::Pending { why: None }),
            (json!([]), AddressState::Pending { why: None }),
            (json!(null), AddressState::Pending { why: None }),
        ];
        for (ingress, expected) in cases {
            assert_eq!(
                address_state(Some(&LiveObject::sample(&service(&json!({"ingress": ingress})))), &[]),
                expected,
                "{ingress}"
            );
        }
    }

    #[test]
    fn states_that_are_not_ready_have_a_reason() {
        let event = LiveObject::sample(
            &json!({"type": "Warning", "reason": "SyncLoadBalancerFailed", "message": "quota", "count": 2,
            "lastTimestamp": "1970-01-01T00:00:10Z", "involvedObject": {"kind": "Service", "name": "a", "namespace": "web"}}),
        );
        let mut leaving = service(&json!({"ingress": [{"ip": "192.0.2.1"}]}));
        leaving["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z".into();
        let mut other = service(&json!({}));
        other["spec"]["type"] = "NodePort".into();
        let cases = [
            (Some(service(&json!({}))), "pending", "SyncLoadBalancerFailed: quota (2 times, last 20s ago)"),
            (Some(leaving), "leaving", "it is being deleted"),
            (Some(other), "other-type", "its type is NodePort and not LoadBalancer"),
            (None, "absent", "it is not in the cluster"),
        ];
        for (service, word, reason) in cases {
            let state = address_state(service.as_ref().map(LiveObject::sample).as_ref(), &[&event]);
            assert_eq!(
                (state.word(), state.reason(30).as_deref(), state.is_ready()),
                (word, Some(reason), false)
            );
        }
    }

    #[test]
    fn ports_as_kubectl_shows_them() {
        let ports_of = |list: &Value| ports(&json!({"spec": {"ports": list}}));
        assert_eq!(
            ports_of(
                &json!([{"port": 80, "nodePort": 30123, "protocol": "TCP"}, {"port": 53, "protocol": "UDP"}, {"port": 1, "nodePort": 0}])
            ),
            "80:30123/TCP,53/UDP,1/TCP"
        );
        assert_eq!(ports_of(&json!(null)), "");
    }
}
