//! Reports fields of Gateways, ListenerSets and routes with a type that the Gateway API does not have: a render would skip them, and
//! lose a port, a binding or a reference.

use serde_json::Value;

use crate::core::gateway::references::is_route;
use crate::core::manifest::Object;
use crate::core::pointer;
use crate::core::render::gateways::{is_gateway, is_listener_set};
use crate::core::report::describe::kind_of;
use crate::core::report::diagnostic::Diagnostic;

/// Returns the problems of an object.
pub(super) fn problems(object: &Object) -> Vec<Diagnostic> {
    let mut found = Found { object, problems: Vec::new() };
    if is_gateway(object) {
        found.map("/spec/infrastructure");
        found.map("/spec/infrastructure/parametersRef");
        found.texts("/spec/infrastructure/labels");
        found.texts("/spec/infrastructure/annotations");
        found.maps("/spec/addresses");
        found.listeners();
    } else if is_listener_set(object) {
        found.map("/spec/parentRef");
        found.listeners();
    } else if is_route(object.value()) {
        found.maps("/spec/parentRefs");
    }
    found.problems
}

struct Found<'a> {
    object: &'a Object,
    problems: Vec<Diagnostic>,
}

impl<'a> Found<'a> {
    /// Returns the value at a pointer, unless it is absent or null.
    fn value(&self, at: &str) -> Option<&'a Value> {
        self.object.value().pointer(at).filter(|value| !value.is_null())
    }

    fn report(&mut self, at: &str, value: &Value, expected: &str) {
        let shown = if value.is_number() { value.to_string() } else { kind_of(value) };
        self.problems.push(
            Diagnostic::error(format!(
                "`{}` of {} is {shown}, expected {expected}",
                pointer::field(at),
                self.object.key()
            ))
            .at(self.object.location(at)),
        );
    }

    fn map(&mut self, at: &str) {
        if let Some(value) = self.value(at).filter(|value| !value.is_object()) {
            self.report(at, value, "a map");
        }
    }

    /// Reports a value of another type than a map of strings.
    fn texts(&mut self, at: &str) {
        self.map(at);
        for (key, value) in self.value(at).and_then(Value::as_object).into_iter().flatten() {
            if !value.is_string() {
                self.report(&pointer::join(at, key), value, "a string");
            }
        }
    }

    /// Reports values of another type than a list of maps, and returns the maps with their pointers.
    fn maps(&mut self, at: &str) -> Vec<(String, &'a Value)> {
        let Some(value) = self.value(at) else { return Vec::new() };
        let Some(list) = value.as_array() else {
            self.report(at, value, "a list");
            return Vec::new();
        };
        let items = list.iter().enumerate().map(|(index, item)| (format!("{at}/{index}"), item));
        let (maps, others): (Vec<_>, Vec<_>) = items.partition(|(_, item)| item.is_object());
        for (at, item) in others {
            self.report(&at, item, "a map");
        }
        maps
    }

    /// Reports listeners without a port: the load balancers would not have it.
    fn listeners(&mut self) {
        for (at, listener) in self.maps("/spec/listeners") {
            let port = &listener["port"];
            if !port.as_u64().is_some_and(|port| (1..=65_535).contains(&port)) {
                self.report(&format!("{at}/port"), port, "a number from 1 to 65535");
            }
        }
    }
}
