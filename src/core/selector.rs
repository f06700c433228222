//! Label selectors as Kubernetes writes them: `app=web,tier in (a, b),!canary`.

use serde_json::Value;

/// A selector, read; all of its requirements must hold.
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
    /// Holds, too, where there is no such key: as in Kubernetes.
    NotIn(Vec<String>),
    Exists,
    DoesNotExist,
}

impl Selector {
    /// Reads a selector; the error is a lower-case clause.
    pub fn read(text: &str) -> Result<Self, String> {
        requirements(text).into_iter().map(requirement).collect::<Result<_, _>>().map(Self)
    }

    /// Whether a map of labels or annotations is meant.
    pub fn matches(&self, map: &Value) -> bool {
        self.0.iter().all(|requirement| {
            let value = map.get(&requirement.key).and_then(Value::as_str);
            match &requirement.test {
                Test::In(values) => value.is_some_and(|value| values.iter().any(|known| known == value)),
                Test::NotIn(values) => value.is_none_or(|value| values.iter().all(|known| known != value)),
                Test::Exists => value.is_some(),
                Test::DoesNotExist => value.is_none(),
            }
        })
    }
}

/// The parts between the commas that stand in no parentheses.
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
        if is_key {
            Ok(Requirement { key: key.to_owned(), test })
        } else {
            Err(format!("`{part}` is no requirement"))
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
        _ => Err(format!("`{part}` is no requirement: expected `KEY in (...)` or `KEY notin (...)`")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn as_kubernetes_reads_them() {
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
    fn what_is_no_selector() {
        for text in ["", "a in b", "a within (b)", "a in (b", "a b", "=x", "app=web,"] {
            assert!(Selector::read(text).is_err(), "{text}");
        }
    }
}
