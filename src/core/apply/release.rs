//! Finds Services whose load balancer an apply deletes because their type changes. The address is lost as with a deletion.

use std::fmt;

use serde_json::Value;

use crate::core::apply::prune::addresses;
use crate::core::live::{LiveObject, predict};
use crate::core::manifest::Key;

/// A Service that loses its load balancer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Release {
    /// The Service.
    pub key: Key,
    /// Its new type.
    pub new_type: String,
    /// The addresses and host names of its load balancer, which are lost.
    pub addresses: Vec<String>,
}

impl Release {
    /// Compares a live Service with the object after an apply.
    pub fn of(live: &LiveObject, after: &Value) -> Option<Self> {
        let is_service = live.kind() == "Service" && live.api_version() == "v1";
        if !is_service || live.field("spec")["type"] != "LoadBalancer" {
            return None;
        }
        let new_type = after["spec"]["type"].as_str().unwrap_or("ClusterIP");
        let release = || Self { key: live.key(), new_type: new_type.to_owned(), addresses: addresses(live) };
        (new_type != "LoadBalancer").then(release)
    }

    /// Compares a live Service with the object that an apply sends.
    pub fn by(live: &LiveObject, body: &Value) -> Option<Self> {
        if body["spec"]["type"] == "LoadBalancer" || body["kind"] != "Service" {
            return None;
        }
        Self::of(live, &predict(body, live).after)
    }
}

impl fmt::Display for Release {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { key, new_type, addresses } = self;
        write!(f, "{key} will be of type {new_type}: its load balancer will be deleted")?;
        if !addresses.is_empty() {
            write!(f, ", and its address {} will be lost", addresses.join(", "))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::core::live::MANAGER;

    fn live(version: &str, kind: &str, of: &str, manager: &str) -> LiveObject {
        LiveObject::sample(&json!({
            "apiVersion": version, "kind": kind,
            "metadata": {"name": "web", "namespace": "prod", "managedFields": [{
                "manager": manager, "operation": "Apply", "apiVersion": "v1", "fieldsType": "FieldsV1",
                "fieldsV1": {"f:spec": {"f:type": {}}}}]},
            "spec": {"type": of},
            "status": {"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}, {"hostname": "a.example"}]}},
        }))
    }

    fn body(spec: &Value) -> Value {
        json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web", "namespace": "prod"}, "spec": spec})
    }

    #[track_caller]
    fn check(live: &LiveObject, spec: &Value, expected: Option<&str>) {
        let found = Release::by(live, &body(spec)).map(|release| release.new_type);
        assert_eq!(found.as_deref(), expected, "{spec}");
    }

    #[test]
    fn services_that_lose_their_load_balancer() {
        let ours = live("v1", "Service", "LoadBalancer", MANAGER);
        let theirs = live("v1", "Service", "LoadBalancer", "kubectl");
        check(&ours, &json!({"type": "ClusterIP"}), Some("ClusterIP"));
        check(&theirs, &json!({"type": "NodePort"}), Some("NodePort"));
        check(&ours, &json!({"type": "LoadBalancer"}), None);
        // Without a type, the field is removed if this program owns it, and otherwise keeps its value.
        check(&ours, &json!({}), Some("ClusterIP"));
        check(&theirs, &json!({}), None);
        check(&live("v1", "Service", "ClusterIP", MANAGER), &json!({"type": "NodePort"}), None);
        check(
            &live("serving.knative.dev/v1", "Service", "LoadBalancer", MANAGER),
            &json!({"type": "A"}),
            None,
        );
    }

    #[test]
    fn the_lost_addresses_are_shown() {
        let release = Release::by(
            &live("v1", "Service", "LoadBalancer", MANAGER),
            &body(&json!({"type": "ClusterIP"})),
        );
        assert_eq!(
            release.unwrap().to_string(),
            "service/prod/web will be of type ClusterIP: its load balancer will be deleted, and its address 192.0.2.1, a.example will be lost"
        );
    }
}
