//! The ports of a load balancer: those of a Service, or the listeners of a Gateway.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::core::gateway::GATEWAY_GROUP;
use crate::core::manifest::Key;

/// The protocol of the transport.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Transport {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
    /// SCTP.
    Sctp,
}

impl Transport {
    /// Returns the name that Kubernetes uses.
    pub fn name(self) -> &'static str {
        match self {
            Self::Tcp => "TCP",
            Self::Udp => "UDP",
            Self::Sctp => "SCTP",
        }
    }
}

/// A port that clients use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Port {
    /// The number.
    pub number: u16,
    /// The name; empty if there is none.
    pub name: String,
    /// The protocol of the transport.
    pub transport: Transport,
    /// Whether the object says that the port has TLS.
    pub has_tls: bool,
    /// The host that the listener is for.
    pub hostname: Option<String>,
}

/// Returns the ports of a Service, or of the listeners of a Gateway. `gateways` decide what the ports of a Service are that sends
/// traffic to their proxies.
pub fn of(object: &Value, gateways: &[&Value]) -> Vec<Port> {
    if object["kind"] == "Gateway" {
        return of_listeners(object);
    }
    let listeners: Vec<Port> = gateways.iter().flat_map(|gateway| of_listeners(gateway)).collect();
    let ports = object["spec"]["ports"].as_array().into_iter().flatten();
    ports
        .filter_map(|port| {
            let port = of_service(port)?;
            let is_same =
                |listener: &&Port| listener.number == port.number && listener.transport == port.transport;
            Some(listeners.iter().find(is_same).cloned().unwrap_or(port))
        })
        .collect()
}

fn of_service(port: &Value) -> Option<Port> {
    let name = port["name"].as_str().unwrap_or_default();
    let application = port["appProtocol"].as_str();
    // Port 443 alone decides nothing: it may have QUIC or SSH.
    let has_tls = match application {
        Some(protocol) => {
            matches!(protocol.to_ascii_lowercase().as_str(), "https" | "tls" | "kubernetes.io/wss")
        }
        None => name == "https" || name.starts_with("https-"),
    };
    let transport = transport(port["protocol"].as_str().unwrap_or("TCP"))?;
    Some(Port {
        number: number(&port["port"])?,
        name: name.to_owned(),
        has_tls: has_tls && transport == Transport::Tcp,
        transport,
        hostname: None,
    })
}

/// Several listeners may share a port, each for a host. The first one with a host is checked.
fn of_listeners(gateway: &Value) -> Vec<Port> {
    let mut ports: Vec<Port> = Vec::new();
    for listener in gateway["spec"]["listeners"].as_array().into_iter().flatten() {
        let Some(number) = number(&listener["port"]) else { continue };
        let protocol = listener["protocol"].as_str().unwrap_or_default();
        let transport = if protocol == "UDP" { Transport::Udp } else { Transport::Tcp };
        let hostname = listener["hostname"].as_str().filter(|hostname| !hostname.is_empty());
        let known = ports.iter_mut().find(|port| port.number == number && port.transport == transport);
        if let Some(port) = known {
            port.hostname = port.hostname.take().or_else(|| hostname.map(str::to_owned));
            continue;
        }
        ports.push(Port {
            number,
            name: listener["name"].as_str().unwrap_or_default().to_owned(),
            has_tls: matches!(protocol, "HTTPS" | "TLS"),
            transport,
            hostname: hostname.map(str::to_owned),
        });
    }
    ports
}

fn number(value: &Value) -> Option<u16> {
    value.as_u64().and_then(|number| u16::try_from(number).ok()).filter(|number| *number > 0)
}

fn transport(protocol: &str) -> Option<Transport> {
    match protocol {
        "TCP" => Some(Transport::Tcp),
        "UDP" => Some(Transport::Udp),
        "SCTP" => Some(Transport::Sctp),
        _ => None,
    }
}

/// Returns the host names of a route to one of these Gateways. A wildcard is not a name that a client asks for.
pub fn hostnames_of_route<'a>(key: &Key, route: &'a Value, gateways: &BTreeSet<&str>) -> Vec<&'a str> {
    if key.group != GATEWAY_GROUP || !key.kind.ends_with("Route") {
        return Vec::new();
    }
    let parents = route["spec"]["parentRefs"].as_array().into_iter().flatten();
    let mut parents = parents.filter_map(|parent| parent["name"].as_str());
    if !parents.any(|name| gateways.contains(name)) {
        return Vec::new();
    }
    let hostnames = route["spec"]["hostnames"].as_array().into_iter().flatten();
    hostnames.filter_map(Value::as_str).filter(|name| !name.starts_with("*.")).collect()
}

/// Whether an annotation turns on the PROXY protocol. Every cloud has a key that contains these words (overlays/proxy-protocol.yaml),
/// and AWS has them in a value, too (`proxy_protocol_v2.enabled=true`).
pub fn expects_proxy_protocol(object: &Value) -> bool {
    let own = object["metadata"]["annotations"].as_object();
    let of_infrastructure = object["spec"]["infrastructure"]["annotations"].as_object();
    let annotations = own.into_iter().chain(of_infrastructure).flatten();
    annotations.filter_map(|(key, value)| Some((key, value.as_str()?))).any(|(key, value)| {
        let plain = |text: &str| text.to_ascii_lowercase().replace(['-', '_'], "");
        let value = plain(value);
        let is_on = !matches!(value.as_str(), "" | "false" | "none" | "off" | "0");
        (plain(key).contains("proxyprotocol") && is_on) || value.contains("proxyprotocolv2.enabled=true")
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn shown(ports: &[Port]) -> Vec<String> {
        let one = |port: &Port| {
            let tls = if port.has_tls { " tls" } else { "" };
            let host = port.hostname.as_deref().map(|host| format!(" {host}")).unwrap_or_default();
            format!("{}/{} {}{tls}{host}", port.number, port.transport.name(), port.name)
        };
        ports.iter().map(one).collect()
    }

    #[test]
    fn ports_of_services_and_gateways() {
        let service = json!({"kind": "Service", "spec": {"ports": [
            {"port": 80}, {"port": 443, "name": "https"}, {"port": 8443, "name": "api", "appProtocol": "https"},
            {"port": 444, "name": "https", "appProtocol": "http"}, {"port": 53, "protocol": "UDP", "name": "https"},
            {"port": 0}, {"port": "x"}, {"port": 70000}, {"port": 9, "protocol": "DCCP"}]}});
        assert_eq!(
            shown(&of(&service, &[])),
            ["80/TCP ", "443/TCP https tls", "8443/TCP api tls", "444/TCP https", "53/UDP https"]
        );
        let gateway = json!({"kind": "Gateway", "spec": {"listeners": [
            {"name": "a", "port": 443, "protocol": "HTTPS"},
            {"name": "b", "port": 443, "protocol": "HTTPS", "hostname": "b.example.com"},
            {"name": "c", "port": 80, "protocol": "HTTP"}, {"name": "d", "port": 80, "protocol": "UDP"}]}});
        assert_eq!(shown(&of(&gateway, &[])), ["443/TCP a tls b.example.com", "80/TCP c", "80/UDP d"]);
        let fleet =
            json!({"kind": "Service", "spec": {"ports": [{"port": 443, "name": "tls-443"}, {"port": 80}]}});
        assert_eq!(shown(&of(&fleet, &[&gateway])), ["443/TCP a tls b.example.com", "80/TCP c"]);
    }

    #[test]
    fn names_of_routes() {
        let route = |kind: &str, parent: &str| {
            let value = json!({"apiVersion": "gateway.networking.k8s.io/v1", "kind": kind, "metadata": {"name": "r"},
                "spec": {"parentRefs": [{"name": "other"}, {"name": parent}], "hostnames": ["www.example.com", "*.example.com", 1]}});
            let gateways = BTreeSet::from(["web-a"]);
            hostnames_of_route(&Key::of(&value), &value, &gateways)
                .into_iter()
                .map(str::to_owned)
                .collect::<Vec<_>>()
        };
        assert_eq!(route("HTTPRoute", "web-a"), ["www.example.com"]);
        assert_eq!(route("HTTPRoute", "web"), Vec::<String>::new());
        assert_eq!(route("Gateway", "web-a"), Vec::<String>::new());
    }

    #[test]
    fn annotations_for_the_proxy_protocol() {
        let with = |key: &str, value: &str| json!({"metadata": {"annotations": {key: value}}});
        for (key, value, expected) in [
            ("service.beta.kubernetes.io/aws-load-balancer-proxy-protocol", "*", true),
            ("load-balancer.hetzner.cloud/uses-proxyprotocol", "true", true),
            ("load-balancer.hetzner.cloud/uses-proxyprotocol", "false", false),
            ("service.beta.kubernetes.io/linode-loadbalancer-default-proxy-protocol", "none", false),
            (
                "service.beta.kubernetes.io/aws-load-balancer-target-group-attributes",
                "a=b,proxy_protocol_v2.enabled=true",
                true,
            ),
            ("example.com/note", "no proxy protocol here", false),
        ] {
            assert_eq!(expects_proxy_protocol(&with(key, value)), expected, "{key}: {value}");
        }
        let gateway = json!({"spec": {"infrastructure": {"annotations": {"a/proxy-protocol": "v2"}}}});
        assert!(expects_proxy_protocol(&gateway));
    }
}
