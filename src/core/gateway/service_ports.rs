//! The ports of the Service in front of listeners.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::core::gateway::Ports;
use crate::core::json;

/// Returns the protocol of the port of a Service for the protocol of a listener.
pub fn transport(protocol: &str) -> &'static str {
    if protocol == "UDP" { "UDP" } else { "TCP" }
}

/// Returns the ports of the Service in front of listeners: their ports and protocols. With `to_proxies`, each port of the Service names
/// its port of the proxies.
pub fn service_ports<'a>(
    listeners: impl Iterator<Item = (u16, &'a str)>,
    to_proxies: Option<Ports>,
) -> Vec<Value> {
    let mut ports: BTreeMap<(u16, &str), &str> = BTreeMap::new();
    for (port, protocol) in listeners {
        ports.entry((port, transport(protocol))).or_insert(protocol);
    }
    let port = |((port, transport), protocol): ((u16, &str), &str)| {
        let mut value = serde_json::json!({
            "name": port_name(protocol, port),
            "port": port,
            "protocol": transport,
        });
        if let Some(shift) = to_proxies {
            json::put(&mut value, &["targetPort"], shift.of_proxy(port));
        }
        value
    };
    ports.into_iter().map(port).collect()
}

/// Returns a name such as `https-443`: a DNS label of at most 15 characters.
fn port_name(protocol: &str, port: u16) -> String {
    let known = ["HTTP", "HTTPS", "TLS", "TCP", "UDP"];
    let protocol = if known.contains(&protocol) { protocol.to_lowercase() } else { "port".to_owned() };
    format!("{protocol}-{port}")
}
