//! Implementations of the Gateway API: which Service they create for a Gateway, and what they copy to it. They are data, not code:
//! the files in `gateways/` are built in, and users write their own with the same schema.

mod builtin;
pub mod choose;
mod form;
mod labels;
mod read;
pub mod references;
mod service_ports;

use serde_json::Value;

pub use crate::core::gateway::builtin::{builtin_names, builtin_text, read_builtin};
pub use crate::core::gateway::form::{
    CarriedField, FleetMode, Implementation, ImplementationSpec, Infrastructure, Parameters, Placement,
    Ports, ProxyNodes, ServiceOfGateway, TrafficPolicy,
};
pub use crate::core::gateway::labels::{GatewayName, made_for};

pub use crate::core::gateway::service_ports::{service_ports, transport};

/// The API group of Gateways and routes.
pub const GATEWAY_GROUP: &str = "gateway.networking.k8s.io";

/// The API groups of ListenerSets: the standard one, and the experimental one of earlier releases.
pub const LISTENER_SET_GROUPS: [&str; 2] = [GATEWAY_GROUP, "gateway.networking.x-k8s.io"];

/// Whether an object is a Gateway.
pub fn is_gateway(object: &Value) -> bool {
    object["kind"] == "Gateway" && group_of(object) == GATEWAY_GROUP
}

/// Returns the API group of an object; empty for the core group.
pub fn group_of(object: &Value) -> &str {
    let version = object["apiVersion"].as_str().unwrap_or_default();
    version.split_once('/').map_or("", |(group, _)| group)
}
