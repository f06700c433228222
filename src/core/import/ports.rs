//! Compares list items of a live Service with those that its user applied: the server sorts and completes them.

use serde_json::Value;

use crate::core::import::origin::Origin;

/// The default of `protocol`.
const TCP: &str = "TCP";

/// Whether the user is known to have written the field at a pointer of a live object. Items of lists are found by what
/// identifies them.
pub(super) fn is_users(origin: &Origin, object: &Value, path: &str) -> bool {
    if let Some(rest) = path.strip_prefix("/spec/ports/") {
        let Some((index, field)) = rest.split_once('/') else { return false };
        let port = index.parse().ok().and_then(|index: usize| object["spec"]["ports"].get(index));
        let ports = origin.applied("/spec/ports").and_then(Value::as_array);
        let applied =
            ports.into_iter().flatten().find(|applied| port.is_some_and(|port| id(port) == id(applied)));
        return applied.is_some_and(|applied| !applied[field].is_null());
    }
    if path.starts_with("/metadata/finalizers/") {
        let applied = origin.applied("/metadata/finalizers").and_then(Value::as_array);
        return applied
            .is_some_and(|applied| object.pointer(path).is_some_and(|value| applied.contains(value)));
    }
    origin.applied(path).is_some()
}

/// Returns what identifies a port of a Service.
fn id(port: &Value) -> (Option<i64>, &str) {
    (port["port"].as_i64(), port["protocol"].as_str().unwrap_or(TCP))
}
