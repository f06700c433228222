//! The state of a pool's Gateway: its conditions, and the Service that a controller made for it.

use std::collections::HashMap;

use serde_json::Value;

use crate::core::gateway::{GATEWAY_GROUP, group_of, is_gateway};
use crate::core::live::LiveObject;
use crate::core::manifest::{Key, label};
use crate::core::render::POOL_LABEL;
use crate::core::status::address::{Address, AddressState, address_state};
use crate::core::status::drift::DriftSubject;
use crate::core::status::event::one_line;

/// The Services that controllers made, by their Gateway.
pub type MadeServices = HashMap<Key, LiveObject>;

/// A route that a Gateway does not serve.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusedRoute {
    /// The route.
    pub key: Key,
    /// What is wrong: a condition with its reason and message, and how many Gateways report it.
    pub why: String,
}

/// Whether an object of the directory is the Gateway of a pool.
pub fn is_pool_gateway(object: &Value) -> bool {
    is_gateway(object) && label(object, POOL_LABEL).is_some()
}

/// Returns the state of a Gateway. `made` is the Service that its controller made, if it was found.
pub(super) fn gateway_state(
    gateway: Option<&LiveObject>,
    made: Option<&LiveObject>,
    events: &[&LiveObject],
) -> AddressState {
    let Some(gateway) = gateway else { return AddressState::Absent };
    if gateway.is_being_deleted() {
        return AddressState::Leaving { addresses: addresses(gateway.value()) };
    }
    // The Service knows more: its events tell why it has no address.
    let of_service = made.map(|made| address_state(Some(made), events));
    match (of_service, refusal(gateway)) {
        (Some(state), _) if !state.is_ready() => state,
        (_, Some(why)) => AddressState::NotProgrammed { why },
        (Some(state), None) => state,
        (None, None) => {
            let addresses = addresses(gateway.value());
            if addresses.is_empty() {
                let why = "the Gateway has no address, and its Service was not found".to_owned();
                return AddressState::NotProgrammed { why };
            }
            AddressState::Ready { addresses }
        }
    }
}

/// Returns the addresses in the status of a Gateway.
pub fn addresses(gateway: &Value) -> Vec<Address> {
    let all = gateway["status"]["addresses"].as_array().into_iter().flatten();
    let one = |address: &Value| {
        let value = address["value"].as_str().filter(|value| !value.is_empty())?.to_owned();
        // The type is IPAddress unless it is stated.
        let is_host = address["type"] == "Hostname";
        Some(if is_host { Address::Hostname(value) } else { Address::Ip(value) })
    };
    all.filter_map(one).collect()
}

/// Returns why the controller does not serve a Gateway.
fn refusal(gateway: &LiveObject) -> Option<String> {
    let conditions = &gateway.field("status")["conditions"];
    for kind in ["Accepted", "Programmed"] {
        match condition(conditions, kind, gateway.generation()) {
            Some(found) if found["status"] == "True" => {}
            Some(found) => return Some(sentence(kind, found)),
            None => return Some(format!("no controller has set its condition {kind}")),
        }
    }
    None
}

/// Returns the condition of a type, unless it is about an older generation.
fn condition<'v>(conditions: &'v Value, kind: &str, generation: i64) -> Option<&'v Value> {
    let mut all = conditions.as_array().into_iter().flatten();
    let found = all.find(|condition| condition["type"] == kind)?;
    let observed = found["observedGeneration"].as_i64();
    observed.is_none_or(|observed| observed >= generation).then_some(found)
}

/// Returns a condition as a sentence: `Programmed=False AddressNotAssigned: no addresses`.
fn sentence(kind: &str, condition: &Value) -> String {
    let text = |field: &str| one_line(condition[field].as_str().unwrap_or_default());
    let (status, reason, message) = (text("status"), text("reason"), text("message"));
    let rest = if message.is_empty() { reason } else { format!("{reason}: {message}") };
    format!("{kind}={status} {rest}").trim_end().to_owned()
}

/// Returns the routes of the directory that a Gateway does not serve.
pub(super) fn refused_routes(subjects: &[DriftSubject]) -> Vec<RefusedRoute> {
    let routes = subjects.iter().filter(|subject| is_route(&subject.desired));
    let refused = |subject: &DriftSubject| {
        let live = subject.live.object()?;
        Some(RefusedRoute { key: subject.key(), why: route_problem(live)? })
    };
    routes.filter_map(refused).collect()
}

fn is_route(object: &Value) -> bool {
    group_of(object) == GATEWAY_GROUP && object["kind"].as_str().is_some_and(|kind| kind.ends_with("Route"))
}

/// Returns what is wrong with a route; the same problem at several Gateways is one.
fn route_problem(route: &LiveObject) -> Option<String> {
    let wanted = route.field("spec")["parentRefs"].as_array().map_or(0, Vec::len);
    let parents = route.field("status")["parents"].as_array().map_or(&[][..], Vec::as_slice);
    let mut found: Vec<(String, usize)> = Vec::new();
    for parent in parents {
        let of = |kind: &&str| {
            let condition = condition(&parent["conditions"], kind, route.generation())?;
            (condition["status"] == "False").then(|| sentence(kind, condition))
        };
        let Some(why) = ["Accepted", "ResolvedRefs"].iter().find_map(of) else { continue };
        match found.iter_mut().find(|(known, _)| *known == why) {
            Some((_, count)) => *count += 1,
            None => found.push((why, 1)),
        }
    }
    if found.is_empty() {
        let missing = wanted.checked_sub(parents.len()).filter(|missing| *missing > 0)?;
        return Some(format!("{missing} of its {wanted} Gateways have not reported it"));
    }
    let shown = found.iter().map(|(why, count)| match count {
        _ if wanted < 2 => why.clone(),
        count => format!("{why} ({count} of its {wanted} Gateways)"),
    });
    Some(shown.collect::<Vec<_>>().join("; "))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn gateway(conditions: &Value, addresses: &Value) -> LiveObject {
        LiveObject::sample(&json!({"apiVersion": "gateway.networking.k8s.io/v1", "kind": "Gateway",
            "metadata": {"name": "web-a", "namespace": "shop", "generation": 2},
            "status": {"conditions": conditions, "addresses": addresses}}))
    }

    fn service(ingress: &Value) -> LiveObject {
        LiveObject::sample(&json!({"apiVersion": "v1", "kind": "Service",
            "metadata": {"name": "envoy-web-a", "namespace": "infra"},
            "spec": {"type": "LoadBalancer"}, "status": {"loadBalancer": {"ingress": ingress}}}))
    }

    fn conditions(programmed: &str, reason: &str, generation: u64) -> Value {
        json!([{"type": "Accepted", "status": "True", "reason": "Accepted", "observedGeneration": generation},
            {"type": "Programmed", "status": programmed, "reason": reason, "message": "two\nlines",
             "observedGeneration": generation}])
    }

    #[test]
    fn a_gateway_is_ready_if_it_is_programmed_and_its_service_has_an_address() {
        let ip = json!([{"ip": "192.0.2.1"}]);
        let state = |conditions: &Value, made: Option<&LiveObject>| {
            let state =
                gateway_state(Some(&gateway(conditions, &json!([{"value": "192.0.2.9"}]))), made, &[]);
            format!("{} {}", state.word(), state.reason(0).unwrap_or_default())
        };
        let good = conditions("True", "Programmed", 2);
        assert_eq!(state(&good, Some(&service(&ip))), "ready ");
        assert_eq!(state(&good, None), "ready ");
        assert_eq!(state(&good, Some(&service(&json!([])))), "pending no event says why");
        let old = conditions("True", "Programmed", 1);
        assert_eq!(
            state(&old, Some(&service(&ip))),
            "not-programmed no controller has set its condition Accepted"
        );
        let bad = conditions("False", "NoResources", 2);
        assert_eq!(
            state(&bad, Some(&service(&ip))),
            "not-programmed Programmed=False NoResources: two lines"
        );
        assert_eq!(gateway_state(None, None, &[]).word(), "absent");
        let without = gateway_state(Some(&gateway(&good, &json!([]))), None, &[]);
        assert_eq!(without.word(), "not-programmed");
    }

    #[test]
    fn routes_name_the_condition_once() {
        let parent = |status: &str| {
            json!({"parentRef": {"name": "web-a"}, "conditions": [
                {"type": "Accepted", "status": status, "reason": "NoMatchingListenerHostname", "message": ""}]})
        };
        let why = |parents: Vec<Value>| {
            route_problem(&LiveObject::sample(&json!({"apiVersion": "gateway.networking.k8s.io/v1",
                "kind": "HTTPRoute", "metadata": {"name": "web"},
                "spec": {"parentRefs": [{"name": "web-a"}, {"name": "web-b"}]}, "status": {"parents": parents}})))
        };
        assert_eq!(why(vec![parent("True"), parent("True")]), None);
        assert_eq!(
            why(vec![parent("False"), parent("True")]).unwrap(),
            "Accepted=False NoMatchingListenerHostname (1 of its 2 Gateways)"
        );
        assert_eq!(why(vec![parent("True")]).unwrap(), "1 of its 2 Gateways have not reported it");
    }
}
