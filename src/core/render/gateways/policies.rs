//! Extends the policies of a Gateway to the Gateways of all pools. A policy with more targets than its kind allows becomes several.

use serde_json::Value;

use crate::core::gateway::group_of;
use crate::core::json;
use crate::core::kubernetes::names;
use crate::core::manifest::Object;
use crate::core::render::draft::{Input, PendingObject, Role};
use crate::core::render::gateways::{Gateways, How, full_name, routes};
use crate::core::spec::LargeScale;

/// The most targets of a policy of the Gateway API.
const MAX_TARGETS: usize = 16;

/// Adds the policies that an object becomes. Returns whether it has a target that is split.
pub(super) fn split<'a>(
    gateways: &Gateways<'_>,
    how: How<'_>,
    input: Input<'a>,
    (object, value): (&'a Object, &Value),
    pending: &mut Vec<PendingObject<'a>>,
) -> bool {
    let (namespace, name) = full_name(input.spec, &object.key());
    if let Some(targets) = single_target(gateways, input.spec, object) {
        for (index, target) in targets.iter().enumerate() {
            let (Some(target), Some(pool)) = (target, input.pools.pools.get(index)) else { continue };
            let mut copy = value.clone();
            json::put(&mut copy, &["metadata", "name"], names::copy_name(&name, &pool.name));
            json::put(&mut copy, &["spec", "targetRef", "name"], target.as_str());
            pending.push(PendingObject {
                value: copy,
                source: object,
                pool: Some(index),
                role: Role::Policy,
            });
        }
        return true;
    }
    let Some(list) = value["spec"]["targetRefs"].as_array() else { return false };
    let Some(all) = routes::all_pools(gateways, &namespace, list) else { return false };
    let limits = &how.implementation.spec.policy_targets;
    let most = limits.get(group_of(value)).copied().unwrap_or(MAX_TARGETS).max(1);
    for (number, targets) in all.chunks(most).enumerate() {
        let mut copy = value.clone();
        if number > 0 {
            json::put(&mut copy, &["metadata", "name"], names::copy_name(&name, &(number + 1).to_string()));
        }
        json::put(&mut copy, &["spec", "targetRefs"], targets.to_vec());
        pending.push(PendingObject { value: copy, source: object, pool: None, role: Role::Policy });
    }
    true
}

/// Returns the names of the copies of the only target of a policy, if it is split: `spec.targetRef` of older policies.
pub(super) fn single_target<'g>(
    gateways: &'g Gateways<'_>,
    spec: &LargeScale,
    object: &Object,
) -> Option<&'g [Option<String>]> {
    let target = object.value()["spec"].get("targetRef").filter(|target| target.is_object())?;
    let (namespace, _) = full_name(spec, &object.key());
    routes::names_of(gateways, &namespace, target)
}
