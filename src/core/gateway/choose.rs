//! Chooses the implementation of a GatewayClass by its controller.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use crate::core::gateway::{
    GATEWAY_GROUP, Implementation, builtin_names, group_of, is_gateway, read_builtin,
};
use crate::core::manifest::Object;
use crate::core::spec::{GatewayMode, Spec};

/// The built-in implementations, sorted by name.
pub fn builtin() -> &'static [Implementation] {
    static ALL: LazyLock<Vec<Implementation>> =
        LazyLock::new(|| builtin_names().filter_map(|name| read_builtin(name)?.ok()).collect());
    &ALL
}

/// Returns the built-in implementation that runs a controller.
pub fn of_controller(controller: &str) -> Option<&'static Implementation> {
    builtin().iter().find(|it| it.spec.controller_names.iter().any(|name| name == controller))
}

/// Returns the built-in implementations with their controllers, for hints.
pub fn known() -> String {
    let one = |it: &Implementation| format!("{} ({})", it.name, it.spec.controller_names.join(", "));
    builtin().iter().map(one).collect::<Vec<_>>().join(", ")
}

/// Returns the GatewayClasses that only the cluster can know, each with the version of the API: those of Gateways to split, unless
/// the manifests have the class or the spec names the implementation.
pub fn classes_to_read(spec: &Spec, objects: &[Object]) -> BTreeSet<(String, String)> {
    let gateways = spec.gateways.as_ref();
    let mode = gateways.and_then(|gateways| gateways.mode);
    let is_known = gateways.is_some_and(|gateways| gateways.implementation.is_some());
    let is_once = match mode {
        Some(mode) => mode == GatewayMode::Once,
        None => objects.iter().any(Object::is_load_balancer),
    };
    if is_known || is_once {
        return BTreeSet::new();
    }
    let own: BTreeSet<String> = objects
        .iter()
        .filter(|object| {
            object.value()["kind"] == "GatewayClass" && group_of(object.value()) == GATEWAY_GROUP
        })
        .map(|object| object.key().name)
        .collect();
    let gateways = objects.iter().map(Object::value).filter(|value| is_gateway(value));
    let class = |gateway: &serde_json::Value| {
        let (_, version) = gateway["apiVersion"].as_str()?.split_once('/')?;
        let name = gateway["spec"]["gatewayClassName"].as_str().filter(|name| !name.is_empty())?;
        (!own.contains(name)).then(|| (name.to_owned(), version.to_owned()))
    };
    gateways.filter_map(class).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn controllers_identify_one_implementation() {
        let names: Vec<&String> = builtin().iter().flat_map(|it| &it.spec.controller_names).collect();
        assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len());
        let found = of_controller("gateway.envoyproxy.io/gatewayclass-controller").unwrap();
        assert_eq!(found.name, "envoy-gateway");
        assert!(of_controller("example.com/controller").is_none());
    }
}
