//! The fields in which objects name Gateways and ListenerSets.

use serde_json::Value;

use crate::core::gateway::{GATEWAY_GROUP, LISTENER_SET_GROUPS, group_of};

/// Kinds of cert-manager with ACME solvers.
const ISSUERS: [&str; 2] = ["Issuer", "ClusterIssuer"];

/// The list of parents in an ACME solver (`ACMEChallengeSolverHTTP01GatewayHTTPRoute` in cert-manager/cert-manager).
const SOLVER_PARENTS: &str = "/http01/gatewayHTTPRoute/parentRefs";

/// Whether an object is a route of the Gateway API.
pub fn is_route(value: &Value) -> bool {
    let kind = value["kind"].as_str().unwrap_or_default();
    kind.ends_with("Route") && group_of(value) == GATEWAY_GROUP
}

/// Whether an object is a ListenerSet; earlier releases of the API call it `XListenerSet`.
pub fn is_listener_set(value: &Value) -> bool {
    is_listener_set_kind(value["kind"].as_str()) && LISTENER_SET_GROUPS.contains(&group_of(value))
}

fn is_listener_set_kind(kind: Option<&str>) -> bool {
    matches!(kind, Some("ListenerSet" | "XListenerSet"))
}

/// Returns the pointers of the lists of parents: those of a route, and of ACME solvers.
pub fn parent_lists(value: &Value) -> Vec<String> {
    if is_route(value) {
        return vec!["/spec/parentRefs".to_owned()];
    }
    let is_issuer = group_of(value) == "cert-manager.io"
        && value["kind"].as_str().is_some_and(|kind| ISSUERS.contains(&kind));
    let solvers = value.pointer("/spec/acme/solvers").and_then(Value::as_array).filter(|_| is_issuer);
    let count = solvers.map_or(0, Vec::len);
    (0..count).map(|index| format!("/spec/acme/solvers/{index}{SOLVER_PARENTS}")).collect()
}

/// Returns namespace and name of the Gateway that a reference names, if it names one; `namespace` is that of the object with the
/// reference. Absent fields have the defaults of the Gateway API.
pub fn gateway_named(reference: &Value, namespace: &str) -> Option<(String, String)> {
    named(reference, namespace, |group, kind| group == GATEWAY_GROUP && kind == "Gateway")
}

/// Returns namespace and name of the ListenerSet that a reference names, if it names one.
pub fn listener_set_named(reference: &Value, namespace: &str) -> Option<(String, String)> {
    named(reference, namespace, |group, kind| {
        LISTENER_SET_GROUPS.contains(&group) && is_listener_set_kind(Some(kind))
    })
}

fn named(
    reference: &Value,
    namespace: &str,
    is_meant: impl Fn(&str, &str) -> bool,
) -> Option<(String, String)> {
    let text = |field: &str| reference[field].as_str();
    let is_kind = is_meant(text("group").unwrap_or(GATEWAY_GROUP), text("kind").unwrap_or("Gateway"));
    let name = text("name").filter(|_| is_kind)?;
    Some((text("namespace").unwrap_or(namespace).to_owned(), name.to_owned()))
}
