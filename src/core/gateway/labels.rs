//! The labels of the Service and the proxies of one Gateway.

use std::collections::BTreeMap;

use crate::core::gateway::Implementation;
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

fn filled(labels: &BTreeMap<String, String>, gateway: GatewayName<'_>) -> BTreeMap<String, String> {
    let values = Values::default()
        .with("gateway.name", Some(gateway.name), "")
        .with("gateway.namespace", Some(gateway.namespace), "")
        .with("gateway.class", Some(gateway.class), "");
    // The placeholders were checked when the file was read.
    let fill = |text: &String| placeholder::fill(text, &values).unwrap_or_else(|_| text.clone());
    labels.iter().map(|(key, text)| (key.clone(), fill(text))).collect()
}
