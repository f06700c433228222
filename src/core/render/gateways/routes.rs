//! Extends the references to a Gateway to the Gateways of all pools: `parentRefs` of routes and of ACME solvers.

use serde_json::Value;

use crate::core::gateway::FleetMode;
use crate::core::gateway::references::{gateway_named, listener_set_named, parent_lists};
use crate::core::json;
use crate::core::manifest::Object;
use crate::core::render::gateways::{Gateways, How};
use crate::core::report::diagnostic::Diagnostic;

/// The most `parentRefs` of a route (`CommonRouteSpec` in sigs.k8s.io/gateway-api `apis/v1/shared_types.go`).
const MAX_PARENTS: usize = 32;

/// Extends the references of an object. Returns whether it has any to a Gateway that is split.
pub(super) fn extend(
    gateways: &Gateways<'_>,
    how: How<'_>,
    namespace: &str,
    object: &Object,
    value: &mut Value,
    problems: &mut Vec<Diagnostic>,
) -> bool {
    let mut extended = false;
    for at in parent_lists(object.value()) {
        let Some(list) = value.pointer_mut(&at).and_then(Value::as_array_mut) else { continue };
        let Some(count) = count(gateways, namespace, list) else { continue };
        extended = true;
        // Counted before it is made: a list may be long, and each entry has a copy for each pool.
        if count > MAX_PARENTS {
            problems.push(too_many(how, object, &at, count));
        } else if let Some(all) = all_pools(gateways, namespace, list) {
            *list = all;
        }
    }
    extended
}

/// Returns the number of references with one for each pool. `None` if none names a split object.
fn count(gateways: &Gateways<'_>, namespace: &str, list: &[Value]) -> Option<usize> {
    let names = list.iter().map(|reference| names_of(gateways, namespace, reference));
    let mut is_split = false;
    let mut total = 0_usize;
    for names in names {
        is_split |= names.is_some();
        total = total.saturating_add(names.map_or(1, |names| names.iter().flatten().count()));
    }
    is_split.then_some(total)
}

/// Returns the references with one for each pool in place of each that names a split object. `None` if there is none.
pub(super) fn all_pools(gateways: &Gateways<'_>, namespace: &str, list: &[Value]) -> Option<Vec<Value>> {
    let mut all = Vec::with_capacity(list.len());
    let mut is_split = false;
    for reference in list {
        let Some(names) = names_of(gateways, namespace, reference) else {
            all.push(reference.clone());
            continue;
        };
        is_split = true;
        all.extend(names.iter().flatten().map(|name| {
            let mut copy = reference.clone();
            json::put(&mut copy, &["name"], name.as_str());
            copy
        }));
    }
    is_split.then_some(all)
}

/// Returns the names of the copies of the object that a reference names, if it is split.
pub(super) fn names_of<'g>(
    gateways: &'g Gateways<'_>,
    namespace: &str,
    reference: &Value,
) -> Option<&'g [Option<String>]> {
    if let Some(name) = gateway_named(reference, namespace) {
        return gateways.split.get(&name).map(|split| split.names.as_slice());
    }
    let set = listener_set_named(reference, namespace)?;
    gateways.listener_sets.get(&set).map(|set| set.names.as_slice())
}

fn too_many(how: How<'_>, object: &Object, at: &str, count: usize) -> Diagnostic {
    let hint = if how.implementation.supports(FleetMode::Shared) {
        "set `spec.gateways: {mode: shared}`: one Gateway, and a Service for each pool in front of its proxies".to_owned()
    } else {
        format!(
            "{} supports one Gateway for each pool only: use fewer pools in each spec (`spec.pools.include`), with a copy of the routes",
            how.implementation.name
        )
    };
    Diagnostic::error(format!(
        "{} would have {count} parentRefs to name the Gateways of all pools, and the Gateway API allows {MAX_PARENTS}",
        object.key()
    ))
    .at(object.location(at))
    .hint(hint)
}
