//! Copies a LoadBalancer Service for each pool.

use serde_json::Value;

use crate::core::json;
use crate::core::kubernetes::names;
use crate::core::manifest::{Key, Object, Origin};
use crate::core::platform::is_set;
use crate::core::pointer;
use crate::core::pools::Pool;
use crate::core::render::draft::{Input, PendingObject, Role, SERVICE_LABEL, label_of_pools};
use crate::core::render::{per_pool, rules};
use crate::core::report::diagnostic::Diagnostic;

/// Fields with a value that exists once in a cluster or a cloud, so that copies would conflict.
const UNSHAREABLE: &[(&str, &str)] = &[
    ("/spec/healthCheckNodePort", "is a port on every node"),
    ("/spec/clusterIP", "is an address in the cluster"),
    ("/spec/clusterIPs", "are addresses in the cluster"),
    ("/spec/loadBalancerIP", "is an address, and each pool's load balancer needs its own"),
    ("/spec/externalIPs", "are addresses that only one Service can use"),
];

/// Adds the copies of a Service, or reports the fields that cannot be copied.
pub(super) fn copy<'a>(
    input: Input<'a>,
    object: &'a Object,
    value: &Value,
    pending: &mut Vec<PendingObject<'a>>,
    problems: &mut Vec<Diagnostic>,
) {
    let before = problems.len();
    refuse_unshareable(object, problems);
    rules::refuse_unshareable(input, object, problems);
    rules::refuse_bound(input, object, problems);
    if problems.len() > before {
        return;
    }
    let key = object.known_key();
    let base = base_name(input, object, &key);
    let role =
        if object.origin() == Origin::GatewayImplementation { Role::GatewayService } else { Role::Service };
    let service = key.name.clone();
    for (index, (pool, name)) in input.pools.pools.iter().zip(names(input, &key, &base)).enumerate() {
        let Some(name) = name else { continue };
        if let Err(message) = names::check_service_name(
            &format!("the copy of {service} for {}", pool.called(input.pools.kind)),
            &name,
        ) {
            problems.push(
                Diagnostic::error(message)
                    .at(object.location("/metadata/name"))
                    .hint(format!("set a name: `spec.names: {{{service}: {{{}: NAME}}}}`", pool.value)),
            );
            continue;
        }
        let mut copy = value.clone();
        json::put(&mut copy, &["metadata", "name"], name);
        json::put(&mut copy, &["metadata", "labels", label_of_pools(input.pools.kind)], pool.name.as_str());
        json::put(&mut copy, &["metadata", "labels", SERVICE_LABEL], service.as_str());
        if input.spec.spec.workload.per_pool {
            per_pool::keep_traffic(&mut copy, &pool.name);
        }
        pending.push(PendingObject { value: copy, source: object, pool: Some(index), role });
    }
}

/// Returns what the names of copies begin with. The Services in front of shared Gateways may be in one namespace for all Gateways of the
/// cluster, so their names have the namespace of the Gateway.
fn base_name(input: Input<'_>, object: &Object, key: &Key) -> String {
    let of_gateway = input.spec.namespace_of(key);
    let of_service = object.key().namespace;
    if object.origin() == Origin::SharedGateway && !of_service.is_empty() && of_service != of_gateway {
        return format!("{of_gateway}-{}", key.name);
    }
    key.name.clone()
}

/// Returns the name of the copy for each pool; `None` for a pool that gets none.
pub(super) fn names<'a>(
    input: Input<'a>,
    key: &'a Key,
    base: &'a str,
) -> impl Iterator<Item = Option<String>> + 'a {
    let given = input.spec.names_of(key);
    let name = move |pool: &Pool| {
        let own = given.and_then(|names| names.get(&pool.value)).cloned();
        own.unwrap_or_else(|| names::copy_name(base, &pool.name))
    };
    input.pools.pools.iter().map(move |pool| (!input.spec.excludes(key, &pool.value)).then(|| name(pool)))
}

fn refuse_unshareable(object: &Object, problems: &mut Vec<Diagnostic>) {
    let mut refuse = |pointer: &str, found: &Value, because: &str| {
        problems.push(
            Diagnostic::error(format!("`{}` is {found}, which {because}; copies cannot share it", pointer::field(pointer)))
                .at(object.location(pointer))
                .hint("remove it to let the cluster choose, or set it for the Service of one pool in an overlay (`target: {pool: ...}`)"),
        );
    };
    for (path, because) in UNSHAREABLE {
        if let Some(found) = object.value().pointer(path).filter(|found| is_set(found)) {
            refuse(path, found, because);
        }
    }
    let ports = object.value()["spec"]["ports"].as_array();
    for (index, port) in ports.into_iter().flatten().enumerate() {
        if is_set(&port["nodePort"]) {
            refuse(&format!("/spec/ports/{index}/nodePort"), &port["nodePort"], "is a port on every node");
        }
    }
}
