//! Label selectors in both Kubernetes forms: the text `app=web,tier in (a, b),!canary`, and the object.

use std::fmt;

use serde_json::Value;

use crate::core::kubernetes::name_rules::is_label_value;

/// A parsed selector; it matches if all of its requirements do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selector(Vec<Requirement>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Requirement {
    key: String,
    test: Test,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Test {
    In(Vec<String>),
    /// Also matches if the key is missing, as in Kubernetes.
    NotIn(Vec<String>),
    Exists,
    DoesNotExist,
}

impl Selector {
    /// Parses a selector; the error is a lower-case clause.
    pub fn read(text: &str) -> Result<Self, String> {
        requirements(text).into_iter().map(requirement).collect::<Result<_, _>>().map(Self)
    }

    /// Parses a `LabelSelector` object (`metav1.LabelSelector`). An object without requirements selects everything, as in
    /// Kubernetes. The error is a lower-case clause.
    pub fn read_object(object: &Value, keys: ObjectKeys) -> Result<Self, String> {
        let (labels, expressions) = keys.names();
        if !object.is_object() {
            return Err("it is not a LabelSelector object".to_owned());
        }
        let mut selector = Self::default();
        for (key, value) in object[labels].as_object().into_iter().flatten() {
            selector = selector.and_equals(key, &scalar(value)?);
        }
        for expression in object[expressions].as_array().into_iter().flatten() {
            let key = expression["key"].as_str().ok_or("an expression has no key")?.to_owned();
            let values = expression["values"].as_array().into_iter().flatten();
            let values: Vec<String> = values.map(scalar).collect::<Result<_, _>>()?;
            let test = match (expression["operator"].as_str(), values.is_empty()) {
                (Some("In"), false) => Test::In(values),
                (Some("NotIn"), false) => Test::NotIn(values),
                (Some("Exists"), true) => Test::Exists,
                (Some("DoesNotExist"), true) => Test::DoesNotExist,
                _ => return Err(format!("the expression for `{key}` is invalid")),
            };
            selector.0.push(Requirement { key, test });
        }
        Ok(selector)
    }

    /// Adds a requirement: the key has this value.
    #[must_use]
    pub fn and_equals(mut self, key: &str, value: &str) -> Self {
        self.0.push(Requirement { key: key.to_owned(), test: Test::In(vec![value.to_owned()]) });
        self
    }

    /// Adds a requirement: the key exists.
    #[must_use]
    pub fn and_exists(mut self, key: &str) -> Self {
        self.0.push(Requirement { key: key.to_owned(), test: Test::Exists });
        self
    }

    /// Returns whether it has no requirements.
    pub fn is_everything(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns whether it matches a map of labels or annotations.
    pub fn matches(&self, map: &Value) -> bool {
        self.matches_labels(|key| map.get(key).and_then(Value::as_str))
    }

    /// Returns whether it matches an object with these labels.
    pub fn matches_labels<'a>(&self, labels: impl Fn(&str) -> Option<&'a str>) -> bool {
        self.0.iter().all(|requirement| {
            let value = labels(&requirement.key);
            match &requirement.test {
                Test::In(values) => value.is_some_and(|value| values.iter().any(|known| known == value)),
                Test::NotIn(values) => value.is_none_or(|value| values.iter().all(|known| known != value)),
                Test::Exists => value.is_some(),
                Test::DoesNotExist => value.is_none(),
            }
        })
    }
}

/// The spelling of the fields in a `LabelSelector` object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ObjectKeys {
    /// `matchLabels` and `matchExpressions`, the JSON names in Kubernetes.
    CamelCase,
    /// `matchlabels` and `matchexpressions`, which go-yaml v2 expects for a Go type that has JSON names only.
    LowerCase,
}

impl ObjectKeys {
    fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::CamelCase => ("matchLabels", "matchExpressions"),
            Self::LowerCase => ("matchlabels", "matchexpressions"),
        }
    }
}

fn scalar(value: &Value) -> Result<String, String> {
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::Number(_) | Value::Bool(_) => Ok(value.to_string()),
        other => Err(format!("`{other}` is not a label value")),
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, Requirement { key, test }) in self.0.iter().enumerate() {
            f.write_str(if index == 0 { "" } else { "," })?;
            match test {
                Test::In(values) if values.len() == 1 => write!(f, "{key}={}", values[0])?,
                Test::In(values) => write!(f, "{key} in ({})", values.join(", "))?,
                Test::NotIn(values) => write!(f, "{key} notin ({})", values.join(", "))?,
                Test::Exists => f.write_str(key)?,
                Test::DoesNotExist => write!(f, "!{key}")?,
            }
        }
        Ok(())
    }
}

/// Splits a selector at the commas outside of parentheses.
fn requirements(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut start, mut depth) = (0, 0_u32);
    for (index, character) in text.char_indices() {
        match character {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                parts.push(&text[start..index]);
                start = index + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts
}

fn requirement(part: &str) -> Result<Requirement, String> {
    let part = part.trim();
    let make = |key: &str, test| {
        let key = key.trim();
        let is_key = !key.is_empty()
            && key.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'/'));
        if let Test::In(values) | Test::NotIn(values) = &test
            && let Some(wrong) = values.iter().find(|value| !is_label_value(value))
        {
            return Err(format!("`{wrong}` in `{part}` is not a valid label value"));
        }
        if is_key {
            Ok(Requirement { key: key.to_owned(), test })
        } else {
            Err(format!("`{part}` is not a valid requirement"))
        }
    };
    let one = |value: &str| vec![value.trim().to_owned()];
    if let Some(key) = part.strip_prefix('!') {
        return make(key, Test::DoesNotExist);
    }
    if let Some((key, value)) = part.split_once("!=") {
        return make(key, Test::NotIn(one(value)));
    }
    if let Some((key, value)) = part.split_once("==").or_else(|| part.split_once('=')) {
        return make(key, Test::In(one(value)));
    }
    let Some((head, list)) = part.split_once('(') else { return make(part, Test::Exists) };
    let Some(list) = list.trim_end().strip_suffix(')') else {
        return Err(format!("`{part}` has no closing parenthesis"));
    };
    let values = list.split(',').map(|value| value.trim().to_owned()).collect();
    match head.split_whitespace().collect::<Vec<_>>().as_slice() {
        [key, "in"] => make(key, Test::In(values)),
        [key, "notin"] => make(key, Test::NotIn(values)),
        _ => {
            Err(format!("`{part}` is not a valid requirement: expected `KEY in (...)` or `KEY notin (...)`"))
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn selectors_match_as_in_kubernetes() {
        let labels = json!({"app": "web", "tier": "a", "x.io/y": ""});
        for (text, expected) in [
            ("app=web", true),
            ("app == web , tier in (a, b)", true),
            ("tier notin (a,b)", false),
            ("zone notin (a)", true),
            ("zone!=a", true),
            ("app!=web", false),
            ("x.io/y", true),
            ("!x.io/y", false),
            ("!zone,app", true),
            ("zone", false),
            ("app=", false),
        ] {
            assert_eq!(Selector::read(text).unwrap().matches(&labels), expected, "{text}");
        }
    }

    #[test]
    fn objects_are_read_in_one_spelling() {
        let both = json!({"matchLabels": {"a": "1"}, "matchlabels": {"a": "2"},
            "matchExpressions": [{"key": "b", "operator": "In", "values": ["x", "y"]}]});
        let shown = |keys| Selector::read_object(&both, keys).unwrap().to_string();
        assert_eq!(shown(ObjectKeys::CamelCase), "a=1,b in (x, y)");
        assert_eq!(shown(ObjectKeys::LowerCase), "a=2");
        let camel_only = json!({"matchLabels": {"a": "1"}});
        assert!(Selector::read_object(&camel_only, ObjectKeys::LowerCase).unwrap().is_everything());
        for wrong in [
            json!("a=1"),
            json!({"matchExpressions": [{"key": "a", "operator": "In"}]}),
            json!({"matchExpressions": [{"operator": "Exists"}]}),
            json!({"matchLabels": {"a": {}}}),
        ] {
            assert!(Selector::read_object(&wrong, ObjectKeys::CamelCase).is_err(), "{wrong}");
        }
    }

    #[test]
    fn invalid_selectors_are_refused() {
        for text in [
            "",
            "a in b",
            "a within (b)",
            "a in (b",
            "a b",
            "=x",
            "app=web,",
            "app=we/b",
            "app in (a b, c)",
            "app!=-a",
        ] {
            assert!(Selector::read(text).is_err(), "{text}");
        }
    }
}
