//! Chooses the implementation of a GatewayClass by its controller.

use std::sync::LazyLock;

use crate::core::gateway::{Implementation, builtin_names, read_builtin};

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

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

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
