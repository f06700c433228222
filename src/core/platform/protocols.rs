//! Which protocols the load balancers of a platform have.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::core::platform::service_rules::{Broken, Condition, Level};

/// The protocols of load balancers, for Services that meet conditions.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ProtocolRule {
    /// Applies only if all of these conditions hold. The first rule that applies is used.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub when: Vec<Condition>,
    /// The protocols that ports may have.
    pub has: Vec<Protocol>,
    /// Which protocols one Service may combine.
    #[serde(default)]
    pub together: Together,
    /// What the controller does with other ports: a lower-case clause.
    pub because: String,
    /// What to do; default: remove the port.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// The source of this fact.
    pub source: String,
}

/// A protocol of a port, as in `spec.ports[].protocol`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub enum Protocol {
    /// TCP, the default of Kubernetes.
    #[serde(rename = "TCP")]
    Tcp,
    /// UDP.
    #[serde(rename = "UDP")]
    Udp,
    /// SCTP.
    #[serde(rename = "SCTP")]
    Sctp,
}

/// Which protocols one Service may combine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Together {
    /// Any, also on one port number.
    #[default]
    Any,
    /// Any, but each port number has one protocol.
    OnOtherPorts,
    /// All ports have one protocol.
    Never,
}

const REMOVE: &str = "remove the port, or move it to a Service of another type";

impl Protocol {
    /// Returns the name in Kubernetes.
    pub fn name(self) -> &'static str {
        match self {
            Self::Tcp => "TCP",
            Self::Udp => "UDP",
            Self::Sctp => "SCTP",
        }
    }
}

/// Returns the ports of a Service that load balancers of the platform cannot have.
pub(super) fn wrong_ports<'a>(rules: &'a [ProtocolRule], service: &'a Value) -> Vec<Broken<'a>> {
    let applies = |rule: &&ProtocolRule| rule.when.iter().all(|condition| condition.holds(service));
    let Some(rule) = rules.iter().find(applies) else { return Vec::new() };
    let mut wrong = Vec::new();
    let mut seen: BTreeMap<u64, (usize, &str)> = BTreeMap::new();
    let ports = service["spec"]["ports"].as_array();
    for (index, port) in ports.into_iter().flatten().enumerate() {
        let given = port["protocol"].as_str().filter(|name| !name.is_empty());
        let name = given.unwrap_or("TCP");
        let field = if given.is_some() { "/protocol" } else { "" };
        let path = format!("/spec/ports/{index}{field}");
        let number = match rule.together {
            Together::Any => None,
            Together::OnOtherPorts => port["port"].as_u64(),
            Together::Never => Some(0),
        };
        let other = number.and_then(|number| match seen.get(&number) {
            Some((_, first)) if *first == name => None,
            Some(first) => Some(*first),
            None => {
                seen.insert(number, (index, name));
                None
            }
        });
        let sentence = if !rule.has.iter().any(|known| known.name() == name) {
            let has: Vec<&str> = rule.has.iter().map(|known| known.name()).collect();
            format!(
                "the protocol of `spec.ports[{index}]` is {name}, but load balancers of this platform have only {}: {}",
                has.join(" and "),
                rule.because
            )
        } else if let Some((first, protocol)) = other {
            let same = if rule.together == Together::Never { "" } else { " for the same port number" };
            format!(
                "the protocol of `spec.ports[{index}]` is {name}, but `spec.ports[{first}]` has {protocol}{same}: {}",
                rule.because
            )
        } else {
            continue;
        };
        let hint = rule.hint.as_deref().unwrap_or(REMOVE);
        wrong.push(Broken { path: Some(path), sentence, hint, level: Level::Error });
    }
    wrong
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn wrong(rules: &Value, ports: &Value) -> Vec<(String, String)> {
        let rules: Vec<ProtocolRule> = serde_json::from_value(rules.clone()).unwrap();
        let service = json!({"metadata": {"annotations": {"a": "1"}}, "spec": {"ports": ports}});
        let found = wrong_ports(&rules, &service);
        found.into_iter().map(|broken| (broken.path.unwrap(), broken.sentence)).collect()
    }

    #[test]
    fn ports_of_other_protocols_are_wrong() {
        let rules = json!([
            {"when": [{"path": "/metadata/annotations/a", "matches": "^2$"}], "has": ["UDP"], "because": "no", "source": "s"},
            {"has": ["TCP"], "because": "its controller skips the port", "source": "s"},
        ]);
        let found = wrong(
            &rules,
            &json!([{"port": 80}, {"port": 443, "protocol": "UDP"}, {"port": 5, "protocol": "SCTP"}]),
        );
        assert_eq!(found.len(), 2);
        assert_eq!(found[0].0, "/spec/ports/1/protocol");
        assert_eq!(
            found[0].1,
            "the protocol of `spec.ports[1]` is UDP, but load balancers of this platform have only TCP: its controller skips the port"
        );
        let udp = json!([{"has": ["UDP"], "because": "b", "source": "s"}]);
        // A port without a protocol has TCP.
        assert_eq!(wrong(&udp, &json!([{"port": 80}]))[0].0, "/spec/ports/0");
        assert_eq!(wrong(&json!([]), &json!([{"port": 80, "protocol": "SCTP"}])), []);
    }

    #[test]
    fn some_load_balancers_do_not_combine_protocols() {
        let of = |together: &str, ports: &Value| {
            wrong(
                &json!([{"has": ["TCP", "UDP"], "together": together, "because": "b", "source": "s"}]),
                ports,
            )
            .len()
        };
        let same = json!([{"port": 53}, {"port": 53, "protocol": "UDP"}]);
        let other = json!([{"port": 53}, {"port": 54, "protocol": "UDP"}]);
        assert_eq!((of("any", &same), of("any", &other)), (0, 0));
        assert_eq!((of("onOtherPorts", &same), of("onOtherPorts", &other)), (1, 0));
        assert_eq!((of("never", &same), of("never", &other)), (1, 1));
        assert_eq!(of("never", &json!([{"port": 1}, {"port": 2}])), 0);
    }
}
