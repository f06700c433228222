//! Detects changes that may release the address of a load balancer.

use std::fmt;

use serde_json::Value;

use crate::core::pointer;

/// Why an address may be lost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AddressRisk {
    /// The Service is removed.
    Removed,
    /// The type changes to one without a load balancer.
    NoLoadBalancer,
    /// A field that decides about the load balancer changes.
    Field(String),
}

impl fmt::Display for AddressRisk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Removed => f.write_str("the Service is removed, with its load balancer and the address"),
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
}
