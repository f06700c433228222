//! Selectors: what is written is read back, and they match as Kubernetes says.

use std::collections::BTreeMap;

use arbitrary::{Arbitrary, Unstructured};
use largescale::core::kubernetes::selector::{ObjectKeys, Selector};
use serde_json::{Value, json};

use super::checks::text;
use super::json::Json;

/// Any text.
pub fn texts(data: &[u8]) {
    let Some(text) = text(data) else { return };
    match Selector::read(text) {
        Err(reason) => assert!(!reason.is_empty()),
        Ok(selector) => {
            let _ = selector.matches(&json!({"a": "b", "app": "web"}));
            // Kubernetes refuses values with an operator in them.
            let is_simple = |part: &str| part.matches(['=', '!', '(', ')']).count() <= 1;
            if text.split(',').all(is_simple) {
                let shown = selector.to_string();
                assert_eq!(Selector::read(&shown), Ok(selector), "{shown}");
            }
        }
    }
}

#[derive(Arbitrary, Debug)]
struct Input {
    requirements: Vec<Requirement>,
    labels: Vec<(u8, u8)>,
    object: Json,
}

#[derive(Arbitrary, Debug)]
struct Requirement {
    key: u8,
    values: Vec<u8>,
    operator: Operator,
    spaces: bool,
}

#[derive(Arbitrary, Clone, Copy, Debug)]
enum Operator {
    Equals,
    DoubleEquals,
    NotEquals,
    In,
    NotIn,
    Exists,
    DoesNotExist,
}

fn key(index: u8) -> &'static str {
    ["a", "b", "in", "notin", "x.io/y", "A_b"][usize::from(index) % 6]
}

fn value(index: u8) -> &'static str {
    ["", "a", "b", "web", "1", "a-b_c.d"][usize::from(index) % 6]
}

/// Requirements and labels, compared with a model of Kubernetes.
pub fn fields(data: &[u8]) {
    let Ok(input) = Input::arbitrary_take_rest(Unstructured::new(data)) else { return };
    let labels: BTreeMap<&str, &str> = input.labels.iter().map(|(k, v)| (key(*k), value(*v))).collect();
    let requirements: Vec<_> = input.requirements.iter().take(6).collect();
    if !requirements.is_empty() {
        let texts: Vec<String> = requirements.iter().map(|one| one.text()).collect();
        let text = texts.join(",");
        let selector = Selector::read(&text).unwrap_or_else(|reason| panic!("{reason}: {text}"));
        let expected = requirements.iter().all(|one| one.matches(&labels));
        assert_eq!(selector.matches(&json!(labels)), expected, "{text} {labels:?}");
        assert_eq!(selector.matches_labels(|key| labels.get(key).copied()), expected);
        assert_eq!(Selector::read(&selector.to_string()).as_ref(), Ok(&selector), "{selector}");
        assert!(!selector.is_everything());
    }
    let expressions: Vec<Value> = requirements.iter().map(|one| one.expression()).collect();
    let object = json!({"matchExpressions": expressions, "matchlabels": {"a": "never"}});
    let selector = Selector::read_object(&object, ObjectKeys::CamelCase).expect("a valid LabelSelector");
    assert_eq!(
        selector.matches(&json!(labels)),
        requirements.iter().all(|one| one.matches(&labels)),
        "{object}"
    );
    for keys in [ObjectKeys::CamelCase, ObjectKeys::LowerCase] {
        let _ =
            Selector::read_object(&input.object.0, keys).map(|selector| selector.matches(&input.object.0));
    }
}

impl Requirement {
    /// Returns the values; an operator with one value uses the first.
    fn values(&self) -> Vec<&'static str> {
        let all: Vec<_> = self.values.iter().take(3).map(|index| value(*index)).collect();
        if all.is_empty() { vec![""] } else { all }
    }

    fn text(&self) -> String {
        let (key, values) = (key(self.key), self.values());
        let space = if self.spaces { " " } else { "" };
        let list = values.join(&format!("{space},{space}"));
        match self.operator {
            Operator::Equals => format!("{space}{key}{space}={space}{}", values[0]),
            Operator::DoubleEquals => format!("{key}{space}=={space}{}{space}", values[0]),
            Operator::NotEquals => format!("{key}{space}!={space}{}", values[0]),
            Operator::In => format!("{key} in{space}({list})"),
            Operator::NotIn => format!("{key} notin ({space}{list}{space}){space}"),
            Operator::Exists => format!("{space}{key}{space}"),
            Operator::DoesNotExist => format!("!{key}"),
        }
    }

    fn expression(&self) -> Value {
        let (key, values) = (key(self.key), self.values());
        match self.operator {
            Operator::Equals | Operator::DoubleEquals => {
                json!({"key": key, "operator": "In", "values": [values[0]]})
            }
            Operator::NotEquals => json!({"key": key, "operator": "NotIn", "values": [values[0]]}),
            Operator::In => json!({"key": key, "operator": "In", "values": values}),
            Operator::NotIn => json!({"key": key, "operator": "NotIn", "values": values}),
            Operator::Exists => json!({"key": key, "operator": "Exists"}),
            Operator::DoesNotExist => json!({"key": key, "operator": "DoesNotExist", "values": []}),
        }
    }

    fn matches(&self, labels: &BTreeMap<&str, &str>) -> bool {
        let found = labels.get(key(self.key)).copied();
        let values = self.values();
        match self.operator {
            Operator::Equals | Operator::DoubleEquals => found == Some(values[0]),
            Operator::NotEquals => found != Some(values[0]),
            Operator::In => found.is_some_and(|found| values.contains(&found)),
            Operator::NotIn => found.is_none_or(|found| !values.contains(&found)),
            Operator::Exists => found.is_some(),
            Operator::DoesNotExist => found.is_none(),
        }
    }
}
