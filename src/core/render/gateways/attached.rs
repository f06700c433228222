//! Finds the ListenerSets of the Gateways that are split.

use std::collections::HashMap;

use serde_json::Value;

use crate::core::gateway::references::gateway_named;
use crate::core::kubernetes::names;
use crate::core::manifest::{Key, Object};
use crate::core::render::draft::Input;
use crate::core::render::gateways::{AttachedSet, FullName, Split, full_name, is_gateway, is_listener_set};
use crate::core::report::diagnostic::Diagnostic;

/// Returns the ListenerSets, each with its Gateway. Reports those that their Gateway does not accept.
pub(super) fn listener_sets(
    input: Input<'_>,
    split: &HashMap<FullName, Split>,
    problems: &mut Vec<Diagnostic>,
) -> HashMap<FullName, AttachedSet> {
    let gateways: HashMap<FullName, &Object> = input
        .objects
        .iter()
        .filter(|object| is_gateway(object))
        .map(|object| (full_name(input.spec, &object.key()), object))
        .collect();
    let mut found = HashMap::new();
    for object in input.objects.iter().filter(|object| is_listener_set(object)) {
        let own = full_name(input.spec, &object.key());
        let Some(parent) = gateway_named(&object.value()["spec"]["parentRef"], &own.0) else { continue };
        let Some(of_gateway) = split.get(&parent) else { continue };
        if let Some(gateway) = gateways.get(&parent)
            && let Some(problem) = refused(object, &own, gateway, &parent)
        {
            problems.push(problem);
        }
        let pools = of_gateway.names.iter().zip(&input.pools.pools);
        let names =
            pools.map(|(it, pool)| it.as_ref().map(|_| names::copy_name(&own.1, &pool.name))).collect();
        found.insert(own, AttachedSet { gateway: parent, names });
    }
    found
}

/// Reports a ListenerSet in a namespace that its Gateway does not accept. By default, a Gateway accepts none
/// (`AllowedListeners` in sigs.k8s.io/gateway-api `apis/v1/gateway_types.go`).
fn refused(set: &Object, own: &FullName, gateway: &Object, parent: &FullName) -> Option<Diagnostic> {
    let from = gateway.value().pointer("/spec/allowedListeners/namespaces/from").and_then(Value::as_str);
    let needs = match from.unwrap_or("None") {
        "None" if own.0 == parent.0 => "Same",
        "None" | "Same" if own.0 != parent.0 => "All",
        _ => return None,
    };
    let Key { namespace, .. } = gateway.key();
    let whose = if own.0 == parent.0 { "" } else { " from another namespace" };
    let problem = Diagnostic::error(format!(
        "{} names {}, which accepts no ListenerSets{whose}",
        set.key(),
        Key { namespace, ..gateway.key() }
    ));
    Some(problem.at(set.location("/spec/parentRef")).hint(format!(
        "set `spec.allowedListeners: {{namespaces: {{from: {needs}}}}}` in the Gateway, or remove the ListenerSet"
    )))
}
