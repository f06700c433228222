//! Detects changes that may release the address of a load balancer.

use std::fmt;

use serde_json::Value;

use crate::core::pointer;
use crate::core::status::is_pool_gateway;

/// Why an address may be lost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AddressRisk {
    /// The Service is removed.
    Removed,
    /// The Gateway of a pool is removed.
    GatewayRemoved,
    /// The type changes to one without a load balancer.
    NoLoadBalancer,
    /// A field that decides about the load balancer changes.
    Field(String),
}

impl fmt::Display for AddressRisk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Removed => f.write_str("the Service is removed, with its load balancer and the address"),
            Self::GatewayRemoved => {
                f.write_str("the Gateway is removed, with its load balancer and the address")
            }
            Self::NoLoadBalancer => f.write_str("the type changes to one without a load balancer"),
            Self::Field(field) => write!(f, "`{field}` changes, which may replace the load balancer"),
        }
    }
}

/// Fields of every Service that decide about its load balancer.
const FIELDS: [&str; 2] = ["/spec/loadBalancerClass", "/spec/loadBalancerIP"];

/// Returns the risk of a change of one object; `null` means that it does not exist. `fields` are pointers to the fields by
/// which the platform binds a Service.
pub fn address_risk(old: &Value, new: &Value, fields: &[String]) -> Option<AddressRisk> {
    if is_pool_gateway(old) {
        return gateway_risk(old, new, fields);
    }
    let is_load_balancer =
        |object: &Value| object["kind"] == "Service" && object["spec"]["type"] == "LoadBalancer";
    if !is_load_balancer(old) {
        return None;
    }
    if new.is_null() {
        return Some(AddressRisk::Removed);
    }
    if !is_load_balancer(new) {
        return Some(AddressRisk::NoLoadBalancer);
    }
    let is_other = |field: &&str| old.pointer(field) != new.pointer(field);
    let mut known = FIELDS.into_iter().chain(fields.iter().map(String::as_str));
    known.find(is_other).map(|field| AddressRisk::Field(pointer::field(field)))
}

/// Returns the risk of a change of a pool's Gateway: its controller makes the Service again with another class, and copies
/// annotations of the binding to it.
fn gateway_risk(old: &Value, new: &Value, fields: &[String]) -> Option<AddressRisk> {
    if new.is_null() {
        return Some(AddressRisk::GatewayRemoved);
    }
    let carried = fields.iter().filter_map(|field| field.strip_prefix("/metadata"));
    let carried = carried.map(|field| format!("/spec/infrastructure{field}"));
    let own = ["/spec/gatewayClassName", "/spec/addresses"].map(str::to_owned);
    let mut known = own.into_iter().chain(carried);
    let is_other = |field: &String| old.pointer(field) != new.pointer(field);
    known.find(is_other).map(|field| AddressRisk::Field(pointer::field(&field)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn changes_that_may_release_an_address() {
        let service = |binding: &str, port: u16| {
            json!({ "kind": "Service", "metadata": { "annotations": { "example.com/set": binding } },
                "spec": { "type": "LoadBalancer", "ports": [{ "port": port }] } })
        };
        let fields = ["/metadata/annotations/example.com~1set".to_owned()];
        let of = |old: &Value, new: &Value| address_risk(old, new, &fields);
        let old = service("a", 80);
        assert_eq!(of(&old, &service("a", 81)), None);
        assert_eq!(of(&Value::Null, &old), None);
        assert_eq!(of(&old, &Value::Null), Some(AddressRisk::Removed));
        let bound = of(&old, &service("b", 80)).unwrap().to_string();
        assert_eq!(
            bound,
            "`metadata.annotations[example.com/set]` changes, which may replace the load balancer"
        );
        let mut other = old.clone();
        other["spec"]["type"] = "ClusterIP".into();
        assert_eq!(of(&old, &other), Some(AddressRisk::NoLoadBalancer));
        assert_eq!(of(&other, &Value::Null), None);
        let mut other = old.clone();
        other["spec"]["loadBalancerIP"] = "192.0.2.1".into();
        assert_eq!(of(&old, &other), Some(AddressRisk::Field("spec.loadBalancerIP".to_owned())));
    }

    #[test]
    fn changes_of_a_gateway_that_may_release_an_address() {
        let gateway = |class: &str, binding: &str| {
            json!({"apiVersion": "gateway.networking.k8s.io/v1", "kind": "Gateway",
                "metadata": {"name": "web-a", "labels": {"largescale.dev/pool": "a"}},
                "spec": {"gatewayClassName": class, "infrastructure": {"annotations": {"x": binding, "y": class}}}})
        };
        let fields = ["/metadata/annotations/x".to_owned()];
        let of = |new: &Value| address_risk(&gateway("eg", "a"), new, &fields).map(|risk| risk.to_string());
        assert_eq!(of(&gateway("eg", "a")), None);
        assert!(of(&Value::Null).unwrap().starts_with("the Gateway is removed"));
        assert!(of(&gateway("other", "a")).unwrap().starts_with("`spec.gatewayClassName` changes"));
        assert!(of(&gateway("eg", "b")).unwrap().starts_with("`spec.infrastructure.annotations.x` changes"));
    }
}
