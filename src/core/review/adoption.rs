//! What adopting an object that is already in a cluster changes, besides its membership in the ApplySet.

use serde_json::Value;

use crate::core::apply::PART_OF;
use crate::core::json;
use crate::core::live::{FieldChange, changes, cleaned};
use crate::core::pointer;
use crate::core::render::{POOL_LABEL, SERVICE_LABEL, SHARD_LABEL};
use crate::core::review::AddressRisk;
use crate::core::review::address_risk;

/// The labels of a member.
const OF_MEMBERS: [&str; 4] = [PART_OF, POOL_LABEL, SHARD_LABEL, SERVICE_LABEL];

/// Fields of a Service that clients depend on, besides those that the platform reads.
const OF_CLIENTS: [&str; 4] =
    ["/spec/clusterIP", "/spec/clusterIPs", "/spec/externalIPs", "/spec/healthCheckNodePort"];

/// The effect of adopting one object.
#[derive(Clone, Debug, PartialEq)]
pub struct Adoption {
    /// The fields that would change.
    pub changes: Vec<FieldChange>,
    /// Whether clients would notice: an address, a node port or the nodes of the load balancer would change.
    pub risk: Option<String>,
}

impl Adoption {
    /// Compares a live object with the object after an apply. `fields` are pointers to the fields of a Service that decide
    /// about its load balancer on the platform.
    pub fn of(live: &Value, after: &Value, fields: &[String]) -> Self {
        let (old, new) = (without_membership(live), without_membership(after));
        let changes = changes(&old, &new);
        let risk = address_risk(&old, &new, fields).map(|risk: AddressRisk| risk.to_string());
        let risk = risk.or_else(|| changes.iter().find_map(of_clients));
        Self { changes, risk }
    }

    /// Whether nothing but the membership would change.
    pub fn is_nothing(&self) -> bool {
        self.changes.is_empty()
    }
}

/// Returns an object without our labels, and without what every write of an object changes.
fn without_membership(object: &Value) -> Value {
    let mut object = cleaned(object);
    if let Some(metadata) = json::existing_map(&mut object, &["metadata"])
        && let Some(labels) = metadata.get_mut("labels").and_then(Value::as_object_mut)
    {
        labels.retain(|key, _| !OF_MEMBERS.contains(&key.as_str()));
        if labels.is_empty() {
            metadata.remove("labels");
        }
    }
    object
}

/// Returns what clients would notice of a change.
fn of_clients(change: &FieldChange) -> Option<String> {
    let is_node_port = change.pointer.starts_with("/spec/ports/") && change.pointer.ends_with("/nodePort");
    let is_of_clients = OF_CLIENTS.iter().any(|field| pointer::contains(field, &change.pointer));
    (is_node_port || is_of_clients).then(|| format!("`{}` changes", pointer::field(&change.pointer)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn service(change: &[(&str, Value)]) -> Value {
        let mut service = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web", "uid": "1",
            "labels": {"team": "a"}, "annotations": {"example.com/set": "one"}},
            "spec": {"type": "LoadBalancer", "clusterIP": "10.0.0.1", "ports": [{"port": 80, "nodePort": 30000}]},
            "status": {"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}]}}});
        for (at, value) in change {
            let (parent, key) = at.rsplit_once('/').unwrap();
            service.pointer_mut(parent).unwrap()
                [pointer::keys(&format!("/{key}")).next().unwrap().as_ref()] = value.clone();
        }
        service
    }

    #[test]
    fn only_membership_is_nothing() {
        let fields = ["/metadata/annotations/example.com~1set".to_owned()];
        let of = |change: &[(&str, Value)]| Adoption::of(&service(&[]), &service(change), &fields);
        let labels = json!({"team": "a", POOL_LABEL: "one", SERVICE_LABEL: "web", PART_OF: "applyset-x-v1"});
        let member = of(&[("/metadata/labels", labels), ("/metadata/resourceVersion", json!("7"))]);
        assert!(member.is_nothing() && member.risk.is_none(), "{member:?}");
        let alone = json!({"kind": "Service", "metadata": {"name": "web"}, "spec": {}});
        let mut joined = alone.clone();
        joined["metadata"]["labels"] = json!({PART_OF: "applyset-x-v1"});
        assert!(Adoption::of(&alone, &joined, &[]).is_nothing());
    }

    #[test]
    fn changes_that_clients_notice() {
        let fields = ["/metadata/annotations/example.com~1set".to_owned()];
        for (at, value, risk) in [
            ("/metadata/labels", json!({"team": "b"}), None),
            ("/spec/sessionAffinity", json!("ClientIP"), None),
            ("/metadata/annotations/example.com~1set", json!("two"), Some("example.com/set")),
            ("/spec/loadBalancerIP", json!("192.0.2.9"), Some("spec.loadBalancerIP")),
            ("/spec/type", json!("ClusterIP"), Some("")),
            ("/spec/clusterIP", json!("10.0.0.2"), Some("`spec.clusterIP` changes")),
            ("/spec/ports", json!([{"port": 80, "nodePort": 30001}]), Some("nodePort` changes")),
        ] {
            let found = Adoption::of(&service(&[]), &service(&[(at, value)]), &fields);
            assert!(!found.is_nothing(), "{at}");
            match (&found.risk, risk) {
                (Some(found), Some(risk)) => assert!(found.contains(risk), "{at}: {found}"),
                (found, risk) => assert_eq!(found.as_deref(), risk, "{at}"),
            }
        }
    }
}
