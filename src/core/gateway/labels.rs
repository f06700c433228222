//! The labels of the Service and the proxies of one Gateway.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::core::gateway::choose::builtin;
use crate::core::gateway::{GATEWAY_GROUP, Implementation};
use crate::core::patch::placeholder;
use crate::core::patch::placeholder::Values;

/// What identifies a Gateway for its implementation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GatewayName<'a> {
    /// The namespace.
    pub namespace: &'a str,
    /// The name.
    pub name: &'a str,
    /// The name of its GatewayClass.
    pub class: &'a str,
}

impl Implementation {
    /// Returns the labels that the Service of a Gateway has.
    pub fn service_labels(&self, gateway: GatewayName<'_>) -> BTreeMap<String, String> {
        filled(&self.spec.service.labels, gateway)
    }

    /// Returns the labels by which a Service selects the proxies of a Gateway.
    pub fn proxy_selector(&self, gateway: GatewayName<'_>) -> BTreeMap<String, String> {
        filled(&self.spec.service.selector, gateway)
    }
}

/// Returns namespace and name of the Gateway that a controller made a live Service for: the Gateway owns it, or it has the labels of an
/// implementation.
pub fn made_for(service: &Value) -> Option<(String, String)> {
    let metadata = &service["metadata"];
    let own = || metadata["namespace"].as_str().unwrap_or_default().to_owned();
    let owners = metadata["ownerReferences"].as_array();
    let owner = owners.into_iter().flatten().find(|owner| {
        let group = owner["apiVersion"].as_str().and_then(|version| version.split_once('/'));
        owner["kind"] == "Gateway" && group.is_some_and(|(group, _)| group == GATEWAY_GROUP)
    });
    if let Some(owner) = owner {
        return Some((own(), owner["name"].as_str().unwrap_or_default().to_owned()));
    }
    // A manifest may have these labels for other reasons.
    metadata["uid"].as_str()?;
    let label = |key: &String| metadata["labels"][key].as_str().filter(|value| !value.is_empty());
    let of = |implementation: &Implementation| {
        let labels = &implementation.spec.service.labels;
        if !labels.keys().all(|key| label(key).is_some()) {
            return None;
        }
        let with = |placeholder: &str| {
            let (key, _) = labels.iter().find(|(_, text)| text.as_str() == placeholder)?;
            label(key).map(str::to_owned)
        };
        Some((with("${gateway.namespace}").unwrap_or_else(own), with("${gateway.name}")?))
    };
    builtin().iter().find_map(of)
}

fn filled(labels: &BTreeMap<String, String>, gateway: GatewayName<'_>) -> BTreeMap<String, String> {
    let values = Values::default()
        .with("gateway.name", Some(gateway.name), "")
        .with("gateway.namespace", Some(gateway.namespace), "")
        .with("gateway.class", Some(gateway.class), "");
    // The placeholders were checked when the file was read.
    let fill = |text: &String| placeholder::fill(text, &values).unwrap_or_else(|_| text.clone());
    labels.iter().map(|(key, text)| (key.clone(), fill(text))).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn services_of_gateways_are_recognized() {
        let service = |metadata: Value| json!({"kind": "Service", "metadata": metadata});
        let owner = |version: &str, kind: &str| {
            service(
                json!({"ownerReferences": [{"apiVersion": version, "kind": kind, "name": "web", "uid": "1"}]}),
            )
        };
        let web = Some((String::new(), "web".to_owned()));
        assert_eq!(made_for(&owner("gateway.networking.k8s.io/v1beta1", "Gateway")), web);
        assert_eq!(made_for(&owner("networking.istio.io/v1", "Gateway")), None);
        assert_eq!(made_for(&owner("apps/v1", "Deployment")), None);
        let envoy = json!({"gateway.envoyproxy.io/owning-gateway-name": "web",
            "gateway.envoyproxy.io/owning-gateway-namespace": "shop"});
        assert_eq!(
            made_for(&service(json!({"uid": "1", "labels": envoy}))),
            Some(("shop".to_owned(), "web".to_owned()))
        );
        assert_eq!(made_for(&service(json!({"labels": envoy}))), None, "a manifest");
        let name = json!({"gateway.envoyproxy.io/owning-gateway-name": "web"});
        assert_eq!(made_for(&service(json!({"uid": "1", "labels": name}))), None);
        let name = json!({"gateway.networking.k8s.io/gateway-name": "web"});
        assert_eq!(made_for(&service(json!({"uid": "1", "labels": name}))), web);
        assert_eq!(made_for(&service(json!({"uid": "1"}))), None);
    }
}
